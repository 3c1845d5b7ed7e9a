import { describe, expect, it } from 'vitest';
import { failing, runStates, task } from './single.ts';

describe('Choice', () => {
  const rules = (rule: Record<string, unknown>) => ({
    a: { Type: 'Choice', Choices: [{ ...rule, Next: 'yes' }], Default: 'no' },
    yes: { Type: 'Pass', Result: 'yes', End: true },
    no: { Type: 'Pass', Result: 'no', End: true },
  });

  it.each([
    [{ Variable: '$.n', NumericGreaterThan: 4 }, 'yes'],
    [{ Variable: '$.n', NumericGreaterThanEquals: 5 }, 'yes'],
    [{ Variable: '$.n', NumericLessThan: 5 }, 'no'],
    [{ Variable: '$.s', NumericEquals: 5 }, 'no'],
    [{ Variable: '$.s', StringEquals: 'five' }, 'yes'],
    [{ Variable: '$.s', StringMatches: 'f*e' }, 'yes'],
    [{ Variable: '$.s', StringEqualsPath: '$.t' }, 'no'],
    [{ Variable: '$.b', BooleanEquals: true }, 'yes'],
    [{ Variable: '$.at', TimestampLessThan: '2027-01-01T00:00:00Z' }, 'yes'],
    [{ Variable: '$.absent', IsPresent: false }, 'yes'],
    [{ Variable: '$.nil', IsNull: true }, 'yes'],
    [{ Not: { Variable: '$.b', BooleanEquals: true } }, 'no'],
    [
      {
        And: [
          { Variable: '$.absent', IsPresent: true },
          { Variable: '$.absent', NumericEquals: 1 },
        ],
      },
      'no',
    ],
    [
      {
        Or: [
          { Variable: '$.b', BooleanEquals: false },
          { Variable: '$.n', NumericEquals: 5 },
        ],
      },
      'yes',
    ],
  ])('%j goes to %s', async (rule, expected) => {
    const input = { n: 5, s: 'five', t: 'six', b: true, nil: null, at: '2026-05-01T00:00:00+02:00' };

    const { execution } = await runStates(rules(rule), input);

    expect(execution.output).toBe(expected);
  });

  it('fails the execution when a compared path is missing', async () => {
    const { execution } = await runStates(rules({ Variable: '$.absent', BooleanEquals: true }));

    expect(execution).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  });

  it('fails with States.NoChoiceMatched when nothing matches and there is no Default', async () => {
    const { execution } = await runStates({
      a: { Type: 'Choice', Choices: [{ Variable: '$.x', IsPresent: true, Next: 'b' }] },
      b: { Type: 'Succeed' },
    });

    expect(execution.error).toBe('States.NoChoiceMatched');
  });
});

describe('Wait, Succeed and Fail', () => {
  it('waits in virtual time: by seconds, by path, until a timestamp', async () => {
    const { world } = await runStates(
      {
        a: { Type: 'Wait', Seconds: 86_400, Next: 'b' },
        b: { Type: 'Wait', SecondsPath: '$.s', Next: 'c' },
        c: { Type: 'Wait', TimestampPath: '$.until', End: true },
      },
      { s: 30, until: '2026-01-05T00:00:00Z' },
    );

    expect(new Date(world.now()).toISOString()).toBe('2026-01-05T00:00:00.000Z');
  });

  it('fails on a SecondsPath that is no whole number', async () => {
    const { execution } = await runStates({ a: { Type: 'Wait', SecondsPath: '$.s', End: true } }, { s: '30' });

    expect(execution.error).toBe('States.Runtime');
  });

  it('takes error and cause of a Fail from paths', async () => {
    const { execution } = await runStates(
      { a: { Type: 'Fail', ErrorPath: '$.e.Error', CausePath: "States.Format('was {}', $.e.Cause)" } },
      { e: { Error: 'StackFailedError', Cause: 'x' } },
    );

    expect(execution).toMatchObject({ status: 'FAILED', error: 'StackFailedError', cause: 'was x' });
  });
});

