import type { PoolStatus } from './node-status.ts';
import type { RolloutStatus } from './workload-status.ts';

export interface ForecastFacts {
  readonly wantedVersion: string;
  /** Versions that connections to the API met, with repeats. */
  readonly servedVersions: readonly string[];
  readonly pools: readonly {
    readonly name: string;
    readonly size: number;
    readonly generationBefore: number | undefined;
    readonly generation: number;
    readonly status: PoolStatus;
  }[];
  /** Workloads of the load: before and after the update. */
  readonly load: readonly { readonly object: string; readonly uidBefore: string; readonly uid: string; readonly status: RolloutStatus }[];
}

export interface Observation {
  readonly what: string;
  readonly ok: boolean;
  readonly found: string;
}

/** Compares what the update should have done with what is there; each line is one assertion, for people too. */
export function forecastObservations(facts: ForecastFacts): Observation[] {
  return [versionObservation(facts), ...facts.pools.map(poolObservation), ...facts.load.map(loadObservation)];
}

function versionObservation({ wantedVersion, servedVersions }: ForecastFacts): Observation {
  const other = servedVersions.filter((version) => version !== wantedVersion);
  const ok = servedVersions.length > 0 && other.length === 0;
  const found = servedVersions.length === 0 ? 'no answer' : [...new Set(servedVersions)].join(', ');
  return { what: `the API has version ${wantedVersion}`, ok, found };
}

function poolObservation({ name, size, generationBefore, generation, status }: ForecastFacts['pools'][number]): Observation {
  const change = generationBefore === generation ? `generation ${generation}` : `generation ${generationBefore ?? 'none'} -> ${generation}`;
  const ok = status.old === 0 && status.good >= size && status.problems.length === 0;
  const problems = status.problems.length === 0 ? '' : `: ${status.problems.slice(0, 3).join('; ')}`;
  return {
    what: `pool ${name} (${change}) has ${size} Ready nodes, all of the new version`,
    ok,
    found: `${status.good} Ready, ${status.old} old${problems}`,
  };
}

function loadObservation({ object, uidBefore, uid, status }: ForecastFacts['load'][number]): Observation {
  const same = uid !== '' && uid === uidBefore;
  const found = uid === '' ? 'it is gone' : !same ? 'it was deleted and made anew' : status.reason;
  return { what: `${object} is the same as before and available`, ok: same && status.ready, found };
}
