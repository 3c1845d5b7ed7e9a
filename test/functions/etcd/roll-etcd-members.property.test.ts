import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeadlineError, GateClosedError } from '#model/errors.ts';
import { createEtcdRollWorld, diverge, type EtcdRollWorld } from '../../support/etcd-world.ts';

/** Of three members there are no seats d and e: what happens there happens at the first two. */
const seat = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const event = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ kind: 'pass' as const }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('down' as const), seat }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('lag' as const), seat }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('lead' as const), seat }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('alarm' as const), seat }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('diverge' as const), seat }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'crash' as const }) },
);
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

/** Faults that pass are over after one look. */
function apply(world: EtcdRollWorld, what: Event): () => void {
  if (what.kind === 'pass' || what.kind === 'crash') return () => undefined;
  const at = world.seats.find((place) => place === what.seat) ?? world.seats['de'.indexOf(what.seat)] ?? 'a';
  const { memberId, healthy, raftApplied } = world.member(at);
  switch (what.kind) {
    case 'down':
      world.change(at, { healthy: false, reason: 'no answer' });
      return () => world.change(at, { healthy });
    case 'lag':
      world.change(at, { raftApplied: 50 });
      return () => world.change(at, { raftApplied });
    case 'lead':
      if (healthy)
        world.etcd.members = world.etcd.members.map((member) => ({ ...member, leader: member.memberId === memberId, leaderId: memberId }));
      return () => undefined;
    case 'alarm': {
      // It is kept by etcd and told by every member that answers.
      const status = world.etcd.status;
      world.etcd.status = async () =>
        (await status()).map((member) => (member.healthy ? { ...member, healthy: false, alarms: ['memberID:1 alarm:CORRUPT '] } : member));
      return () => undefined;
    }
    case 'diverge':
      diverge(world, at);
      return () => undefined;
  }
}

/** What must be true of the cluster whenever an instance is ended. */
function guard(world: EtcdRollWorld, doubted: () => boolean): void {
  const terminate = world.instances.terminate;
  world.instances.terminate = async (id, decrement) => {
    const groups = await Promise.all(
      world.seats.map(async (place) => ({ place, group: await world.instances.group('alpha-1', `etcd-${place}`) })),
    );
    const all = groups.flatMap(({ place, group }) =>
      (group?.instances ?? []).map((instance) => ({ place, instance, current: group?.launchTemplateVersion })),
    );
    const ended = all.find(({ instance }) => instance.id === id);
    expect(doubted(), 'ended after a doubt').toBe(false);
    expect(decrement).toBe(false);
    expect(all.filter(({ instance }) => instance.lifecycleState !== 'InService')).toEqual([]);
    expect(all).toHaveLength(world.seats.length);
    expect(world.etcd.members.filter(({ healthy, raftApplied }) => !healthy || raftApplied < 100)).toEqual([]);
    expect(world.member(ended?.place ?? '').leader, 'the leader was ended').toBe(false);
    expect(ended?.instance.launchTemplateVersion).not.toBe(ended?.current);
    // The leader goes last: what leads now is new, or the only old one but this.
    const old = all.filter(({ instance, current }) => instance.launchTemplateVersion !== current);
    const leader = world.etcd.members.find((member) => member.leader);
    const leaderIsOld = old.some(({ place }) => `etcd-eu-central-1${place}` === leader?.name);
    if (leaderIsOld) expect(old.length).toBeGreaterThan(1);
    await terminate(id, decrement);
  };
}

describe('whatever happens while members are replaced', () => {
  it.each([
    [3, 300],
    [5, 100],
  ] as const)(
    'of %i none is ended while another is not well, none after a doubt, the leader never; in the end all are new',
    async (count, numRuns) => {
      let rolled = 0;
      let stopped = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(event, { maxLength: 30 }), async (events) => {
          const world = await createEtcdRollWorld(count === 5 ? { members: count } : {});
          world.release('2', '3.6.17');
          let doubt = false;
          guard(world, () => doubt);
          const queue = [...events];
          for (let looks = 0; looks < 120; looks += 1) {
            const what = queue.shift() ?? { kind: 'pass' as const };
            const over = apply(world, what);
            // What a follower holds is compared before the next one is ended; a leader's own is compared once it follows.
            if (what.kind === 'alarm') doubt = true;
            const output = await world.look().catch((error: unknown) => error);
            over();
            if (output instanceof GateClosedError) {
              stopped += 1;
              const before = world.terminated.length;
              await expect(world.look()).rejects.toBeInstanceOf(GateClosedError);
              expect(world.terminated).toHaveLength(before);
              return;
            }
            if (output instanceof DeadlineError) return;
            if (output instanceof Error) throw output;
            if ((output as { done: boolean }).done) {
              rolled += 1;
              expect(world.etcd.members.map(({ version }) => version)).toEqual(world.seats.map(() => '3.6.17'));
              return;
            }
            world.now = new Date(world.now.getTime() + 5000);
            world.tick();
          }
          throw new Error('neither done nor stopped');
        }),
        { numRuns },
      );
      expect(rolled).toBeGreaterThan(numRuns / 6);
      expect(stopped).toBeGreaterThan(numRuns / 15);
    },
  );
});
