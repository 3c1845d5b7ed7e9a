import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callOnce } from '#adapters/etcd/connection.ts';
import { encode } from '#adapters/etcd/protobuf.ts';
import { createScratch } from '#adapters/files/scratch.ts';
import { COMPACTION_SECONDS } from '#domain/hash-proof.ts';
import type { Etcd, MemberStatus } from '#ports/etcd.ts';
import { checkMembers } from '../../functions/etcd/check-members.ts';
import { proveHash } from '../../functions/etcd/prove-hash.ts';
import { takeSnapshot } from '../../functions/etcd/take-snapshot.ts';
import { sealed } from '../support/bbolt.ts';
import { CLUSTER } from '../support/cluster-ref.ts';
import { type EtcdCluster, startEtcdCluster, type Zone } from '../support/etcd-cluster.ts';
import { put } from '../support/etcd-load.ts';
import { createFakeBlobs } from '../support/fakes/blobs.ts';

const SCHEDULED = { execution: 'scheduled-members-7-0' };
const CHANGE = { execution: 'b-update-1' };
const ZONES: readonly Zone[] = ['a', 'b', 'c'];

let cluster: EtcdCluster;
const root = mkdtempSync(join(tmpdir(), 'sl-recorded-'));
const blobs = createFakeBlobs();
const ports = (etcd: Etcd) => ({ etcd: async () => etcd, blobs, scratch: createScratch(root), clock: { now: () => new Date() } });

beforeAll(async () => {
  cluster = await startEtcdCluster('127.83.0.0/16');
  for (let pod = 0; pod < 50; pod += 1) await write(`pod-${pod % 20}`, `first-${pod}`);
  await compact(await newest());
});
afterAll(async () => {
  await cluster?.stop();
  rmSync(root, { recursive: true });
});

describe('L3 of three real members by what they recorded', () => {
  it('holds for all three, and none of them computes a hash', async () => {
    const { from, taken, endpoint } = await scheduled('quiet');
    const before = await computations();

    await compact(from);
    const output = await compareStored(taken, endpoint);

    expect(output.verdicts).toMatchObject([
      { layer: 'L3', verdict: 'holds' },
      { layer: 'L4', verdict: 'holds' },
    ]);
    expect(output.verdicts[0]?.reason).toContain('equal to that of 3 members (recorded at its compaction; what changed in the 3 after it');
    expect(output.hashProof).toMatchObject({ by: 'recorded', revision: from });
    expect(await computations()).toEqual(before);
    // The counter counts: a hash that was never recorded is one more.
    await cluster.etcd.keyValueHash(endpoint, 0);
    expect(sum(await computations())).toBe(sum(before) + 1);
  });

  it('fails for a file that was altered below the compaction, and a backup before a change fails for either', async () => {
    const low = await scheduled('altered-low', 'low-altered-low');
    await compact(low.from);
    const output = await compareStored(low.taken, low.endpoint);

    expect(output.verdicts[0]).toMatchObject({ layer: 'L3', verdict: 'fails' });
    for (const marker of ['low-altered-next', 'high-altered-next']) {
      const { taken } = await snapshotOf('altered-next', marker, CHANGE);
      expect(taken.content).toMatchObject([
        { layer: 'L2', verdict: 'holds' },
        { layer: 'L3', verdict: 'fails' },
      ]);
    }
  });

  it('does not see what was altered after the compaction, and says that it was not compared', async () => {
    const { from, taken, endpoint } = await scheduled('altered-high', 'high-altered-high');

    await compact(from);
    const output = await compareStored(taken, endpoint);

    expect(output.verdicts[0]).toMatchObject({ layer: 'L3', verdict: 'holds' });
    expect(output.hashProof?.revision).toBeLessThan(taken.revision);
  });

  it('makes followers compute all of it when the member was started since', async () => {
    const { from, taken, endpoint } = await scheduled('restarted');
    await compact(from);

    await restart(endpoint);
    const output = await compareStored(taken, endpoint);

    expect(output.verdicts[0]).toMatchObject({ layer: 'L3', verdict: 'holds' });
    expect(output.hashProof).toMatchObject({ by: 'computed', revision: taken.revision });
    expect(output.hashProof?.why).toContain(`recorded none at its compaction at ${from}`);
  });

  it('finds damage after the compaction too when it must be computed', async () => {
    const { from, taken, endpoint } = await scheduled('restarted-high', 'high-restarted-high');
    await compact(from);

    await restart(endpoint);
    const output = await compareStored(taken, endpoint);

    expect(output.verdicts[0]).toMatchObject({ layer: 'L3', verdict: 'fails' });
    expect(output.hashProof).toMatchObject({ by: 'computed' });
  });
});

