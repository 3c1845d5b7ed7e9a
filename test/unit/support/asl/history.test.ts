import { describe, expect, it } from 'vitest';
import { failing, runStates, task } from './single.ts';

describe('history', () => {
  it('fails an execution that reaches 25,000 events', async () => {
    const { execution } = await runStates({ a: { Type: 'Wait', Seconds: 1, Next: 'b' }, b: { Type: 'Pass', Next: 'a' } });

    expect(execution).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
    expect(execution.history.events).toHaveLength(25_000);
  });

  it('tells states, attempts and errors in order', async () => {
    const { execution } = await runStates({ a: task({ Retry: [{ ErrorEquals: ['A'] }] }) }, {}, { task: failing('A') });

    expect(execution.history.events.map(({ type }) => type)).toEqual([
      ...['ExecutionStarted', 'TaskStateEntered', 'LambdaFunctionScheduled', 'LambdaFunctionStarted', 'LambdaFunctionFailed'],
      ...['LambdaFunctionScheduled', 'LambdaFunctionStarted', 'LambdaFunctionSucceeded', 'TaskStateExited', 'ExecutionSucceeded'],
    ]);
    expect(execution.history.events.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});

describe('faults', () => {
  const two = {
    a: task({ Next: 'b', End: undefined, TimeoutSeconds: 10, Catch: [{ ErrorEquals: ['CancelledError'], Next: 'z' }] }),
    b: task({ TimeoutSeconds: 10 }),
    z: { Type: 'Succeed' },
  };

  it('fails the named attempts only, before or after the step had its effect', async () => {
    const calls: string[] = [];
    const states = { a: task({ Retry: [{ ErrorEquals: ['A'] }] }) };
    const go = (when: 'before' | 'after') =>
      runStates(
        states,
        {},
        { task: async () => calls.push(when), faults: [{ state: 'a', kind: 'error', error: 'A', attempts: [1], when }] },
      );

    const [before, after] = [await go('before'), await go('after')];

    expect([before.execution.status, after.execution.status]).toEqual(['SUCCEEDED', 'SUCCEEDED']);
    expect(calls).toEqual(['before', 'after', 'after']);
  });

  it('cancels by a marker that every step but clean-up meets', async () => {
    const steps: string[] = [];
    const { execution } = await runStates(
      two,
      {},
      {
        task: async ({ state }) => steps.push(state),
        faults: [{ state: 'a', kind: 'cancel', when: 'after' }],
        cleanUpSteps: new Set(['b']),
      },
    );
    const stopped = await runStates(two, {}, { faults: [{ state: 'a', kind: 'cancel' }] });

    expect([execution.status, steps]).toEqual(['SUCCEEDED', ['a', 'b']]);
    expect(stopped.execution.history.entered()).toEqual(['a', 'z']);
  });

  it.each([
    ['abort' as const, 'ABORTED'],
    ['machine-timeout' as const, 'TIMED_OUT'],
    ['task-timeout' as const, 'FAILED'],
    ['oversize' as const, 'FAILED'],
  ])('%s at a state ends %s', async (kind, status) => {
    const { execution, world } = await runStates(two, {}, { faults: [{ state: 'b', kind }] });

    expect(execution.status).toBe(status);
    expect(execution.history.entered()).toEqual(['a', 'b']);
    expect(world.unusedFaults()).toEqual([]);
  });

  it('tells which faults never struck', async () => {
    const { world } = await runStates(two, {}, { faults: [{ state: 'nowhere', kind: 'abort' }] });

    expect(world.unusedFaults()).toHaveLength(1);
  });
});