describe('Retry', () => {
  const twoRetriers = [
    { ErrorEquals: ['A', 'B'], IntervalSeconds: 1, BackoffRate: 2, MaxAttempts: 2 },
    { ErrorEquals: ['C'], IntervalSeconds: 5 },
  ];
  const state = task({
    Retry: twoRetriers,
    Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.e', Next: 'z' }],
    End: undefined,
    Next: 'z',
  });

  it('takes the first retrier that matches, with back-off, and counts for each retrier by itself', async () => {
    const { world, execution } = await runStates({ a: state, z: { Type: 'Succeed' } }, {}, { task: failing('A', 'B', 'C', 'B') });

    // 1 s and 2 s by the first, 5 s by the second, then the first has used up its attempts.
    expect(world.now() - Date.UTC(2026, 0, 1)).toBe(8000);
    expect(execution.output).toMatchObject({ e: { Error: 'B' } });
  });

  it('bounds the delay by MaxDelaySeconds', async () => {
    const Retry = [{ ErrorEquals: ['A'], IntervalSeconds: 10, BackoffRate: 10, MaxAttempts: 3, MaxDelaySeconds: 20 }];

    const { world, execution } = await runStates({ a: task({ Retry }) }, {}, { task: failing('A', 'A', 'A') });

    expect(execution.status).toBe('SUCCEEDED');
    expect(world.now() - Date.UTC(2026, 0, 1)).toBe(50_000);
  });

  it('retries three times by default and never with MaxAttempts 0', async () => {
    const thrice = await runStates({ a: task({ Retry: [{ ErrorEquals: ['A'] }] }) }, {}, { task: failing('A', 'A', 'A', 'A') });
    const never = await runStates({ a: task({ Retry: [{ ErrorEquals: ['A'], MaxAttempts: 0 }] }) }, {}, { task: failing('A') });

    expect(thrice.execution.history.counts()['LambdaFunctionFailed']).toBe(4);
    expect(never.execution.history.counts()['LambdaFunctionFailed']).toBe(1);
  });
});

describe('Catch', () => {
  it('hands on name and cause as JSON of the exception', async () => {
    const Catch = [
      { ErrorEquals: ['B'], Next: 'b' },
      { ErrorEquals: ['A'], ResultPath: '$.error', Next: 'z' },
    ];
    const { execution } = await runStates(
      { a: task({ Catch }), b: { Type: 'Fail' }, z: { Type: 'Succeed' } },
      { kept: 1 },
      { task: failing('A') },
    );

    const { error, kept } = execution.output as { error: { Error: string; Cause: string }; kept: number };

    expect([kept, error.Error, JSON.parse(error.Cause)]).toEqual([1, 'A', { errorType: 'A', errorMessage: 'A happened', trace: [] }]);
  });

  it('cuts a cause at 32,768 characters', async () => {
    const { execution } = await runStates(
      { a: task() },
      {},
      { faults: [{ state: 'a', kind: 'error', error: 'A', cause: 'x'.repeat(40_000) }] },
    );

    expect(execution.cause).toHaveLength(32_768);
  });

  it.each([
    ['States.TaskFailed', 'A', true],
    ['States.TaskFailed', 'States.Timeout', false],
    ['States.ALL', 'States.Timeout', true],
    ['States.ALL', 'States.Runtime', false],
    ['States.Runtime', 'States.Runtime', false],
    ['States.ALL', 'States.DataLimitExceeded', false],
    ['States.DataLimitExceeded', 'States.DataLimitExceeded', true],
    ['States.Timeout', 'States.HeartbeatTimeout', true],
  ])('%s catches %s: %s', async (pattern, error, expected) => {
    const states = { a: task({ Catch: [{ ErrorEquals: [pattern], Next: 'z' }] }), z: { Type: 'Succeed' } };

    const { execution } = await runStates(states, {}, { faults: [{ state: 'a', kind: 'error', error }] });

    expect(execution.status === 'SUCCEEDED').toBe(expected);
  });
});
