import type * as z from 'zod';

/** What a step may know of its surroundings besides its input and ports. */
export interface StepContext {
  /** Name of the Step Functions execution that runs this step. */
  readonly execution: string;
}

/**
 * One step of a state machine: (input, ports) -> output. It has no SDK, environment or clock of its own. `name` is the
 * state's name up to `--` and the file's name.
 */
export interface Step<I extends z.ZodType, O extends z.ZodType, P> {
  readonly name: string;
  readonly input: I;
  readonly output: O;
  run(input: z.infer<I>, ports: P, context: StepContext): Promise<z.infer<O>>;
}

/** Declares a step; only there to infer the types of `run` from the schemas. */
export function defineStep<I extends z.ZodType, O extends z.ZodType, P>(step: Step<I, O, P>): Step<I, O, P> {
  return step;
}
