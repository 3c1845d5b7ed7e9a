import { beforeEach, describe, expect, it } from 'vitest';
import { DeadlineError } from '#model/errors.ts';
import { createEtcdRollWorld, type EtcdRollWorld } from '../../support/etcd-world.ts';

const RECORDED = '2026-01-04T12:00:00Z';

let world: EtcdRollWorld;
beforeEach(async () => {
  world = await createEtcdRollWorld();
});

describe('a member that lost its volume', () => {
  it('is taken out, let in as a learner, and gets its vote once it has caught up', async () => {
    const before = world.member('c').memberId;
    world.loseVolume('c');
    const reasons: string[] = [];
    for (let looks = 0; looks < 10; looks += 1) {
      const { done, reason } = await world.mend(RECORDED);
      reasons.push(reason);
      if (done) break;
      world.tick();
    }

    expect(world.etcd.calls).toEqual(['remove etcd-eu-central-1c', 'add-learner https://10.20.32.11:2380', 'promote etcd-eu-central-1c']);
    expect(reasons[0]).toMatch(/takes etcd-eu-central-1c out, whose data volume vol-c-new is new: made .*, after .*, when it had its data/);
    expect(reasons).toContain('the learner of zone c has applied 40 of 100');
    expect(reasons.at(-1)).toBe('no member has lost its data');
    expect(world.member('c')).toMatchObject({ learner: false, healthy: true });
    expect(world.member('c').memberId).not.toBe(before);
  });

  it('comes back beside another one that did, where there are five: both out, then both in, one after the other', async () => {
    world = await createEtcdRollWorld({ members: 5 });
    world.loseVolume('d');
    world.loseVolume('b');
    for (let looks = 0; looks < 20; looks += 1) {
      if ((await world.mend(RECORDED)).done) break;
      world.tick();
    }

    expect(world.etcd.calls).toEqual([
      ...['remove etcd-eu-central-1b', 'remove etcd-eu-central-1d'],
      ...['add-learner https://10.20.16.11:2380', 'promote etcd-eu-central-1b'],
      ...['add-learner https://10.20.0.12:2380', 'promote etcd-eu-central-1d'],
    ]);
    expect(world.etcd.members.filter(({ healthy, learner }) => healthy && !learner)).toHaveLength(5);
  });

  it('is let in again where a run before stopped after it was taken out', async () => {
    world.loseVolume('c');
    world.etcd.members = world.etcd.members.filter(({ name }) => !name.endsWith('c'));

    await world.mend(RECORDED);

    expect(world.etcd.calls).toEqual(['add-learner https://10.20.32.11:2380']);
  });

  it('is told as long as it learns, up to the deadline', async () => {
    world.loseVolume('c');
    for (let looks = 0; looks < 3; looks += 1) await world.mend(RECORDED);
    world.now = new Date(world.now.getTime() + 61 * 60_000);

    const late = world.mend(RECORDED);

    await expect(late).rejects.toBeInstanceOf(DeadlineError);
    await expect(late).rejects.toThrow(/the learner of zone c: was added and has not started/);
  });

  it('is mended in the middle of a roll too, after which the roll goes on', async () => {
    world.release('2', '3.6.17');
    await world.look();
    world.tick();
    world.loseVolume('b');

    const outputs = await world.roll();

    expect(world.etcd.calls.filter((call) => !call.startsWith('move'))).toEqual([
      'remove etcd-eu-central-1b',
      'add-learner https://10.20.16.11:2380',
      'promote etcd-eu-central-1b',
    ]);
    expect(world.terminated).toHaveLength(3);
    expect(outputs.at(-1)?.done).toBe(true);
  });
});

describe('a member that is not known to have lost its data is left alone', () => {
  it.each<[string, () => void]>([
    ['it is merely down', () => world.change('c', { healthy: false, reason: 'no answer within 5 s' })],
    [
      'its volume is as old as the record',
      () => {
        world.loseVolume('c');
        world.volumes = world.volumes.map((volume) => ({ ...volume, createdAt: new Date(RECORDED) }));
      },
    ],
    [
      'its volume is attached to nobody',
      () => {
        world.loseVolume('c');
        world.volumes = world.volumes.map((volume) => (volume.zone.endsWith('c') ? { ...volume, instance: undefined } : volume));
      },
    ],
    [
      'there are two volumes in its zone',
      () => {
        world.loseVolume('c');
        world.volumes = [...world.volumes, ...world.volumes];
      },
    ],
    [
      'there is no volume',
      () => {
        world.loseVolume('c');
        world.volumes = [];
      },
    ],
    [
      'a second member is not well',
      () => {
        world.loseVolume('c');
        world.change('b', { healthy: false, reason: 'no answer within 5 s' });
      },
    ],
    [
      'the others do not agree on a leader',
      () => {
        world.loseVolume('c');
        world.change('b', { leaderId: 'id-etcd-eu-central-1b' });
      },
    ],
    [
      'another member has raised an alarm',
      () => {
        world.loseVolume('c');
        world.change('b', { alarms: ['memberID:1 alarm:NOSPACE '] });
      },
    ],
  ])('when %s', async (_, fault) => {
    fault();

    expect(await world.mend(RECORDED)).toMatchObject({ done: true });
    expect(world.etcd.calls).toEqual([]);
  });

  it('when nobody answers', async () => {
    world.etcd.down = true;

    expect(await world.mend(RECORDED)).toMatchObject({ done: true });
  });

  it('when its instance is on its way out', async () => {
    world.loseVolume('c');
    const group = world.instances.group;
    world.instances.group = async (cluster, role) => {
      const found = await group(cluster, role);
      return found === undefined
        ? undefined
        : { ...found, instances: found.instances.map((one) => ({ ...one, lifecycleState: 'Terminating' })) };
    };

    expect(await world.mend(RECORDED)).toMatchObject({ done: true });
    expect(world.etcd.calls).toEqual([]);
  });
});
