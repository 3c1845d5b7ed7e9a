import { beforeEach, describe, expect, it } from 'vitest';
import { keys } from '#domain/names.ts';
import { ConflictError } from '#model/errors.ts';
import type { Asked } from '#model/webhook.ts';
import { findPullRequests } from '../../../functions/github/find-pull-requests.ts';
import { readPullRequest } from '../../../functions/github/read-pull-request.ts';
import { REPOSITORY, runStep } from '../../support/control-world.ts';
import { createGitHubWorld, type GitHubWorld } from '../../support/github-world.ts';

const VERSIONS = 'channels/cluster/versions.yaml';

let world: GitHubWorld;
let number: number;
beforeEach(async () => {
  world = await createGitHubWorld();
  number = await world.open('dev', { [VERSIONS]: 'kubernetes: 1.36.3\n' });
});

/** Runs the step as an execution that Step Functions knows. */
async function read(execution: string, change: { asked?: Asked; base?: string } = {}): Promise<unknown> {
  await world.executions.start('pull-request', execution, {});
  return runStep(readPullRequest, { repository: REPOSITORY, number, cause: 'event', ...change }, world, execution);
}

function ended(execution: string): void {
  world.executions.set('pull-request', execution, { status: 'SUCCEEDED' });
}

async function head(): Promise<string> {
  return (await world.github.getPullRequest(REPOSITORY, number)).headSha;
}

async function check(sha?: string) {
  return world.checks.wanted({ repository: REPOSITORY, sha: sha ?? (await head()), name: 'sluice' });
}

function marker(execution: string) {
  return world.read(keys.cancel(execution));
}

/** The clock stands: each attempt of a pull request is one more than the one before. */
const FIRST = Date.parse('2026-01-05T08:00:00Z');
const MINE = { kind: 'configuration' };
const GONE = { kind: 'gone' };

describe('whose turn it is', () => {
  it('belongs to the first; another event about the same content changes nothing', async () => {
    const first = await read('pr-1-a');
    const second = await read('pr-1-b');
    ended('pr-1-a');
    const third = await read('pr-1-c');

    expect([first, second, third]).toMatchObject([MINE, GONE, GONE]);
    expect(second).toMatchObject({ reason: expect.stringContaining('pr-1-a checks this already') });
    expect(await check()).toMatchObject({ execution: 'pr-1-a' });
    expect([marker('pr-1-a'), marker('pr-1-b')]).toEqual([undefined, undefined]);
  });

  it('goes to a new head, and the older run is led to its clean-up with a pointer to its successor', async () => {
    const old = await head();
    await read('pr-1-a');
    world.github.push('change-1', { [VERSIONS]: 'kubernetes: 1.36.4\n' });

    const next = await read('pr-1-b');

    expect(next).toMatchObject({ ...MINE, generation: FIRST + 1 });
    expect(marker('pr-1-a')).toMatchObject({ reason: `superseded by ${await head()}, checked by pr-1-b` });
    expect(await check(old)).toMatchObject({ execution: 'pr-1-a' });
  });

  it('is not taken from an execution that has ended', async () => {
    await read('pr-1-a');
    ended('pr-1-a');
    world.github.push('change-1', { [VERSIONS]: 'kubernetes: 1.36.4\n' });

    await read('pr-1-b');

    expect(marker('pr-1-a')).toBeUndefined();
  });

  it('stays when the base moves elsewhere, and goes when it changes the merge result', async () => {
    await read('pr-1-a');
    ended('pr-1-a');
    const elsewhere = world.github.push('dev', { 'README.md': 'Better\n' });

    const kept = await read('pr-1-b', { base: elsewhere });
    const before = await check();
    const inside = world.github.push('dev', { 'channels/cluster/pools.yaml': '[]\n' });
    const taken = await read('pr-1-c', { base: inside });

    expect(kept).toMatchObject({ ...GONE, reason: expect.stringContaining('nothing of it changed') });
    expect(before).toMatchObject({ execution: 'pr-1-a' });
    expect(taken).toMatchObject({ ...MINE, baseSha: inside, generation: FIRST + 1 });
  });

  it('shows nothing older on the check of a head whose base moved', async () => {
    await read('pr-1-a');
    const base = world.github.push('dev', { 'channels/cluster/pools.yaml': '[]\n' });
    await read('pr-1-b', { base });

    await world.checks.want({
      ref: { repository: REPOSITORY, sha: await head(), name: 'sluice' },
      ...{ status: 'completed', conclusion: 'cancelled', title: 'Superseded', summary: '' },
      ...{ execution: 'pr-1-a', generation: FIRST },
    });

    expect(await check()).toMatchObject({ status: 'in_progress', execution: 'pr-1-b', generation: FIRST + 1 });
  });

  it('is claimed on facts that were read before somebody else claimed it: then it is read again', async () => {
    let raced = false;
    const github = {
      ...world.github,
      async getPullRequest(...parameters: Parameters<typeof world.github.getPullRequest>) {
        const pull = await world.github.getPullRequest(...parameters);
        if (raced) return pull;
        raced = true;
        await read('pr-1-b');
        return pull;
      },
    };
    const input = { repository: REPOSITORY, number, cause: 'event' };

    const slow = runStep(readPullRequest, input, { ...world, github }, 'pr-1-a');

    await expect(slow).rejects.toThrow(ConflictError);
    expect(await runStep(readPullRequest, input, world, 'pr-1-a')).toMatchObject(GONE);
  });

  it('ends with the pull request, and comes back when it is opened again', async () => {
    await read('pr-1-a');
    await world.github.updatePullRequest(REPOSITORY, number, { state: 'closed' });
    await read('pr-1-b');
    const closed = marker('pr-1-a');
    await world.github.updatePullRequest(REPOSITORY, number, { state: 'open' });

    const again = await read('pr-1-c');

    expect(closed).toMatchObject({ reason: '#1 was closed' });
    expect(again).toMatchObject({ ...MINE, generation: FIRST + 2 });
  });
});

