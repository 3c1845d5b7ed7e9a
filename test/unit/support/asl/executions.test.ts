import { describe, expect, it } from 'vitest';
import { createWorld } from '../../../support/asl/world.ts';
import { machineOf, runStates, task } from './single.ts';

const SYNC = 'arn:aws:states:::states:startExecution.sync:2';
const nested = (more: Record<string, unknown> = {}) => ({
  Type: 'Task',
  Resource: SYNC,
  Parameters: {
    StateMachineArn: { Ref: 'ChildOneStateMachine' },
    'Name.$': "States.Format('c-{}', $$.Execution.Name)",
    Input: { 'a.$': '$.a' },
  },
  End: true,
  ...more,
});
const waiting = machineOf({ w: { Type: 'Wait', Seconds: 100, End: true } });

describe('StartExecution', () => {
  const world = () => createWorld({ machines: { m: waiting }, task: async () => ({}) });

  it.each([['a'.repeat(81)], [''], ['with space'], ['a/b'], ['a:b'], ['a#b']])('refuses the name %j', (name) => {
    expect(() => world().start('m', name, {})).toThrow(expect.objectContaining({ code: 'InvalidName' }));
  });

  it('takes a name of 80 characters', () => {
    expect(world().start('m', 'a'.repeat(80), {}).status).toBe('RUNNING');
  });

  it('answers the running execution for the same name and input, and refuses another input', () => {
    const one = world();
    const first = one.start('m', 'n', { a: 1 });

    expect(one.start('m', 'n', { a: 1 })).toBe(first);
    expect(() => one.start('m', 'n', { a: 2 })).toThrow(expect.objectContaining({ code: 'ExecutionAlreadyExists' }));
  });

  it('refuses the name of a closed execution for 90 days', async () => {
    const long = machineOf({ w: { Type: 'Wait', Seconds: 91 * 86_400, End: true } });
    const one = createWorld({ machines: { m: waiting, long }, task: async () => ({}) });
    await one.run('m', 'n', {});

    expect(() => one.start('m', 'n', {})).toThrow(expect.objectContaining({ code: 'ExecutionAlreadyExists' }));
    await one.run('long', 'l', {});
    expect(one.start('m', 'n', {}).status).toBe('RUNNING');
  });

  it('refuses an input of more than 256 KiB, and an unknown machine', () => {
    expect(() => world().start('m', 'n', 'x'.repeat(262_144))).toThrow(expect.objectContaining({ code: 'InvalidExecutionInput' }));
    expect(() => world().start('z', 'n', {})).toThrow(expect.objectContaining({ code: 'StateMachineDoesNotExist' }));
  });
});

