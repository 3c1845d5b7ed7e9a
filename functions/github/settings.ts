import { parse } from 'yaml';
import * as z from 'zod';
import { listedFindings } from '#domain/listed-files.ts';
import { keys } from '#domain/names.ts';
import { parseOwnPolicies } from '#domain/policies/own-policies.ts';
import { isSettings, SETTINGS_BRANCH } from '#domain/pull-request-kind.ts';
import { parseSettings } from '#domain/settings.ts';
import { settingsChangeFindings } from '#domain/settings-change.ts';
import { maySettingsApply, settingsId } from '#domain/settings-gate.ts';
import { isFounded, readProofs, readRecords } from '#facts/fleet.ts';
import { changeObject, readObject } from '#facts/stored.ts';
import { ConflictError, InputError, NotFoundError } from '#model/errors.ts';
import type { OwnPolicies } from '#model/policies.ts';
import type { RepositoryRef } from '#model/primitives.ts';
import { SettingsFiles } from '#model/pull-request.ts';
import { type FleetBranches, SettingsEvidence } from '#model/records.ts';
import { NewestSettings } from '#model/rollout.ts';
import type { ChannelFile } from '#model/settings.ts';
import type { GitHub, TreeEntry } from '#ports/github.ts';
import type { ObjectStore, StoredObject } from '#ports/objects.ts';
import { FilesRefusedError } from './files-refused.ts';

/** Folder of the settings on `main`. */
const SETTINGS_FOLDER = 'channels';

interface Ports {
  readonly github: GitHub;
  readonly objects: ObjectStore;
}

/** Blobs read from GitHub at once; its secondary limit is 100 concurrent requests an App. */
export const PARALLEL_BLOBS = 12;

/** The settings files of a commit of `main`, kept in S3 by commit. @throws NotFoundError when the branch is not there */
export async function readSettings(repository: RepositoryRef, ports: Ports, commit?: string): Promise<SettingsFiles> {
  if (commit !== undefined) return settingsAt(repository, commit, ports);
  // What is kept is read before GitHub, so that an older head of `main` never takes the place of a newer one.
  const kept = await ports.objects.get(keys.fleetBranches());
  const head = await ports.github.getBranchHead(repository, SETTINGS_BRANCH);
  const settings = await settingsAt(repository, head, ports);
  await keepBranches(settings, kept, ports.objects);
  return settings;
}

/** What the webhook listens to. @throws ConflictError when another step wrote it: it may have read a newer `main` */
async function keepBranches(settings: SettingsFiles, kept: StoredObject | undefined, objects: ObjectStore): Promise<void> {
  const branches = [...new Set([SETTINGS_BRANCH, ...channelBranches(settings).map(({ branch }) => branch)])].sort();
  const body = JSON.stringify({ settingsCommit: settings.commit, branches } satisfies FleetBranches);
  if (kept?.body === body) return;
  const key = keys.fleetBranches();
  const written = kept === undefined ? await objects.putIfAbsent(key, body) : await objects.putIfMatch(key, body, kept.etag);
  if (!written && (await objects.get(key))?.body !== body) throw new ConflictError(`${key} was written by another step; it is read again`);
}

async function settingsAt(repository: RepositoryRef, sha: string | undefined, ports: Ports): Promise<SettingsFiles> {
  if (sha === undefined) throw new NotFoundError(`the repository has no branch ${SETTINGS_BRANCH}; it holds channels/*.yaml`);
  const key = keys.settings(sha);
  const stored = await ports.objects.get(key);
  if (stored !== undefined) return SettingsFiles.parse(JSON.parse(stored.body));
  const { treeSha } = await ports.github.getCommit(repository, sha);
  const entries = await ports.github.getTree(repository, treeSha);
  const wanted = entries.filter(isSettingsFile);
  if (wanted.length > 0) refuseBeyondBounds(SETTINGS_FOLDER, wanted);
  const files: SettingsFiles['files'] = [];
  for (let start = 0; start < wanted.length; start += PARALLEL_BLOBS) {
    files.push(
      ...(await Promise.all(wanted.slice(start, start + PARALLEL_BLOBS).map((entry) => readFile(repository, entry, ports.github)))),
    );
  }
  const settings = { commit: sha, files: files.toSorted((left, right) => (left.path < right.path ? -1 : 1)) };
  await keepPolicies(settings, ports.objects);
  await ports.objects.putIfAbsent(key, JSON.stringify(settings));
  return settings;
}

/** Files that a refusal names. */
const PROBLEMS_TOLD = 10;

/** Refuses a tree that is hostile or a mistake before anything of it is read. @throws FilesRefusedError */
export function refuseBeyondBounds(folder: string, entries: readonly TreeEntry[]): void {
  const findings = listedFindings(folder, entries);
  if (findings.length === 0) return;
  const told = findings.slice(0, PROBLEMS_TOLD).map(({ message }) => message);
  const more = findings.length > PROBLEMS_TOLD ? [`And ${findings.length - PROBLEMS_TOLD} more.`] : [];
  throw new FilesRefusedError([...told, ...more].join(' '), findings);
}

/** What rollouts go by; undefined when nothing may apply. `refused`: why it is not the head of `main`; null when it is. */
export interface AcceptedSettings {
  readonly settings: SettingsFiles | undefined;
  readonly refused: string | null;
}

/**
 * The newest settings that may apply, and the note of them that holds and freezes are read by (`settings/newest.json`). The
 * head of `main` is read after that note and written only if the note is still the same: so the notes follow the order of
 * `main`, and who read an older head can't put it back over a newer one.
 * @throws InputError when they are not valid and nothing else is known
 */
