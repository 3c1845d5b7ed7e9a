import { describe, expect, it } from 'vitest';
import { keys } from '#domain/names.ts';
import { GateClosedError, InputError, NotFoundError } from '#model/errors.ts';
import type { ChannelFile } from '#model/settings.ts';
import { resolveRevision } from '../../../functions/github/resolve-revision.ts';
import { AT, REPOSITORY, runStep } from '../../support/control-world.ts';
import { channelFile, clusterEntry, gitId } from '../../support/fleet.ts';
import { createGitHubWorld, type GitHubWorld, settingsOf } from '../../support/github-world.ts';

const CHANGE = { 'channels/cluster/versions.yaml': 'kubernetes: 1.36.3\n' };
const EXECUTION = 'rollout-1';
const HOLD = { revision: gitId('9'), reason: 'database upgrade', owner: 'team-a', until: '2026-02-01T00:00:00Z' };

function resolve(
  world: GitHubWorld,
  branch: string,
  commit = world.github.branches.get(branch) ?? '',
  startedAt = world.clock.now().toISOString(),
) {
  return runStep(resolveRevision, { repository: REPOSITORY, branch, commit, cause: 'push', startedAt }, world, EXECUTION);
}

async function checkOf(world: GitHubWorld, commit: string) {
  return world.checks.wanted({ repository: REPOSITORY, sha: commit, name: 'sluice / rollout' });
}

/** A fleet that runs what its branches hold, and a merged change on one of them. */
async function merged(branch: string, change: { dev?: Partial<ChannelFile>; alpha?: Partial<ChannelFile> } = {}) {
  const world = await createGitHubWorld(change);
  await raise(world);
  const commit = world.github.merge(await world.open(branch, CHANGE), 'ann');
  return { world, commit, revision: await world.revisionOf(branch) };
}

async function raise(world: GitHubWorld): Promise<void> {
  await world.put(keys.newestSettings(), { commit: world.github.branches.get('main'), seenAt: AT });
  for (const channel of ['dev', 'alpha']) {
    const revision = await world.revisionOf(channel);
    await world.record(clusterEntry(`${channel}-1`), channel, revision);
    await world.proof(channel, revision, { basis: 'genesis' });
  }
}

describe('resolve-revision of a channel', () => {
  it('begins a channel that nobody proved with what its branch holds', async () => {
    const world = await createGitHubWorld();

    const first = await resolve(world, 'dev');
    const second = await resolve(world, 'dev');

    expect(first).toMatchObject({ decision: 'start', kind: 'channel', channel: 'dev', basis: 'genesis', mergedPullRequest: null });
    expect(first.revision).toBe(await world.revisionOf('dev'));
    expect(second).toEqual(first);
    expect(await checkOf(world, first.commit)).toMatchObject({ status: 'in_progress', title: 'Rolling out to dev', execution: EXECUTION });
  });

  it('starts a merged and checked change and tells who merged it', async () => {
    const { world, commit, revision } = await merged('dev');
    await world.evidence(revision);

    const first = await resolve(world, 'dev');

    expect(first).toMatchObject({ decision: 'start', basis: 'pull-request', revision, commit, mergedPullRequest: 1, mergedBy: 'ann' });
    expect(await resolve(world, 'dev')).toEqual(first);
    expect(world.read(keys.snapshot(revision))).toMatchObject({ revision });
  });

  it('refuses a direct push until a merged pull request adopts it', async () => {
    const world = await createGitHubWorld();
    await raise(world);
    world.github.push('dev', CHANGE);
    await world.evidence(await world.revisionOf('dev'));

    await expect(resolve(world, 'dev')).rejects.toThrow(GateClosedError);
    await expect(resolve(world, 'dev')).rejects.toThrow('was pushed to dev directly; it waits until a merged pull request adopts it');
  });

  it('refuses a merged change whose content was never checked', async () => {
    const { world } = await merged('dev');

    await expect(resolve(world, 'dev')).rejects.toThrow(GateClosedError);
    await expect(resolve(world, 'dev')).rejects.toThrow('no successful check `sluice`');
  });

  it('refuses in a following channel what has not succeeded in the one before', async () => {
    const { world, revision } = await merged('alpha');
    await world.evidence(revision);

    await expect(resolve(world, 'alpha')).rejects.toThrow(GateClosedError);
    await expect(resolve(world, 'alpha')).rejects.toThrow('has not succeeded in dev; roll it out there first');
  });

  it('starts in a following channel what succeeded in the one before', async () => {
    const { world, revision } = await merged('alpha');
    await world.evidence(revision);
    await world.proof('dev', revision);

    const first = await resolve(world, 'alpha');

    expect(first).toMatchObject({ decision: 'start', basis: 'pull-request', channel: 'alpha', revision });
    expect(await resolve(world, 'alpha')).toEqual(first);
  });

  it('waits for the end of a hold at another revision and goes on once it is released', async () => {
    const { world, commit, revision } = await merged('dev', { dev: { hold: HOLD } });
    await world.evidence(revision);

    const first = await resolve(world, 'dev');
    const second = await resolve(world, 'dev');
    const later = await resolve(world, 'dev', commit, '2026-01-01T00:00:00Z');
    const waiting = await checkOf(world, commit);
    await world.mergeSettings(channelFile('dev', 1));
    const released = await resolve(world, 'dev');

    expect(first).toMatchObject({ decision: 'wait', waitSeconds: 60, reason: expect.stringContaining('held at 999999999999 by team-a') });
    expect(second).toEqual(first);
    expect(later).toMatchObject({ decision: 'wait', waitSeconds: 1800 });
    expect(waiting).toMatchObject({ status: 'in_progress', title: expect.stringContaining('Waiting: channel dev is held') });
    expect(released).toMatchObject({ decision: 'start', revision });
  });

  it('does not wait for a hold that is at this very revision: what is unproven is refused', async () => {
    const { world, revision } = await merged('dev');
    await world.mergeSettings(channelFile('dev', 1, { hold: { ...HOLD, revision } }));

    await expect(resolve(world, 'dev')).rejects.toThrow(GateClosedError);
  });

  it('refuses a branch that lost its configuration', async () => {
    const world = await createGitHubWorld();
    world.github.push('dev', { 'channels/cluster/versions.yaml': null });

    await expect(resolve(world, 'dev')).rejects.toThrow('branch dev has no channels/cluster/');
  });

  it('has nothing to do for a channel without clusters', async () => {
    const world = await createGitHubWorld({ dev: { clusters: [] } });

    expect(await resolve(world, 'dev')).toMatchObject({ decision: 'nothing', reason: 'channel dev has no cluster' });
  });
});

