import { parse } from 'yaml';
import * as z from 'zod';
import { keys } from '#domain/names.ts';
import { SETTINGS_BRANCH } from '#domain/pull-request-kind.ts';
import { ConflictError, NotFoundError } from '#model/errors.ts';
import type { RepositoryRef } from '#model/primitives.ts';
import { SettingsFiles } from '#model/pull-request.ts';
import type { FleetBranches } from '#model/records.ts';
import type { GitHub, TreeEntry } from '#ports/github.ts';
import type { ObjectStore, StoredObject } from '#ports/objects.ts';

interface Ports {
  readonly github: GitHub;
  readonly objects: ObjectStore;
}

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
  const files = await Promise.all(entries.filter(isSettingsFile).map((entry) => readFile(repository, entry, ports.github)));
  const settings = { commit: sha, files: files.sort((left, right) => (left.path < right.path ? -1 : 1)) };
  await ports.objects.putIfAbsent(key, JSON.stringify(settings));
  return settings;
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

/** A file of the settings: a channel file, or one of the policies. */
export function isSettingsFile(entry: TreeEntry): boolean {
  return entry.type === 'blob' && (/^channels\/[^/]+\.yaml$/.test(entry.path) || entry.path.startsWith('channels/policies/'));
}
