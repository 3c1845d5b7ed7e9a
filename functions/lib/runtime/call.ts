import * as z from 'zod';
import { InputError } from '#model/errors.ts';
import type { Step } from '#ports/step.ts';

/** What a Task state sends: which step, and the state's data with the state's own constants in `with`. */
export const StepCall = z.object({
  step: z.string().min(1),
  machine: z.string().min(1),
  state: z.string().min(1),
  execution: z.string().min(1),
  startedAt: z.string().min(1),
  input: z.record(z.string(), z.unknown()),
  with: z.record(z.string(), z.unknown()).default({}),
});
export type StepCall = z.infer<typeof StepCall>;

export type AnyStep<P> = Step<z.ZodType, z.ZodType, P>;

/** @throws InputError when the event is no call of a step */
export function parseCall(event: unknown): StepCall {
  return parse(StepCall, event, 'the call of a step');
}

/** Finds and runs the called step on its parsed input. @throws InputError for an unknown step or a wrong shape */
export async function runStep<P>(steps: readonly AnyStep<P>[], call: StepCall, ports: P): Promise<unknown> {
  const step = steps.find((candidate) => candidate.name === call.step);
  if (step === undefined) throw new InputError(`there is no step ${call.step} here; the state machine and the functions differ in version`);
  const input = parse(step.input, { startedAt: call.startedAt, ...call.input, ...call.with }, `the input of ${call.step}`);
  const output = await step.run(input, ports, { execution: call.execution });
  return parse(step.output, output, `the output of ${call.step}`);
}

function parse<S extends z.ZodType>(schema: S, value: unknown, what: string): z.infer<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InputError(`${what} has the wrong shape: ${z.prettifyError(parsed.error)}`);
}
