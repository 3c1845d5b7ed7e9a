import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGitHub } from '#adapters/github/github.ts';
import { ANNOTATIONS_SHOWN, SUMMARY_LIMIT } from '#domain/check-publication.ts';
import { keys } from '#domain/names.ts';
import type { Finding, WantedCheck } from '#model/checks.ts';
import { type PublishPorts, publishCheck } from '../../functions/publish/publish-check.ts';
import { createFakeObjects } from '../support/fakes/objects.ts';
import { APP, cloneOf, type GitHubUnderTest, REPOSITORY, startGitHubUnderTest } from '../support/local-github.ts';

let under: GitHubUnderTest;
let sha: string;
beforeAll(async () => {
  under = await startGitHubUnderTest();
  const clone = await cloneOf(under.local.gitUrl, join(under.directory, 'clone'));
  sha = await clone.push('main', { 'a.txt': '1' });
}, 60_000);
afterAll(() => under.close());

/** The real publisher and adapter against the GitHub that checks each request by GitHub's own description. */
function setUp() {
  const refused: string[] = [];
  const requests: string[] = [];
  const objects = createFakeObjects();
  const github = createGitHub({
    baseUrl: under.local.apiUrl,
    repository: REPOSITORY,
    appId: APP.id,
    installationId: APP.installationId,
    privateKey: under.privateKey,
    async fetch(input, init) {
      const answer = await fetch(input, init);
      requests.push(`${init?.method ?? 'GET'} ${answer.status}`);
      if (answer.status >= 400) refused.push(`${answer.status} ${(await answer.clone().text()).slice(0, 500)}`);
      return answer;
    },
  });
  const ports: PublishPorts = {
    objects,
    github,
    clock: { now: () => new Date('2026-01-05T08:05:00Z') },
    pace: async () => undefined,
    link: () => 'https://eu-central-1.console.aws.amazon.com/states/home',
    refused: (_ref, reason) => void refused.push(reason),
  };
  return { ports, objects, refused, requests };
}

async function runOf(wanted: WantedCheck) {
  const answer = await under.call('GET', `/repos/${REPOSITORY.owner}/${REPOSITORY.name}/commits/${sha}/check-runs?filter=all&per_page=100`);
  const { check_runs: runs } = answer.json as {
    check_runs: { name: string; conclusion: string | null; external_id: string; output: { annotations_count: number; summary: string } }[];
  };
  return runs.filter((run) => run.name === wanted.ref.name);
}

const unit = fc.constantFrom('a', '|', '`', '\n', '<details>', '```diff\n', '😀', '漢', '\u0000', 'é'.normalize('NFD'), ' '.repeat(40));
const text = (repeat: number) =>
  fc
    .tuple(fc.array(unit, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: repeat }))
    .map(([parts, times]) => parts.join('').repeat(times));

const findings = fc.tuple(fc.integer({ min: 0, max: 2000 }), text(9000), fc.boolean()).map(([count, message, column]) =>
  Array.from(
    { length: count },
    (_, index): Finding => ({
      rule: 'unknown-key',
      level: (['failure', 'warning', 'notice'] as const)[index % 3] ?? 'notice',
      path: `channels/cluster/${index % 7}.yaml`,
      line: index + 1,
      ...(column ? { column: (index % 80) + 1 } : {}),
      // One long text among short ones: GitHub takes 50 long ones in no request of a sensible size.
      message: index === 0 ? message : message.slice(0, 200).trim() || 'm',
    }),
  ),
);

const progress = fc.array(
  fc.record({
    execution: fc.constant('e2e-1'),
    machine: fc.constant('update-cluster'),
    step: fc.constantFrom('lock', 'roll-node-pools', 'health'),
    state: fc.constantFrom('running', 'waiting', 'done', 'failed'),
    reason: text(50),
    at: fc.constant('2026-01-05T08:00:00.000Z'),
  }),
  { maxLength: 300 },
);

let checks = 0;

const check = fc.record({ title: text(60), summary: text(20_000), text: text(20_000), findings, progress }).map((content): WantedCheck => {
  checks += 1;
  return {
    ref: { repository: REPOSITORY, sha: sha, name: `check ${checks}` },
    status: 'completed',
    conclusion: 'failure',
    execution: `pr-${checks}`,
    startedAt: '2026-01-05T08:00:00.000Z',
    ...content,
  } as WantedCheck;
});

describe('the publisher', () => {
  it('is refused nothing by the description of GitHub, whatever a check holds', async () => {
    await fc.assert(
      fc.asyncProperty(check, async (wanted) => {
        const { ports, objects, refused } = setUp();
        await objects.put(keys.check(sha, wanted.ref.name), JSON.stringify(wanted));

        await publishCheck(wanted.ref, ports);

        expect(refused).toEqual([]);
        const [run, ...more] = await runOf(wanted);
        expect(more).toEqual([]);
        expect(run?.conclusion).toBe('failure');
        expect(run?.output.annotations_count).toBe(Math.min(wanted.findings.length, ANNOTATIONS_SHOWN));
        expect(Buffer.byteLength(run?.output.summary ?? '')).toBeLessThanOrEqual(SUMMARY_LIMIT);
      }),
      { numRuns: Number(process.env['SLUICE_PUBLISHER_RUNS'] ?? 25) },
    );
  });

  it('makes one run of 2,000 findings in twenty requests, and finds it again after a lost answer', async () => {
    const wanted: WantedCheck = {
      ref: { repository: REPOSITORY, sha, name: 'many' },
      status: 'completed',
      conclusion: 'failure',
      title: '2,000 errors to mend',
      summary: '😀'.repeat(40_000),
      findings: Array.from({ length: 2000 }, (_, index) => ({
        rule: 'a',
        level: 'failure',
        path: 'a.yaml',
        line: index + 1,
        message: '😀'.repeat(500),
      })),
      progress: [],
      execution: 'pr-many',
      startedAt: '2026-01-05T08:00:00.000Z',
    };
    const { ports, objects, refused, requests } = setUp();
    await objects.put(keys.check(sha, 'many'), JSON.stringify(wanted));

    await publishCheck(wanted.ref, ports);
    const writes = requests.filter((request) => !request.startsWith('GET'));
    // The token is one of the writes; then the note of what was sent gets lost.
    objects.remove(keys.publishedCheck(sha, 'many'));
    await publishCheck(wanted.ref, ports);

    expect(refused).toEqual([]);
    expect(writes).toHaveLength(21);
    const runs = await runOf(wanted);
    expect(runs.map((run) => run.output.annotations_count)).toEqual([ANNOTATIONS_SHOWN]);
  });
});
