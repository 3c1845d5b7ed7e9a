import { isProven, newestSucceeded } from '#domain/evidence.ts';
import { keys } from '#domain/names.ts';
import { parseSettings } from '#domain/settings.ts';
import { GateClosedError, InputError, NotFoundError } from '#model/errors.ts';
import { SettingsFiles } from '#model/pull-request.ts';
import { ChannelProof, type ClusterRecord, FleetMark, Genesis, RevisionEvidence, StoredCluster } from '#model/records.ts';
import type { ChannelFile, Settings } from '#model/settings.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { changeObject, readObject } from './stored.ts';

/** Record of a cluster; undefined when it was never created whole or is deleted. @throws InputError when it can't be read */
export async function readRecord(objects: ObjectStore, name: string): Promise<ClusterRecord | undefined> {
  const stored = await readObject(objects, keys.cluster(name), StoredCluster);
  return stored === undefined || 'deleted' in stored || 'creating' in stored ? undefined : stored;
}

/** Records by name of those of the named clusters that exist. */
export async function readRecords(objects: ObjectStore, names: readonly string[]): Promise<Map<string, ClusterRecord>> {
  const records = await Promise.all(names.map((name) => readRecord(objects, name)));
  return new Map(records.flatMap((record) => (record === undefined ? [] : [[record.cluster.name, record] as const])));
}

/** The proof of one revision in a channel; undefined when it has not succeeded there. */
export async function readProof(objects: ObjectStore, channel: string, revision: string): Promise<ChannelProof | undefined> {
  return readObject(objects, keys.channelProof(channel, revision), ChannelProof);
}

/** What is proven of a revision's content; undefined when no check succeeded for it. */
export async function readEvidence(objects: ObjectStore, revision: string): Promise<RevisionEvidence | undefined> {
  return readObject(objects, keys.evidence(revision), RevisionEvidence);
}

/** All proofs of a channel. */
export async function readProofs(objects: ObjectStore, channel: string): Promise<ChannelProof[]> {
  const found = await objects.list(keys.channelProofs(channel));
  const proofs = await Promise.all(found.map((key) => readObject(objects, key, ChannelProof)));
  return proofs.flatMap((proof) => proof ?? []);
}

/** What the channel began with; undefined before it began. */
export async function readGenesis(objects: ObjectStore, channel: string): Promise<Genesis | undefined> {
  return readObject(objects, keys.genesis(channel), Genesis);
}

/** Whether an operator said that a fleet may begin in this bucket. @throws InputError when the mark can't be read */
export async function isFounded(objects: ObjectStore): Promise<boolean> {
  return (await readObject(objects, keys.fleet(), FleetMark)) !== undefined;
}

/** Writes what a channel begins with, once. @throws GateClosedError when it began with something else */
export async function beginChannel(objects: ObjectStore, genesis: Genesis): Promise<void> {
  const { channel, revision } = genesis;
  const there = await changeObject(objects, keys.genesis(channel), Genesis, (known) => (known === undefined ? genesis : undefined));
  if (there?.revision === revision) return;
  throw new GateClosedError(
    `channel ${channel} began with ${there?.revision ?? 'nothing'}, not with ${revision}; bring ${revision.slice(0, 12)} by a pull request`,
  );
}

/** Settings of a commit of main, as resolve-revision or snapshot-configuration left them. @throws NotFoundError, InputError */
export async function readSettings(objects: ObjectStore, commit: string): Promise<Settings> {
  const stored = await readObject(objects, keys.settings(commit), SettingsFiles);
  if (stored === undefined) throw new NotFoundError(`the settings of ${commit} are not in S3; re-run the check to read them again`);
  const { value, findings } = parseSettings(stored);
  if (value !== undefined) return value.settings;
  throw new InputError(`the settings of ${commit} are not valid: ${findings[0]?.path ?? ''}: ${findings[0]?.message ?? 'no channel file'}`);
}

/**
 * The gate of a revision for a channel, read anew: nothing starts because somebody else looked before.
 * @param waived set when the rollout was resolved as a hotfix with a recorded waiver
 */
export async function readGate(
  objects: ObjectStore,
  channel: Pick<ChannelFile, 'channel' | 'follows' | 'clusters'>,
  revision: string,
  waived: boolean,
  now: Date,
): Promise<{ open: boolean; reason: string; basis: string }> {
  const proofOf = (name: string) => readProof(objects, name, revision);
  const [evidence, ownProof, upstreamProof, proofs, genesis, founded, records] = await Promise.all([
    readEvidence(objects, revision),
    proofOf(channel.channel),
    channel.follows === undefined ? undefined : proofOf(channel.follows),
    objects.list(keys.channelProofs(channel.channel)),
    readGenesis(objects, channel.channel),
    isFounded(objects),
    readRecords(
      objects,
      channel.clusters.map(({ name }) => name),
    ),
  ]);
  const until = new Date(now.getTime() + 1000).toISOString();
  const waiver = { channel: channel.channel, revision, owner: 'resolve-revision', reason: 'hotfix', until };
  const proven = isProven({
    channel,
    revision,
    evidence,
    ownProof,
    upstreamProof,
    hasProofs: proofs.length > 0,
    genesis: genesis?.revision ?? null,
    isFounded: founded,
    running: [...records.values()].map((record) => record.revision),
    waivers: waived ? [waiver] : [],
    now,
  });
  return proven.proven
    ? { open: true, reason: proven.basis, basis: proven.basis }
    : { open: false, reason: `${channel.channel} may not take it: ${proven.reason}`, basis: 'none' };
}

/**
 * The revision that new clusters of a channel begin with: the newest that succeeded, else what the channel began with, else
 * what its branch holds. @throws GateClosedError when there is none
 */
export async function channelRevision(
  objects: ObjectStore,
  channel: string,
  heads: Readonly<Record<string, { commit: string; revision: string }>>,
): Promise<string> {
  const newest = newestSucceeded(await readProofs(objects, channel));
  const revision = newest?.revision ?? (await readGenesis(objects, channel))?.revision ?? heads[channel]?.revision;
  if (revision !== undefined) return revision;
  throw new GateClosedError(`channel ${channel} has no revision yet: push a configuration (channels/cluster/) to its branch first`);
}
