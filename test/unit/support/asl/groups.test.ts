import { describe, expect, it } from 'vitest';
import { failing, runStates, task } from './single.ts';

describe('Parallel and INLINE Map', () => {
  it('gives each branch the input and collects the outputs in order', async () => {
    const branch = (name: string) => ({
      StartAt: name,
      States: { [name]: { Type: 'Pass', Parameters: { [`${name}.$`]: '$.in' }, End: true } },
    });

    const { execution } = await runStates(
      { p: { Type: 'Parallel', Branches: [branch('x'), branch('y')], ResultPath: '$.out', End: true } },
      { in: 1 },
    );

    expect(execution.output).toEqual({ in: 1, out: [{ x: 1 }, { y: 1 }] });
  });

  it('ends the other branches when one fails, and catches its error', async () => {
    const states = {
      p: {
        Type: 'Parallel',
        Branches: [
          { StartAt: 'slow', States: { slow: { Type: 'Wait', Seconds: 1000, Next: 'never' }, never: task() } },
          { StartAt: 'fast', States: { fast: task() } },
        ],
        Catch: [{ ErrorEquals: ['A'], ResultPath: '$.e', Next: 'z' }],
        End: true,
      },
      z: { Type: 'Succeed' },
    };

    const { execution, world } = await runStates(states, {}, { task: failing('A') });

    expect(execution.history.entered()).not.toContain('never');
    expect(execution.output).toMatchObject({ e: { Error: 'A' } });
    expect(world.now()).toBe(Date.UTC(2026, 0, 1));
  });

  it('lets no Catch of a Parallel see States.Runtime of a branch', async () => {
    const states = {
      p: {
        Type: 'Parallel',
        Branches: [{ StartAt: 'x', States: { x: task({ InputPath: '$.absent' }) } }],
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'z' }],
        End: true,
      },
      z: { Type: 'Succeed' },
    };

    const { execution } = await runStates(states);

    expect(execution).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  });

  it('runs the items of an INLINE Map within MaxConcurrency, in the history of the execution', async () => {
    let [running, most] = [0, 0];
    const states = {
      map: {
        Type: 'Map',
        ItemsPath: '$.list',
        ItemSelector: { 'value.$': '$$.Map.Item.Value', 'index.$': '$$.Map.Item.Index', 'all.$': '$.all' },
        MaxConcurrency: 2,
        ItemProcessor: { StartAt: 'x', States: { x: task() } },
        End: true,
      },
    };

    const { execution } = await runStates(
      states,
      { list: ['a', 'b', 'c'], all: 1 },
      {
        task: async ({ payload, sleep }) => {
          running += 1;
          most = Math.max(most, running);
          await sleep(1);
          running -= 1;
          return payload;
        },
      },
    );

    expect(execution.output).toEqual(['a', 'b', 'c'].map((value, index) => ({ value, index, all: 1 })));
    expect(most).toBe(2);
    expect(execution.history.counts()['MapIterationSucceeded']).toBe(3);
  });
});
