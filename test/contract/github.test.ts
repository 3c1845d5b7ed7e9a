import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGitHub } from '#adapters/github/github.ts';
import { RefusedError, TransientError } from '#model/errors.ts';
import { type GitHubWorld, githubContract } from '../support/contracts/github.ts';
import { createFakeGitHub } from '../support/fakes/github.ts';
import { APP, cloneOf, type GitHubUnderTest, REPOSITORY, startGitHubUnderTest } from '../support/local-github.ts';

const CREDENTIALS = { appId: APP.id, installationId: APP.installationId };

describe('the fake', () => {
  const github = createFakeGitHub(REPOSITORY);
  githubContract(() => ({
    github,
    repository: REPOSITORY,
    push: async (branch, files, from) => github.push(branch, files, from),
    merge: async (number) => github.merge(number),
    openFromFork: async (files, base) => github.openFromFork(files, base).number,
  }));
});

describe('the adapter against the local GitHub', () => {
  let under: GitHubUnderTest;
  let world: GitHubWorld;
  beforeAll(async () => {
    under = await startGitHubUnderTest();
    world = await realWorld(under);
  }, 60_000);
  afterAll(() => under.close());

  githubContract(() => world);

  it('goes on with its token after a restart of GitHub', async () => {
    await world.push('restart', { 'a.txt': '1' });
    const before = await world.github.getBranchHead(REPOSITORY, 'restart');

    await under.restart();

    expect(before).toBeDefined();
    expect(await world.github.getBranchHead(REPOSITORY, 'restart')).toBe(before);
  });
});

describe('errors of the adapter', () => {
  const { privateKey } = keyPair();
  const token = { token: 'ghs_x', expires_at: '2999-01-01T00:00:00Z', permissions: {}, repository_selection: 'all' };

  /** The adapter on a GitHub that answers every call but the token's with these, one after another. */
  async function answering(...answers: (Response | Error)[]) {
    const calls: string[] = [];
    const fetch = async (input: string | URL | Request): Promise<Response> => {
      const url = String(input);
      if (url.endsWith('/access_tokens')) return Response.json(token, { status: 201 });
      calls.push(url);
      const next = answers[Math.min(calls.length, answers.length) - 1];
      if (next instanceof Response) return next.clone();
      throw next;
    };
    return {
      github: createGitHub({ baseUrl: 'https://api.github.com', repository: REPOSITORY, ...CREDENTIALS, privateKey, fetch }),
      calls,
    };
  }

  it('sends nothing about another repository than the fleet', async () => {
    const { github, calls } = await answering(Response.json({}));

    await expect(github.getPullRequest({ ...REPOSITORY, name: 'other' }, 7)).rejects.toThrow(RefusedError);
    await expect(github.createTree({ ...REPOSITORY, owner: 'stranger' }, '1', 'a', '2')).rejects.toThrow('not the fleet repository');
    expect(calls).toEqual([]);
  });

  it.each([
    ['a server error', Response.json({ message: 'Server Error' }, { status: 502 }), TransientError],
    ['429', Response.json({ message: 'slow down' }, { status: 429 }), TransientError],
    ['a spent rate limit', Response.json({ message: 'x' }, { status: 403, headers: { 'x-ratelimit-remaining': '0' } }), TransientError],
    ['a secondary limit', Response.json({ message: 'You have exceeded a secondary rate limit.' }, { status: 403 }), TransientError],
    ['missing rights', Response.json({ message: 'Resource not accessible by integration' }, { status: 403 }), RefusedError],
    ['a refused body', Response.json({ message: 'Validation Failed' }, { status: 422 }), RefusedError],
    ['an answer of another shape', Response.json({ number: 'seven' }), RefusedError],
    ['no connection', new TypeError('fetch failed'), TransientError],
  ])('maps %s', async (_name, answer, expected) => {
    const { github } = await answering(answer);

    const failure = await github.getPullRequest(REPOSITORY, 7).catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(expected);
    expect((failure as Error).message).toContain('GET /repos/zalando/fleet/pulls/7');
  });

  it('repeats a read once, a write never', async () => {
    const broken = Response.json({ message: 'Bad Gateway' }, { status: 502 });
    const read = await answering(broken, Response.json({ object: { sha: 'a'.repeat(40) } }));
    const write = await answering(broken);

    expect(await read.github.getBranchHead(REPOSITORY, 'main')).toBe('a'.repeat(40));
    await expect(write.github.createPullRequest(REPOSITORY, { title: 't', body: '', head: 'h', base: 'b' })).rejects.toThrow(
      TransientError,
    );
    expect([read.calls.length, write.calls.length]).toEqual([2, 1]);
  });

  it('refuses a tree that GitHub cut', async () => {
    const { github } = await answering(Response.json({ sha: 'a'.repeat(40), truncated: true, tree: [] }));

    await expect(github.getTree(REPOSITORY, 'a'.repeat(40))).rejects.toThrow(RefusedError);
  });
});

function keyPair(): { privateKey: string } {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}

async function realWorld(under: GitHubUnderTest): Promise<GitHubWorld> {
  const github = createGitHub({ baseUrl: under.local.apiUrl, repository: REPOSITORY, ...CREDENTIALS, privateKey: under.privateKey });
  const clone = await cloneOf(under.local.gitUrl, join(under.directory, 'clone'));
  return {
    github,
    repository: REPOSITORY,
    push: clone.push,
    async merge(number) {
      const { headSha } = await github.getPullRequest(REPOSITORY, number);
      const check = { name: 'sluice', headSha, status: 'completed' as const, conclusion: 'success', title: 'ok', summary: 'ok' };
      await github.createCheckRun(REPOSITORY, check);
      const { json } = await under.call('PUT', `/repos/zalando/fleet/pulls/${number}/merge`, { sha: headSha });
      return (json as { sha: string }).sha;
    },
    async openFromFork(files, base) {
      const fork = await cloneOf(await under.local.fork('stranger'), join(under.directory, 'fork'));
      await fork.git('fetch', '--quiet', under.local.gitUrl, base);
      await fork.git('push', '--quiet', 'origin', `FETCH_HEAD:refs/heads/${base}`);
      await fork.push('patch', files, base);
      const { json } = await under.call('POST', '/repos/zalando/fleet/pulls', { title: 'From a fork', head: 'stranger:patch', base });
      return (json as { number: number }).number;
    },
  };
}
