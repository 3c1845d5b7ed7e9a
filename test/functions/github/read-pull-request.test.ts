import { beforeEach, describe, expect, it } from 'vitest';
import { GateClosedError, InputError, NotFoundError, TransientError } from '#model/errors.ts';
import type { GitHub } from '#ports/github.ts';
import { readPullRequest } from '../../../functions/github/read-pull-request.ts';
import { REPOSITORY, runStep } from '../../support/control-world.ts';
import { createFakeGitHub } from '../../support/fakes/github.ts';
import { gitId } from '../../support/fleet.ts';
import { createGitHubWorld, type GitHubWorld } from '../../support/github-world.ts';

const CONFIGURATION = { 'channels/cluster/versions.yaml': 'kubernetes: 1.36.3\n' };
const SETTINGS = { 'channels/dev.yaml': 'channel: dev\nbranch: dev\n' };
const EXECUTION = 'pr-1-abc';

let world: GitHubWorld;
beforeEach(async () => {
  world = await createGitHubWorld();
});

function read(number: number): Promise<unknown> {
  return runStep(readPullRequest, { repository: REPOSITORY, number, cause: 'event' }, world, EXECUTION);
}

async function checkOf(number: number) {
  const { headSha } = await world.github.getPullRequest(REPOSITORY, number);
  return world.checks.wanted({ repository: REPOSITORY, sha: headSha, name: 'sluice' });
}

