import { requiredLayers } from '#domain/backup.ts';
import { openSuspicion } from '#domain/backup-anomaly.ts';
import { takenAtOf } from '#domain/backup-index.ts';
import { contentProblems, proofOf } from '#domain/backup-proof.ts';
import { durationSeconds } from '#domain/duration.ts';
import { accountKeys, keys } from '#domain/names.ts';
import { didYouMean } from '#domain/suggest.ts';
import { askProof } from '#facts/backup-proof.ts';
import { readSettings } from '#facts/fleet.ts';
import { readObject } from '#facts/stored.ts';
import { BackupIndex, type BackupManifest, type LayerVerdict } from '#model/backup-records.ts';
import { InputError, SluiceError } from '#model/errors.ts';
import { StoredCluster } from '#model/records.ts';
import { NewestSettings } from '#model/rollout.ts';
import type { ChannelFile, ClusterEntry } from '#model/settings.ts';
import type { AccountSource, BackupSources } from './sources.ts';

const NOBODY_LOOKS = 'does sluice-backup-fleet run? docs/recover.md, "When an alarm comes"';
/** As the alarm `sluice-backup-due`. */
const LATE_INTERVALS = 2;

export interface FleetCluster {
  readonly entry: ClusterEntry;
  readonly channel: ChannelFile;
}

/** One manifest as it was read and judged. */
export interface SeenBackup {
  readonly id: string;
  readonly takenAt: Date | undefined;
  /** Absent when it can't be read, or is none. */
  readonly manifest: BackupManifest | undefined;
  readonly layers: readonly LayerVerdict[];
  /** Every layer that a file alone allows holds, none fails, and the signature is not wrong. */
  readonly proven: boolean;
  /** Why not; empty when it is. */
  readonly problems: readonly string[];
  readonly signature: 'fits' | 'does not fit' | 'none' | 'unchecked';
  /** What was not looked at, and why; empty when all was. */
  readonly unread: readonly string[];
}

export type ClusterState = 'fine' | 'late' | 'failing' | 'not proven' | 'suspicious' | 'not there' | 'not read';

export interface Problem {
  readonly text: string;
  /** What to do first. */
  readonly todo: string;
}

/** What is known of the backups of one cluster. */
export interface SeenCluster {
  readonly cluster: string;
  readonly channel: string;
  readonly account: string;
  readonly interval: string;
  readonly state: ClusterState;
  readonly newestProven: BackupIndex['newestProven'];
  readonly newestDrilled: BackupIndex['newestDrilled'];
  readonly bytes: number | null;
  readonly seconds: number | null;
  readonly failures: number;
  /** Id of the backup that lacks something and is not acknowledged. */
  readonly suspicious: string | null;
  readonly problems: readonly Problem[];
  /** The newest by its manifest; absent when nobody looked, or there is none. */
  readonly newest: SeenBackup | undefined;
  readonly unread: readonly string[];
}

/** Clusters of the newest settings, in their order. @throws NotFoundError, InputError when they can't be read, or name no such cluster */
export async function readFleet({ hub }: BackupSources, only: string | undefined): Promise<FleetCluster[]> {
  const newest = await readObject(hub, keys.newestSettings(), NewestSettings);
  if (newest === undefined)
    throw new InputError('The bucket holds no settings: is it the hub’s (--hub)? Before the first rollout there are none.');
  const { channels } = await readSettings(hub, newest.commit);
  const all = channels.flatMap((channel) => channel.clusters.map((entry) => ({ entry, channel })));
  if (only === undefined) return all;
  const found = all.filter(({ entry }) => entry.name === only);
  const names = all.map(({ entry }) => entry.name);
  if (found.length === 0) throw new InputError(`The settings name no cluster ${only}.${didYouMean(only, names)}`);
  return found;
}

