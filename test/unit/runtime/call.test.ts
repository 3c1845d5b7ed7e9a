import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { InputError, StackFailedError } from '#model/errors.ts';
import { defineStep } from '#ports/step.ts';
import { type AnyStep, parseCall, runStep, type StepCall } from '#runtime/call.ts';

const CALL: StepCall = {
  step: 'double',
  machine: 'update-cluster',
  state: 'double--first',
  execution: 'update-1',
  startedAt: '2026-01-05T08:00:00Z',
  input: { number: 2, text: 'of the machine' },
  with: {},
};

interface Ports {
  readonly seen: unknown[];
}

const double = defineStep({
  name: 'double',
  input: z.object({ number: z.int(), startedAt: z.string() }),
  output: z.object({ doubled: z.int() }),
  async run(input, ports: Ports, context) {
    ports.seen.push({ input, context });
    return { doubled: input.number * 2 };
  },
});
const broken = defineStep({
  name: 'broken',
  input: z.object({}),
  output: z.object({}),
  run: async () => Promise.reject(new StackFailedError('no subnet')),
});
const wrong = defineStep({
  name: 'wrong',
  input: z.object({}),
  output: z.object({ done: z.boolean() }),
  // As a step would whose code and schema differ: the type system is not asked.
  run: async () => ({ done: 'yes' as unknown as boolean }),
});
const STEPS: readonly AnyStep<Ports>[] = [double, broken, wrong];

describe('parseCall', () => {
  it('takes a call; constants of the state are none unless said', () => {
    const { with: _, ...call } = CALL;

    expect(parseCall(call)).toEqual(CALL);
  });

  it.each([
    ['nothing', undefined],
    ['no step', { ...CALL, step: '' }],
    ['no execution', { ...CALL, execution: undefined }],
    ['no start', { ...CALL, startedAt: undefined }],
    ['input that is no object', { ...CALL, input: 'text' }],
  ])('refuses %s', (_, event) => {
    expect(() => parseCall(event)).toThrow(InputError);
  });
});

describe('runStep', () => {
  it('gives the step what its schema picks of the state, and its execution', async () => {
    const ports = { seen: [] };

    const output = await runStep(STEPS, CALL, ports);

    expect(output).toEqual({ doubled: 4 });
    expect(ports.seen).toEqual([{ input: { number: 2, startedAt: CALL.startedAt }, context: { execution: 'update-1' } }]);
  });

  it('lets the constants of the state win over its data, and the data over the start', async () => {
    const ports = { seen: [] };
    const call = { ...CALL, input: { number: 2, startedAt: 'earlier' }, with: { number: 5 } };

    expect(await runStep(STEPS, call, ports)).toEqual({ doubled: 10 });
    expect(ports.seen).toMatchObject([{ input: { number: 5, startedAt: 'earlier' } }]);
  });

  it('names a step that is not there', async () => {
    const run = runStep(STEPS, { ...CALL, step: 'triple' }, { seen: [] });

    await expect(run).rejects.toThrow(InputError);
    await expect(run).rejects.toThrow('there is no step triple here');
  });

  it('names the field of a wrong input and runs nothing', async () => {
    const ports = { seen: [] };

    const run = runStep(STEPS, { ...CALL, input: { number: 'two' } }, ports);

    await expect(run).rejects.toThrow(InputError);
    await expect(run).rejects.toThrow(/the input of double has the wrong shape:[\s\S]*number/);
    expect(ports.seen).toEqual([]);
  });

  it('gives on no output of a wrong shape', async () => {
    await expect(runStep(STEPS, { ...CALL, step: 'wrong' }, { seen: [] })).rejects.toThrow('the output of wrong has the wrong shape');
  });

  it("keeps the step's own error, by the name that state machines match on", async () => {
    await expect(runStep(STEPS, { ...CALL, step: 'broken' }, { seen: [] })).rejects.toMatchObject({
      name: 'StackFailedError',
      message: 'no subnet',
    });
  });
});
