import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReleases } from '#adapters/github/releases.ts';
import { RefusedError, TransientError } from '#model/errors.ts';
import { APP, type GitHubUnderTest, startGitHubUnderTest } from '../support/local-github.ts';

const CREDENTIALS = { appId: APP.id, installationId: APP.installationId };

let under: GitHubUnderTest;
beforeAll(async () => {
  under = await startGitHubUnderTest();
}, 60_000);
afterAll(() => under.close());

function releases() {
  return createReleases({ baseUrl: under.local.apiUrl, app: { ...CREDENTIALS, privateKey: under.privateKey } });
}

describe('releases of the local GitHub, as the App', () => {
  it('are those of Kubernetes and of etcd, pre-releases marked', async () => {
    const [kubernetes, etcd] = [await releases().list('kubernetes'), await releases().list('etcd')];

    expect(kubernetes).toContainEqual({ tag: 'v1.36.3', prerelease: false, draft: false });
    expect(etcd).toContainEqual({ tag: 'v3.6.16', prerelease: false, draft: false });
    expect(etcd).toContainEqual({ tag: 'v3.8.0-alpha.0', prerelease: true, draft: false });
    expect(kubernetes.length).toBeGreaterThan(3);
  });

  it('of a repository that nobody recorded are not there, and of the fleet there are none', async () => {
    expect((await under.call('GET', '/repos/somebody/else/releases')).status).toBe(404);
    expect(await under.call('GET', '/repos/zalando/fleet/releases')).toMatchObject({ status: 200, json: [] });
  });

  // Last: reading the description takes seconds, in which a kept connection ends.
  it('come in pages, and have the shape of GitHub’s own description', async () => {
    const file = createRequire(import.meta.url).resolve('@octokit/openapi/generated/api.github.com.json');
    const { status, json } = await under.call('GET', '/repos/etcd-io/etcd/releases?per_page=4&page=2');

    const { components } = JSON.parse(readFileSync(file, 'utf8')) as { components: { schemas: Record<string, object> } };
    const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
    addFormats.default(ajv);
    ajv.addSchema({ components: { schemas: components.schemas } }, 'github');

    expect(status).toBe(200);
    expect(json).toHaveLength(4);
    const valid = ajv.validate({ type: 'array', items: { $ref: 'github#/components/schemas/release' } }, json);
    expect(ajv.errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  });
});

describe('errors', () => {
  /** Releases of a GitHub that answers with these, one after another, and what was sent with each call. */
  function answering(...answers: Response[]) {
    const sent: Headers[] = [];
    const fetch = async (_input: string | URL | Request, init?: RequestInit): Promise<Response> => {
      sent.push(new Headers(init?.headers));
      return (answers[Math.min(sent.length, answers.length) - 1] ?? Response.error()).clone();
    };
    return { releases: createReleases({ baseUrl: 'https://api.github.com', fetch }), sent };
  }

  it('without an App, nobody asks: no credentials are sent', async () => {
    const { releases: anonymous, sent } = answering(Response.json([{ tag_name: 'v1.2.3', prerelease: false, draft: false }]));

    expect(await anonymous.list('etcd')).toEqual([{ tag: 'v1.2.3', prerelease: false, draft: false }]);
    expect(sent.map((headers) => headers.get('authorization'))).toEqual([null]);
  });

  it('reads all pages', async () => {
    const full = Array.from({ length: 100 }, (_, at) => ({ tag_name: `v1.0.${at}`, prerelease: false, draft: false }));
    const { releases: paged, sent } = answering(Response.json(full), Response.json(full.slice(0, 3)));

    expect(await paged.list('kubernetes')).toHaveLength(103);
    expect(sent).toHaveLength(2);
  });

  it.each([
    ['a spent rate limit', Response.json({ message: 'x' }, { status: 403, headers: { 'x-ratelimit-remaining': '0' } }), TransientError],
    ['429', Response.json({ message: 'slow down' }, { status: 429 }), TransientError],
    ['a server error', Response.json({ message: 'Server Error' }, { status: 502 }), TransientError],
    ['a repository that is gone', Response.json({ message: 'Not Found' }, { status: 404 }), RefusedError],
    ['an answer of another shape', Response.json([{ tag: 'v1' }]), RefusedError],
  ])('are told by class: %s', async (_name, answer, expected) => {
    await expect(answering(answer).releases.list('kubernetes')).rejects.toThrow(expected);
  });
});
