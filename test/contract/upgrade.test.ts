import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGitHub } from '#adapters/github/github.ts';
import { createReleases } from '#adapters/github/releases.ts';
import { chooseUpgrade } from '../../functions/github/choose-upgrade.ts';
import { proposeUpgrade } from '../../functions/github/propose-upgrade.ts';
import { reportUpgrade } from '../../functions/plan/report-upgrade.ts';
import { createControlWorld, runStep } from '../support/control-world.ts';
import { configurationFiles, settingsFiles } from '../support/fleet-repository.ts';
import { APP, cloneOf, type GitHubUnderTest, REPOSITORY, startGitHubUnderTest } from '../support/local-github.ts';

const NAME = `${REPOSITORY.owner}/${REPOSITORY.name}`;

let under: GitHubUnderTest;
beforeAll(async () => {
  under = await startGitHubUnderTest();
  const clone = await cloneOf(under.local.gitUrl, join(under.directory, 'clone'));
  await clone.push('main', settingsFiles());
  await clone.push('dev', configurationFiles());
  for (const branch of ['alpha', 'beta']) await clone.push(branch, {}, 'dev');
}, 120_000);
afterAll(() => under.close());

describe('the steps of propose-upgrade on the local GitHub', () => {
  /** One day's run of the machine. */
  async function day() {
    const app = { appId: APP.id, installationId: APP.installationId, privateKey: under.privateKey };
    const baseUrl = under.local.apiUrl;
    const github = createGitHub({ baseUrl, repository: REPOSITORY, ...app });
    const ports = { ...createControlWorld(), github, releases: createReleases({ baseUrl, app }) };
    const chosen = await runStep(chooseUpgrade, { repository: NAME }, ports);
    if (chosen.decision === 'nothing') return chosen;
    const report = await runStep(reportUpgrade, { chooseUpgrade: chosen }, ports);
    return runStep(proposeUpgrade, { repository: NAME, chooseUpgrade: chosen, reportUpgrade: report }, ports);
  }

  it('open one pull request with the upgrade that can be merged, and no second one', async () => {
    const first = await day();
    await under.local.settled();
    const second = await day();

    const { json } = await under.call('GET', `/repos/${NAME}/pulls?state=all`);
    const [pull, ...more] = json as { number: number; title: string; body: string; head: { ref: string }; base: { ref: string } }[];
    const { json: whole } = await under.call('GET', `/repos/${NAME}/pulls/${pull?.number}`);
    const { json: files } = await under.call('GET', `/repos/${NAME}/pulls/${pull?.number}/files`);
    expect(more).toEqual([]);
    expect(first).toEqual({ outcome: 'opened', reason: `#${pull?.number} proposes 1.36.3`, pullRequest: pull?.number });
    expect(pull).toMatchObject({
      title: 'Raise Kubernetes from 1.35.4 to 1.36.3',
      head: { ref: 'sluice/upgrade-kubernetes-1.36.3' },
      base: { ref: 'dev' },
    });
    expect(pull?.body).toContain('- `kubernetes 1.36.3`');
    expect(whole).toMatchObject({ mergeable: true, user: { login: 'sluice[bot]' } });
    expect(files).toMatchObject([{ filename: 'channels/cluster/versions.yaml', additions: 1, deletions: 1 }]);
    expect(second).toMatchObject({ decision: 'nothing', reason: `#${pull?.number} is open: one upgrade at a time` });
  });

  it('propose nothing for a version that was closed, but the next product', async () => {
    const { json } = await under.call('GET', `/repos/${NAME}/pulls`);
    const [pull] = json as { number: number }[];
    await under.call('PATCH', `/repos/${NAME}/pulls/${pull?.number}`, { state: 'closed' });

    expect(await day()).toMatchObject({ outcome: 'opened', reason: expect.stringContaining('proposes 3.7.3') });
  });
});
