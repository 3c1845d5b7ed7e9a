import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { loadMachine } from '../support/asl/load.ts';
import { findMissingData } from '../support/state-machines/data-flow.ts';
import { readMachines } from '../support/state-machines/definitions.ts';
import { readSteps } from '../support/state-machines/steps.ts';

describe('data of the state machines', () => {
  it('is there on every path: each JSONPath finds something, each step gets what its schema wants', async () => {
    const [machines, steps] = [readMachines(), await readSteps()];

    expect(Object.keys(machines).length).toBeGreaterThanOrEqual(6);
    expect(steps.length).toBeGreaterThan(30);
    expect(findMissingData(machines, steps)).toEqual([]);
  });
});

describe('the data flow check itself', () => {
  const call = (step: string, more: Record<string, unknown>) => ({
    Type: 'Task',
    Resource: { 'Fn::GetAtt': ['control', 'Arn'] },
    Parameters: { step, 'input.$': '$', with: {} },
    ...more,
  });
  const step = (name: string, input: z.ZodType, output: z.ZodType) => ({ name, folder: 'control', file: name, input, output });
  const find = (states: Record<string, unknown>, ...steps: ReturnType<typeof step>[]) =>
    findMissingData({ rollout: loadMachine('rollout', { StartAt: 'a', States: states }) }, steps);

  it('finds a path that a Catch leaves without its data', () => {
    const states = {
      a: call('a', { ResultPath: '$.a', Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'w' }], Next: 'w' }),
      w: { Type: 'Wait', SecondsPath: '$.a.waitSeconds', Next: 'z' },
      z: { Type: 'Succeed' },
    };

    expect(find(states, step('a', z.object({}), z.object({ waitSeconds: z.int() })))).toEqual(['rollout/w: $.a.waitSeconds may be absent']);
  });

  it('finds a step that wants what another may leave out, or what has another type', () => {
    const states = { a: call('a', { ResultPath: '$.a', Next: 'b' }), b: call('b', { End: true }) };
    const wants = z.object({ a: z.object({ x: z.string(), y: z.string(), z: z.string().optional() }) });

    const found = find(states, step('a', z.object({}), z.object({ x: z.int(), y: z.string().optional() })), step('b', wants, z.object({})));

    expect(found).toEqual([
      'rollout/b: input of b: $.a.x is integer or number, wanted is string',
      'rollout/b: input of b: $.a.y may be absent',
    ]);
  });

  it('trusts a Choice that asks whether something is there', () => {
    const states = {
      a: call('a', { ResultPath: '$.a', Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'c' }], Next: 'c' }),
      c: { Type: 'Choice', Choices: [{ Variable: '$.error', IsPresent: true, Next: 'f' }], Default: 'z' },
      f: { Type: 'Fail', ErrorPath: '$.error.Error' },
      z: { Type: 'Succeed' },
    };

    expect(find(states)).toEqual([]);
  });
});
