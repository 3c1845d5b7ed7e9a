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

function setUp() {
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
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
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

  it('starts a rollout for a push to a branch', async () => {
    const { started, deliver } = setUp();
    const push = {
      ref: 'refs/heads/dev',
      after: HEAD,
      repository: { name: 'fleet', owner: { login: 'platform' } },
      installation: { id: 42 },
    };

    const answer = await deliver('push', JSON.stringify(push));

    expect(answer.statusCode).toBe(200);
    expect([...started.keys()][0]).toMatch(/^rollout rollout-dev-[0-9a-f]{12}-push$/);
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

  it('starts a new attempt of each pull request when a check suite is rerequested', async () => {
    const { started, deliver } = setUp();
    const body = {
      action: 'rerequested',
      check_suite: { id: 9, head_sha: HEAD, pull_requests: [{ number: 7 }, { number: 8 }] },
      repository: { name: 'fleet', owner: { login: 'platform' } },
      installation: { id: 42 },
    };

    await deliver('check_suite', JSON.stringify(body));

    expect([...started.values()].map((input) => (input as { number: number; cause: string }).cause)).toEqual(['rerun-9', 'rerun-9']);
  });

  it('starts the rollout of a branch anew when a check without pull request is rerequested', async () => {
    const { started, deliver } = setUp();
    const body = {
      action: 'rerequested',
      check_run: { id: 11, head_sha: HEAD, check_suite: { id: 9, head_branch: 'dev' }, pull_requests: [] },
      repository: { name: 'fleet', owner: { login: 'platform' } },
      installation: { id: 42 },
    };

    const answer = await deliver('check_run', JSON.stringify(body));

    expect(answer.statusCode).toBe(200);
    expect([...started.values()]).toEqual([
      { repository: { owner: 'platform', name: 'fleet' }, branch: 'dev', commit: HEAD, cause: 'rerun-11' },
    ]);
  });
});