export async function acceptedSettings(repository: RepositoryRef, ports: Ports): Promise<AcceptedSettings> {
  const looked: { head?: SettingsFiles; refused: string | null } = { refused: null };
  const newest = await changeObject(ports.objects, keys.newestSettings(), NewestSettings, async (known) => {
    const head = await readSettings(repository, ports);
    Object.assign(looked, { head, refused: null });
    if (known?.commit === head.commit) return undefined;
    looked.refused = (await whyNot(repository, head, known?.commit, ports)) ?? (await takesAway(repository, head, known?.commit, ports));
    if (looked.refused !== null && known === undefined && parseSettings(head).value === undefined) throw new InputError(looked.refused);
    return looked.refused === null ? { commit: head.commit, seenAt: (await ports.objects.now()).toISOString() } : undefined;
  });
  if (newest === undefined) return { settings: undefined, refused: looked.refused };
  const settings = looked.head?.commit === newest.commit ? looked.head : await readSettings(repository, ports, newest.commit);
  return { settings, refused: looked.refused };
}

/**
 * The settings of a commit of `main` where they may apply, else the newest that do: what a pull request is judged by and
 * compared with. A direct push can neither waive a policy for it nor hide what the pull request on top of it brings along.
 * While none apply yet, those of the commit. @param commit absent: the head of `main`
 */
export async function settingsThatApply(repository: RepositoryRef, ports: Ports, commit?: string): Promise<SettingsFiles> {
  const settings = await readSettings(repository, ports, commit);
  const newest = await readObject(ports.objects, keys.newestSettings(), NewestSettings);
  if (newest === undefined || newest.commit === settings.commit) return settings;
  const apply = (await whyNot(repository, settings, newest.commit, ports)) === null;
  return apply ? settings : readSettings(repository, ports, newest.commit);
}

/** null when the settings may apply. @param newest commit of those that do */
async function whyNot(repository: RepositoryRef, head: SettingsFiles, newest: string | undefined, ports: Ports): Promise<string | null> {
  const { value, findings } = parseSettings(head);
  if (value === undefined) return `the settings of ${head.commit} are not valid: ${findings[0]?.message ?? 'no channel file'}`;
  // A push that renames every channel and cluster must not look like the first one: what applies is asked for its past too.
  const before = newest === undefined ? undefined : parseSettings(await readSettings(repository, ports, newest)).value;
  const [pulls, evidence, hasHistory, founded] = await Promise.all([
    ports.github.pullRequestsOfCommit(repository, head.commit),
    readObject(ports.objects, keys.settingsEvidence(settingsId(head.files)), SettingsEvidence),
    readHistory([...value.settings.channels, ...(before?.settings.channels ?? [])], ports.objects),
    isFounded(ports.objects),
  ]);
  const merged = pulls.find((pull) => pull.merged && pull.baseRef === SETTINGS_BRANCH);
  const decision = maySettingsApply({
    commit: head.commit,
    mergedPullRequest: merged?.number ?? null,
    isChecked: evidence !== undefined,
    hasHistory,
    isFounded: founded,
  });
  return decision.apply ? null : decision.reason;
}

/**
 * What settings may not do to clusters that live, asked once more where they take effect: their check compared them with what
 * applied then, and equal files were perhaps checked long ago, before a cluster was added.
 */
async function takesAway(repository: RepositoryRef, head: SettingsFiles, newest: string | undefined, ports: Ports): Promise<string | null> {
  const next = parseSettings(head).value;
  const before = newest === undefined ? undefined : parseSettings(await readSettings(repository, ports, newest)).value;
  const [first] = next === undefined || before === undefined ? [] : settingsChangeFindings(before.settings, next);
  if (first === undefined) return null;
  return `the settings of ${head.commit} can't follow those that apply (${newest}): ${first.path}:${first.line}: ${first.message}`;
}

async function readHistory(channels: readonly ChannelFile[], objects: ObjectStore): Promise<boolean> {
  const names = channels.flatMap((channel) => channel.clusters.map(({ name }) => name));
  if ((await readRecords(objects, names)).size > 0) return true;
  const proofs = await Promise.all(channels.map(({ channel }) => readProofs(objects, channel)));
  return proofs.some((found) => found.length > 0);
}

/** What clusters get of `channels/policies/`, by its content; render reads it. Whether it is right is for validation to say. */
async function keepPolicies(settings: SettingsFiles, objects: ObjectStore): Promise<void> {
  const { value } = parseOwnPolicies(settings.files);
  if (value !== undefined) await objects.putIfAbsent(keys.policies(value.hash), JSON.stringify(value.objects satisfies OwnPolicies));
}

/** One text file of a tree. */
export async function readFile(repository: RepositoryRef, entry: TreeEntry, github: GitHub): Promise<{ path: string; content: string }> {
  const bytes = await github.getBlob(repository, entry.sha);
  return { path: entry.path, content: new TextDecoder('utf-8', { fatal: false }).decode(bytes) };
}

const ChannelLine = z.object({ channel: z.string(), branch: z.string(), follows: z.string().optional() });

/**
 * Channel and branch of each channel file, as far as it can be read: enough to tell which branch belongs to which
 * channel. Whether the files are right is for validation to say.
 */
export function channelBranches(settings: SettingsFiles): z.infer<typeof ChannelLine>[] {
  return settings.files.flatMap((file) => {
    if (!/^channels\/[^/]+\.yaml$/.test(file.path)) return [];
    const parsed = ChannelLine.safeParse(readYaml(file.content));
    return parsed.success ? [parsed.data] : [];
  });
}

function readYaml(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

/** A file of the settings, as Git lists it. */
export function isSettingsFile(entry: TreeEntry): boolean {
  return entry.type === 'blob' && isSettings(entry.path);
}
