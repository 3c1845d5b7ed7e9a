import { callOnce } from '#adapters/etcd/connection.ts';
import type { Method } from '#adapters/etcd/messages.ts';
import { decode, encode } from '#adapters/etcd/protobuf.ts';
import type { ClientIdentity } from '#model/identity.ts';

const PREFIX = '/sluice-load/';
const CALL_MILLISECONDS = 3000;

const PUT: Method<{ key: string; value: string }, true> = {
  path: '/etcdserverpb.KV/Put',
  encode: ({ key, value }) =>
    encode([
      [1, key],
      [2, value],
    ]),
  decode: () => true,
};

/** All keys below the prefix, to their values, read through a quorum. */
const RANGE: Method<{ prefix: string }, Map<string, string>> = {
  path: '/etcdserverpb.KV/Range',
  encode: ({ prefix }) =>
    encode([
      [1, prefix],
      [2, `${prefix.slice(0, -1)}0`],
    ]),
  decode: (message) => {
    const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
    const pairs = fields(message, 2).map((kv) => [text(fields(kv, 1)[0]), text(fields(kv, 5)[0])] as const);
    return new Map(pairs);
  },
};

const ALARM: Method<{ action: 1 | 2; member: string }, true> = {
  path: '/etcdserverpb.Maintenance/Alarm',
  encode: ({ action, member }) =>
    encode([
      [1, action],
      [2, BigInt(`0x${member}`)],
      [3, 1],
    ]),
  decode: () => true,
};

function fields(message: Uint8Array, number: number): Uint8Array[] {
  return [...decode(message)].flatMap((field) => (field.number === number && 'bytes' in field ? [field.bytes] : []));
}

/** Raises (or takes back) the alarm that a member is out of space. */
export async function setNoSpace(endpoint: string, identity: ClientIdentity, member: string, on: boolean): Promise<void> {
  await callOnce({ url: endpoint, identity }, ALARM, { action: on ? 1 : 2, member }, CALL_MILLISECONDS);
}

export async function put(endpoint: string, identity: ClientIdentity, key: string, value: string): Promise<void> {
  await callOnce({ url: endpoint, identity }, PUT, { key, value }, CALL_MILLISECONDS);
}

export interface Writer {
  /** Writes that etcd confirmed so far. */
  readonly acknowledged: ReadonlyMap<string, string>;
  /** Those that it did not: they may be there or not. */
  refused(): number;
  /** Ends it; answers the confirmed writes that are not there, read through a quorum. */
  stop(): Promise<{ lost: string[] }>;
}

/** Puts one key after another, each to the next member in turn, as fast as members answer. */
export function startWriter(endpoints: readonly string[], identity: ClientIdentity): Writer {
  const acknowledged = new Map<string, string>();
  let refused = 0;
  let stopped = false;
  const running = (async () => {
    for (let count = 0; !stopped; count += 1) {
      const key = `${PREFIX}${count}`;
      const value = `value-${count}`;
      const endpoint = endpoints[count % endpoints.length] ?? '';
      await put(endpoint, identity, key, value).then(
        () => acknowledged.set(key, value),
        () => {
          refused += 1;
        },
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return {
    acknowledged,
    refused: () => refused,
    async stop() {
      stopped = true;
      await running;
      const found = await Promise.any(endpoints.map((url) => callOnce({ url, identity }, RANGE, { prefix: PREFIX }, CALL_MILLISECONDS)));
      return { lost: [...acknowledged].filter(([key, value]) => found.get(key) !== value).map(([key]) => key) };
    },
  };
}
