import { beforeEach, describe, expect, it } from 'vitest';
import { DeadlineError, GateClosedError, NotFoundError } from '#model/errors.ts';
import type { BackupManifest } from '#model/records.ts';
import { rollEtcdMembers } from '../../../functions/etcd/roll-etcd-members.ts';
import { CLUSTER } from '../../support/cluster-ref.ts';
import { createFakeEtcd, type FakeEtcd, memberStatus } from '../../support/fakes/etcd.ts';
import { createFakeInstances, type FakeInstances } from '../../support/fakes/instances.ts';
import { createFakeObjects, type FakeObjects } from '../../support/fakes/objects.ts';

const BACKUP = { id: 'b1', proven: true, manifestKey: 'backups/alpha-1/b1/manifest.json' };

let etcd: FakeEtcd;
let instances: FakeInstances;
let objects: FakeObjects;
let now: Date;

beforeEach(async () => {
  etcd = createFakeEtcd();
  instances = createFakeInstances();
  objects = createFakeObjects();
  now = new Date('2026-01-05T08:00:00Z');
  instances.addGroup('alpha-1', 'etcd-a', { min: 1, max: 1, desired: 1 });
  await objects.put(BACKUP.manifestKey, JSON.stringify(manifest()));
});

describe('roll-etcd-members', () => {
  it('replaces the instance, waits while nobody answers, and is done when the same data is back', async () => {
    instances.setVersion('alpha-1', 'etcd-a', '2');
    const outputs = [await run()];

    etcd.down = true;
    outputs.push(await run(outputs.at(-1)));
    instances.tick();
    outputs.push(await run(outputs.at(-1)));
    instances.tick();
    outputs.push(await run(outputs.at(-1)));
    etcd.down = false;
    outputs.push(await run(outputs.at(-1)));

    expect(outputs.map((output) => output.done)).toEqual([false, false, false, false, true]);
    expect(instances.calls.filter((call) => call.startsWith('terminate'))).toHaveLength(1);
  });

  it('does nothing when all is current', async () => {
    expect(await run()).toMatchObject({ done: true, waitSeconds: 0 });
    expect(instances.calls.filter((call) => call.startsWith('terminate'))).toEqual([]);
  });

  it('refuses without a proven backup', async () => {
    instances.setVersion('alpha-1', 'etcd-a', '2');

    await expect(run(undefined, null)).rejects.toBeInstanceOf(GateClosedError);
    await objects.put(BACKUP.manifestKey, JSON.stringify({ ...manifest(), proven: false }));
    await expect(run()).rejects.toBeInstanceOf(GateClosedError);
    objects.remove(BACKUP.manifestKey);
    await expect(run()).rejects.toBeInstanceOf(NotFoundError);
    expect(instances.calls.filter((call) => call.startsWith('terminate'))).toEqual([]);
  });

  it('goes no further when etcd came back empty', async () => {
    etcd.members = [memberStatus({ clusterId: 'c9', revision: 1 })];

    await expect(run()).rejects.toBeInstanceOf(GateClosedError);
  });

  it('gives up at its deadline, which begins anew with a replaced instance', async () => {
    etcd.down = true;
    const first = await run();
    now = new Date('2026-01-05T08:14:00Z');
    const second = await run(first);
    now = new Date('2026-01-05T08:16:00Z');

    expect(second).toMatchObject({ done: false, since: first.since });
    await expect(run(second)).rejects.toBeInstanceOf(DeadlineError);
  });
});

function run(before?: { since: string }, backup: typeof BACKUP | null = BACKUP) {
  const input = rollEtcdMembers.input.parse({ cluster: CLUSTER, backup, ...(before === undefined ? {} : { rollEtcdMembers: before }) });
  return rollEtcdMembers.run(input, { etcd: async () => etcd, instances, objects, clock: { now: () => now } }, { execution: 'update-1' });
}

function manifest(): BackupManifest {
  return {
    id: 'b1',
    cluster: 'alpha-1',
    account: CLUSTER.account,
    takenAt: '2026-01-05T07:55:00Z',
    object: { bucket: 'bucket', key: 'backups/alpha-1/b1/snapshot.db', bytes: 1, sha256: '0'.repeat(64) },
    etcd: { version: '3.6.16', revision: 90, clusterId: 'c1', member: 'a', members: 1 },
    counts: {},
    layers: [{ layer: 'L1', verdict: 'holds', reason: '', seconds: 0 }],
    proven: true,
    execution: 'backup-1',
  };
}
