import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScratch } from '#adapters/files/scratch.ts';
import { BackupNotProvenError, ClusterUnreachableError, TransientError } from '#model/errors.ts';
import { checkMembers } from '../../../functions/etcd/check-members.ts';
import { takeSnapshot } from '../../../functions/etcd/take-snapshot.ts';
import { buildSnapshot, PAGE, sealed } from '../../support/bbolt.ts';
import { CLUSTER } from '../../support/cluster-ref.ts';
import { createFakeBlobs, type FakeBlobs } from '../../support/fakes/blobs.ts';
import { createFakeEtcd, databaseOf, type FakeEtcd, memberStatus } from '../../support/fakes/etcd.ts';

const CONTEXT = { execution: 'backup-1' };
const NOW = new Date('2026-01-05T08:00:00Z');

let root: string;
let etcd: FakeEtcd;
let blobs: FakeBlobs;
const ports = () => ({ etcd: async () => etcd, blobs, scratch: createScratch(root), clock: { now: () => NOW } });

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-backup-'));
  etcd = createFakeEtcd();
  blobs = createFakeBlobs();
});
afterEach(() => {
  const left = readdirSync(root);
  rmSync(root, { recursive: true });
  expect(left).toEqual([]);
});

describe('check-members', () => {
  it('holds L0 when all are healthy, and picks a follower', async () => {
    etcd = createFakeEtcd(['a', 'b', 'c']);

    const output = await checkMembers.run({ cluster: CLUSTER }, ports(), CONTEXT);

    expect(output).toMatchObject({
      healthy: true,
      member: 'b',
      members: 3,
      list: ['a', 'b', 'c'].map((name) => ({ name, id: etcd.members.find((member) => member.name === name)?.memberId, version: '3.6.16' })),
      version: '3.6.16',
      revision: 100,
      verdict: { layer: 'L0', verdict: 'holds' },
    });
  });

  it('names who is not healthy and why', async () => {
    etcd = createFakeEtcd(['a', 'b', 'c']);
    etcd.members[2] = memberStatus({ name: 'c', healthy: false, reason: 'no answer within 5 s' });

    const run = checkMembers.run({ cluster: CLUSTER }, ports(), CONTEXT);

    await expect(run).rejects.toBeInstanceOf(BackupNotProvenError);
    await expect(run).rejects.toThrow('c (https://c.example:2379): no answer within 5 s');
  });

  it('leaves a cluster that does not answer to a retry', async () => {
    etcd.down = true;

    await expect(checkMembers.run({ cluster: CLUSTER }, ports(), CONTEXT)).rejects.toBeInstanceOf(ClusterUnreachableError);
  });
});

describe('take-snapshot', () => {
  const input = { cluster: CLUSTER, checkMembers: { endpoint: 'https://a.example:2379' } };

  it('stores what etcd streamed under a name of time and content', async () => {
    const output = await takeSnapshot.run(input, ports(), CONTEXT);

    expect(output).toMatchObject({ bytes: etcd.snapshotFile.length, etcdVersion: '3.6.0', bracket: { from: 100, to: 100 } });
    expect(output.id).toBe(`20260105T080000Z-${output.sha256.slice(0, 12)}`);
    expect(output.key).toBe(`backups/alpha-1/${output.id}/snapshot.db`);
    expect(blobs.stored.get(output.key)).toEqual(Buffer.from(etcd.snapshotFile));
  });

  it.each([
    ['is cut off', (file: Uint8Array) => file.subarray(0, file.length - 512)],
    ['is cut off inside a page', (file: Uint8Array) => file.subarray(0, file.length - 7)],
    ['has one bit flipped', (file: Uint8Array) => file.map((byte, index) => (index === 1234 ? byte ^ 1 : byte))],
    ['is empty', () => new Uint8Array()],
  ])('stores nothing when the stream %s', async (_, damage) => {
    etcd.snapshotFile = damage(etcd.snapshotFile);

    await expect(takeSnapshot.run(input, ports(), CONTEXT)).rejects.toBeInstanceOf(BackupNotProvenError);
    expect(blobs.stored.size).toBe(0);
  });

  it('holds L2 and L3 when each follower has the hash of the file, and asks no leader', async () => {
    etcd = createFakeEtcd(['a', 'b', 'c']);

    const output = await takeSnapshot.run({ ...input, checkMembers: { endpoint: 'https://b.example:2379' } }, ports(), CONTEXT);

    expect(output).toMatchObject({
      revision: 100,
      content: [
        { layer: 'L2', verdict: 'holds' },
        { layer: 'L3', verdict: 'holds' },
      ],
    });
    expect(output.file.usedBytes).toBeGreaterThan(0);
    expect(output.file.usedBytes).toBeLessThanOrEqual(output.bytes);
    expect(output.content[1]?.reason).toMatch(
      /^key-value hash \d+ at revision 100, equal to that of 2 members \(by HashKV, the leader is not asked\)$/,
    );
    expect(etcd.hashed).toEqual(['https://b.example:2379', 'https://c.example:2379']);
  });

  it('fails L3 when a follower holds something else, and names it', async () => {
    etcd = createFakeEtcd(['a', 'b', 'c']);
    etcd.databases.set('https://c.example:2379', databaseOf('y'));

    const output = await takeSnapshot.run({ ...input, checkMembers: { endpoint: 'https://b.example:2379' } }, ports(), CONTEXT);

    expect(output.content[1]).toMatchObject({ layer: 'L3', verdict: 'fails' });
    expect(output.content[1]?.reason).toContain('c has');
  });

  it('compares by the rule of a member that was compacted since', async () => {
    const records = Array.from({ length: 20 }, (_, index) => ({ main: 81 + index, key: `/registry/pods/ns/pod-${index % 5}`, value: 'x' }));
    etcd.snapshotFile = buildSnapshot({ records });
    const left = records.filter(({ main }) => main >= 86);
    etcd.databases.set('https://a.example:2379', buildSnapshot({ records: left, finishedCompact: 90 }));

    const output = await takeSnapshot.run(input, ports(), CONTEXT);

    expect(output.content[1]).toMatchObject({ layer: 'L3', verdict: 'holds' });
  });

  it('fails L3 when the file is older than the member was', async () => {
    etcd.members[0] = memberStatus({ name: 'a', leader: true, revision: 101 });

    const output = await takeSnapshot.run(input, ports(), CONTEXT);

    expect(output.content[1]).toMatchObject({ layer: 'L3', verdict: 'fails' });
  });

  it('stores nothing when a page was damaged before etcd sent it', async () => {
    const damaged = Buffer.from(etcd.snapshotFile.subarray(0, -32));
    damaged.writeUInt16LE(0x40, 2 * PAGE + 8);
    etcd.snapshotFile = sealed(damaged);

    await expect(takeSnapshot.run(input, ports(), CONTEXT)).rejects.toThrow(/L2 fails for alpha-1, nothing was uploaded: page 2/);
    expect(blobs.stored.size).toBe(0);
  });

  it('stores nothing when the stream breaks', async () => {
    etcd.breaksAfter = 5000;

    await expect(takeSnapshot.run(input, ports(), CONTEXT)).rejects.toBeInstanceOf(ClusterUnreachableError);
    expect(blobs.stored.size).toBe(0);
  });

  it('passes a failing store on to a retry', async () => {
    blobs.uploadFails = new TransientError('SlowDown');

    await expect(takeSnapshot.run(input, ports(), CONTEXT)).rejects.toBeInstanceOf(TransientError);
  });
});