describe('a head that was of another pull request before', () => {
  it('shows its own check, however often the other one was looked at', async () => {
    const { github, clock } = world;
    await github.updatePullRequest(REPOSITORY, number, { state: 'closed' });
    github.push('harmless', {}, 'change-1');
    github.push('change-1', { 'README.md': '0\n' });
    const decoy = await github.createPullRequest(REPOSITORY, { title: 'Harmless', body: '', head: 'change-1', base: 'harmless' });
    number = decoy.number;
    for (const attempt of ['a', 'b', 'c']) {
      github.push('change-1', { 'README.md': `${attempt}\n` });
      await read(`pr-2-${attempt}`);
      ended(`pr-2-${attempt}`);
    }
    const green = await check();
    await github.updatePullRequest(REPOSITORY, number, { state: 'closed' });
    clock.advance(1);

    number = (await github.createPullRequest(REPOSITORY, { title: 'Not so', body: '', head: 'change-1', base: 'dev' })).number;
    const taken = await read('pr-3-a');

    expect(green).toMatchObject({ conclusion: 'success', title: 'Nothing of the fleet changes' });
    expect(taken).toMatchObject(MINE);
    expect(await check()).toMatchObject({ status: 'in_progress', execution: 'pr-3-a' });
  });

  it('stays refused while another open one has it, whatever that one’s run still says', async () => {
    const { github, clock, checks } = world;
    await read('pr-1-a');
    const first = await check();
    const twin = await github.createPullRequest(REPOSITORY, { title: 'The same', body: '', head: 'change-1', base: 'alpha' });
    clock.advance(1);
    number = twin.number;
    await read('pr-2-a');

    const { ref, execution, generation } = first ?? expect.fail('there is no check');
    await checks.want({
      ref,
      status: 'completed',
      conclusion: 'success',
      title: 'Fine',
      summary: '',
      execution: execution ?? '',
      generation,
    });

    expect(await check()).toMatchObject({ conclusion: 'failure', execution: 'pr-2-a' });
  });

  it('is said to be so of a fork that copied it', async () => {
    const copied = await head();
    const fork = world.github.openFromFork({}, 'dev');
    const github = {
      ...world.github,
      getPullRequest: async (...at: Parameters<typeof world.github.getPullRequest>) => {
        const pull = await world.github.getPullRequest(...at);
        return pull.number === fork.number ? { ...pull, headSha: copied } : pull;
      },
    };

    await runStep(readPullRequest, { repository: REPOSITORY, number: fork.number, cause: 'event' }, { ...world, github }, 'pr-2-a');

    expect(await check(copied)).toMatchObject({ conclusion: 'failure', title: expect.stringContaining(`Its head is that of #${number}`) });
  });
});

