import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScratch } from '#adapters/files/scratch.ts';
import { COMPACTION_SECONDS } from '#domain/hash-proof.ts';
import { ClusterUnreachableError } from '#model/errors.ts';
import { proveHash } from '../../../functions/etcd/prove-hash.ts';
import { takeSnapshot } from '../../../functions/etcd/take-snapshot.ts';
import { buildSnapshot } from '../../support/bbolt.ts';
import { CLUSTER } from '../../support/cluster-ref.ts';
import { createFakeBlobs, type FakeBlobs } from '../../support/fakes/blobs.ts';
import { createFakeEtcd, databaseOf, type FakeEtcd, memberStatus } from '../../support/fakes/etcd.ts';

const NOW = new Date('2026-01-05T08:00:00Z');
const SCHEDULED = { execution: 'scheduled-alpha-1-7-0' };
const [A, B, C] = ['a', 'b', 'c'].map((name) => `https://${name}.example:2379`) as [string, string, string];

let root: string;
let etcd: FakeEtcd;
let blobs: FakeBlobs;
const ports = () => ({ etcd: async () => etcd, blobs, scratch: createScratch(root), clock: { now: () => NOW } });

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-hash-'));
  etcd = createFakeEtcd(['a', 'b', 'c']);
  blobs = createFakeBlobs();
});
afterEach(() => {
  const left = readdirSync(root);
  rmSync(root, { recursive: true });
  expect(left).toEqual([]);
});

type Taken = Awaited<ReturnType<typeof takeSnapshot.run>>;
type Output = Awaited<ReturnType<typeof proveHash.run>>;

async function take(): Promise<Taken> {
  return takeSnapshot.run({ cluster: CLUSTER, checkMembers: { endpoint: B } }, ports(), SCHEDULED);
}

function compareStored(taken: Taken, drill = true): Promise<Output> {
  const input = { cluster: CLUSTER, checkMembers: { endpoint: B }, takeSnapshot: taken, drill };
  return proveHash.run(proveHash.input.parse(input), ports(), SCHEDULED);
}

describe('take-snapshot of a scheduled backup', () => {
  it('leaves L3 to what is recorded, and makes no member compute', async () => {
    const taken = await take();

    expect(taken.content).toMatchObject([{ layer: 'L2', verdict: 'holds' }]);
    expect(taken).toMatchObject({ compactionSeconds: COMPACTION_SECONDS, revision: 100 });
    expect(etcd.hashed).toEqual([]);
    expect(takeSnapshot.output.parse(taken)).toEqual(taken);
  });

  it('asks at once where nothing was ever compacted', async () => {
    etcd.snapshotFile = buildSnapshot({ records: [{ main: 100, key: '/registry/pods/ns/pod', value: 'x' }] });

    const taken = await take();

    expect(taken.content.map(({ layer, verdict }) => [layer, verdict])).toEqual([
      ['L2', 'holds'],
      ['L3', 'holds'],
    ]);
    expect(taken.hashProof).toMatchObject({ by: 'computed', revision: 100 });
    expect(taken.compactionSeconds).toBeUndefined();
  });

  it('awaits nothing of a file that is older than its member was', async () => {
    etcd.members = etcd.members.map((member) => ({ ...member, revision: 101 }));

    const taken = await take();

    expect(taken.content[1]).toMatchObject({ layer: 'L3', verdict: 'fails' });
    expect(taken.compactionSeconds).toBeUndefined();
  });
});

