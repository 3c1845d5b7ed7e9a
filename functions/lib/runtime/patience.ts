import * as z from 'zod';
import type { StepCall } from './call.ts';

/**
 * Steps that look again within one call, with what they answer of their deeds: a deed is kept in the history of the execution
 * before anything else happens. What they wait for mostly comes within minutes and is to be noticed within seconds, while a
 * Wait state and its Task cost three transitions. Their states have a timeout that has room for it.
 */
export const PATIENT: Readonly<Record<string, readonly string[]>> = {
  'advance-deletion': ['asked', 'retained'],
  'advance-stack': ['attempted', 'mended'],
  'await-nodes': [],
  'await-workloads': [],
  'check-health': [],
  'mend-etcd-members': [],
  'replace-lost-nodes': ['replaced'],
  'restore-members': [],
  'roll-control-plane': [],
  'roll-etcd-members': ['changed'],
  'roll-node-pools': ['forced'],
};

/** No look begins later in a call. With the longest look it is less than the shortest timeout of their states. */
export const PATIENCE_SECONDS = 45;
/** A longer wait is the state machine's: nobody pays for a function that sleeps through it. */
const SHORT_SECONDS = 5;

const Waiting = z.looseObject({ done: z.literal(false), waitSeconds: z.number().min(0).max(SHORT_SECONDS) });
/** Nothing was done yet, as the steps write it. */
const NOTHING: readonly (string | undefined)[] = ['false', '[]', '{}'];

/**
 * The call that the state machine would make after the wait that a step asked for, and the seconds until then; undefined
 * when it must do so itself: the step is done, the wait is long, the patience is over, or the step did something that is to
 * be kept in the history of the execution before anything else happens.
 * @param elapsed seconds since the first look of this call
 */
export function nextLook(call: StepCall, output: unknown, elapsed: number): { call: StepCall; seconds: number } | undefined {
  const deeds = Object.hasOwn(PATIENT, call.step) ? PATIENT[call.step] : undefined;
  const { success, data } = Waiting.safeParse(output);
  if (deeds === undefined || !success) return undefined;
  const seconds = Math.max(1, data.waitSeconds);
  const key = resultKey(call.step);
  if (elapsed + seconds > PATIENCE_SECONDS || deeds.some((name) => textOf(call.input[key], name) !== textOf(data, name))) return undefined;
  return { call: { ...call, input: { ...call.input, [key]: output } }, seconds };
}

/** Where the states of a step put what it answers: `advanceStack` for `advance-stack`. */
export function resultKey(step: string): string {
  return step.replace(/-(?<letter>[a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** What was kept under a name, empty and absent being one. */
function textOf(output: unknown, name: string): string | undefined {
  const text: string | undefined = typeof output === 'object' && output !== null ? JSON.stringify(Reflect.get(output, name)) : undefined;
  return NOTHING.includes(text) ? undefined : text;
}
