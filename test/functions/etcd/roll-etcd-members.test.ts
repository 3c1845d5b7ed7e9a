import { beforeEach, describe, expect, it } from 'vitest';
import { DeadlineError, GateClosedError, NotFoundError } from '#model/errors.ts';
import { rollEtcdMembers } from '../../../functions/etcd/roll-etcd-members.ts';
import { CLUSTER } from '../../support/cluster-ref.ts';
import { BACKUP, manifest } from '../../support/etcd-world.ts';
import { createFakeEtcd, type FakeEtcd, memberStatus } from '../../support/fakes/etcd.ts';
import { createFakeInstances, type FakeInstances } from '../../support/fakes/instances.ts';
import { createFakeObjects, type FakeObjects } from '../../support/fakes/objects.ts';

const VERSIONS = { kubernetes: '1.35.4', etcd: '3.6.16', osImage: 'ami-0a1b2c3d4e5f60718', e2eTests: '1.36.3' };

let etcd: FakeEtcd;
let instances: FakeInstances;
let objects: FakeObjects;
let now: Date;

beforeEach(async () => {
  etcd = createFakeEtcd(['etcd-eu-central-1a']);
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
    etcd.members = [
      memberStatus({ name: 'etcd-eu-central-1a', leader: true, leaderId: 'id-etcd-eu-central-1a', clusterId: 'c9', revision: 1 }),
    ];

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
  const input = rollEtcdMembers.input.parse({
    cluster: CLUSTER,
    backup,
    render: { versions: VERSIONS },
    ...(before === undefined ? {} : { rollEtcdMembers: before }),
  });
  return rollEtcdMembers.run(
    input,
    { etcd: async () => etcd, instances, objects, volumes: async () => [], clock: { now: () => now } },
    { execution: 'update-1' },
  );
}
