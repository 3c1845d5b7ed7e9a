import { decode } from './protobuf.ts';

/** What every answer of etcd begins with. 64-bit ids are hexadecimal text, as etcdctl prints them. */
export interface Header {
  readonly clusterId: string;
  readonly memberId: string;
  readonly revision: number;
}

/** Fields of a message by number; the last one counts, as proto3 says. */
export function read(message: Uint8Array) {
  const varints = new Map<number, bigint>();
  const delimited = new Map<number, Uint8Array[]>();
  for (const field of decode(message)) {
    if ('varint' in field) {
      varints.set(field.number, field.varint);
      continue;
    }
    const known = delimited.get(field.number);
    if (known === undefined) delimited.set(field.number, [field.bytes]);
    else known.push(field.bytes);
  }
  const all = (number: number): readonly Uint8Array[] => delimited.get(number) ?? [];
  const bytes = (number: number): Uint8Array | undefined => all(number).at(-1);
  const id = (number: number): string => (varints.get(number) ?? 0n).toString(16);
  return {
    all,
    bytes,
    id,
    text: (number: number): string => textOf(bytes(number)),
    texts: (number: number): string[] => all(number).map(textOf),
    number: (number: number): number => safe(varints.get(number) ?? 0n),
    header: (): Header => headerOf(bytes(1)),
  };
}

function headerOf(message: Uint8Array | undefined): Header {
  const fields = read(message ?? new Uint8Array());
  return { clusterId: fields.id(1), memberId: fields.id(2), revision: fields.number(3) };
}

function textOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}

/** An int64; etcd says -1 for the compaction revision of a store that was never compacted. */
function safe(value: bigint): number {
  const signed = Number(BigInt.asIntN(64, value));
  if (!Number.isSafeInteger(signed)) throw new RangeError(`protobuf: ${value} is beyond exact numbers`);
  return signed;
}