describe('resolve-revision of what is no rollout', () => {
  it('leaves a superseded commit to the rollout of the newer one', async () => {
    const world = await createGitHubWorld();
    const old = world.github.branches.get('dev') ?? '';
    const head = world.github.push('dev', CHANGE);

    const first = await resolve(world, 'dev', old);

    expect(first).toMatchObject({ decision: 'nothing', reason: `dev moved on to ${head}, which has a rollout of its own`, revision: null });
    expect(await resolve(world, 'dev', old)).toEqual(first);
    expect(await checkOf(world, old)).toBeUndefined();
  });

  it.each(['topic', 'sluice/promote-dev-to-alpha-0123456789ab'])('leaves the branch %s alone', async (branch) => {
    const world = await createGitHubWorld();
    world.github.push(branch, CHANGE, 'dev');

    const first = await resolve(world, branch);

    expect(first).toMatchObject({ decision: 'nothing', reason: `${branch} is the branch of no channel`, channel: null });
    expect(await resolve(world, branch)).toEqual(first);
  });

  it('leaves a deleted branch alone', async () => {
    const world = await createGitHubWorld();

    expect(await resolve(world, 'gone', gitId('1'))).toMatchObject({ decision: 'nothing', reason: expect.stringContaining('moved on') });
  });

  it('waits for the settings of a repository that has none yet', async () => {
    const world = await createGitHubWorld();
    world.github.push('main', { 'channels/dev.yaml': null, 'channels/alpha.yaml': null });

    expect(await resolve(world, 'dev')).toMatchObject({ decision: 'nothing', reason: 'main has no channels/*.yaml yet' });
  });

  it('names settings that are not valid', async () => {
    const world = await createGitHubWorld();
    world.github.push('main', { 'channels/dev.yaml': 'channel: [' });

    await expect(resolve(world, 'dev')).rejects.toThrow(InputError);
  });
});