/** @param deep whether the newest manifest in the cluster's account is read too */
export async function lookAtCluster(sources: BackupSources, { entry, channel }: FleetCluster, deep: boolean): Promise<SeenCluster> {
  const { name, account, region } = entry;
  const index = await tried(() => readObject(sources.hub, keys.backupIndex(name), BackupIndex));
  const stored = await tried(() => readObject(sources.hub, keys.cluster(name), StoredCluster));
  const { newestProven = null, newestDrilled = null, bytes = null, seconds = null, failures = 0 } = index.value ?? {};
  const unread = [index, stored].flatMap(({ problem }) => (problem === undefined ? [] : [problem]));
  const newest = deep && newestProven !== null ? await readBackup(sources.account(account, region), name, newestProven.id) : undefined;
  const lives = stored.value !== undefined && 'versions' in stored.value && stored.value.deleting === undefined;
  const created = stored.value !== undefined && 'versions' in stored.value ? (stored.value.startedAt ?? stored.value.updatedAt) : undefined;
  const context = { cluster: name, channel, now: sources.now(), created: lives && index.problem === undefined ? created : undefined };
  const found = findProblems(index.value, newest, context);
  const all = [...unread, ...(newest?.unread ?? [])];
  const state = found[0]?.state ?? (all.length > 0 ? 'not read' : lives ? 'fine' : 'not there');
  return {
    cluster: name,
    channel: channel.channel,
    account,
    interval: channel.backup.interval,
    state,
    newestProven,
    newestDrilled,
    bytes,
    seconds,
    failures,
    suspicious: (index.value && openSuspicion(index.value, channel.backup.acknowledged, context.now)?.content.id) ?? null,
    problems: found.map(({ text, todo }) => ({ text, todo })),
    newest,
    unread: all,
  };
}

interface Context {
  readonly cluster: string;
  readonly channel: ChannelFile;
  readonly now: Date;
  /** When the cluster was made; undefined where it is not there, is being deleted, or its index can't be read: nothing of it is late. */
  readonly created: string | undefined;
}

/** The worst first. */
function findProblems(
  index: BackupIndex | undefined,
  newest: SeenBackup | undefined,
  context: Context,
): (Problem & { state: ClusterState })[] {
  const { cluster, channel, now, created } = context;
  const found: (Problem & { state: ClusterState })[] = [];
  if (newest !== undefined && newest.problems.length > 0) {
    const todo = 'don’t restore it; the one before it: sluice backup list --cluster';
    found.push({ state: 'not proven', text: `${newest.id}: ${newest.problems.join('; ')}`, todo: `${todo} ${cluster}` });
  }
  const suspicion = index === undefined ? undefined : openSuspicion(index, channel.backup.acknowledged, now);
  if (suspicion !== undefined) {
    const { content, comparedWith, findings } = suspicion;
    const todo =
      'find out what is missing; if it is right, backup.acknowledged in the channel file (docs/recover.md, "A suspicious backup")';
    found.push({ state: 'suspicious', text: `${content.id} lacks what ${comparedWith} had: ${findings.join('; ')}`, todo });
  }
  const failed =
    index === undefined || index.failures === 0
      ? []
      : [`${index.failures} failed since: ${index.lastFailure?.reason ?? 'no reason was told'}`];
  const todo = index === undefined || index.failures === 0 ? NOBODY_LOOKS : lookAtFailure(index);
  const since = index?.newestProven?.takenAt ?? created;
  const age = since === undefined ? 0 : (now.getTime() - Date.parse(since)) / 1000;
  if (created !== undefined && age > LATE_INTERVALS * durationSeconds(channel.backup.interval)) {
    const late = `no proven backup of its last two intervals of ${channel.backup.interval}`;
    found.push({ state: 'late', text: [late, ...failed].join('; '), todo });
  } else if (failed.length > 0) found.push({ state: 'failing', text: failed.join(), todo });
  return found;
}

