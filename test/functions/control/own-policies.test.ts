import { beforeEach, describe, expect, it } from 'vitest';
import { keys } from '#domain/names.ts';
import { parseSettings } from '#domain/settings.ts';
import { InputError, NotFoundError } from '#model/errors.ts';
import { OwnPolicies } from '#model/policies.ts';
import { SettingsFiles } from '#model/pull-request.ts';
import { Render } from '#model/render.ts';
import { claimSlot } from '../../../functions/control/claim-slot.ts';
import { planWaves } from '../../../functions/control/plan-waves.ts';
import { readWhatRuns } from '../../../functions/control/read-what-runs.ts';
import { readPullRequest } from '../../../functions/github/read-pull-request.ts';
import { snapshotConfiguration } from '../../../functions/github/snapshot-configuration.ts';
import { plan } from '../../../functions/plan/plan.ts';
import { renderStep } from '../../../functions/plan/render.ts';
import { createControlWorld, putFleet, REPOSITORY, resolved, runStep, SETTINGS_COMMIT } from '../../support/control-world.ts';
import { clusterRecord, gitId } from '../../support/fleet.ts';
import { createGitHubWorld } from '../../support/github-world.ts';
import { referenceSnapshot } from '../../support/reference-fleet.ts';

const PATH = 'channels/policies/services.yaml';
const POLICIES = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: ours }
spec:
  matchConstraints:
    resourceRules: [{ apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [services] }]
  validations: [{ expression: 'true' }]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: ours }
spec: { policyName: ours, validationActions: [Deny] }
`;

const CHECK = { repository: REPOSITORY, sha: gitId('e'), name: 'sluice / e2e' };

/** The fleet of the control tests, its settings with the policies. */
async function createFleet() {
  const world = createControlWorld();
  await putFleet(world);
  const key = keys.settings(SETTINGS_COMMIT);
  const without = SettingsFiles.parse(world.read(key));
  const files = { ...without, files: [...without.files, { path: PATH, content: POLICIES }] };
  await world.objects.put(key, JSON.stringify(files));
  const policies = parseSettings(files).value?.policies;
  if (policies === undefined) throw new Error('the policies are not valid');
  return { world, policies };
}

describe('own policies', () => {
  let fleet: Awaited<ReturnType<typeof createFleet>>;
  beforeEach(async () => {
    fleet = await createFleet();
  });

  it('make a rollout of the settings reach every cluster, each with the hash', async () => {
    const { world, policies } = fleet;
    const resolveRevision = resolved({ kind: 'settings', channel: null, revision: null, basis: 'settings' });

    const planned = await runStep(planWaves, { resolveRevision }, world, 'rollout-1');

    expect(planned).toMatchObject({ clusters: 5 });
    expect(JSON.stringify(world.read(keys.rollout(resolveRevision.rolloutId, 'waves/0')))).toContain(policies.hash);
  });

  it('are part of what tells whether a cluster is up to date', async () => {
    const { world, policies } = fleet;
    const { cluster, revision } = clusterRecord(
      { name: 'dev-1', account: '200000000001', region: 'eu-central-1', environment: 'test', network: '10.1.0.0/16', state: 'ready' },
      'dev',
      gitId('a'),
    );

    const now = await runStep(readWhatRuns, { cluster, revision }, world, 'update-1');
    const wanted = await runStep(readWhatRuns, { cluster: { ...cluster, policies: policies.hash }, revision }, world, 'update-1');

    expect([now.upToDate, wanted.upToDate]).toEqual([true, false]);
  });

  it('go to e2e clusters', async () => {
    const { world, policies } = fleet;
    const input = {
      readPullRequest: { number: 7, channel: 'dev', e2eCheck: CHECK },
      snapshotConfiguration: { baseRevision: null, headRevision: gitId('b'), headSettingsCommit: SETTINGS_COMMIT },
    };

    const claim = await runStep(claimSlot, input, world, 'e2e-7');

    expect(claim.cluster).toMatchObject({ environment: 'e2e', policies: policies.hash });
  });

  it('are rendered from what was kept under their hash', async () => {
    const { world, policies } = fleet;
    const revision = gitId('d');
    const cluster = {
      name: 'dev-1',
      account: '200000000001',
      region: 'eu-central-1',
      environment: 'test' as const,
      network: '10.1.0.0/16',
      channel: 'dev',
      policies: policies.hash,
    };
    await world.objects.put(keys.snapshot(revision), JSON.stringify(referenceSnapshot({}, revision)));

    await expect(runStep(renderStep, { cluster, revision }, world, 'update-1')).rejects.toBeInstanceOf(NotFoundError);
    await world.objects.put(keys.policies(policies.hash), JSON.stringify(policies.objects));
    const { hash } = await runStep(renderStep, { cluster, revision }, world, 'update-1');

    expect(Render.parse(world.read(keys.render(hash))).components[0]).toMatchObject({
      name: 'fleet.policies',
      objects: [{ metadata: { name: 'ours' } }, { metadata: { name: 'ours' } }],
    });
  });
});

describe('a pull request for own policies', () => {
  it('keeps them by their content, and plans them for every cluster', async () => {
    const world = await createGitHubWorld();
    const number = await world.open('main', { [PATH]: POLICIES });
    const pull = await runStep(readPullRequest, { repository: REPOSITORY, number, cause: 'event' }, world, 'pr-1');
    const snapshot = await runStep(snapshotConfiguration, { readPullRequest: pull }, world, 'pr-1');
    if (pull.kind === 'gone') throw new Error('the pull request is gone');
    const { policies, settings } = parseSettings(SettingsFiles.parse(world.read(keys.settings(snapshot.headSettingsCommit)))).value ?? {};
    if (policies === undefined) throw new Error('the policies are not valid');
    const revision = gitId('a');
    await world.objects.put(keys.snapshot(revision), JSON.stringify(referenceSnapshot({}, revision)));
    for (const { channel, clusters } of settings?.channels ?? []) {
      for (const entry of clusters) await world.record(entry, channel, revision);
    }

    const planned = await runStep(plan, { readPullRequest: pull, snapshotConfiguration: snapshot }, world, 'pr-1');

    expect(OwnPolicies.parse(world.read(keys.policies(policies.hash)))).toEqual(policies.objects);
    expect(planned).toMatchObject({ clusters: 2, affectsClusters: true, rollsNodes: 0, class: 'manifests' });
    const text = (await world.objects.get(keys.plan(planned.planHash)))?.body ?? '';
    expect(text).toContain('ValidatingAdmissionPolicyBinding ours');
    expect(text).toContain(PATH);
  });

  it('is refused before it is read when there is too much of it', async () => {
    const world = await createGitHubWorld();
    const number = await world.open('main', { [PATH]: `#${'x'.repeat(2 ** 20)}\n` });

    const read = runStep(readPullRequest, { repository: REPOSITORY, number, cause: 'event' }, world, 'pr-1').then((pull) =>
      runStep(snapshotConfiguration, { readPullRequest: pull }, world, 'pr-1'),
    );

    await expect(read).rejects.toBeInstanceOf(InputError);
  });
});
