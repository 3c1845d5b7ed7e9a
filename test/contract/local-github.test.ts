import { createSign } from 'node:crypto';
import { join } from 'node:path';
import { Webhooks } from '@octokit/webhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGitHub } from '#adapters/github/github.ts';
import {
  APP,
  type Clone,
  cloneOf,
  type GitHubUnderTest,
  OPERATOR,
  type Received,
  SECRET,
  startGitHubUnderTest,
  startReceiver,
} from '../support/local-github.ts';

const FLEET = '/repos/zalando/fleet';

let under: GitHubUnderTest;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let clone: Clone;
let installation: string;
let answerStatus = 200;

beforeAll(async () => {
  receiver = await startReceiver(() => answerStatus);
  under = await startGitHubUnderTest(receiver.url);
  clone = await cloneOf(under.local.gitUrl, join(under.directory, 'clone'));
  await clone.push('main', { 'channels/dev.yaml': 'branch: dev\n' });
  installation = await installationToken();
}, 60_000);

afterAll(async () => {
  await under.close();
  await receiver.close();
});

function jwt(claims: Record<string, unknown> = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode({ iss: APP.id, iat: now - 30, exp: now + 300, ...claims })}`;
  return `${text}.${createSign('RSA-SHA256').update(text).sign(under.privateKey, 'base64url')}`;
}

async function installationToken(): Promise<string> {
  const { json } = await under.call('POST', `/app/installations/${APP.installationId}/access_tokens`, {}, jwt());
  return (json as { token: string }).token;
}

function asApp(method: string, path: string, body?: unknown) {
  return under.call(method, path, body, installation);
}

/** A branch with one commit on top of another and an open pull request of it. */
async function opened(branch: string, base = 'main'): Promise<{ number: number; head: string }> {
  const head = await clone.push(branch, { [`${branch}.txt`]: 'one\ntwo\n' }, base);
  const { json } = await under.call('POST', `${FLEET}/pulls`, { title: `Add ${branch}`, body: 'Why', head: branch, base });
  return { number: (json as { number: number }).number, head };
}

async function green(head: string): Promise<void> {
  await asApp('POST', `${FLEET}/check-runs`, { name: 'sluice', head_sha: head, status: 'completed', conclusion: 'success' });
  await under.local.settled();
}

/** What work sent, in order. */
async function deliveriesOf(work: () => Promise<unknown>): Promise<Received[]> {
  await under.local.settled();
  const before = receiver.received.length;
  await work();
  await under.local.settled();
  return receiver.received.slice(before);
}

function names(deliveries: readonly Received[]): string[] {
  return deliveries.map(({ event, body }) => [event, JSON.parse(body).action].filter(Boolean).join('.'));
}

describe('what GitHub refuses', () => {
  const annotation = { path: 'main.txt', start_line: 1, end_line: 1, annotation_level: 'warning', message: 'm' };
  const output = (change: Record<string, unknown>) => ({ output: { title: 't', summary: 's', ...change } });

  it.each([
    ['51 annotations', output({ annotations: Array.from({ length: 51 }, () => annotation) }), /annotations/],
    ['a summary of 65,536 characters', output({ summary: 'x'.repeat(65_536) }), /65535/],
    ['completed without conclusion', { status: 'completed' }, /conclusion/],
    ['an unknown conclusion', { status: 'completed', conclusion: 'passed' }, /conclusion/],
    ['conclusion stale', { status: 'completed', conclusion: 'stale' }, /stale/],
    ['an unknown level', output({ annotations: [{ ...annotation, annotation_level: 'error' }] }), /annotation_level/],
    ['columns over several lines', output({ annotations: [{ ...annotation, end_line: 2, start_column: 1 }] }), /start_column/],
    ['line 0', output({ annotations: [{ ...annotation, start_line: 0 }] }), /start at 1/],
    ['a message of more than 64 KB', output({ annotations: [{ ...annotation, message: 'ä'.repeat(33_000) }] }), /64 KB/],
    ['a fourth button', { actions: Array.from({ length: 4 }, () => ({ label: 'l', description: 'd', identifier: 'i' })) }, /actions/],
    ['a label of 21 characters', { actions: [{ label: 'x'.repeat(21), description: 'd', identifier: 'i' }] }, /label/],
    ['a name without letters', { name: '' }, /name/],
    ['a head that is a branch', { head_sha: 'main' }, /No commit found/],
    ['a link that is no URL', { details_url: 'file:///etc' }, /details_url/],
  ])('a check run with %s', async (_name, change, reason) => {
    const head_sha = await clone.git('rev-parse', 'origin/main');

    const before = under.local.checkRequests();
    const answer = await asApp('POST', `${FLEET}/check-runs`, { name: 'sluice', head_sha, ...change });
    const { made, refused } = under.local.checkRequests();

    expect(answer.status).toBe(422);
    expect(made).toBe(before.made + 1);
    expect(refused.slice(before.refused.length)).toEqual([expect.stringMatching(/^POST .*\/check-runs: 422 /)]);
    expect(JSON.stringify(answer.json)).toMatch(reason);
  });

  it('a call that it does not know, naming it', async () => {
    const answer = await asApp('GET', `${FLEET}/actions/runs`);

    expect(answer.status).toBe(404);
    expect(answer.json).toMatchObject({ message: expect.stringContaining('GET /repos/zalando/fleet/actions/runs') });
  });

  it('a check run written by a person, and a person asked of an App', async () => {
    const head_sha = await clone.git('rev-parse', 'origin/main');

    const written = await under.call('POST', `${FLEET}/check-runs`, { name: 'sluice', head_sha });
    const user = await asApp('GET', '/user');

    expect(written).toMatchObject({ status: 403, json: { message: 'You must authenticate via a GitHub App.' } });
    expect(user.status).toBe(403);
  });

  it('wrong and ended credentials', async () => {
    const path = `/app/installations/${APP.installationId}/access_tokens`;
    const now = Math.floor(Date.now() / 1000);
    const [head = '', claims = ''] = jwt().split('.');
    const asked = async (token: string) => (await under.call('POST', path, {}, token)).status;

    expect(await asked(jwt())).toBe(201);
    expect(await asked(jwt({ exp: now - 1 }))).toBe(401);
    expect(await asked(jwt({ exp: now + 3600 }))).toBe(401);
    expect(await asked(jwt({ iss: 1 }))).toBe(401);
    expect(await asked(`${head}.${claims}.${'A'.repeat(342)}`)).toBe(401);
    expect(await asked(OPERATOR.token)).toBe(401);
    expect((await under.call('GET', '/user', undefined, 'nobody')).status).toBe(401);
    expect((await under.call('GET', '/user')).json).toMatchObject({ login: OPERATOR.login });
  });

  it('broken JSON and a body of another shape', async () => {
    const broken = await fetch(`${under.local.apiUrl}${FLEET}/pulls`, {
      method: 'POST',
      headers: { authorization: `token ${OPERATOR.token}` },
      body: '{"title": ',
    });
    const shape = await under.call('POST', `${FLEET}/pulls`, { title: 'x', head: 7, base: 'main' });

    expect(broken.status).toBe(400);
    expect(shape.status).toBe(422);
  });

  it('a pull request between branches without common history', async () => {
    await clone.push('unrelated', { 'a.txt': '1' });

    const answer = await under.call('POST', `${FLEET}/pulls`, { title: 'x', head: 'unrelated', base: 'main' });

    expect(answer.status).toBe(422);
    expect(JSON.stringify(answer.json)).toContain('no history in common with main');
  });

  it('a merge of another head, and one without the green check', async () => {
    const { number, head } = await opened('gate');
    const merge = (body: Record<string, unknown>) => under.call('PUT', `${FLEET}/pulls/${number}/merge`, body);

    const early = await merge({ sha: head });
    await green(head);
    const wrong = await merge({ sha: 'f'.repeat(40) });
    const right = await merge({ sha: head });
    const twice = await merge({ sha: head });

    expect(early).toMatchObject({ status: 405, json: { message: 'Required status check "sluice" is expected.' } });
    expect(wrong.status).toBe(409);
    expect(right).toMatchObject({ status: 200, json: { merged: true } });
    expect(twice.status).toBe(405);
  });
});

describe('merging', () => {
  it.each(['merge', 'squash', 'rebase'] as const)('by %s gives the tree of the test merge', async (method) => {
    const base = `base-${method}`;
    await clone.push(base, { 'a.txt': '1\n', 'b.txt': '1\n' });
    await clone.push(`head-${method}`, { 'a.txt': '2\n' }, base);
    const head = await clone.push(`head-${method}`, { 'c.txt': '3\n' });
    const onto = await clone.push(base, { 'b.txt': '2\n' });
    const { json } = await under.call('POST', `${FLEET}/pulls`, { title: 'Three', head: `head-${method}`, base });
    const { number } = json as { number: number };
    await green(head);
    const test = (await under.call('GET', `${FLEET}/pulls/${number}`)).json as { merge_commit_sha: string };

    const merged = (await under.call('PUT', `${FLEET}/pulls/${number}/merge`, { merge_method: method })).json as { sha: string };

    const commitOf = async (sha: string) =>
      (await under.call('GET', `${FLEET}/git/commits/${sha}`)).json as { tree: { sha: string }; parents: { sha: string }[] };
    const commit = await commitOf(merged.sha);
    expect(commit.tree.sha).toBe((await commitOf(test.merge_commit_sha)).tree.sha);
    expect(commit.parents.map((parent) => parent.sha).includes(onto)).toBe(method !== 'rebase');
    expect(commit.parents).toHaveLength(method === 'merge' ? 2 : 1);
    expect((await under.call('GET', `${FLEET}/branches/${base}`)).json).toMatchObject({ commit: { sha: merged.sha } });
  });

  it('is not possible with a conflict', async () => {
    await clone.push('clash', { 'a.txt': '1\n' });
    const head = await clone.push('clash-head', { 'a.txt': '2\n' }, 'clash');
    await clone.push('clash', { 'a.txt': '3\n' });
    const { json } = await under.call('POST', `${FLEET}/pulls`, { title: 'Clash', head: 'clash-head', base: 'clash' });
    const { number } = json as { number: number };
    await green(head);

    const merge = await under.call('PUT', `${FLEET}/pulls/${number}/merge`, {});

    expect((await under.call('GET', `${FLEET}/pulls/${number}`)).json).toMatchObject({ mergeable: false, mergeable_state: 'dirty' });
    expect(merge).toMatchObject({ status: 405, json: { message: 'Pull Request is not mergeable' } });
  });
});

describe('webhooks', () => {
  it('are signed so that @octokit/webhooks verifies them', async () => {
    const [delivery] = await deliveriesOf(() => clone.push('signed', { 'a.txt': '1' }));
    const webhooks = new Webhooks({ secret: SECRET });
    const signature = String(delivery?.headers['x-hub-signature-256']);

    expect(await webhooks.verify(delivery?.body ?? '', signature)).toBe(true);
    expect(await webhooks.verify(`${delivery?.body} `, signature)).toBe(false);
    expect(delivery?.headers).toMatchObject({ 'x-github-event': 'push', 'content-type': 'application/json' });
    expect(delivery?.headers['x-github-delivery']).toMatch(/^[0-9a-f-]{36}$/);
    expect(delivery?.headers['user-agent']).toMatch(/^GitHub-Hookshot/);
  });

  it('tell of a real push and of the pull request from that branch', async () => {
    const { number, head } = await opened('events');

    const deliveries = await deliveriesOf(() => clone.push('events', { 'more.txt': '1' }));

    const [push, , synchronize] = deliveries.map((delivery) => JSON.parse(delivery.body));
    const after = await clone.git('rev-parse', 'HEAD');
    expect(names(deliveries)).toEqual(['push', 'check_suite.requested', 'pull_request.synchronize']);
    expect(push).toMatchObject({ ref: 'refs/heads/events', before: head, after, forced: false, installation: { id: APP.installationId } });
    expect(push.head_commit).toMatchObject({ id: after, added: ['more.txt'] });
    expect(push.repository).toMatchObject({ name: 'fleet', full_name: 'zalando/fleet', owner: { login: 'zalando' } });
    expect(synchronize).toMatchObject({ number, before: head, after, sender: { login: OPERATOR.login } });
    expect(synchronize.pull_request).toMatchObject({
      head: { sha: after, repo: { full_name: 'zalando/fleet', fork: false } },
      mergeable: null,
    });
    expect(await clone.git('ls-remote', 'origin', `refs/pull/${number}/head`)).toContain(after);
    expect(await clone.git('ls-remote', 'origin', `refs/pull/${number}/merge`)).toMatch(/^[0-9a-f]{40}/);
  });

  it('tell of a merge, of a close and of a direct push that brings a pull request in', async () => {
    const merged = await opened('hook-merge');
    await green(merged.head);
    const direct = await opened('hook-direct');

    const ofMerge = await deliveriesOf(() => under.call('PUT', `${FLEET}/pulls/${merged.number}/merge`, {}));
    const ofDirect = await deliveriesOf(async () => {
      await clone.git('fetch', '--quiet', 'origin');
      await clone.git('checkout', '--quiet', '-B', 'main', 'origin/main');
      await clone.git('merge', '--quiet', '--no-edit', 'origin/hook-direct');
      await clone.git('push', '--quiet', 'origin', 'HEAD:refs/heads/main');
    });

    expect(names(ofMerge).sort()).toEqual(['check_suite.requested', 'pull_request.closed', 'push']);
    const closed = ofMerge.map((delivery) => JSON.parse(delivery.body)).find((payload) => payload.action === 'closed');
    expect(closed.pull_request).toMatchObject({ merged: true, merged_by: { login: OPERATOR.login }, state: 'closed' });
    expect(names(ofDirect)).toContain('pull_request.closed');
    expect((await under.call('GET', `${FLEET}/pulls/${direct.number}`)).json).toMatchObject({ merged: true, state: 'closed' });
  });

  it('tell the App of re-runs, buttons and comments', async () => {
    const { number, head } = await opened('rerun');
    await green(head);
    const runs = (await under.call('GET', `${FLEET}/commits/${head}/check-runs`)).json as {
      check_runs: { id: number; check_suite: { id: number } }[];
    };
    const [run] = runs.check_runs;

    const deliveries = await deliveriesOf(async () => {
      await under.call('POST', `${FLEET}/check-runs/${run?.id}/rerequest`);
      await under.call('POST', `${FLEET}/check-suites/${run?.check_suite.id}/rerequest`);
      await under.call('POST', `${FLEET}/issues/${number}/comments`, { body: `/test ${head}` });
    });

    expect(names(deliveries)).toEqual(['check_run.rerequested', 'check_suite.rerequested', 'issue_comment.created']);
    const [first, second, third] = deliveries.map((delivery) => JSON.parse(delivery.body));
    expect(first.check_run).toMatchObject({ id: run?.id, head_sha: head, pull_requests: [{ number }] });
    expect(second.check_suite).toMatchObject({ id: run?.check_suite.id, head_sha: head });
    expect(third).toMatchObject({
      issue: { number, pull_request: {} },
      comment: { body: `/test ${head}`, user: { login: OPERATOR.login } },
    });
  });

  it('are kept when they fail and sent again under their id when asked', async () => {
    answerStatus = 500;
    await deliveriesOf(() => clone.push('redeliver', { 'a.txt': '1' }));
    answerStatus = 200;
    const list = async (query = '') =>
      (await under.call('GET', `/app/hook/deliveries${query}`, undefined, jwt())).json as Record<string, unknown>[];
    const failed = (await list('?status=failure')).find((delivery) => delivery['event'] === 'push');

    const again = await deliveriesOf(() => under.call('POST', `/app/hook/deliveries/${String(failed?.['id'])}/attempts`, undefined, jwt()));

    expect(failed).toMatchObject({ status_code: 500, status: 'Invalid HTTP Response: 500', redelivery: false });
    expect(again).toHaveLength(1);
    expect(again[0]?.headers['x-github-delivery']).toBe(failed?.['guid']);
    expect((await list())[0]).toMatchObject({ guid: failed?.['guid'], redelivery: true, status_code: 200 });
    expect((await under.call('GET', '/app/hook/deliveries')).status).toBe(401);
  });

  it('of a pull request from a fork name the other repository', async () => {
    const fork = await cloneOf(await under.local.fork('stranger'), join(under.directory, 'fork'));
    const head = await fork.push('patch', { 'evil.txt': '1' }, 'main');

    const deliveries = await deliveriesOf(() =>
      under.call('POST', `${FLEET}/pulls`, { title: 'Fork', head: 'stranger:patch', base: 'main' }),
    );
    const pushed = await deliveriesOf(() => fork.push('patch', { 'evil.txt': '2' }));

    expect(names(deliveries)).toEqual(['pull_request.opened']);
    const [payload] = deliveries.map((delivery) => JSON.parse(delivery.body));
    expect(payload.pull_request.head).toMatchObject({
      sha: head,
      label: 'stranger:patch',
      repo: { full_name: 'stranger/fleet', fork: true },
    });
    expect(payload.pull_request.base.repo.full_name).toBe('zalando/fleet');
    expect(names(pushed)).toEqual(['pull_request.synchronize']);
  });
});

describe('pushing', () => {
  it('needs a token, cloning needs none', async () => {
    const stranger = await cloneOf(under.local.gitUrl, join(under.directory, 'stranger'), 'wrong');
    await stranger.git('commit', '--quiet', '--allow-empty', '-m', 'x');

    await expect(stranger.git('push', '--quiet', 'origin', 'HEAD:refs/heads/main')).rejects.toThrow();
    expect(await stranger.git('log', '-1', '--format=%s', 'origin/main')).not.toBe('x');
  });

  it('works with the token of the installation, and never to refs/pull', async () => {
    const app = await cloneOf(under.local.gitUrl, join(under.directory, 'app'), installation);

    const head = await app.push('by-app', { 'a.txt': '1' });

    expect((await under.call('GET', `${FLEET}/git/ref/heads/by-app`)).json).toMatchObject({ object: { sha: head } });
    await expect(app.git('push', '--quiet', 'origin', 'HEAD:refs/pull/1/head')).rejects.toThrow();
  });
});

describe('the page', () => {
  const page = async (path: string) => (await fetch(`${under.local.pageUrl.replace(/\/$/, '')}${path}`)).text();
  const csrfOf = (html: string): string => /name="csrf" value="([^"]+)"/.exec(html)?.[1] ?? '';
  const post = (fields: Record<string, string>) =>
    fetch(`${under.local.pageUrl}zalando/fleet/act`, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' });

  it('merges by its button once the check is green, and says before why not', async () => {
    const { number, head } = await opened('page-merge');
    const path = `/zalando/fleet/pull/${number}`;
    await under.local.settled();
    const before = await page(path);
    await green(head);
    const after = await page(path);

    const merged = await post({ csrf: csrfOf(after), action: 'merge', number: String(number), sha: head, method: 'squash' });

    expect(before).toContain('Required status check &quot;sluice&quot; is expected.');
    expect(before).toMatch(/<button class="primary" disabled>/);
    expect(after).toMatch(/<button class="primary">/);
    expect([merged.status, merged.headers.get('location')]).toEqual([303, path]);
    expect(await page(path)).toContain('pill merged');
  });

  it('opens a pull request and shows the reason when GitHub refuses it', async () => {
    await clone.push('page-open', { 'page.txt': '1' }, 'main');
    const csrf = csrfOf(await page('/zalando/fleet/compare'));
    const form = { csrf, action: 'open', head: 'page-open', base: 'main', title: '<b>Bold</b>', body: '<script>alert(1)</script> **fat**' };

    const made = await post(form);
    const again = await post(form);
    const shown = await page(made.headers.get('location') ?? '');

    expect(made.status).toBe(303);
    expect(again.status).toBe(422);
    expect(await again.text()).toContain('A pull request already exists for zalando:page-open.');
    expect(shown).toContain('&lt;b&gt;Bold&lt;/b&gt;');
    expect(shown).toContain('&lt;script&gt;alert(1)&lt;/script&gt; <strong>fat</strong>');
    expect(await page('/')).toContain('&lt;b&gt;Bold&lt;/b&gt;');
  });

  it('takes no form from elsewhere and serves no other host', async () => {
    const forged = await post({ csrf: 'guess', action: 'close', number: '1' });
    const { status, headers } = await fetch(under.local.pageUrl);

    expect(forged.status).toBe(403);
    expect(status).toBe(200);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('content-security-policy')).not.toContain('unsafe');
  });
});

describe('a restart', () => {
  it('keeps pull requests, checks, deliveries and tokens', async () => {
    const { number, head } = await opened('kept');
    await green(head);
    const runs = await under.call('GET', `${FLEET}/commits/${head}/check-runs`);

    await under.restart();

    expect((await under.call('GET', `${FLEET}/pulls/${number}`)).json).toMatchObject({ head: { sha: head }, mergeable: true });
    expect(await under.call('GET', `${FLEET}/commits/${head}/check-runs`)).toEqual(runs);
    expect((await asApp('GET', `${FLEET}/pulls/${number}`)).status).toBe(200);
    expect((await under.call('GET', '/app/hook/deliveries', undefined, jwt())).json).not.toEqual([]);
    const github = createGitHub({
      baseUrl: under.local.apiUrl,
      repository: { owner: 'zalando', name: 'fleet' },
      appId: APP.id,
      installationId: APP.installationId,
      privateKey: under.privateKey,
    });
    expect(await github.getBranchHead({ owner: 'zalando', name: 'fleet' }, 'kept')).toBe(head);
  });
});
