import { keys } from '#domain/names.ts';
import { settingsId } from '#domain/settings-gate.ts';
import type { ChannelFile } from '#model/settings.ts';
import type { GitHub } from '#ports/github.ts';
import { readSettings } from '../../functions/github/settings.ts';
import { AT, type ControlWorld, createControlWorld, REPOSITORY } from './control-world.ts';
import { createFakeGitHub, type FakeGitHub } from './fakes/github.ts';
import { createFakeObjects } from './fakes/objects.ts';
import { channelFile } from './fleet.ts';

/** Ports of the steps that read GitHub, over a fleet repository in memory. */
export interface GitHubWorld extends ControlWorld {
  readonly github: FakeGitHub;
  /** Revision of a branch's head. */
  revisionOf(branch: string): Promise<string>;
  /** Opens a pull request of files on a branch of its own; answers its number. */
  open(base: string, files: Readonly<Record<string, string | null>>): Promise<number>;
  /** Merges settings by a pull request whose check has succeeded; answers the commit. */
  mergeSettings(...channels: readonly ChannelFile[]): Promise<string>;
}

/** `main` with the settings of dev <- alpha, and a branch of each with one configuration. */
export async function createGitHubWorld(change: { dev?: Partial<ChannelFile>; alpha?: Partial<ChannelFile> } = {}): Promise<GitHubWorld> {
  const github = createFakeGitHub(REPOSITORY);
  const dev = channelFile('dev', 1, change.dev);
  const alpha = channelFile('alpha', 1, { follows: 'dev', ...change.alpha });
  github.push('main', { 'README.md': 'Fleet\n', ...settingsOf(dev), ...settingsOf(alpha) });
  github.push('dev', { 'channels/cluster/versions.yaml': 'kubernetes: 1.35.4\n', 'README.md': 'Configuration\n' });
  github.push('alpha', {}, 'dev');
  let branches = 0;
  const world = createControlWorld();
  await world.found();
  const open: GitHubWorld['open'] = async (base, files) => {
    branches += 1;
    const head = `change-${branches}`;
    github.push(head, files, base);
    return (await github.createPullRequest(REPOSITORY, { title: 'A change', body: '', head, base })).number;
  };
  return {
    ...world,
    github,
    open,
    revisionOf: async (branch) => revisionAt(github, github.branches.get(branch) ?? ''),
    async mergeSettings(...channels) {
      const commit = github.merge(await open('main', Object.assign({}, ...channels.map(settingsOf))), 'ann');
      await checkSettings(world, github, commit);
      return commit;
    },
  };
}

/** A channel's settings as the file that holds them; JSON is YAML. */
export function settingsOf(channel: ChannelFile): Record<string, string> {
  return { [`channels/${channel.channel}.yaml`]: JSON.stringify(channel) };
}

async function revisionAt(github: GitHub, commit: string): Promise<string> {
  const { treeSha } = await github.getCommit(REPOSITORY, commit);
  const entry = (await github.getTree(REPOSITORY, treeSha)).find(({ path }) => path === 'channels/cluster');
  if (entry === undefined) throw new Error(`${commit} has no configuration`);
  return entry.sha;
}

/** Evidence that the settings of a commit were checked as they are. */
export async function checkSettings(world: ControlWorld, github: GitHub, commit: string): Promise<void> {
  const { files } = await readSettings(REPOSITORY, { github, objects: createFakeObjects() }, commit);
  const settings = settingsId(files);
  await world.put(keys.settingsEvidence(settings), { settings, check: { pullRequest: 7, headSha: commit, execution: 'pr-7', at: AT } });
}