describe('nested executions', () => {
  it('answers the description of the child with its output parsed', async () => {
    const child = machineOf({ x: { Type: 'Pass', Parameters: { 'twice.$': 'States.MathAdd($.a, $.a)' }, End: true } });

    const { execution } = await runStates(
      { a: nested({ ResultSelector: { 'o.$': '$.Output.twice', 's.$': '$.Status', 'n.$': '$.Name' } }) },
      { a: 2 },
      { machines: { 'child-one': child } },
    );

    expect(execution.output).toEqual({ o: 4, s: 'SUCCEEDED', n: 'c-one' });
  });

  it('fails with States.TaskFailed and the description of the failed child as cause', async () => {
    const child = machineOf({ x: { Type: 'Fail', Error: 'StackFailedError', Cause: 'because' } });

    const { execution } = await runStates({ a: nested() }, { a: 2 }, { machines: { 'child-one': child } });

    expect(execution.error).toBe('States.TaskFailed');
    expect(JSON.parse(execution.cause ?? '')).toMatchObject({
      Error: 'StackFailedError',
      Cause: 'because',
      Status: 'FAILED',
      Input: '{"a":2}',
    });
  });

  it.each([
    [{ kind: 'name-reuse' as const }, {}, 'StepFunctions.ExecutionAlreadyExistsException'],
    [undefined, { Name: 'a b' }, 'StepFunctions.InvalidNameException'],
    [undefined, { StateMachineArn: 'nothing' }, 'StepFunctions.StateMachineDoesNotExistException'],
  ])('makes a refused start an error that can be caught (%j %j)', async (fault, parameters, error) => {
    const Parameters = { StateMachineArn: 'child-one', Name: 'n', Input: {}, ...parameters };
    const states = { a: nested({ Parameters, Catch: [{ ErrorEquals: ['States.ALL'], Next: 'z' }] }), z: { Type: 'Succeed' } };

    const { execution } = await runStates(
      states,
      { a: 1 },
      {
        machines: { 'child-one': waiting },
        faults: fault === undefined ? [] : [{ ...fault, state: 'a' }],
      },
    );

    expect(execution).toMatchObject({ status: 'SUCCEEDED', output: { Error: error } });
  });

  it('aborts the child with the parent, past every Catch', async () => {
    const world = createWorld({
      machines: {
        m: machineOf({ a: nested({ Catch: [{ ErrorEquals: ['States.ALL'], Next: 'z' }] }), z: { Type: 'Succeed' } }),
        'child-one': waiting,
      },
      task: async () => ({}),
    });
    const parent = world.start('m', 'one', { a: 1 });
    await world.until(() => world.find('child-one') !== undefined);

    world.stop(parent, 'why', 'because');
    await world.settle();

    expect(parent).toMatchObject({ status: 'ABORTED', error: 'why', cause: 'because' });
    expect(world.find('child-one')?.status).toBe('ABORTED');
    expect(parent.history.entered()).toEqual(['a']);
  });

  it.each([
    [false, 'SUCCEEDED'],
    [true, 'ABORTED'],
  ])('a timeout of the Task aborts the child only where the test says so (%s)', async (timeoutAbortsChildren, expected) => {
    const states = { a: nested({ TimeoutSeconds: 10, Catch: [{ ErrorEquals: ['States.Timeout'], Next: 'z' }] }), z: { Type: 'Succeed' } };

    const { execution, world } = await runStates(states, { a: 1 }, { machines: { 'child-one': waiting }, timeoutAbortsChildren });
    await world.settle();

    expect(execution.status).toBe('SUCCEEDED');
    expect(world.find('child-one')?.status).toBe(expected);
  });
});

describe('timeouts', () => {
  it('ends an attempt of a Task that takes too long, retries it, and catches it with an empty cause', async () => {
    const state = task({
      TimeoutSeconds: 10,
      Retry: [{ ErrorEquals: ['States.Timeout'], IntervalSeconds: 5, MaxAttempts: 1 }],
      Catch: [{ ErrorEquals: ['States.ALL'], Next: 'z' }],
    });

    const { execution, world } = await runStates({ a: state, z: { Type: 'Succeed' } }, {}, { task: ({ sleep }) => sleep(11) });

    expect(execution.output).toEqual({ Error: 'States.Timeout', Cause: '' });
    expect(execution.history.counts()['LambdaFunctionTimedOut']).toBe(2);
    expect(world.now() - Date.UTC(2026, 0, 1)).toBe(25_000);
  });

  it('ends an execution at the TimeoutSeconds of its machine without a Catch', async () => {
    const ended: string[] = [];
    const states = { a: task({ Catch: [{ ErrorEquals: ['States.ALL'], Next: 'z' }] }), z: { Type: 'Succeed' } };

    const { execution } = await runStates(
      states,
      {},
      {
        machine: { TimeoutSeconds: 60 },
        task: ({ sleep }) => sleep(100),
        onEnded: ({ status }) => ended.push(status),
      },
    );

    expect(execution.status).toBe('TIMED_OUT');
    expect(execution.history.entered()).toEqual(['a']);
    expect(ended).toEqual(['TIMED_OUT']);
  });

  it('reports a world in which nothing can go on', async () => {
    await expect(runStates({ a: task() }, {}, { faults: [{ state: 'a', kind: 'task-timeout' }] })).rejects.toThrow('m one is at a');
  });
});