describe('what people ask for', () => {
  const by = 'operator';

  it('gives a re-run another attempt once the run has ended, and none while it runs', async () => {
    await read('pr-1-a');
    const asked: Asked = { what: 'rerun', by, sha: await head() };

    const early = await read('pr-1-b', { asked });
    ended('pr-1-a');
    const late = await read('pr-1-c', { asked });

    expect([early, late]).toMatchObject([GONE, { ...MINE, generation: FIRST + 1 }]);
  });

  it.each([
    ['of somebody who may only read', { what: 'test', by: 'stranger' }, 'needs write access to'],
    ['of a short commit', { what: 'test', by, sha: 'abc123' }, 'name the whole commit'],
    ['of another commit', { what: 'test', by, sha: 'f'.repeat(40) }, 'the head is'],
    ['of an older head', { what: 'rerun', by, sha: 'e'.repeat(40) }, 'the head is'],
    ['to cancel, of somebody who may only read', { what: 'cancel', by: 'stranger' }, 'needs write access to'],
  ] as const)('refuses a wish %s and says so below the check', async (_, asked, reason) => {
    await read('pr-1-a');
    const before = await check();

    const sha = { sha: await head() };
    const first = await read('pr-1-b', { asked: { ...sha, ...asked } });
    await read('pr-1-b', { asked: { ...sha, ...asked } });

    expect(first).toMatchObject({ ...GONE, reason: expect.stringContaining(reason) });
    const after = await check();
    expect(after).toMatchObject({ status: before?.status, execution: 'pr-1-a' });
    expect(after?.summary.split('---')).toHaveLength(2);
    expect(after?.summary).toContain(reason);
    expect(marker('pr-1-a')).toBeUndefined();
  });

  it('cancels the run for who may write; a refresh begins another', async () => {
    await read('pr-1-a');

    const cancel = await read('pr-1-b', { asked: { what: 'cancel', by } });
    const refresh = await read('pr-1-c', { asked: { what: 'refresh', by } });

    expect(cancel).toMatchObject({ ...GONE, reason: 'cancelled pr-1-a' });
    expect(marker('pr-1-a')).toMatchObject({ by: '@operator', reason: '`/cancel`' });
    expect(refresh).toMatchObject({ ...MINE, generation: FIRST + 1 });
  });
});

describe('a fork', () => {
  beforeEach(() => {
    number = world.github.openFromFork({ [VERSIONS]: 'kubernetes: 1.36.3\n' }, 'dev').number;
  });

  it('runs for the commit that somebody with write access names, and for no later one', async () => {
    const asked: Asked = { what: 'test', by: 'operator', sha: await head() };

    const before = await read('pr-2-a');
    const let1 = await read('pr-2-b', { asked });
    ended('pr-2-b');
    const base = world.github.push('dev', { 'channels/cluster/pools.yaml': '[]\n' });
    const moved = await read('pr-2-c', { base });

    expect([before, let1, moved]).toMatchObject([GONE, MINE, MINE]);
    expect(await check()).toMatchObject({ status: 'in_progress' });
    expect(world.read(keys.pullRequest(number))).toMatchObject({ approved: { sha: asked.sha, by: 'operator' } });
  });

  it('is not let in by who can only read, nor by a re-run', async () => {
    await read('pr-2-a');
    ended('pr-2-a');
    const sha = await head();

    const stranger = await read('pr-2-b', { asked: { what: 'test', by: 'stranger', sha } });
    const rerun = await read('pr-2-c', { asked: { what: 'rerun', by: 'operator', sha } });

    expect([stranger, rerun]).toMatchObject([GONE, GONE]);
    expect(await check()).toMatchObject({ conclusion: 'action_required' });
  });
});

describe('find-pull-requests', () => {
  const look = async (what: object, execution = 'look-1') =>
    runStep(findPullRequests, { repository: REPOSITORY, cause: 'push', look: what }, world, execution);

  it('looks at each open pull request of a base that moved, once', async () => {
    await world.open('dev', { [VERSIONS]: 'kubernetes: 1.36.4\n' });
    await world.open('alpha', { [VERSIONS]: 'kubernetes: 1.36.4\n' });
    const commit = world.github.push('dev', { 'README.md': 'Better\n' });

    const first = await look({ branch: 'dev', commit });
    const second = await look({ branch: 'dev', commit });

    expect(first.started).toHaveLength(2);
    expect(second).toEqual(first);
    expect(world.executions.started.map(({ input }) => input)).toEqual([
      { repository: REPOSITORY, number: 1, cause: 'push', base: commit },
      { repository: REPOSITORY, number: 2, cause: 'push', base: commit },
    ]);
  });

  it('finds the pull request of a fork by its head', async () => {
    const fork = world.github.openFromFork({ [VERSIONS]: 'kubernetes: 1.36.3\n' }, 'dev');

    const { started } = await look({ headSha: fork.headSha });

    expect(started).toEqual([expect.stringMatching(new RegExp(`^pr-${fork.number}-`))]);
  });

  it('keeps the branches that the webhook listens to', async () => {
    await look({ headSha: 'f'.repeat(40) });

    expect(world.read(keys.fleetBranches())).toEqual({
      settingsCommit: world.github.branches.get('main'),
      branches: ['alpha', 'dev', 'main'],
    });
  });
});
