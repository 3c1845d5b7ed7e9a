import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginTransition, type Hook, type HookResult } from '../../../../local/machine-room/lifecycle.ts';

function hook(name: string, changes: Partial<Hook> = {}): Hook {
  return { name, transition: 'autoscaling:EC2_INSTANCE_LAUNCHING', heartbeatSeconds: 10, defaultResult: 'ABANDON', ...changes };
}

/** The result when it is there already. */
function resultOf(ended: Promise<HookResult>): Promise<HookResult | 'open'> {
  return Promise.race([ended, Promise.resolve().then(() => 'open' as const)]);
}

describe('a transition with lifecycle hooks', () => {
  it('goes on once every hook says so', async () => {
    const transition = beginTransition([hook('one'), hook('two')], 0);

    transition.complete('one', 'CONTINUE');
    const half = await resultOf(transition.ended);
    transition.complete('two', 'CONTINUE');

    expect(half).toBe('open');
    expect(await transition.ended).toBe('CONTINUE');
  });

  it('ends all actions as soon as one hook abandons', async () => {
    const transition = beginTransition([hook('one'), hook('two')], 0);

    transition.complete('one', 'ABANDON');

    expect(await transition.ended).toBe('ABANDON');
    expect(transition.open()).toEqual([]);
    expect(transition.complete('two', 'CONTINUE')).toBe(false);
  });

  it.each(['CONTINUE', 'ABANDON'] as const)('takes the default %s when time is over', async (defaultResult) => {
    const transition = beginTransition([hook('one', { defaultResult })], 0);

    transition.expire(9_999);
    const before = await resultOf(transition.ended);
    transition.expire(10_000);

    expect(before).toBe('open');
    expect(await transition.ended).toBe(defaultResult);
  });

  it('has its time anew with each heartbeat, a hundred at most', () => {
    const transition = beginTransition([hook('one')], 0);

    transition.heartbeat('one', 9_000);
    transition.expire(18_000);
    const open = transition.open();
    for (let now = 18_000; now < 2_000_000; now += 9_000) transition.heartbeat('one', now);
    transition.expire(999_000);
    const stillOpen = transition.open();
    transition.expire(1_000_000);

    expect([open, stillOpen]).toEqual([['one'], ['one']]);
    expect(transition.open()).toEqual([]);
  });

  it('knows no action that is not open', () => {
    const transition = beginTransition([hook('one')], 0);

    expect(transition.complete('two', 'CONTINUE')).toBe(false);
    expect(transition.heartbeat('two', 0)).toBe(false);
  });

  it('ends exactly when no action is open, whatever happens in whatever order', async () => {
    const step = fc.oneof(
      fc.record({ hook: fc.constantFrom('a', 'b', 'c'), result: fc.constantFrom<HookResult>('CONTINUE', 'ABANDON') }),
      fc.record({ at: fc.integer({ min: 0, max: 40_000 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const transition = beginTransition([hook('a'), hook('b', { heartbeatSeconds: 20, defaultResult: 'CONTINUE' })], 0);

        for (const each of steps) 'at' in each ? transition.expire(each.at) : transition.complete(each.hook, each.result);

        expect((await resultOf(transition.ended)) === 'open').toBe(transition.open().length > 0);
      }),
    );
  });
});
