import type * as z from 'zod';
import { type Known, known, unknown } from '#domain/may-start.ts';
import { checkNames, keys } from '#domain/names.ts';
import type { ChannelFacts, ClusterFacts, Fact, PageFacts, PullRequestFacts, RolloutFacts } from '#domain/page-facts.ts';
import { given } from '#domain/page-facts.ts';
import { isFounded, readProofs, readSettings } from '#facts/fleet.ts';
import { readObject } from '#facts/stored.ts';
import { BackupIndex } from '#model/backup-records.ts';
import { WantedCheck } from '#model/checks.ts';
import type { RepositoryRef } from '#model/primitives.ts';
import { Genesis, Halt, Ledger, Lock, PullRequestTurn, StoredCluster } from '#model/records.ts';
import { NewestRollout, NewestSettings, RolloutInputs, SoakRecord } from '#model/rollout.ts';
import type { Settings } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';

export interface PagePorts {
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly repository: RepositoryRef;
  /** Web address of the repository; null when the API's address tells none. */
  readonly url: string | null;
}

/** Pull requests that are shown, the newest. */
const PULL_REQUESTS = 10;

/** Reads everything that the page shows. One record that can't be read hides no other. */
export async function readFacts({ objects, clock, repository, url }: PagePorts): Promise<PageFacts> {
  const [newest, halt, founded, pullRequests] = await Promise.all([
    readFact(objects, keys.newestSettings(), NewestSettings),
    readFact(objects, keys.halt(), Halt),
    attempt(keys.fleet(), () => isFounded(objects)),
    attempt('pull-requests/', () => readPullRequests(objects)),
  ]);
  const commit = given(newest)?.commit;
  const settings: Fact<Settings> =
    commit === undefined ? known(null) : await attempt(keys.settings(commit), () => readSettings(objects, commit));
  const files = given(settings)?.channels ?? [];
  const [channels, clusters, slots] = await Promise.all([
    mapOf(
      files.map(({ channel }) => channel),
      (name) => readChannel(objects, name),
    ),
    mapOf(
      files.flatMap((file) => file.clusters.map(({ name }) => name)),
      (name) => readCluster(objects, name),
    ),
    mapOf(
      files.flatMap(({ e2e }) => (e2e?.slots ?? []).map(({ account }) => account)),
      (account) => readFact(objects, keys.lock(`e2e-${account}`), Lock),
    ),
  ]);
  const rollouts = await readRollouts(objects, channels, commit);
  return { now: clock.now(), repository, url, founded, halt, newest, settings, channels, clusters, rollouts, slots, pullRequests };
}

async function readChannel(objects: ObjectStore, channel: string): Promise<ChannelFacts> {
  const [proofs, genesis, newest] = await Promise.all([
    attempt(keys.channelProofs(channel), () => readProofs(objects, channel)),
    readFact(objects, keys.genesis(channel), Genesis),
    readFact(objects, keys.newestRollout(channel), NewestRollout),
  ]);
  return { proofs, genesis, newest };
}

async function readCluster(objects: ObjectStore, name: string): Promise<ClusterFacts> {
  const [stored, lock, backups] = await Promise.all([
    readFact(objects, keys.cluster(name), StoredCluster),
    readFact(objects, keys.lock(name), Lock),
    readFact(objects, keys.backupIndex(name), BackupIndex),
  ]);
  return { stored, lock, backups };
}

/** The newest of each channel, and that of the newest settings, which only its check names. */
async function readRollouts(
  objects: ObjectStore,
  channels: ReadonlyMap<string, ChannelFacts>,
  settingsCommit: string | undefined,
): Promise<RolloutFacts[]> {
  const ofChannels = [...channels].flatMap(([channel, { newest }]) => {
    const found = given(newest);
    return found === null ? [] : [{ id: found.rolloutId, channel, revision: found.revision, commit: found.commit }];
  });
  const rollouts = await Promise.all(
    ofChannels.map(async (rollout) => ({ ...rollout, ...(await readRollout(objects, rollout.id, rollout.commit)) })),
  );
  if (settingsCommit === undefined) return rollouts;
  const check = await readFact(objects, keys.check(settingsCommit, checkNames.rollout), WantedCheck);
  const id = check.known ? check.value?.execution : 'of the newest settings';
  if (id === undefined) return rollouts;
  const what = { id, channel: null, revision: null, commit: settingsCommit };
  return [...rollouts, { ...what, ...(await readRollout(objects, id, settingsCommit)) }];
}

async function readRollout(
  objects: ObjectStore,
  id: string,
  commit: string,
): Promise<Pick<RolloutFacts, 'check' | 'inputs' | 'ledger' | 'soaks'>> {
  const [check, inputs, ledger] = await Promise.all([
    readFact(objects, keys.check(commit, checkNames.rollout), WantedCheck),
    readFact(objects, keys.rollout(id, 'inputs'), RolloutInputs),
    readFact(objects, keys.rollout(id, 'ledger'), Ledger),
  ]);
  const waves = given(inputs)?.waves ?? [];
  const soaks = await Promise.all(waves.map((_, index) => readFact(objects, keys.rollout(id, `soak-${index}`), SoakRecord)));
  return { check, inputs, ledger, soaks };
}

async function readPullRequests(objects: ObjectStore): Promise<PullRequestFacts[]> {
  const numbers = (await objects.list('pull-requests/')).flatMap((key) => {
    const number = /^pull-requests\/([1-9]\d*)\.json$/.exec(key)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
  const newest = numbers.toSorted((left, right) => right - left).slice(0, PULL_REQUESTS);
  return Promise.all(
    newest.map(async (number) => {
      const turn = await readFact(objects, keys.pullRequest(number), PullRequestTurn);
      const sha = given(turn)?.headSha;
      const check: Fact<WantedCheck> =
        sha === undefined ? known(null) : await readFact(objects, keys.check(sha, checkNames.gate), WantedCheck);
      return { number, turn, check };
    }),
  );
}

async function readFact<S extends z.ZodType>(objects: ObjectStore, key: string, schema: S): Promise<Fact<z.infer<S>>> {
  return attempt(key, async () => (await readObject(objects, key, schema)) ?? null);
}

/** Whatever the reason: what can't be read is shown as that. */
async function attempt<T>(what: string, read: () => Promise<T>): Promise<Known<T>> {
  try {
    return known(await read());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return unknown(reason.includes(what) ? reason : `${what}: ${reason}`);
  }
}

async function mapOf<T>(names: readonly string[], read: (name: string) => Promise<T>): Promise<ReadonlyMap<string, T>> {
  return new Map(await Promise.all(names.map(async (name) => [name, await read(name)] as const)));
}