/** By the layer that fails, as docs/recover.md has it. */
function lookAtFailure({ lastFailure }: BackupIndex): string {
  const layer = /\bL[0-6]\b/.exec(lastFailure?.reason ?? '')?.[0];
  const first: Readonly<Record<string, string>> = {
    L0: 'etcd itself is not well: members, alarms, space (docs/operate.md)',
    L1: 'what the member sends is damaged: look at its disk',
    L2: 'what the member sends is damaged: look at its disk',
    L3: 'members differ: one has lost or changed data (docs/operate.md)',
    L4: 'the bucket or its key: what was stored is not what was read',
    L5: 'the snapshot does not boot: don’t restore it',
    L6: 'often an encryption key that is no longer in the identity',
  };
  return first[layer ?? ''] ?? `the history of the execution ${lastFailure?.execution ?? ''} of sluice-backup-etcd`.replace('  ', ' ');
}

/** Every backup of a cluster that its account's bucket lists, the newest first. */
export async function readBackups(source: AccountSource, cluster: string): Promise<SeenBackup[]> {
  const found = await source.objects.list(accountKeys.backups(cluster));
  const ids = [...new Set(found.flatMap((key) => key.split('/')[2] ?? []))].filter((id) => takenAtOf(id) !== undefined);
  // Asked once: without an answer each of them is told as unchecked.
  const key = await tried(() => source.signer.publicKey());
  const publicKey = async () => key.value ?? Promise.reject(new InputError(key.problem ?? 'no key'));
  const once = { ...source, signer: { ...source.signer, publicKey } };
  return Promise.all(
    ids
      .toSorted()
      .toReversed()
      .map((id) => readBackup(once, cluster, id)),
  );
}

/** One backup by its manifest. What can't be read is told, never taken for fine. */
export async function readBackup(source: AccountSource, cluster: string, id: string): Promise<SeenBackup> {
  const takenAt = takenAtOf(id);
  const nothing = { id, takenAt, manifest: undefined, layers: [], proven: false, signature: 'unchecked' as const };
  const stored = await tried(() => source.objects.get(accountKeys.backup(cluster, id, 'manifest.json')));
  if (stored.problem !== undefined) return { ...nothing, problems: [], unread: [stored.problem] };
  if (stored.value === undefined)
    return { ...nothing, problems: ['it has no manifest: it was never proven, or was taken away'], unread: [] };
  const text = stored.value.body;
  const required = requiredLayers(false);
  const checked = await tried(() => askProof(text, required, source.signer));
  // Without a key every signature is wrong: only what is in the manifest is asked then.
  const { manifest, problems } = checked.value ?? proofOf(text, required, '');
  if (manifest === undefined) return { ...nothing, problems, unread: [] };
  const content = [...contentProblems(manifest, required), ...otherPlace(manifest, cluster, id)];
  const own = { id, takenAt, manifest, layers: manifest.layers };
  if (manifest.signature === undefined) return { ...own, proven: false, problems: [...problems], signature: 'none', unread: [] };
  if (checked.value === undefined) {
    return {
      ...own,
      proven: content.length === 0,
      problems: content,
      signature: 'unchecked',
      unread: [`the signature: ${checked.problem ?? ''}`],
    };
  }
  const signature = problems.length > contentProblems(manifest, required).length ? 'does not fit' : 'fits';
  const told = [...problems, ...otherPlace(manifest, cluster, id)];
  return { ...own, proven: told.length === 0, problems: told, signature, unread: [] };
}

/** A whole manifest that was copied to another place proves nothing there. */
function otherPlace(manifest: BackupManifest, cluster: string, id: string): string[] {
  return manifest.cluster === cluster && manifest.id === id ? [] : [`its manifest is of ${manifest.cluster} ${manifest.id}`];
}

interface Tried<T> {
  readonly value: T | undefined;
  readonly problem: string | undefined;
}

/** What a caller has no right to, or is not readable, is told; anything else is a mistake of ours. */
async function tried<T>(read: () => Promise<T>): Promise<Tried<T>> {
  try {
    return { value: await read(), problem: undefined };
  } catch (error) {
    if (error instanceof SluiceError) return { value: undefined, problem: error.message };
    throw error;
  }
}