describe('prove-hash', () => {
  it('compares what every member recorded at the compaction after the file: nobody computes', async () => {
    const taken = await take();
    etcd.compact(95);

    const output = await compareStored(taken);

    expect(output.verdicts).toMatchObject([{ layer: 'L3', verdict: 'holds' }]);
    expect(output.verdicts[0]?.reason).toMatch(
      /^key-value hash \d+ at revision 95, equal to that of 3 members \(recorded at its compaction; what changed in the 5 after it, to 100, is not compared\)$/,
    );
    expect(output.hashProof).toEqual({ by: 'recorded', revision: 95, why: 'by schedule: no member computes for it' });
    expect(etcd.hashed).toEqual([B, C, A]);
    expect(etcd.computed).toEqual([]);
    expect(proveHash.output.parse(output)).toEqual(output);
  });

  it('tells L4 too where no drill follows that would', async () => {
    const taken = await take();
    etcd.compact(95);

    const output = await compareStored(taken, false);

    expect(output.verdicts).toMatchObject([
      { layer: 'L3', verdict: 'holds' },
      { layer: 'L4', verdict: 'holds', reason: `${taken.bytes} bytes read back, SHA-256 equal` },
    ]);
  });

  it('finds the right one of several compactions', async () => {
    const taken = await take();
    etcd.compact(90);
    etcd.compact(95);

    const output = await compareStored(taken);

    expect(output.hashProof).toMatchObject({ by: 'recorded', revision: 90 });
    expect(output.verdicts).toMatchObject([{ verdict: 'holds' }]);
    expect(etcd.computed).toEqual([]);
  });

  it('fails L3 when one member recorded something else, and names it', async () => {
    const taken = await take();
    etcd.databases.set(A, databaseOf('y'));
    etcd.compact(95);

    const output = await compareStored(taken);

    expect(output.verdicts).toMatchObject([{ layer: 'L3', verdict: 'fails' }]);
    expect(output.verdicts[0]?.reason).toContain('a has');
  });

  it('does not see what differs after the compaction, and says up to where it compared', async () => {
    const taken = await take();
    const records = Array.from({ length: 20 }, (_, index) => ({
      ...{ main: 81 + index, key: `/registry/pods/ns/pod-${index}` },
      value: index === 19 ? 'other' : 'x',
    }));
    for (const endpoint of [A, B, C]) etcd.databases.set(endpoint, buildSnapshot({ records, scheduledCompact: 85 }));
    etcd.compact(99);

    const output = await compareStored(taken);

    expect(output.verdicts).toMatchObject([{ verdict: 'holds' }]);
    expect(output.hashProof).toMatchObject({ by: 'recorded', revision: 99 });
    expect(output.verdicts[0]?.reason).toContain('what changed in the 1 after it, to 100, is not compared');
  });

  it('makes followers compute all of it when the member has recorded nothing, and not the leader', async () => {
    const taken = await take();
    etcd.compact(95);
    etcd.restart(B);

    const output = await compareStored(taken);

    expect(output.verdicts).toMatchObject([{ verdict: 'holds' }]);
    expect(output.hashProof).toMatchObject({ by: 'computed', revision: 100 });
    expect(output.hashProof?.why).toContain('b: it recorded none at its compaction at 95');
    expect(etcd.computed).not.toContain(A);
  });

  it('does not ask the leader when another follower had to compute', async () => {
    const taken = await take();
    etcd.compact(95);
    etcd.restart(C);

    const output = await compareStored(taken);

    expect(output.verdicts).toMatchObject([{ verdict: 'holds' }]);
    expect(output.verdicts[0]?.reason).toContain('equal to that of 2 members');
    expect(output.verdicts[0]?.reason).toContain('a leads and was not asked');
    expect(etcd.computed).toEqual([C]);
  });

  it('makes followers compute when no compaction comes', async () => {
    const taken = await take();

    const output = await compareStored(taken);

    expect(output.hashProof).toMatchObject({ by: 'computed', revision: 100 });
    expect(output.hashProof?.why).toContain("no member was compacted again after the file's compaction at 85");
    expect(output.verdicts).toMatchObject([{ verdict: 'holds' }]);
    expect(etcd.computed).toEqual([B, C]);
  });

  it('proves nothing when members were compacted beyond the file', async () => {
    etcd.members = [memberStatus({ name: 'b', leader: true, leaderId: 'id-b' })];
    const taken = await take();
    const records = Array.from({ length: 30 }, (_, index) => ({ main: 81 + index, key: `/registry/pods/ns/pod-${index}`, value: 'x' }));
    etcd.databases.set(B, buildSnapshot({ records, scheduledCompact: 85 }));
    etcd.compact(110);

    const output = await compareStored(taken);

    expect(output.verdicts).toMatchObject([{ layer: 'L3', verdict: 'not-run' }]);
    expect(output.hashProof).toBeUndefined();
    expect(etcd.computed).toEqual([]);
  });

  it('proves nothing when the bucket no longer holds what was taken', async () => {
    const taken = await take();
    blobs.stored.set(taken.key, Buffer.from('other'));
    etcd.compact(95);

    const output = await compareStored(taken, false);

    expect(output.verdicts).toMatchObject([
      { layer: 'L3', verdict: 'not-run' },
      { layer: 'L4', verdict: 'fails' },
    ]);
    expect(output.hashProof).toBeUndefined();
  });

  it('leaves a member that does not answer to a retry', async () => {
    const taken = await take();
    etcd.down = true;

    await expect(compareStored(taken)).rejects.toBeInstanceOf(ClusterUnreachableError);
  });
});
