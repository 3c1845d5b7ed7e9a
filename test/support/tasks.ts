import { nextLook, resultKey } from '#runtime/patience.ts';

/**
 * How many calls of a function some looks of a step in a row are: its wrapper looks again itself after a short wait.
 * @param outputs what the step answered, in order, each time after the wait that it had asked for
 */
export function tasksOf(step: string, outputs: readonly unknown[]): number {
  let tasks = 0;
  let elapsed = 0;
  outputs.forEach((output, index) => {
    const input = index === 0 ? {} : { [resultKey(step)]: outputs[index - 1] };
    const next = nextLook({ step, machine: '', state: '', execution: '', startedAt: '', input, with: {} }, output, elapsed);
    elapsed = next === undefined ? 0 : elapsed + next.seconds;
    if (next === undefined) tasks += 1;
  });
  return tasks;
}