describe('read-pull-request', () => {
  it('reads a change of the configuration and begins its check; twice it is the same', async () => {
    const number = await world.open('dev', CONFIGURATION);
    const pull = await world.github.getPullRequest(REPOSITORY, number);

    const first = await read(number);
    const second = await read(number);

    expect(first).toMatchObject({
      number,
      author: 'sluice[bot]',
      kind: 'configuration',
      channel: 'dev',
      headSha: pull.headSha,
      mergeSha: pull.mergeCommitSha,
      check: { sha: pull.headSha, name: 'sluice' },
      e2eCheck: { sha: pull.headSha, name: 'sluice / e2e' },
    });
    expect(second).toEqual(first);
    expect(await checkOf(number)).toMatchObject({ status: 'in_progress', execution: EXECUTION });
  });

  it('reads a change of the settings, which belongs to no channel', async () => {
    const number = await world.open('main', SETTINGS);

    expect(await read(number)).toMatchObject({ kind: 'settings', channel: null, baseRef: 'main' });
  });

  it('takes a channel file of another ending for settings: somebody must be told that nobody reads it', async () => {
    const number = await world.open('main', { 'channels/gamma.yml': 'channel: gamma\n' });

    expect(await read(number)).toMatchObject({ kind: 'settings' });
  });

  it('compares with where the base is now, not where it was when the head was pushed', async () => {
    const number = await world.open('dev', CONFIGURATION);
    const moved = world.github.push('dev', { 'channels/cluster/pools.yaml': '[]\n' });

    const stale = await world.github.getPullRequest(REPOSITORY, number);

    expect(stale.baseSha).not.toBe(moved);
    expect(await read(number)).toMatchObject({ baseSha: moved });
  });

  it('has nothing to do with a closed pull request and leaves its check alone', async () => {
    const number = await world.open('dev', CONFIGURATION);
    await world.github.updatePullRequest(REPOSITORY, number, { state: 'closed' });

    expect(await read(number)).toEqual({ kind: 'gone', reason: 'the pull request is closed', number });
    expect(await read(number)).toMatchObject({ kind: 'gone' });
    expect(await checkOf(number)).toBeUndefined();
  });

  it('runs nothing of a fork and asks for a review of the very commit', async () => {
    const { number, headSha } = world.github.openFromFork(CONFIGURATION, 'dev');

    const first = await read(number);
    const second = await read(number);

    expect(first).toMatchObject({ kind: 'gone', reason: 'From a fork: somebody with write access must read it first' });
    expect(second).toEqual(first);
    const check = await checkOf(number);
    expect(check).toMatchObject({ status: 'completed', conclusion: 'action_required' });
    expect(check?.summary).toContain(`/test ${headSha}`);
  });

  it('ends the check of a conflict with how to solve it', async () => {
    const number = await world.open('dev', CONFIGURATION);
    world.github.push('dev', { 'channels/cluster/versions.yaml': 'kubernetes: 1.35.9\n' });

    expect(await read(number)).toEqual({ kind: 'gone', reason: 'It conflicts with dev', number });
    expect(await read(number)).toMatchObject({ kind: 'gone' });
    const check = await checkOf(number);
    expect(check).toMatchObject({ status: 'completed', conclusion: 'failure', title: 'It conflicts with dev' });
    expect(check?.summary).toContain('merge `dev` into `change-1`');
  });

  it('comes back while GitHub computes the test merge', async () => {
    const number = await world.open('dev', CONFIGURATION);
    const { github } = world;
    const computing = {
      ...github,
      getPullRequest: async () => ({ ...(await github.getPullRequest(REPOSITORY, number)), mergeable: null, mergeCommitSha: null }),
    };

    const early = runStep(readPullRequest, { repository: REPOSITORY, number, cause: 'event' }, { ...world, github: computing }, EXECUTION);

    await expect(early).rejects.toThrow(TransientError);
    expect(await read(number)).toMatchObject({ kind: 'configuration' });
  });

  it.each([
    ['settings and configuration together', 'dev', { ...CONFIGURATION, ...SETTINGS }, 'split it'],
    ['configuration on main', 'main', CONFIGURATION, 'belongs on a channel branch: alpha, dev; its base is main'],
    ['settings on a channel branch', 'dev', SETTINGS, 'belong on main; its base is dev'],
  ])('ends the check of %s with where it belongs', async (_, base, files, message) => {
    const number = await world.open(base, files);

    expect(await read(number)).toMatchObject({ kind: 'gone' });
    expect(await read(number)).toMatchObject({ kind: 'gone' });
    const check = await checkOf(number);
    expect(check).toMatchObject({ status: 'completed', conclusion: 'failure' });
    expect(check?.summary).toContain(message);
  });

  it('passes what changes nothing of the fleet', async () => {
    const number = await world.open('dev', { 'README.md': 'Better\n' });

    const first = await read(number);
    const second = await read(number);

    expect(first).toEqual({ kind: 'gone', reason: 'Nothing of the fleet changes', number });
    expect(second).toEqual(first);
    expect(await checkOf(number)).toMatchObject({ status: 'completed', conclusion: 'success' });
  });

  it('sees a rename out of the configuration as a change of it', async () => {
    const number = await world.open('dev', { 'channels/cluster/versions.yaml': null, 'old/versions.yaml': 'kubernetes: 1.35.4\n' });

    expect(await read(number)).toMatchObject({ kind: 'configuration' });
  });

  it('knows the kind of a change of any size by its trees', async () => {
    const many = Object.fromEntries(Array.from({ length: 3500 }, (_, index) => [`notes/${index}.md`, `${index}\n`]));
    const number = await world.open('dev', { ...many, ...CONFIGURATION });
    const github = { ...world.github, listChangedFiles: () => Promise.reject(new Error('GitHub lists 3,000 files at most')) };

    const output = await runStep(readPullRequest, { repository: REPOSITORY, number, cause: 'event' }, { ...world, github }, EXECUTION);

    expect(output).toMatchObject({ kind: 'configuration' });
  });

  it('refuses a head that two open pull requests have, until one is closed', async () => {
    const number = await world.open('dev', CONFIGURATION);
    const other = await world.github.createPullRequest(REPOSITORY, { title: 'The same', body: '', head: 'change-1', base: 'alpha' });

    expect(await read(number)).toMatchObject({ kind: 'gone' });
    expect(await checkOf(number)).toMatchObject({
      conclusion: 'failure',
      summary: expect.stringContaining(`that of #${other.number} (to alpha) too`),
    });
    expect(await read(other.number)).toMatchObject({ kind: 'gone' });
    expect(await checkOf(number)).toMatchObject({
      conclusion: 'failure',
      summary: expect.stringContaining(`that of #${number} (to dev) too`),
    });
    await world.github.updatePullRequest(REPOSITORY, other.number, { state: 'closed' });
    const again = { repository: REPOSITORY, number, cause: 'again' };
    expect(await runStep(readPullRequest, again, world, 'pr-1-again')).toMatchObject({ kind: 'configuration' });
  });

  it.each([
    ['a link', [{ mode: '120000' }], /odd-0.yaml is a link or a submodule/],
    ['a file over 1 MiB', [{ size: 1024 * 1024 + 1 }], /odd-0.yaml has 1048577 bytes, more than 1048576/],
    [
      'more than 20 MiB together',
      Array.from({ length: 21 }, () => ({ size: 1024 * 1024 })),
      /channels\/ has \d+ bytes, more than 20971520/,
    ],
    ['more than 2,000 files', Array.from({ length: 2000 }, () => ({})), /channels\/ has 2002 files, more than 2000/],
  ])('refuses settings with %s before they are read', async (_, entries, message) => {
    const number = await world.open('dev', CONFIGURATION);
    const odd = entries.map((entry, index) => ({
      path: `channels/odd-${index}.yaml`,
      type: 'blob' as const,
      mode: '100644',
      sha: gitId('d'),
      size: 1,
      ...entry,
    }));
    const github: GitHub = {
      ...world.github,
      getTree: async (at, sha) => [...(await world.github.getTree(at, sha)), ...odd],
      getBlob: () => Promise.reject(new Error('read before it was refused')),
    };

    const run = runStep(readPullRequest, { repository: REPOSITORY, number, cause: 'event' }, { ...world, github }, EXECUTION);

    await expect(run).rejects.toThrow(InputError);
    await expect(run).rejects.toThrow(message);
  });

  it('names a repository without settings', async () => {
    const github = createFakeGitHub(REPOSITORY);
    github.push('dev', { 'channels/cluster/a.yaml': 'a' });
    github.push('change', CONFIGURATION, 'dev');
    const { number } = await github.createPullRequest(REPOSITORY, { title: 'A change', body: '', head: 'change', base: 'dev' });

    const run = runStep(readPullRequest, { repository: REPOSITORY, number, cause: 'event' }, { ...world, github }, EXECUTION);

    await expect(run).rejects.toThrow(NotFoundError);
    await expect(run).rejects.not.toThrow(GateClosedError);
  });
});
