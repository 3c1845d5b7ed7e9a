import type { RunningProcess } from './processes.ts';

/** What a machine that booted runs. */
export interface Booted {
  readonly running: readonly RunningProcess[];
  /** Starts the same programs anew, on the disk as it is. */
  restart(): Booted;
  /** Folder of its data volume. */
  readonly volume: string | undefined;
  /** Takes away what outlives its processes, once the machine is gone. */
  gone?(): Promise<void>;
}

export const NOTHING_RUNS: Booted = { running: [], restart: () => NOTHING_RUNS, volume: undefined };

/** Starts the programs of a machine side by side. */
export function startAll(programs: readonly (() => RunningProcess)[], volume: string | undefined): Booted {
  return { running: programs.map((start) => start()), restart: () => startAll(programs, volume), volume };
}
