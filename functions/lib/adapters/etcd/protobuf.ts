/**
 * The part of Protocol Buffers that etcd's few messages need (https://protobuf.dev/programming-guides/encoding/):
 * varints and length-delimited fields. Unknown fields are skipped, so that a newer etcd is understood.
 */

/** One field as read: a varint's value or a length-delimited field's bytes (a view, not a copy). */
export type Field = { readonly number: number; readonly varint: bigint } | { readonly number: number; readonly bytes: Uint8Array };

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;
const UINT64_MAX = 0xffff_ffff_ffff_ffffn;

/** What can be written: a number or bigint (varint), text or bytes (length-delimited), true (1). Zero values are left out. */
export type Value = number | bigint | boolean | string | Uint8Array;

/** Writes fields in the given order; values equal to the proto3 default are left out. @throws RangeError for a negative number */
export function encode(fields: readonly (readonly [number: number, value: Value])[]): Uint8Array {
  const out: number[] = [];
  for (const [number, value] of fields) {
    if (typeof value === 'string' || value instanceof Uint8Array) writeBytes(out, number, value);
    else writeVarintField(out, number, BigInt(value));
  }
  return Uint8Array.from(out);
}

/** The fields of a message in order. @throws RangeError when the bytes are no message */
export function* decode(message: Uint8Array): Generator<Field> {
  let offset = 0;
  while (offset < message.length) {
    const tag = readVarint(message, offset);
    const number = Number(tag.value >> 3n);
    if (number === 0) throw new RangeError('protobuf: field number 0');
    const kind = Number(tag.value & 7n);
    if (kind === VARINT) {
      const read = readVarint(message, tag.end);
      yield { number, varint: read.value };
      offset = read.end;
    } else {
      const { start, end } = extent(message, tag.end, kind);
      if (kind === LENGTH_DELIMITED) yield { number, bytes: message.subarray(start, end) };
      offset = end;
    }
  }
}

function extent(message: Uint8Array, offset: number, kind: number): { start: number; end: number } {
  if (kind === FIXED64) return checked(message, offset, 8n);
  if (kind === FIXED32) return checked(message, offset, 4n);
  if (kind !== LENGTH_DELIMITED) throw new RangeError(`protobuf: wire type ${kind}`);
  const length = readVarint(message, offset);
  return checked(message, length.end, length.value);
}

function checked(message: Uint8Array, start: number, length: bigint): { start: number; end: number } {
  if (length > BigInt(message.length - start)) throw new RangeError('protobuf: a field is longer than its message');
  return { start, end: start + Number(length) };
}

function readVarint(message: Uint8Array, offset: number): { value: bigint; end: number } {
  let value = 0n;
  for (let index = 0; index < 10; index += 1) {
    const byte = message[offset + index];
    if (byte === undefined) throw new RangeError('protobuf: the message ends inside a varint');
    value |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if (byte < 0x80) return { value: value & UINT64_MAX, end: offset + index + 1 };
  }
  throw new RangeError('protobuf: a varint of more than 10 bytes');
}

function writeVarintField(out: number[], number: number, value: bigint): void {
  if (value < 0n || value > UINT64_MAX) throw new RangeError(`protobuf: ${value} is not an unsigned 64-bit number`);
  if (value === 0n) return;
  writeVarint(out, (BigInt(number) << 3n) | BigInt(VARINT));
  writeVarint(out, value);
}

function writeBytes(out: number[], number: number, value: string | Uint8Array): void {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  if (bytes.length === 0) return;
  writeVarint(out, (BigInt(number) << 3n) | BigInt(LENGTH_DELIMITED));
  writeVarint(out, BigInt(bytes.length));
  for (const byte of bytes) out.push(byte);
}

function writeVarint(out: number[], value: bigint): void {
  let rest = value;
  while (rest > 0x7fn) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
}
