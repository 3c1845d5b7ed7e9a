import { beforeEach, describe, expect, it } from 'vitest';
import { checkMergeGroup } from '../../../functions/github/check-merge-group.ts';
import { REPOSITORY, runStep } from '../../support/control-world.ts';
import { createGitHubWorld, type GitHubWorld } from '../../support/github-world.ts';

let world: GitHubWorld;
beforeEach(async () => {
  world = await createGitHubWorld();
});

/** A group of one commit on a branch's head, as the queue makes it. */
async function check(baseRef: string, files: Readonly<Record<string, string>>) {
  const baseSha = world.github.branches.get(baseRef) ?? '';
  const headSha = world.github.push(`gh-readonly-queue/${baseRef}/pr-1`, files, baseRef);
  const input = { repository: REPOSITORY, cause: 'event', mergeGroup: { headSha, baseSha, baseRef } };
  await runStep(checkMergeGroup, input, world, 'queue-1');
  await runStep(checkMergeGroup, input, world, 'queue-1');
  return world.checks.wanted({ repository: REPOSITORY, sha: headSha, name: 'sluice' });
}

describe('check-merge-group', () => {
  const CONFIGURATION = { 'channels/cluster/versions.yaml': 'kubernetes: 1.36.3\n' };

  it('passes a group that changes nothing of the fleet', async () => {
    expect(await check('dev', { 'README.md': 'Better\n' })).toMatchObject({ status: 'completed', conclusion: 'success' });
  });

  it('passes the very configuration that a pull request has proven', async () => {
    world.github.push('proven', CONFIGURATION, 'dev');
    await world.evidence(await world.revisionOf('proven'), {
      check: {
        pullRequest: 7,
        headSha: 'c'.repeat(40),
        execution: 'pr-7',
        at: '2026-01-05T07:00:00.000Z',
        channel: 'dev',
        baseRevision: null,
      },
    });

    expect(await check('dev', CONFIGURATION)).toMatchObject({ conclusion: 'success', title: 'Proven by #7' });
  });

  it('does not take a check without a run for a proof', async () => {
    world.github.push('proven', CONFIGURATION, 'dev');
    await world.evidence(await world.revisionOf('proven'), { e2e: null });

    expect(await check('dev', CONFIGURATION)).toMatchObject({ conclusion: 'failure' });
  });

  it.each([
    ['a configuration that nobody has proven', 'dev', CONFIGURATION, 'no check has proven'],
    ['settings', 'main', { 'channels/dev.yaml': 'channel: dev\nbranch: dev\n' }, 'changes settings'],
  ])('refuses %s and says what to do', async (_, baseRef, files, reason) => {
    const group = await check(baseRef, files);

    expect(group).toMatchObject({ status: 'completed', conclusion: 'failure', title: expect.stringContaining(reason) });
    expect(group?.summary).toContain('one pull request at a time');
  });
});
