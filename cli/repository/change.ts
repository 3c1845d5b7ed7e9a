import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { SETTINGS_BRANCH } from '#domain/pull-request-kind.ts';
import { didYouMean } from '#domain/suggest.ts';
import { InputError, NotFoundError } from '#model/errors.ts';
import { channelBranches } from '../../functions/github/settings.ts';
import { type Git, openGit } from './git.ts';
import { readCommit, readWorkingTree, type TextFile, type Tree } from './read-files.ts';

export interface ChangeOptions {
  /** Folder in or of a fleet repository. */
  readonly path: string;
  /** Commit to compare with, instead of where the work left its branch. */
  readonly base?: string | undefined;
  readonly channel?: string | undefined;
  /** Commit that the settings come from, instead of `main`. */
  readonly settings?: string | undefined;
}

/** A commit as people name it, and its id. */
export interface Point {
  readonly name: string;
  readonly commit: string;
}

/** What a working copy changes, read as the check reads a pull request. */
export interface Change {
  readonly root: string;
  /** `both` in a folder that has both kinds: they go to different branches, so no check sees it like that. */
  readonly kind: 'configuration' | 'settings' | 'both';
  /** The branch that a pull request would go to. */
  readonly branch: string;
  /** null for settings. */
  readonly channel: string | null;
  /** Where the work left its branch; undefined when there is nothing to compare with. */
  readonly base: Point | undefined;
  readonly head: Tree;
  readonly before: Tree | undefined;
  readonly settings: { readonly from: string; readonly commit: string; readonly files: readonly TextFile[] };
  /** What people should know of how it was read. */
  readonly notes: readonly string[];
}

/** Name of a commit that is not made yet, as in git blame. */
export const NOT_COMMITTED = '0'.repeat(40);

/** Reads a working copy and what it is compared with. @throws InputError, NotFoundError with what to do */
export async function readChange(options: ChangeOptions): Promise<Change> {
  const { root, git } = await locate(options.path);
  const head = await readWorkingTree(root, git);
  if (head.configuration === undefined && head.settings.length === 0) {
    throw new NotFoundError(`${root} has neither channels/*.yaml nor channels/cluster/: name the folder of a fleet repository`);
  }
  const settings = await settingsOf(head, git, options.settings);
  const kind = head.configuration === undefined ? 'settings' : head.settings.length > 0 ? 'both' : 'configuration';
  const target = await targetOf(kind, channelsOf(settings.files), git, options);
  const alone = 'Nothing to compare with: what only shows by comparison (versions that jump, clusters that vanish) was not looked at.';
  const notes = target.base === undefined ? [alone] : target.notes;
  const before = git === undefined || target.base === undefined ? undefined : await readCommit(git, target.base.commit);
  return { root, kind, branch: target.branch, channel: target.channel, base: target.base, head, before, settings, notes };
}

/** The top of the repository around a path, or the path itself when it holds `channels/` on its own. */
async function locate(path: string): Promise<{ root: string; git: Git | undefined }> {
  const folder = resolve(path);
  if (!existsSync(folder)) throw new NotFoundError(`there is no folder ${folder}`);
  const git = await openGit(folder);
  if (git === undefined || git.root === folder) return { root: folder, git };
  return existsSync(resolve(folder, 'channels')) ? { root: folder, git: undefined } : { root: git.root, git };
}

/** Settings of the folder itself when it has any, else those of `main`, as GitHub has it where that is known. */
async function settingsOf(head: Tree, git: Git | undefined, wanted: string | undefined): Promise<Change['settings']> {
  if (wanted === undefined && head.settings.length > 0) return { from: 'this folder', commit: NOT_COMMITTED, files: head.settings };
  const names = wanted === undefined ? [`refs/remotes/origin/${SETTINGS_BRANCH}`, `refs/heads/${SETTINGS_BRANCH}`] : [wanted];
  for (const name of git === undefined ? [] : names) {
    const commit = await git?.commitOf(name);
    if (git === undefined || commit === undefined) continue;
    const { settings } = await readCommit(git, commit);
    if (settings.length > 0) return { from: shortName(name), commit, files: settings };
    throw new NotFoundError(`${shortName(name)} has no channels/*.yaml; name the commit that has them with --settings`);
  }
  const which = wanted ?? SETTINGS_BRANCH;
  throw new NotFoundError(
    `the settings (channels/*.yaml) are needed to know the channels, and there is no ${which} here: git fetch origin ${which}, or name a commit with --settings`,
  );
}

interface Channel {
  readonly channel: string;
  readonly branch: string;
}

