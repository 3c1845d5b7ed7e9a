import { beforeEach, describe, expect, it } from 'vitest';
import { accountKeys } from '#domain/names.ts';
import { ConflictError, DeadlineError, GateClosedError } from '#model/errors.ts';
import { restoreMembers } from '../../../functions/etcd/restore-members.ts';
import { CLUSTER } from '../../support/cluster-ref.ts';
import { createFakeEtcd, type FakeEtcd, memberStatus } from '../../support/fakes/etcd.ts';
import { createFakeInstances, type FakeInstances } from '../../support/fakes/instances.ts';
import { createFakeObjects, type FakeObjects } from '../../support/fakes/objects.ts';

const NAME = 'etcd-eu-central-1a';
const BACKUP = { takeSnapshot: { key: 'backups/alpha-1/b/snapshot.db', sha256: 'a'.repeat(64), revision: 500 }, clusterId: 'a0' };
const ORDER = accountKeys.restoreOrder(CLUSTER.name);

let etcd: FakeEtcd;
let instances: FakeInstances;
let objects: FakeObjects;
let now: Date;

beforeEach(() => {
  etcd = createFakeEtcd([NAME]);
  etcd.members = [member('a1', 600)];
  instances = createFakeInstances();
  objects = createFakeObjects();
  now = new Date('2026-01-05T08:00:00Z');
  instances.addGroup(CLUSTER.name, 'etcd-a', { min: 1, max: 1, desired: 1 });
  instances.addGroup(CLUSTER.name, 'control-plane', { min: 2, max: 4, desired: 2 });
});

function member(clusterId: string, revision: number) {
  return memberStatus({ name: NAME, leader: true, leaderId: 'm1', memberId: 'm1', clusterId, revision });
}

function run(before?: { since: string }, execution = 'restore-a', id = 'r1', fence = 1) {
  const restore = { id, backup: '20260105T060000Z-422a689b6051', reason: 'lost' };
  const input = restoreMembers.input.parse({ cluster: CLUSTER, restore, lock: { fence }, checkBackup: BACKUP, restoreMembers: before });
  return restoreMembers.run(input, { etcd: async () => etcd, instances, objects, clock: { now: () => now } }, { execution });
}

const order = async () => JSON.parse((await objects.get(ORDER))?.body ?? 'null');
const ended = () => instances.calls.filter((call) => call.startsWith('terminate'));

describe('restore-members', () => {
  it('orders, ends whom it found, waits for who comes, and is done when their data is the backup’s at the raised revision', async () => {
    const outputs = [await run()];
    expect(await order()).toMatchObject({
      state: 'ordered',
      old: ['160', '161'],
      token: 'alpha-1-r1',
      fenced: ['i-0001', 'i-0002', 'i-0003'],
    });
    etcd.down = true;
    outputs.push(await run(outputs.at(-1)));
    instances.tick();
    instances.tick();
    outputs.push(await run(outputs.at(-1)));
    etcd.down = false;
    etcd.members = [member('b7', 1_000_000_501)];
    outputs.push(await run(outputs.at(-1)));

    expect(outputs.map(({ done }) => done)).toEqual([false, false, false, true]);
    expect(ended()).toHaveLength(3);
    expect(await order()).toMatchObject({ state: 'done', restored: '183' });
    // Late or twice, it ends nobody more.
    expect(await run()).toMatchObject({ done: true });
    expect(ended()).toHaveLength(3);
  });

  it('goes on after it was stopped between the order and the look at who is there', async () => {
    await run();
    await objects.put(ORDER, JSON.stringify({ ...(await order()), fenced: null }));

    await run();

    expect(await order()).toMatchObject({ old: ['160', '161'], fenced: expect.arrayContaining(['i-0001']) });
  });

  it('orders where etcd is gone, by what the backup says', async () => {
    etcd.down = true;

    await run();

    expect(await order()).toMatchObject({ old: ['160'] });
    expect(ended()).toHaveLength(3);
  });

  it('refuses what did not restore', async () => {
    await run();
    instances.tick();
    instances.tick();

    await expect(run()).rejects.toBeInstanceOf(GateClosedError);
    etcd.members = [member('b7', 501)];
    await expect(run()).rejects.toThrow(/is not the backup's/);
    expect(await order()).toMatchObject({ state: 'ordered' });
  });

  it('gives up at its deadline and leaves the order, for instances that are still to come', async () => {
    const first = await run();
    etcd.down = true;
    instances.tick();
    instances.tick();
    now = new Date('2026-01-05T08:41:00Z');

    await expect(run(first)).rejects.toBeInstanceOf(DeadlineError);
    expect(await order()).toMatchObject({ state: 'ordered' });
  });

  it('is taken over by the next restore, and then the first goes no further', async () => {
    await run();
    await run(undefined, 'restore-b', 'r2', 2);

    expect(await order()).toMatchObject({ id: 'r2', execution: 'restore-b' });
    await expect(run()).rejects.toBeInstanceOf(ConflictError);
    expect(await order()).toMatchObject({ id: 'r2', execution: 'restore-b' });
  });
});
