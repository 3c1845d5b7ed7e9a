import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeadlineError, GateClosedError } from '#model/errors.ts';
import { createEtcdRollWorld, diverge, type EtcdRollWorld } from '../../support/etcd-world.ts';

const zone = fc.constantFrom('a', 'b', 'c');
const event = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ kind: 'pass' as const }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('down' as const), zone }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('lag' as const), zone }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('lead' as const), zone }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('alarm' as const), zone }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('diverge' as const), zone }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'crash' as const }) },
);
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

/** Faults that pass are over after one look. */
function apply(world: EtcdRollWorld, what: Event): () => void {
  if (what.kind === 'pass' || what.kind === 'crash') return () => undefined;
  const { memberId, healthy, raftApplied } = world.member(what.zone);
  switch (what.kind) {
    case 'down':
      world.change(what.zone, { healthy: false, reason: 'no answer' });
      return () => world.change(what.zone, { healthy });
    case 'lag':
      world.change(what.zone, { raftApplied: 50 });
      return () => world.change(what.zone, { raftApplied });
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
      diverge(world, what.zone);
      return () => undefined;
  }
}

/** What must be true of the cluster whenever an instance is ended. */
function guard(world: EtcdRollWorld, doubted: () => boolean): void {
  const terminate = world.instances.terminate;
  world.instances.terminate = async (id, decrement) => {
    const groups = await Promise.all(['a', 'b', 'c'].map((letter) => world.instances.group('alpha-1', `etcd-${letter}`)));
    const all = groups.flatMap((group) => (group === undefined ? [] : group.instances.map((instance) => ({ instance, group }))));
    const ended = all.find(({ instance }) => instance.id === id);
    const letter = ended?.instance.zone.slice(-1) ?? '';
    expect(doubted(), 'ended after a doubt').toBe(false);
    expect(decrement).toBe(false);
    expect(all.filter(({ instance }) => instance.lifecycleState !== 'InService')).toEqual([]);
    expect(all).toHaveLength(3);
    expect(world.etcd.members.filter(({ healthy, raftApplied }) => !healthy || raftApplied < 100)).toEqual([]);
    expect(world.member(letter).leader, 'the leader was ended').toBe(false);
    expect(ended?.instance.launchTemplateVersion).not.toBe(ended?.group.launchTemplateVersion);
    // The leader goes last: what leads now is new, or the only old one but this.
    const old = all.filter(({ instance, group }) => instance.launchTemplateVersion !== group.launchTemplateVersion);
    const leader = world.etcd.members.find((member) => member.leader);
    const leaderIsOld = old.some(({ instance }) => `etcd-${instance.zone}` === leader?.name);
    if (leaderIsOld) expect(old.length).toBeGreaterThan(1);
    await terminate(id, decrement);
  };
}

describe('whatever happens while three members are replaced', () => {
  it('none is ended while another is not well, none after a doubt, the leader never; in the end all are new', async () => {
    let rolled = 0;
    let stopped = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 30 }), async (events) => {
        const world = await createEtcdRollWorld();
        world.release('2', '3.6.17');
        let doubt = false;
        guard(world, () => doubt);
        const queue = [...events];
        for (let looks = 0; looks < 80; looks += 1) {
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
            expect(world.etcd.members.map(({ version }) => version)).toEqual(['3.6.17', '3.6.17', '3.6.17']);
            return;
          }
          world.now = new Date(world.now.getTime() + 5000);
          world.tick();
        }
        throw new Error('neither done nor stopped');
      }),
      { numRuns: 300 },
    );
    expect(rolled).toBeGreaterThan(50);
    expect(stopped).toBeGreaterThan(20);
  });
});
