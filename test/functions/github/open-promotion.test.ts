import { beforeEach, describe, expect, it } from 'vitest';
import { keys } from '#domain/names.ts';
import { TransientError } from '#model/errors.ts';
import type { ResolveRevision } from '#model/resolve-revision.ts';
import type { GitHub } from '#ports/github.ts';
import { openPromotion } from '../../../functions/github/open-promotion.ts';
import { AT, REPOSITORY, resolved, runStep } from '../../support/control-world.ts';
import { createGitHubWorld, type GitHubWorld } from '../../support/github-world.ts';

let world: GitHubWorld;
/** Number of changes made, so that each is another content and each proof is newer. */
let changes: number;
beforeEach(async () => {
  world = await createGitHubWorld();
  await world.put(keys.newestSettings(), { commit: world.github.branches.get('main'), seenAt: AT });
  changes = 0;
  await prove('dev');
});

/** Records that the head of a branch succeeded in its channel. */
async function prove(channel: string): Promise<ResolveRevision> {
  const revision = await world.revisionOf(channel);
  const commit = world.github.branches.get(channel) ?? '';
  const finishedAt = new Date(Date.UTC(2026, 0, 5, 7, changes)).toISOString();
  await world.proof(channel, revision, { commit, finishedAt, startedAt: finishedAt, rollout: `rollout-${changes}` });
  await world.evidence(revision);
  return resolved({ channel, revision, commit });
}

/** A change is merged to dev and succeeds there. */
async function changeDev(): Promise<ResolveRevision> {
  changes += 1;
  world.github.push('dev', { 'channels/cluster/versions.yaml': `kubernetes: 1.36.${changes}\n` });
  return prove('dev');
}

function promote(rollout: ResolveRevision, github: GitHub = world.github) {
  return runStep(openPromotion, { repository: REPOSITORY, resolveRevision: rollout }, { ...world, github }, 'rollout-1');
}

function openPulls() {
  return world.github.listOpenPullRequests(REPOSITORY, { base: 'alpha' });
}

