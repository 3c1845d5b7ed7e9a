import { describe, expect, it } from 'vitest';
import { DeadlineError, GateClosedError } from '#model/errors.ts';
import { createEtcdRollWorld, diverge, type EtcdRollWorld } from '../../support/etcd-world.ts';
import { tasksOf } from '../../support/tasks.ts';

/** A state is looked at, chosen on and waited for: three transitions a look. */
const TRANSITIONS_A_LOOK = 3;

describe('rolling three members of etcd', () => {
  it('replaces followers first and the leader last, which hands leadership over before', async () => {
    const world = await createEtcdRollWorld();
    const leader = (await groupOf(world, 'a'))[0]?.id;
    world.release('2', '3.6.17');

    const outputs = await world.roll();

    expect(world.terminated).toHaveLength(3);
    expect(world.terminated.at(-1)).toBe(leader);
    expect(world.etcd.calls).toEqual(['move-leader etcd-eu-central-1a etcd-eu-central-1b']);
    expect(world.etcd.members.map(({ version }) => version)).toEqual(['3.6.17', '3.6.17', '3.6.17']);
    expect(outputs.at(-1)?.reason).toContain('have the same key-value hash');
  });

  it('needs at most 25 transitions a member', async () => {
    const world = await createEtcdRollWorld();
    world.release('2', '3.6.17');
    // An instance ends, another one boots and etcd comes up, all in 150 s.
    const tick = world.tick;
    let due: number | undefined;
    world.tick = () => {
      due ??= world.terminated.length === 0 ? undefined : world.now.getTime() + 140_000;
      if (due === undefined || world.now.getTime() < due) return;
      tick();
      tick();
      tick();
      due = undefined;
    };

    const outputs = await world.roll(2000);

    const tasks = tasksOf('roll-etcd-members', outputs);
    expect(world.terminated).toHaveLength(3);
    expect(tasks).toBeGreaterThan(3);
    expect((tasks * TRANSITIONS_A_LOOK) / 3).toBeLessThanOrEqual(25);
  });

  it('asks the followers for their hash before each replacement and at the end, and never the leader', async () => {
    const world = await createEtcdRollWorld();
    const asked: string[] = [];
    const hash = world.etcd.keyValueHash;
    world.etcd.keyValueHash = (endpoint, revision) => {
      asked.push(endpoint);
      expect(world.etcd.members.find((member) => member.endpoint === endpoint)?.leader).toBe(false);
      return hash(endpoint, revision);
    };
    world.release('2', '3.6.17');

    await world.roll();

    expect(asked).toHaveLength(2 * 4);
  });

  it('asks nobody for a hash when nothing is replaced', async () => {
    const world = await createEtcdRollWorld();

    expect(await world.look()).toMatchObject({ done: true, changed: false });
    expect(world.etcd.hashed).toEqual([]);
  });

  it.each<[string, (world: EtcdRollWorld) => void, RegExp]>([
    [
      'a hash differs',
      (world) => diverge(world, 'c'),
      /key-value hashes at revision 100 differ: etcd-eu-central-1b \d+, etcd-eu-central-1c \d+/,
    ],
    [
      'a member is out of space',
      (world) => world.change('c', { healthy: false, alarms: ['memberID:1 alarm:NOSPACE '] }),
      /etcd-eu-central-1c tells memberID:1 alarm:NOSPACE/,
    ],
    ['a member is corrupt', (world) => world.change('b', { healthy: false, alarms: ['memberID:1 alarm:CORRUPT '] }), /alarm:CORRUPT/],
    ['a member is of another cluster', (world) => world.change('b', { clusterId: 'c9' }), /2 different etcd clusters/],
    [
      'there is a member too many',
      (world) => {
        world.etcd.members = [...world.etcd.members, { ...world.member('a'), name: 'stranger', memberId: 'ff', leader: false }];
      },
      /etcd lists 4 members .*stranger/,
    ],
  ])('stops at once when %s, and ends nobody', async (_, doubt, reason) => {
    const world = await createEtcdRollWorld();
    world.release('2', '3.6.17');
    doubt(world);

    const look = world.look();

    await expect(look).rejects.toBeInstanceOf(GateClosedError);
    await expect(look).rejects.toThrow(reason);
    expect(world.terminated).toEqual([]);
  });

  it('stops when a new member does not run what it should', async () => {
    const world = await createEtcdRollWorld();
    world.release('2', '3.6.17');
    world.versions.set('2', '3.6.15');

    await expect(world.roll()).rejects.toThrow(/etcd-eu-central-1b runs 3.6.15 on i-\d+, .*: 3.6.17 is wanted/);
    expect(world.terminated).toHaveLength(1);
  });

  it('stops before the next minor when a member is older than its record says', async () => {
    const world = await createEtcdRollWorld();
    world.release('2', '3.7.3');
    world.change('c', { version: '3.6.9' });

    await expect(world.look()).rejects.toThrow(/etcd-eu-central-1c: etcd can't go from 3.6.9 to 3.7.3: go to 3.6.11 or later first/);
  });

  it('waits for a member that lags, does not answer or knows another leader, ends nobody meanwhile, and gives up at its deadline', async () => {
    const world = await createEtcdRollWorld();
    world.release('2', '3.6.17');

    world.change('c', { raftApplied: 90 });
    const lagging = await world.look();
    world.change('c', { raftApplied: 100, leaderId: 'id-etcd-eu-central-1c' });
    const disagreeing = await world.look();
    world.change('c', { healthy: false, reason: 'no answer within 5 s' });
    const silent = await world.look();
    world.now = new Date(world.now.getTime() + 16 * 60_000);

    expect(lagging.reason).toBe('etcd-eu-central-1c has applied 90 of 100');
    expect(disagreeing.reason).toBe('the members do not agree on a leader');
    expect(silent.reason).toContain('etcd-eu-central-1c (https://etcd-eu-central-1c.example:2379): no answer within 5 s');
    await expect(world.look()).rejects.toBeInstanceOf(DeadlineError);
    expect(world.terminated).toEqual([]);
  });

  it('looks again when another member led meanwhile, or hashes were compacted away', async () => {
    const world = await createEtcdRollWorld();
    world.release('2', '3.6.17');
    world.etcd.keyValueHash = async (endpoint) => ({ hash: 1, compactRevision: endpoint.length % 2 === 0 ? 80 : 85, newest: 100 });
    world.etcd.members = world.etcd.members.map((member) => ({
      ...member,
      endpoint: `${member.endpoint}${member.name.endsWith('c') ? '9' : ''}`,
    }));

    expect((await world.look()).reason).toContain("their hashes can't be compared");
    expect(world.terminated).toEqual([]);
  });
});

describe('taking etcd a minor down', () => {
  it('prepares the data first and waits for it, then replaces members as ever', async () => {
    const world = await createEtcdRollWorld({ version: '3.7.3' });
    expect(world.etcd.agreedVersion).toBe('3.7.0');
    world.release('2', '3.6.16');

    const first = await world.look();
    expect(first.reason).toBe(
      'etcd prepares its data for 3.6: the cluster version is 3.7.0, etcd-eu-central-1a stores 3.7.0, etcd-eu-central-1b stores 3.7.0, etcd-eu-central-1c stores 3.7.0',
    );
    world.etcd.agreedVersion = '3.6.0';
    const half = await world.look();
    expect(half.reason).toContain('etcd-eu-central-1a stores 3.7.0');
    expect(world.terminated).toEqual([]);
    const outputs = await world.roll();

    expect(world.etcd.calls.filter((call) => call.startsWith('downgrade'))).toEqual(['downgrade validate 3.6.0', 'downgrade enable 3.6.0']);
    expect(world.terminated).toHaveLength(3);
    expect(outputs.at(-1)?.done).toBe(true);
    expect(world.member('a')).toMatchObject({ version: '3.6.16', storageVersion: '3.6.0', downgradeTo: '' });
  });

  it('changes nothing without a proven backup', async () => {
    const world = await createEtcdRollWorld({ version: '3.7.3' });
    world.release('2', '3.6.16');

    await expect(world.look(null)).rejects.toThrow(/no proven backup/);
    expect(world.etcd.calls).toEqual([]);
  });

  it('refuses what etcd can not be led down to', async () => {
    const world = await createEtcdRollWorld({ version: '3.7.3' });
    world.release('2', '3.6.10');

    await expect(world.look()).rejects.toThrow(/go to 3.6.11 or later, which can run beside the newer one/);
    expect(world.etcd.calls).toEqual([]);
  });

  it('ends a downgrade that was begun for another revision before it goes on upwards', async () => {
    const world = await createEtcdRollWorld({ version: '3.7.3' });
    world.release('2', '3.6.16');
    await world.look();
    world.release('3', '3.7.4');

    const outputs = await world.roll();

    expect(world.etcd.calls.filter((call) => call.startsWith('downgrade')).at(-1)).toBe('downgrade cancel 3.6.0');
    expect(outputs.at(-1)?.reason).toContain('3.7.4');
    expect(world.etcd.agreedVersion).toBe('3.7.0');
  });
});

async function groupOf(world: EtcdRollWorld, zone: string) {
  return (await world.instances.group('alpha-1', `etcd-${zone}`))?.instances ?? [];
}
