import { parse } from 'yaml';
import * as z from 'zod';
import { keys } from '#domain/names.ts';
import { SETTINGS_BRANCH } from '#domain/pull-request-kind.ts';
import { NotFoundError } from '#model/errors.ts';
import type { RepositoryRef } from '#model/primitives.ts';
import { SettingsFiles } from '#model/pull-request.ts';
import type { GitHub, TreeEntry } from '#ports/github.ts';
import type { ObjectStore } from '#ports/objects.ts';

interface Ports {
  readonly github: GitHub;
  readonly objects: ObjectStore;
}

/** The settings files of a commit of `main`, kept in S3 by commit. @throws NotFoundError when the branch is not there */
export async function readSettings(repository: RepositoryRef, ports: Ports, commit?: string): Promise<SettingsFiles> {
  const sha = commit ?? (await ports.github.getBranchHead(repository, SETTINGS_BRANCH));
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

function isSettingsFile(entry: TreeEntry): boolean {
  return entry.type === 'blob' && (/^channels\/[^/]+\.yaml$/.test(entry.path) || entry.path.startsWith('channels/policies/'));
}