/** A member that was started anew has recorded nothing. */
async function restart(endpoint: string): Promise<void> {
  const zone = ZONES.find((one) => cluster.endpoint(one) === endpoint) ?? 'a';
  await cluster.end(zone);
  cluster.start(zone);
  await cluster.settled();
}

/** A scheduled backup's snapshot with changes before and after `from`, at which the next compaction is to be. */
async function scheduled(name: string, altered?: string) {
  const found = await snapshotOf(name, altered, SCHEDULED);
  expect(found.taken).toMatchObject({ compactionSeconds: COMPACTION_SECONDS, content: [{ layer: 'L2', verdict: 'holds' }] });
  return found;
}

async function snapshotOf(name: string, altered: string | undefined, context: { execution: string }) {
  await write(`low-${name}`, `low-${name}`);
  await write('pod-1', `again-${name}`);
  const from = await newest();
  await write(`high-${name}`, `high-${name}`);
  await write('pod-1', `once-more-${name}`);
  await write('pod-2', `later-${name}`);
  const etcd = altered === undefined ? cluster.etcd : alters(altered);
  const { endpoint } = await checkMembers.run({ cluster: CLUSTER }, ports(etcd), context);
  await caughtUp();
  const taken = await takeSnapshot.run({ cluster: CLUSTER, checkMembers: { endpoint } }, ports(etcd), context);
  return { from, taken, endpoint };
}

/** A member whose disk changed one letter of a value, in pages that are sound and under a trailer that fits. */
function alters(value: string): Etcd {
  return {
    ...cluster.etcd,
    async *snapshot(endpoint) {
      const parts: Uint8Array[] = [];
      for await (const { bytes } of cluster.etcd.snapshot(endpoint)) parts.push(bytes);
      const file = Buffer.concat(parts);
      const body = Buffer.from(file.subarray(0, -32));
      // The value follows the key in its record, so the last one of the two.
      const places = placesOf(body, value);
      expect(places.length).toBeGreaterThanOrEqual(2);
      for (const place of places) body[place] = 'L'.charCodeAt(0);
      yield { bytes: sealed(body), version: '3.6.0' };
    },
  };
}

function placesOf(body: Buffer, text: string): number[] {
  const places: number[] = [];
  for (let place = body.indexOf(text); place !== -1; place = body.indexOf(text, place + 1)) places.push(place);
  return places;
}

function compareStored(taken: Awaited<ReturnType<typeof takeSnapshot.run>>, endpoint: string) {
  const input = proveHash.input.parse({ cluster: CLUSTER, checkMembers: { endpoint }, takeSnapshot: taken, drill: false });
  return proveHash.run(input, ports(cluster.etcd), SCHEDULED);
}

function write(key: string, value: string): Promise<void> {
  return put(cluster.endpoint('a'), cluster.identity, `/registry/pods/default/${key}`, value);
}

async function newest(): Promise<number> {
  const members = await cluster.etcd.status();
  return Math.max(...members.map(({ revision }) => revision));
}

async function caughtUp(): Promise<MemberStatus[]> {
  for (;;) {
    const members = await cluster.settled();
    if (new Set(members.map(({ revision }) => revision)).size === 1) return members;
  }
}

/** Done by each member once this is over: one that is told again answers behind the compaction that is under way. */
async function compact(revision: number): Promise<void> {
  const fields = encode([
    [1, revision],
    [2, true],
  ]);
  const method = { path: '/etcdserverpb.KV/Compact', encode: () => fields, decode: () => undefined };
  const [first, ...others] = ZONES.map(
    (zone) => () => callOnce({ url: cluster.endpoint(zone), identity: cluster.identity }, method, undefined, 20_000),
  );
  await first?.();
  for (const again of others) await expect(again()).rejects.toThrow('compacted');
}

/** How many hashes each member has computed since it was started. */
function computations(): Promise<number[]> {
  return Promise.all(
    ZONES.map(async (zone) => {
      const count = /^etcd_debugging_mvcc_hash_rev_duration_seconds_count (\d+)$|^etcd_mvcc_hash_rev_duration_seconds_count (\d+)$/m.exec(
        await textOf(`${cluster.endpoint(zone)}/metrics`),
      );
      if (count === null) throw new Error('etcd does not count the hashes that it computes');
      return Number(count[1] ?? count[2]);
    }),
  );
}

function textOf(url: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  get(url, cluster.identity, (answer) => {
    const parts: Buffer[] = [];
    answer.on('data', (part: Buffer) => parts.push(part));
    answer.on('end', () => resolve(Buffer.concat(parts).toString()));
    answer.on('error', reject);
  }).on('error', reject);
  return promise;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
