import { describe, expect, it } from 'vitest';
import { runStates, task } from './single.ts';

const END = { End: true };

describe('input and output of a state', () => {
  it('puts a result at ResultPath beside the input', async () => {
    const { execution } = await runStates({ a: task({ ResultPath: '$.x.y' }) }, { kept: 1 }, { task: async () => 7 });

    expect(execution.output).toEqual({ kept: 1, x: { y: 7 } });
  });

  it('throws a result away at ResultPath null, and replaces the input without ResultPath', async () => {
    const thrown = await runStates({ a: task({ ResultPath: null }) }, { kept: 1 }, { task: async () => 7 });
    const replaced = await runStates({ a: task() }, { kept: 1 }, { task: async () => 7 });

    expect(thrown.execution.output).toEqual({ kept: 1 });
    expect(replaced.execution.output).toBe(7);
  });

  it('cuts input and output by InputPath, Parameters, ResultSelector and OutputPath', async () => {
    const seen: unknown[] = [];
    const state = task({
      InputPath: '$.in',
      Parameters: { 'b.$': '$.a', fixed: true, deep: [{ 'c.$': '$$.Execution.Name' }] },
      ResultSelector: { 'r.$': '$.list[1]' },
      ResultPath: '$.out',
      OutputPath: '$.out',
    });

    const { execution } = await runStates(
      { a: state },
      { in: { a: 5 } },
      {
        task: async (call) => {
          seen.push(call.payload);
          return { list: [1, 2, 3] };
        },
      },
    );

    expect(seen).toEqual([{ b: 5, fixed: true, deep: [{ c: 'one' }] }]);
    expect(execution.output).toEqual({ r: 2 });
  });

  it('takes null for InputPath and OutputPath as an empty object', async () => {
    const { execution } = await runStates({ a: { Type: 'Pass', InputPath: null, ...END } }, { a: 1 });

    expect(execution.output).toEqual({});
  });

  it.each([
    ['Parameters', task({ Parameters: { 'a.$': '$.absent' } })],
    ['ResultSelector', task({ ResultSelector: { 'a.$': '$.absent' } })],
    ['InputPath', task({ InputPath: '$.absent' })],
    ['OutputPath', task({ OutputPath: '$.absent' })],
    ['the context object', task({ Parameters: { 'a.$': '$$.Task.Token' } })],
  ])('fails the execution on a missing path in %s, whatever Catch says', async (_, state) => {
    const caught = {
      ...state,
      Catch: [
        { ErrorEquals: ['States.Runtime'], Next: 'b' },
        { ErrorEquals: ['States.ALL'], Next: 'b' },
      ],
    };

    const { execution } = await runStates({ a: caught, b: { Type: 'Succeed' } });

    expect(execution).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  });

  it('reads null where a path has the value null', async () => {
    const { execution } = await runStates({ a: { Type: 'Pass', Parameters: { 'x.$': '$.a' }, ...END } }, { a: null });

    expect(execution.output).toEqual({ x: null });
  });

  it('refuses a ResultPath into something that is no object', async () => {
    const { execution } = await runStates({ a: task({ ResultPath: '$.x' }) }, 'text');

    expect(execution).toMatchObject({ status: 'FAILED', error: 'States.ResultPathMatchFailure' });
  });

  it('tells the context: execution, machine, state, retry count', async () => {
    const Parameters = {
      'execution.$': '$$.Execution.Name',
      'input.$': '$$.Execution.Input.a',
      'state.$': '$$.State.Name',
      'at.$': '$$.Execution.StartTime',
      'machine.$': '$$.StateMachine.Name',
    };

    const { execution } = await runStates({ here: { Type: 'Pass', Parameters, ...END } }, { a: 1 });

    expect(execution.output).toEqual({ execution: 'one', input: 1, state: 'here', at: '2026-01-01T00:00:00.000Z', machine: 'm' });
  });
});

