import type { BackupIndex } from '#model/backup-records.ts';
import type { WantedCheck } from '#model/checks.ts';
import type { RepositoryRef } from '#model/primitives.ts';
import type { ChannelProof, Genesis, Halt, Ledger, Lock, PullRequestTurn, StoredCluster } from '#model/records.ts';
import type { NewestRollout, NewestSettings, RolloutInputs, SoakRecord } from '#model/rollout.ts';
import type { Settings } from '#model/settings.ts';
import type { Known } from './may-start.ts';

/** A record: null when there is none; not known when it can't be read. */
export type Fact<T> = Known<T | null>;

export interface ChannelFacts {
  readonly proofs: Known<readonly ChannelProof[]>;
  readonly genesis: Fact<Genesis>;
  readonly newest: Fact<NewestRollout>;
}

export interface ClusterFacts {
  readonly stored: Fact<StoredCluster>;
  readonly lock: Fact<Lock>;
  readonly backups: Fact<BackupIndex>;
}

/** A rollout as it is found: by the channel's newest, or by the check of the newest settings. */
export interface RolloutFacts {
  readonly id: string;
  readonly channel: string | null;
  readonly revision: string | null;
  readonly commit: string;
  readonly check: Fact<WantedCheck>;
  readonly inputs: Fact<RolloutInputs>;
  readonly ledger: Fact<Ledger>;
  /** Of each wave. */
  readonly soaks: readonly Fact<SoakRecord>[];
}

export interface PullRequestFacts {
  readonly number: number;
  readonly turn: Fact<PullRequestTurn>;
  readonly check: Fact<WantedCheck>;
}

/** Everything that the page is made of: the hub's records, as they could be read. */
export interface PageFacts {
  readonly now: Date;
  readonly repository: RepositoryRef;
  /** Web address of the repository; null when the API's address tells none. */
  readonly url: string | null;
  readonly founded: Known<boolean>;
  readonly halt: Fact<Halt>;
  readonly newest: Fact<NewestSettings>;
  readonly settings: Fact<Settings>;
  readonly channels: ReadonlyMap<string, ChannelFacts>;
  readonly clusters: ReadonlyMap<string, ClusterFacts>;
  readonly rollouts: readonly RolloutFacts[];
  /** Locks of the e2e slots, by account. */
  readonly slots: ReadonlyMap<string, Fact<Lock>>;
  readonly pullRequests: Known<readonly PullRequestFacts[]>;
}

/** The value, or null when there is none or it can't be read. */
export function given<T>(fact: Known<T> | undefined): T | null {
  return fact?.known === true ? fact.value : null;
}

/** What can't be read of these, each once. */
export function problemsOf(facts: readonly (Known<unknown> | undefined)[]): string[] {
  return [...new Set(facts.flatMap((fact) => (fact === undefined || fact.known ? [] : [fact.what])))];
}
