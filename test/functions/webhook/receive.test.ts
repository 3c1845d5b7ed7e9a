import { Webhooks } from '@octokit/webhooks';
import { describe, expect, it } from 'vitest';
import { BODY_LIMIT_BYTES, receive, type WebhookPorts } from '../../../functions/webhook/receive.ts';

const SECRET = 'a-secret-of-the-test-only';
const HEAD = '1'.repeat(40);
const BASE = '2'.repeat(40);

function pullRequestEvent(change: { action?: string; head?: string } = {}): string {
  return JSON.stringify({
    action: change.action ?? 'opened',
    number: 7,
    pull_request: { head: { sha: change.head ?? HEAD }, base: { sha: BASE, ref: 'dev' } },
    repository: { name: 'fleet', owner: { login: 'platform' } },
    installation: { id: 42 },
  });
}

const REPOSITORY_AND = { repository: { owner: 'platform', name: 'fleet' } };

function event(fields: Record<string, unknown>): string {
  const common = { repository: { name: 'fleet', owner: { login: 'platform' } }, installation: { id: 42 }, sender: { login: 'ann' } };
  return JSON.stringify({ ...fields, ...common });
}

function pushTo(branch: string): string {
  return event({ ref: `refs/heads/${branch}`, after: HEAD });
}

function setUp(change: Partial<WebhookPorts> = {}) {
  const started = new Map<string, unknown>();
  const webhooks = new Webhooks({ secret: SECRET });
  const ports: WebhookPorts = {
    executions: {
      async start(machine, name, input) {
        const key = `${machine} ${name}`;
        const existed = started.has(key);
        started.set(key, input);
        return { existed };
      },
      describe: async () => undefined,
      link: () => '',
    },
    verify: (body, signature) => (signature === '' ? Promise.resolve(false) : webhooks.verify(body, signature).catch(() => false)),
    installationId: 42,
    repository: { owner: 'Platform', name: 'fleet' },
    fleetBranches: async () => new Set(['main', 'dev']),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    ...change,
  };
  const deliver = async (event: string, body: string, signature?: string) =>
    receive(
      {
        headers: { 'x-github-event': event, 'x-github-delivery': 'd-1', 'x-hub-signature-256': signature ?? (await webhooks.sign(body)) },
        body,
      },
      ports,
    );
  return { started, deliver };
}