describe('open-promotion', () => {
  it('opens the exact proven tree on the target’s head with both commits as parents', async () => {
    world.github.push('alpha', { 'NOTES.md': 'of alpha only\n' });
    const target = world.github.branches.get('alpha');
    const rollout = await changeDev();

    const output = await promote(rollout);

    const [pull] = await openPulls();
    const commit = await world.github.getCommit(REPOSITORY, pull?.headSha ?? '');
    const tree = await world.github.getTree(REPOSITORY, commit.treeSha);
    expect(output).toEqual({ outcome: 'opened', reason: `#${pull?.number} proposes it to alpha`, pullRequests: [pull?.number] });
    expect(pull?.headRef).toBe(`sluice/promote-dev-to-alpha-${rollout.commit.slice(0, 12)}`);
    expect(commit.parents).toEqual([target, rollout.commit]);
    expect(commit.message).toContain(`Sluice-Promotes: ${rollout.commit}`);
    expect(tree.find(({ path }) => path === 'channels/cluster')?.sha).toBe(rollout.revision);
    expect(tree.map(({ path }) => path)).toContain('NOTES.md');
  });

  it('opens nothing new the second time', async () => {
    const rollout = await changeDev();
    await promote(rollout);
    const before = await openPulls();

    const again = await promote(rollout);

    expect(again).toEqual({ outcome: 'nothing', reason: `#${before[0]?.number} proposes it`, pullRequests: [] });
    expect(await openPulls()).toEqual(before);
  });

  it('takes no pull request of a fork for a promotion, whatever its branch is called', async () => {
    const rollout = await changeDev();
    const fork = world.github.openFromFork({ 'channels/cluster/versions.yaml': 'kubernetes: 9.9.9\n' }, 'alpha');
    const headRef = `sluice/promote-dev-to-alpha-${rollout.commit.slice(0, 12)}`;
    const github: GitHub = {
      ...world.github,
      listOpenPullRequests: async (...at) =>
        (await world.github.listOpenPullRequests(...at)).map((pull) => (pull.number === fork.number ? { ...pull, headRef } : pull)),
    };

    const output = await promote(rollout, github);

    expect(output).toMatchObject({ outcome: 'opened' });
    expect((await openPulls()).map(({ number }) => number)).toEqual([fork.number, ...output.pullRequests]);
  });

  it('replaces an open promotion of an older revision', async () => {
    const [older] = (await promote(await changeDev())).pullRequests;
    const newer = await promote(await changeDev());

    expect((await world.github.getPullRequest(REPOSITORY, older ?? 0)).state).toBe('closed');
    expect((await openPulls()).map(({ number }) => number)).toEqual(newer.pullRequests);
  });

  it.each(['createPullRequest', 'updatePullRequest', 'setBranch'] as const)(
    'leaves one open promotion when %s fails first',
    async (call) => {
      await promote(await changeDev());
      const rollout = await changeDev();
      const broken: GitHub = { ...world.github, [call]: () => Promise.reject(new TransientError('GitHub answered 502')) };

      await expect(promote(rollout, broken)).rejects.toThrow(TransientError);
      const retried = await promote(rollout);

      expect(retried).toMatchObject({ outcome: 'opened' });
      expect((await openPulls()).map(({ number }) => number)).toEqual(retried.pullRequests);
    },
  );

  it('opens nothing for what the target has after the merge', async () => {
    const rollout = await changeDev();
    const [number] = (await promote(rollout)).pullRequests;
    world.github.merge(number ?? 0);

    const again = await promote(rollout);

    expect(again).toMatchObject({ outcome: 'nothing', reason: expect.stringContaining('alpha has') });
  });

  it('opens nothing for what the target went back from', async () => {
    const rollout = await changeDev();
    const [number] = (await promote(rollout)).pullRequests;
    world.github.merge(number ?? 0);
    world.github.push('alpha', { 'channels/cluster/versions.yaml': 'kubernetes: 1.35.4\n' });

    const again = await promote(rollout);

    expect(again).toMatchObject({ outcome: 'nothing', reason: expect.stringContaining('went back from it') });
    expect(await promote(rollout)).toEqual(again);
  });

  it('leaves an older revision to the promotion of the newer one', async () => {
    const older = await changeDev();
    await changeDev();

    const output = await promote(older);

    expect(output).toMatchObject({ outcome: 'nothing', reason: expect.stringContaining('the newer') });
    expect(await openPulls()).toEqual([]);
  });

  it('refuses to run over a hotfix of the target', async () => {
    world.github.push('alpha', { 'channels/cluster/hotfix.yaml': 'urgent\n' });
    const rollout = await changeDev();

    const first = await promote(rollout);
    const second = await promote(rollout);

    expect(first).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('merge alpha back to dev first'), pullRequests: [] });
    expect(second).toEqual(first);
    expect(await openPulls()).toEqual([]);
  });

  it('promotes again once the hotfix was merged back', async () => {
    world.github.push('alpha', { 'channels/cluster/hotfix.yaml': 'urgent\n' });
    const back = await world.github.createPullRequest(REPOSITORY, { title: 'Hotfix back', body: '', head: 'alpha', base: 'dev' });
    world.github.merge(back.number);
    const rollout = await changeDev();

    const output = await promote(rollout);

    expect(output).toMatchObject({ outcome: 'opened' });
  });

  it('refuses what has not succeeded in its channel', async () => {
    world.github.push('dev', { 'channels/cluster/versions.yaml': 'kubernetes: 1.36.9\n' });
    const rollout = resolved({ channel: 'dev', revision: await world.revisionOf('dev'), commit: world.github.branches.get('dev') ?? '' });

    expect(await promote(rollout)).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('has not succeeded in dev') });
  });

  it('has nothing to propose from the last channel, of a genesis and of settings', async () => {
    const last = await prove('alpha');
    const rollout = await changeDev();

    expect(await promote(last)).toMatchObject({ outcome: 'nothing', reason: 'no channel follows alpha' });
    expect(await promote({ ...rollout, basis: 'genesis' })).toMatchObject({ outcome: 'nothing' });
    expect(await promote({ ...rollout, kind: 'settings', channel: null, revision: null })).toMatchObject({ outcome: 'nothing' });
    expect(await openPulls()).toEqual([]);
  });
});