/** Channels of the settings, the first one first, as far as they can be read: what is wrong with them is for validation. */
function channelsOf(files: readonly TextFile[]): Channel[] {
  const all = channelBranches({ commit: NOT_COMMITTED, files: [...files] });
  const depth = (channel: (typeof all)[number] | undefined, left: number): number =>
    channel?.follows === undefined || left === 0
      ? 0
      : 1 +
        depth(
          all.find((one) => one.channel === channel.follows),
          left - 1,
        );
  return all.toSorted((left, right) => depth(left, all.length) - depth(right, all.length));
}

interface Target {
  readonly branch: string;
  readonly channel: string | null;
  readonly base: Point | undefined;
  readonly notes: readonly string[];
}

async function targetOf(kind: Change['kind'], channels: readonly Channel[], git: Git | undefined, options: ChangeOptions): Promise<Target> {
  if (kind === 'settings') {
    const base = git === undefined ? undefined : await baseOf(git, SETTINGS_BRANCH, options.base);
    return { branch: SETTINGS_BRANCH, channel: null, base: base?.point, notes: base?.notes ?? [] };
  }
  const wanted = options.channel === undefined ? undefined : channelNamed(options.channel, channels);
  if (git === undefined) {
    const first = wanted ?? channels[0];
    return { branch: first?.branch ?? '', channel: first?.channel ?? null, base: undefined, notes: [] };
  }
  const channel = wanted ?? (await nearest(git, channels, options.base));
  const base = await baseOf(git, channel?.branch, options.base);
  return { branch: channel?.branch ?? '', channel: channel?.channel ?? null, base: base?.point, notes: base?.notes ?? [] };
}

function channelNamed(name: string, channels: readonly Channel[]): Channel {
  const found = channels.find(({ channel }) => channel === name);
  if (found !== undefined) return found;
  const names = channels.map(({ channel }) => channel);
  throw new InputError(`There is no channel ${name}.${didYouMean(name, names)} Channels: ${names.join(', ')}.`);
}

/** The channel whose branch is named, checked out, followed by the branch that is, or left last; the first one of equals. */
async function nearest(git: Git, channels: readonly Channel[], base: string | undefined): Promise<Channel | undefined> {
  const current = await git.ask('symbolic-ref', '--quiet', '--short', 'HEAD');
  const upstream = await git.ask('rev-parse', '--abbrev-ref', '--symbolic-full-name', '@{upstream}');
  for (const name of [base, current, upstream?.replace(/^[^/]+\//, '')]) {
    const named = channels.find(({ branch }) => name === branch || name === `origin/${branch}`);
    if (named !== undefined) return named;
  }
  let best: { channel: Channel; distance: number } | undefined;
  for (const channel of channels) {
    const tip = await tipOf(git, channel.branch);
    const count = tip === undefined ? undefined : await git.ask('rev-list', '--count', `${tip.commit}..HEAD`);
    if (count !== undefined && (best === undefined || Number(count) < best.distance)) best = { channel, distance: Number(count) };
  }
  return best?.channel ?? channels[0];
}

/** A branch as GitHub has it where that is known, else the local one. */
export async function tipOf(git: Git, branch: string): Promise<Point | undefined> {
  for (const name of [`refs/remotes/origin/${branch}`, `refs/heads/${branch}`]) {
    const commit = await git.commitOf(name);
    if (commit !== undefined) return { name: shortName(name), commit };
  }
  return undefined;
}

/** Where HEAD left the base: what others have merged since is not this change's doing. */
async function baseOf(
  git: Git,
  branch: string | undefined,
  wanted: string | undefined,
): Promise<{ point: Point; notes: string[] } | undefined> {
  const tip = wanted === undefined ? await tipOf(git, branch ?? '') : await pointOf(git, wanted);
  if (tip === undefined) return undefined;
  const common = await git.ask('merge-base', tip.commit, 'HEAD');
  if (common === undefined) return { point: tip, notes: [] };
  const ahead = Number((await git.ask('rev-list', '--count', `${common}..${tip.commit}`)) ?? 0);
  const moved = `${tip.name} has ${ahead} ${ahead === 1 ? 'commit' : 'commits'} that you lack; the check looks at the merge with them.`;
  return { point: { name: tip.name, commit: common }, notes: ahead === 0 ? [] : [moved] };
}

async function pointOf(git: Git, name: string): Promise<Point> {
  const commit = await git.commitOf(name);
  if (commit === undefined) throw new NotFoundError(`there is no commit ${name} here; git fetch brings what GitHub has`);
  return { name, commit };
}

function shortName(ref: string): string {
  return ref.replace(/^refs\/(heads|remotes)\//, '');
}