describe('receive', () => {
  it('starts one execution for the same delivery sent twice', async () => {
    const { started, deliver } = setUp();

    const answers = [await deliver('pull_request', pullRequestEvent()), await deliver('pull_request', pullRequestEvent())];

    expect(answers.map((answer) => answer.statusCode)).toEqual([200, 200]);
    expect([...started.values()]).toEqual([{ repository: { owner: 'platform', name: 'fleet' }, number: 7, cause: 'event' }]);
  });

  it('starts another execution for another head', async () => {
    const { started, deliver } = setUp();

    await deliver('pull_request', pullRequestEvent());
    await deliver('pull_request', pullRequestEvent({ action: 'synchronize', head: '3'.repeat(40) }));

    expect(started.size).toBe(2);
  });

  it('starts a rollout and a look at the pull requests for a push to a branch of the fleet', async () => {
    const { started, deliver } = setUp();

    const answer = await deliver('push', pushTo('dev'));

    expect(answer.statusCode).toBe(200);
    expect([...started.keys()]).toEqual([
      expect.stringMatching(/^rollout rollout-dev-[0-9a-f]{12}-push$/),
      expect.stringMatching(/^pull-request look-dev-[0-9a-f]{12}-push$/),
    ]);
    expect([...started.values()][1]).toEqual({ ...REPOSITORY_AND, cause: 'push', look: { branch: 'dev', commit: HEAD } });
  });

  it('starts nothing for a push to a branch that no channel has', async () => {
    const { started, deliver } = setUp();

    const answer = await deliver('push', pushTo('feature/dns'));

    expect(answer).toMatchObject({ statusCode: 202, body: "the branch is no channel's and not that of the settings" });
    expect(started.size).toBe(0);
  });

  it.each([
    ['nobody has read the settings yet', async () => undefined],
    ['they can not be read', () => Promise.reject(new Error('S3 is away'))],
  ])('leaves it to the execution what a branch is when %s', async (_, fleetBranches) => {
    const { started, deliver } = setUp({ fleetBranches });

    const answer = await deliver('push', pushTo('feature/dns'));

    expect(answer.statusCode).toBe(200);
    expect(started.size).toBe(2);
  });

  it('does not ask for the branches when a pull request changes', async () => {
    const { deliver } = setUp({ fleetBranches: () => Promise.reject(new Error('must not be asked')) });

    expect(await deliver('pull_request', pullRequestEvent())).toMatchObject({ statusCode: 200 });
  });

  it.each([
    ['a wrong signature', 'pull_request', pullRequestEvent(), `sha256=${'0'.repeat(64)}`, 401],
    ['no signature', 'pull_request', pullRequestEvent(), '', 401],
    ['a signature of another scheme', 'pull_request', pullRequestEvent(), 'sha1=abc', 401],
    ['an oversized body', 'pull_request', 'x'.repeat(BODY_LIMIT_BYTES + 1), undefined, 413],
    ['a body that is cut off', 'pull_request', pullRequestEvent().slice(0, 60), undefined, 400],
    ['JSON of the wrong shape', 'pull_request', '{"action":"opened"}', undefined, 400],
    ['an unknown event', 'gollum', '{}', undefined, 202],
    ['an action that asks for nothing', 'pull_request', pullRequestEvent({ action: 'labeled' }), undefined, 202],
    ['an event of another repository', 'pull_request', pullRequestEvent().replace('"fleet"', '"other"'), undefined, 401],
    ['an event of another owner', 'pull_request', pullRequestEvent().replace('"platform"', '"stranger"'), undefined, 401],
    ['an event of another installation', 'pull_request', pullRequestEvent().replace('"id":42', '"id":43'), undefined, 401],
    [
      'a deleted branch',
      'push',
      JSON.stringify({
        ref: 'refs/heads/x',
        after: '0'.repeat(40),
        deleted: true,
        repository: { name: 'f', owner: { login: 'p' } },
        installation: { id: 42 },
      }),
      undefined,
      202,
    ],
  ])('answers %s and starts nothing', async (_, event, body, signature, statusCode) => {
    const { started, deliver } = setUp();

    const answer = await deliver(event, body, signature);

    expect(answer.statusCode).toBe(statusCode);
    expect(started.size).toBe(0);
  });

  it('says nothing about why a signature is refused', async () => {
    const { deliver } = setUp();

    const answer = await deliver('pull_request', pullRequestEvent(), 'sha256=00');

    expect(answer.body).toBe('unauthorized');
  });

  it('starts a new attempt of each pull request, and of the rollout, when a check suite is rerequested', async () => {
    const { started, deliver } = setUp();
    const suite = { id: 9, head_sha: HEAD, head_branch: 'dev', pull_requests: [{ number: 7 }, { number: 8 }] };

    await deliver('check_suite', event({ action: 'rerequested', check_suite: suite }));

    const asked = { what: 'rerun', by: 'ann', sha: HEAD };
    expect([...started.values()]).toEqual([
      { ...REPOSITORY_AND, number: 7, cause: 'rerun-9', asked },
      { ...REPOSITORY_AND, number: 8, cause: 'rerun-9', asked },
      { ...REPOSITORY_AND, branch: 'dev', commit: HEAD, cause: 'rerun-9' },
    ]);
  });

  it('looks for the pull request of a fork by its head', async () => {
    const { started, deliver } = setUp();
    const suite = { id: 9, head_sha: HEAD, head_branch: null, pull_requests: [] };

    await deliver('check_suite', event({ action: 'rerequested', check_suite: suite }));

    expect([...started.values()]).toEqual([
      { ...REPOSITORY_AND, cause: 'rerun-9', look: { headSha: HEAD }, asked: { what: 'rerun', by: 'ann', sha: HEAD } },
    ]);
  });

  it.each([
    ['sluice / rollout', { branch: 'dev', commit: HEAD, cause: 'rerun-11' }],
    ['sluice / e2e', { number: 7, cause: 'rerun-11', asked: { what: 'rerun', by: 'ann', sha: HEAD } }],
    ['sluice', { number: 7, cause: 'rerun-11', asked: { what: 'rerun', by: 'ann', sha: HEAD } }],
  ])('routes the re-run of the check %s by its name', async (name, expected) => {
    const { started, deliver } = setUp();
    const run = { id: 11, name, head_sha: HEAD, check_suite: { id: 9, head_branch: 'dev' }, pull_requests: [{ number: 7 }] };

    const answer = await deliver('check_run', event({ action: 'rerequested', check_run: run }));

    expect(answer.statusCode).toBe(200);
    expect([...started.values()]).toEqual([{ ...REPOSITORY_AND, ...expected }]);
  });

  it('takes its button as a test of that commit, and no other button', async () => {
    const { started, deliver } = setUp();
    const run = { id: 11, name: 'sluice', head_sha: HEAD, pull_requests: [{ number: 7 }] };
    const pressed = (identifier: string) => event({ action: 'requested_action', requested_action: { identifier }, check_run: run });

    const answers = [await deliver('check_run', pressed('test')), await deliver('check_run', pressed('other'))];

    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 202]);
    expect([...started.values()]).toEqual([
      { ...REPOSITORY_AND, number: 7, cause: 'button-11', asked: { what: 'test', by: 'ann', sha: HEAD } },
    ]);
  });

  it('takes a command of a comment once, and only from a person, new, on a pull request', async () => {
    const { started, deliver } = setUp();
    const comment = (change: { action?: string; type?: string; onIssue?: boolean; body?: string } = {}) =>
      event({
        action: change.action ?? 'created',
        issue: { number: 7, ...(change.onIssue === true ? {} : { pull_request: { url: 'x' } }) },
        comment: { id: 31, body: change.body ?? `/test ${HEAD}`, user: { login: 'bob', type: change.type ?? 'User' } },
      });

    const codes: number[] = [];
    for (const body of [
      comment(),
      comment(),
      comment({ action: 'edited' }),
      comment({ type: 'Bot' }),
      comment({ onIssue: true }),
      comment({ body: 'Nice' }),
    ])
      codes.push((await deliver('issue_comment', body)).statusCode);

    expect(codes).toEqual([200, 200, 202, 202, 202, 202]);
    expect([...started.values()]).toEqual([
      { ...REPOSITORY_AND, number: 7, cause: 'comment-31', asked: { what: 'test', by: 'bob', sha: HEAD } },
    ]);
  });

  it('asks for the check of a merge group', async () => {
    const { started, deliver } = setUp();
    const group = { head_sha: HEAD, base_sha: BASE, base_ref: 'refs/heads/dev' };

    await deliver('merge_group', event({ action: 'checks_requested', merge_group: group }));
    await deliver('merge_group', event({ action: 'destroyed', merge_group: group }));

    expect([...started.values()]).toEqual([
      { ...REPOSITORY_AND, cause: 'event', mergeGroup: { headSha: HEAD, baseSha: BASE, baseRef: 'dev' } },
    ]);
  });

  it('looks again at a head that comes back by a forced push', async () => {
    const { started, deliver } = setUp();
    const at = (updated_at: string) =>
      JSON.stringify({
        ...JSON.parse(pullRequestEvent()),
        pull_request: { head: { sha: HEAD }, base: { sha: BASE, ref: 'dev' }, updated_at },
      });

    await deliver('pull_request', at('2026-01-05T08:00:00Z'));
    await deliver('pull_request', at('2026-01-05T08:00:00Z'));
    await deliver('pull_request', at('2026-01-05T08:09:00Z'));

    expect(started.size).toBe(2);
  });
});
