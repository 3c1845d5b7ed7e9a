import { paced } from '../pace.ts';
import type { Wait } from './decide.ts';

/** Seconds until the next look: by what began last, so that a pod that blocks for hours does not hide a node that just came. */
export function rollPace(waits: readonly Wait[], since: Date, now: Date): number {
  const begun = waits.flatMap((wait) => wait.since?.getTime() ?? []);
  return paced(begun.length === 0 ? since : new Date(Math.max(...begun)), now);
}
