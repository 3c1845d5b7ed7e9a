import { describe, expect, test } from 'vitest';
import { keys } from '#domain/names.ts';
import { ChannelProof, ClusterRecord } from '#model/records.ts';
import { HUB_ACCOUNT } from '../../../local/fleet.ts';
import type { Pull } from '../../../local/operator.ts';
import { REPOSITORY } from '../../../local/world.ts';
import { until } from '../../support/e2e/condition.ts';
import { completedCheck, executionsAbout, fileOf, type Scene, stored } from '../../support/e2e/scene.ts';

const DEPLOYMENT = 'channels/cluster/components/resource-report/deployment.yaml';
const CHECK_SECONDS = 420;

/** Clones, changes one manifest, pushes, and opens the pull request by the form of the page. */
export async function openOwnChange(scene: Scene): Promise<Pull> {
  const text = await fileOf(scene, 'dev', DEPLOYMENT);
  await scene.clone.push(
    'longer-interval',
    { [DEPLOYMENT]: text.replace('--update-interval-minutes=5', '--update-interval-minutes=10') },
    'dev',
  );
  const pull = await submitForm(scene, {
    action: 'open',
    title: 'Report less often',
    body: 'Once in ten minutes.',
    head: 'longer-interval',
    base: 'dev',
  });
  return scene.operator.getPullRequest(pull);
}

/** A pull request made by hand, of manifests only. */
export function ownChangeSuite(scene: () => Scene, opened: () => Promise<Pull>): void {
  describe("an operator's own pull request", () => {
    test('goes over e2e and merge to dev, and is proposed to alpha', async () => {
      const pull = await opened();
      const check = await completedCheck(scene(), pull.head.sha, 'sluice', CHECK_SECONDS);
      expect(check.conclusion, check.said).toBe('success');
      const before = await stored(scene(), HUB_ACCOUNT, keys.cluster('dev-1'), ClusterRecord);

      const mergeCommit = await scene().operator.merge(pull);
      const rollout = await completedCheck(scene(), mergeCommit, 'sluice / rollout', CHECK_SECONDS);
      const promotion = await until('its promotion to alpha', 60, async () =>
        (await scene().operator.listPullRequests('alpha')).find(({ head }) => head.ref.startsWith('sluice/promote-')),
      );
      const promoted = await completedCheck(scene(), promotion.head.sha, 'sluice', 60);

      const after = await stored(scene(), HUB_ACCOUNT, keys.cluster('dev-1'), ClusterRecord);
      const machines = (await executionsAbout(scene(), `#${pull.number}`)).map(({ machine, status }) => `${machine} ${status}`);
      expect(machines.sort()).toEqual(['e2e SUCCEEDED', 'pull-request SUCCEEDED']);
      expect(rollout.conclusion, rollout.said).toBe('success');
      expect(after?.revision).not.toBe(before?.revision);
      expect(after?.versions).toEqual(before?.versions);
      expect(await stored(scene(), HUB_ACCOUNT, keys.channelProof('dev', after?.revision ?? ''), ChannelProof)).toMatchObject({
        channel: 'dev',
      });
      expect(promoted.conclusion, promoted.said).toBe('success');
      expect((await executionsAbout(scene(), `#${promotion.number}`)).map(({ machine }) => machine)).toEqual(['pull-request']);
    });
  });
}

/** Fills in the page's form as a browser would. @returns the number of the pull request that the browser is sent to */
async function submitForm({ world }: Scene, fields: Readonly<Record<string, string>>): Promise<number> {
  const place = `${world.github.pageUrl}${REPOSITORY.owner}/${REPOSITORY.name}/compare`;
  const page = await (await fetch(place)).text();
  const form = /<form method="post" action="(?<action>[^"]+)">.*?name="csrf" value="(?<csrf>[^"]+)"/s.exec(page)?.groups;
  if (form === undefined) throw new Error(`${place} has no form:\n${page.slice(0, 500)}`);
  const { action = '', csrf = '' } = form;
  const answer = await fetch(new URL(action, place), {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ csrf, ...fields }),
  });
  const location = answer.headers.get('location') ?? '';
  const number = /\/pull\/(\d+)/.exec(location)?.[1];
  if (number === undefined) throw new Error(`the form was answered ${answer.status} ${location}: ${(await answer.text()).slice(0, 500)}`);
  return Number(number);
}