describe('payload limit', () => {
  const big = 'x'.repeat(262_145);

  it.each([
    ['a result', task(), {}],
    ['parameters', task({ Parameters: { 'a.$': '$.half', 'b.$': '$.half' } }), { half: 'x'.repeat(140_000) }],
    ['an output', { Type: 'Pass', ResultPath: '$.b', Result: 'x'.repeat(140_000), End: true }, { half: 'x'.repeat(140_000) }],
  ])('fails an execution on %s of more than 256 KiB, past States.ALL and States.TaskFailed', async (_, state, input) => {
    const catches = [
      { ErrorEquals: ['States.TaskFailed'], Next: 'b' },
      { ErrorEquals: ['States.ALL'], Next: 'b' },
    ];
    const caught = (state as { Type: string }).Type === 'Task' ? { ...state, Catch: catches } : state;

    const { execution } = await runStates({ a: caught, b: { Type: 'Succeed' } }, input, { task: async () => big });

    expect(execution).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
  });

  it('counts bytes of UTF-8, not characters', async () => {
    const { execution } = await runStates({ a: task() }, {}, { task: async () => 'é'.repeat(140_000) });

    expect(execution.error).toBe('States.DataLimitExceeded');
  });

  it('takes exactly 256 KiB, and remembers the largest payload', async () => {
    const { execution } = await runStates({ a: task() }, {}, { task: async () => 'x'.repeat(262_142) });

    expect(execution).toMatchObject({ status: 'SUCCEEDED', largestPayload: 262_144 });
  });
});

describe('intrinsic functions', () => {
  it.each([
    ["States.Format('{}-{}', $.a, $.n)", 'b-2'],
    ["States.Format('\\{\\} it\\'s {}', $.list)", "{} it's [1,2]"],
    ["States.StringToJson('[1]')", [1]],
    ['States.JsonToString($.o)', '{"k":1}'],
    ['States.Array($.a, 1, null, true)', ['b', 1, null, true]],
    ['States.ArrayLength($.list)', 2],
    ['States.ArrayContains($.list, 2)', true],
    ['States.ArrayGetItem($.list, 1)', 2],
    ['States.ArrayRange(1, 9, 4)', [1, 5, 9]],
    ['States.ArrayPartition($.list, 1)', [[1], [2]]],
    ['States.MathAdd($.n, -3)', -1],
    ['States.JsonMerge($.o, States.StringToJson(\'{"z":2}\'), false)', { k: 1, z: 2 }],
    ["States.Hash('abc', 'SHA-256')", 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    ["States.StringSplit('a,b;c', ',;')", ['a', 'b', 'c']],
    ["States.Base64Decode(States.Base64Encode('hi'))", 'hi'],
    ['States.ArrayUnique(States.Array(1, 1, 2))', [1, 2]],
  ])('%s', async (text, expected) => {
    const input = { a: 'b', n: 2, list: [1, 2], o: { k: 1 } };

    const { execution } = await runStates({ a: { Type: 'Pass', Parameters: { 'x.$': text }, ...END } }, input);

    expect(execution.output).toEqual({ x: expected });
  });

  it.each([["States.Format('{}')"], ['States.MathAdd(1.5, 1)'], ["States.StringToJson('{')"], ['States.ArrayGetItem($.list, 9)']])(
    '%s fails with States.IntrinsicFailure, which States.ALL catches',
    async (text) => {
      const state = task({ Parameters: { 'x.$': text }, Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'b' }] });

      const { execution } = await runStates({ a: state, b: { Type: 'Succeed' } }, { list: [] });

      expect(execution.output).toMatchObject({ error: { Error: 'States.IntrinsicFailure' } });
    },
  );
});

describe('definitions', () => {
  it.each([
    ['an unknown field', { a: { Type: 'Succeed', Retry: [] } }, 'a Succeed state has no field Retry'],
    ['a Next to nowhere', { a: { Type: 'Pass', Next: 'z' } }, 'goes to z'],
    ['no Next and no End', { a: { Type: 'Pass' } }, 'exactly one of Next and End'],
    ['States.ALL with others', { a: task({ Catch: [{ ErrorEquals: ['States.ALL', 'X'], Next: 'a' }] }) }, 'stands alone'],
    [
      'States.ALL before others',
      { a: task({ Retry: [{ ErrorEquals: ['States.ALL'] }, { ErrorEquals: ['X'] }] }) },
      'only allowed in the last',
    ],
    ['a long name', { ['a'.repeat(81)]: { Type: 'Succeed' } }, 'at most 80'],
    ['an unknown Resource', { a: task({ Resource: 'arn:aws:states:::sqs:sendMessage' }) }, 'does not know the Resource'],
  ])('refuses %s', async (_, states, message) => {
    await expect(runStates(states)).rejects.toThrow(message);
  });
});