describe('resolve-revision of the settings', () => {
  it('lets a fleet of which nothing is recorded begin with a push, at the head of each branch', async () => {
    const world = await createGitHubWorld();

    const first = await resolve(world, 'main');

    const head = { dev: world.github.branches.get('dev'), alpha: world.github.branches.get('alpha') };
    expect(first).toMatchObject({ decision: 'start', kind: 'settings', channel: null, basis: 'settings', settingsCommit: first.commit });
    expect(first.heads).toEqual({
      dev: { commit: head.dev, revision: await world.revisionOf('dev') },
      alpha: { commit: head.alpha, revision: await world.revisionOf('alpha') },
    });
    expect(await resolve(world, 'main')).toEqual(first);
    expect(await checkOf(world, first.commit)).toMatchObject({ title: 'Settings are going out' });
  });

  it('refuses a direct push once there are clusters', async () => {
    const world = await createGitHubWorld();
    await raise(world);
    world.github.push('main', settingsOf(channelFile('dev', 2)));

    await expect(resolve(world, 'main')).rejects.toThrow(GateClosedError);
    await expect(resolve(world, 'main')).rejects.toThrow('was pushed to main directly');
  });

  it('refuses one too that renames every channel and cluster', async () => {
    const world = await createGitHubWorld();
    await raise(world);
    const renamed = channelFile('other', 1, { branch: 'dev' });
    world.github.push('main', { ...settingsOf(renamed), 'channels/dev.yaml': null, 'channels/alpha.yaml': null });

    await expect(resolve(world, 'main')).rejects.toThrow('was pushed to main directly');
    expect(world.read(keys.newestSettings())).not.toMatchObject({ commit: world.github.branches.get('main') });
  });

  it('starts merged settings', async () => {
    const world = await createGitHubWorld();
    await raise(world);
    const commit = await world.mergeSettings(channelFile('dev', 2));

    expect(await resolve(world, 'main')).toMatchObject({
      decision: 'start',
      kind: 'settings',
      commit,
      settingsCommit: commit,
      mergedPullRequest: 1,
      mergedBy: 'ann',
    });
  });

  it('refuses merged settings whose content was never checked as it is', async () => {
    const world = await createGitHubWorld();
    await raise(world);
    world.github.merge(await world.open('main', settingsOf(channelFile('dev', 2))), 'ann');

    await expect(resolve(world, 'main')).rejects.toThrow(GateClosedError);
    await expect(resolve(world, 'main')).rejects.toThrow('as #1 was merged; propose them again by a pull request to main');
  });

  it('refuses files that were checked once and would lose a live cluster now', async () => {
    const world = await createGitHubWorld();
    await raise(world);
    await world.mergeSettings(channelFile('dev', 2));
    await resolve(world, 'main');
    const commit = await world.mergeSettings(channelFile('dev', 1));

    await expect(resolve(world, 'main')).rejects.toThrow(GateClosedError);
    await expect(resolve(world, 'main')).rejects.toThrow(`the settings of ${commit} can't follow those that apply`);
    await expect(resolve(world, 'main')).rejects.toThrow('The live cluster dev-2 is gone from the file.');
  });

  it('lets a rollout of a channel go by the settings before, while those on main may not apply', async () => {
    const { world, revision } = await merged('dev');
    await world.evidence(revision);
    const before = world.github.branches.get('main');
    world.github.push('main', settingsOf(channelFile('dev', 1, { maxConcurrentClusters: 200 })));

    expect(await resolve(world, 'dev')).toMatchObject({ decision: 'start', settingsCommit: before });
    expect(world.read(keys.newestSettings())).toMatchObject({ commit: before });
  });

  it('lets it go by them also while those that were pushed to main can not be read', async () => {
    const { world, revision } = await merged('dev');
    await world.evidence(revision);
    const before = world.github.branches.get('main');
    world.github.push('main', { 'channels/dev.yaml': 'channel: [' });

    expect(await resolve(world, 'dev')).toMatchObject({ decision: 'start', settingsCommit: before });
    await expect(resolve(world, 'main')).rejects.toThrow(GateClosedError);
    await expect(resolve(world, 'main')).rejects.toThrow("are not valid: The YAML can't be read");
  });

  it('does not take the settings of a fleet whose records are lost for its first', async () => {
    const world = await createGitHubWorld();
    world.objects.remove(keys.fleet());

    await expect(resolve(world, 'main')).rejects.toThrow(GateClosedError);
    await expect(resolve(world, 'main')).rejects.toThrow('its records are lost: bring them back first (docs/recover.md');
    await expect(resolve(world, 'dev')).rejects.toThrow('its records are lost');
    world.github.push('topic', CHANGE, 'dev');
    expect(await resolve(world, 'topic')).toMatchObject({ decision: 'nothing' });
    expect(world.read(keys.newestSettings())).toBeUndefined();
  });

  it('does not let a channel begin twice', async () => {
    const world = await createGitHubWorld();
    const { settingsCommit } = await resolve(world, 'dev');
    await world.put(keys.genesis('dev'), { channel: 'dev', revision: await world.revisionOf('dev'), rollout: EXECUTION, at: AT });
    expect(await resolve(world, 'dev')).toMatchObject({ basis: 'genesis', settingsCommit });
    world.github.push('dev', CHANGE);

    await expect(resolve(world, 'dev')).rejects.toThrow('was pushed to dev directly');
  });

  it('never goes back in the order of main, whoever read it when', async () => {
    const world = await createGitHubWorld();
    await raise(world);
    await world.mergeSettings(channelFile('dev', 1, { soak: '61s' }));
    let held = '';
    // While this rollout reads the settings, a hold is merged and its own rollout has read it.
    world.objects.beforeEach = async (operation, key) => {
      if (operation !== 'putIfMatch' || key !== keys.newestSettings() || held !== '') return;
      held = 'merging';
      held = await world.mergeSettings(channelFile('dev', 1, { hold: HOLD }));
      await resolve(world, 'main');
    };

    const late = await resolve(world, 'dev').catch((error: Error) => error);

    expect(world.read(keys.newestSettings())).toMatchObject({ commit: held });
    expect(late).toMatchObject({ settingsCommit: held });
  });

  it('names a channel whose branch is not there', async () => {
    const world = await createGitHubWorld({ alpha: { branch: 'gone' } });

    await expect(resolve(world, 'main')).rejects.toThrow(NotFoundError);
    await expect(resolve(world, 'main')).rejects.toThrow('channel alpha names the branch gone, which does not exist');
  });
});
