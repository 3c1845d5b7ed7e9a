import { describe, expect, it } from 'vitest';
import { keys } from '#domain/names.ts';
import type { ReadPullRequest } from '#model/pull-request.ts';
import { reportPlan } from '../../../functions/control/report-plan.ts';
import { createFakeChecks } from '../../support/fakes/checks.ts';
import { createFakeClock } from '../../support/fakes/clock.ts';
import { createFakeObjects } from '../../support/fakes/objects.ts';

const REPOSITORY = { owner: 'platform', name: 'fleet' };
const PULL: ReadPullRequest = {
  repository: REPOSITORY,
  number: 7,
  title: 'A change',
  author: 'ada',
  baseRef: 'dev',
  baseSha: '1'.repeat(40),
  headSha: '2'.repeat(40),
  mergeSha: '3'.repeat(40),
  kind: 'configuration',
  channel: 'dev',
  check: { repository: REPOSITORY, sha: '2'.repeat(40), name: 'sluice' },
  e2eCheck: { repository: REPOSITORY, sha: '2'.repeat(40), name: 'sluice / e2e' },
  names: { e2e: 'e2e-7-abc-pr' },
};
const FINDINGS = [
  { rule: 'unknown-key', level: 'warning', path: 'channels/cluster/pools.yaml', line: 9, message: 'a warning' },
  { rule: 'yaml-syntax', level: 'failure', path: 'channels/cluster/versions.yaml', line: 2, message: 'not closed' },
];

const planCheck = { ...PULL.check, name: 'sluice / plan' };

const planAddress = (hash: string): string => `https://page.test/plans/${hash}`;
const LINK = '[The whole plan](https://page.test/plans/p), kept as `plans/p.md`.';

async function setUp() {
  const objects = createFakeObjects();
  await objects.put('findings/f.json', JSON.stringify(FINDINGS));
  await objects.put(keys.plan('p'), '**1 cluster.**');
  const checks = createFakeChecks(objects, createFakeClock());
  const run = (input: object) =>
    reportPlan.run(reportPlan.input.parse({ readPullRequest: PULL, ...input }), { objects, checks, planAddress }, { execution: 'pr-7' });
  return { objects, checks, run };
}

describe('report-plan', () => {
  it('ends the plan check green and keeps the required check going', async () => {
    const { checks, run } = await setUp();

    await run({ validate: { errors: 0, warnings: 0 }, plan: { planHash: 'p', title: '1 cluster' } });

    expect(await checks.wanted(planCheck)).toMatchObject({
      status: 'completed',
      conclusion: 'success',
      summary: `**1 cluster.**\n\n${LINK}\n`,
    });
    expect(await checks.wanted(PULL.check)).toMatchObject({ status: 'in_progress', title: '1 cluster' });
  });

  it('links the whole plan where it is cut, too', async () => {
    const { objects, checks, run } = await setUp();
    await objects.put(keys.plan('p'), `**1 cluster.**\n\n${'- a line\n'.repeat(20_000)}`);

    await run({ validate: { errors: 0, warnings: 0 }, plan: { planHash: 'p', title: '1 cluster' } });

    const { summary = '' } = (await checks.wanted(planCheck)) ?? {};
    expect(summary.startsWith(`**1 cluster.**\n\n${LINK}\n\n- a line`)).toBe(true);
    expect(summary).toMatch(/\*\*Cut here: \d+ more lines\.\*\* The whole text: plans\/p\.md\n$/);
    expect(summary.length).toBeLessThanOrEqual(65_535);
  });

  it('turns both checks red with every finding, the first failure in the summary', async () => {
    const { checks, run } = await setUp();

    await run({ validate: { errors: 1, warnings: 1, findingsKey: 'findings/f.json' }, invalid: true });

    const red = await checks.wanted(PULL.check);
    expect(red).toMatchObject({ status: 'completed', conclusion: 'failure', findings: FINDINGS });
    expect(red?.summary).toContain('First: `channels/cluster/versions.yaml:2`: not closed');
    expect(await checks.wanted(planCheck)).toMatchObject({ conclusion: 'failure', findings: FINDINGS });
  });

  it('takes nothing of a finding for markup', async () => {
    const { objects, checks, run } = await setUp();
    const finding = { rule: 'schema', level: 'failure', path: 'channels/`a.yaml', line: 1, message: 'There is no key <!-- \n\n# Passed' };
    await objects.put('findings/g.json', JSON.stringify([finding]));

    await run({ validate: { errors: 1, warnings: 0, findingsKey: 'findings/g.json' }, invalid: true });

    expect((await checks.wanted(PULL.check))?.summary).toBe(
      "First: `channels/'a.yaml:1`: There is no key &lt;!-- # Passed\n\nEach finding is annotated at its line. Nothing was started.",
    );
  });

  it('refuses to report a plan that is not there', async () => {
    const { run } = await setUp();

    await expect(run({ validate: { errors: 0, warnings: 0 }, plan: { planHash: 'gone', title: 't' } })).rejects.toMatchObject({
      name: 'NotFoundError',
    });
  });
});
