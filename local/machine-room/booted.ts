import type { ProcessSpec, ProcessTable, RunningProcess } from './processes.ts';

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
export function startAll(specs: readonly ProcessSpec[], volume: string | undefined, processes: ProcessTable): Booted {
  return { running: specs.map((spec) => processes.start(spec)), restart: () => startAll(specs, volume, processes), volume };
}
