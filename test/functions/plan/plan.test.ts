import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { keys } from '#domain/names.ts';
import { Finding } from '#model/checks.ts';
import { InputError, NotFoundError } from '#model/errors.ts';
import { PlanData } from '#model/plan.ts';
import { Render } from '#model/render.ts';
import { plan } from '../../../functions/plan/plan.ts';
import { renderStep } from '../../../functions/plan/render.ts';
import { validate } from '../../../functions/plan/validate.ts';
import { createFakeClock } from '../../support/fakes/clock.ts';
import { createFakeObjects, type FakeObjects } from '../../support/fakes/objects.ts';
import { clusterEntry, clusterRecord } from '../../support/fleet.ts';
import { edited, referenceSettings, referenceSnapshot } from '../../support/reference-fleet.ts';

const BASE = 'a'.repeat(40);
const HEAD = 'b'.repeat(40);
const SETTINGS = 'c'.repeat(40);
const NEW_SETTINGS = 'd'.repeat(40);
const clock = createFakeClock();
const CONTEXT = { execution: 'pull-request-1' };
const CONFIGURATION = { kind: 'configuration' as const, baseRef: 'dev' };
const SNAPSHOTS = { baseRevision: BASE, headRevision: HEAD, baseSettingsCommit: SETTINGS, headSettingsCommit: SETTINGS };

async function storeOf(
  head: Readonly<Record<string, string | undefined>>,
  settings: Readonly<Record<string, string>> = {},
): Promise<FakeObjects> {
  const objects = createFakeObjects();
  await objects.put(keys.snapshot(BASE), JSON.stringify(referenceSnapshot({}, BASE)));
  await objects.put(keys.snapshot(HEAD), JSON.stringify(referenceSnapshot(head, HEAD)));
  await objects.put(keys.settings(SETTINGS), JSON.stringify(referenceSettings({}, SETTINGS)));
  await objects.put(keys.settings(NEW_SETTINGS), JSON.stringify(referenceSettings(settings, NEW_SETTINGS)));
  return objects;
}

async function findingsOf(objects: FakeObjects, key: string): Promise<Finding[]> {
  const stored = await objects.get(key);
  return z.array(Finding).parse(JSON.parse(stored?.body ?? '[]'));
}

describe('validate', () => {
  it('passes the reference configuration', async () => {
    const objects = await storeOf({});

    const output = await validate.run({ readPullRequest: CONFIGURATION, snapshotConfiguration: SNAPSHOTS }, { objects, clock }, CONTEXT);

    const findings = await findingsOf(objects, output.findingsKey);
    expect(output).toMatchObject({ ok: true, errors: 0, warnings: findings.length });
    expect(findings.filter(({ level }) => level !== 'warning')).toEqual([]);
  });

  it('keeps all findings in S3', async () => {
    const objects = await storeOf({ 'pools.yaml': 'pools: [' });

    const output = await validate.run({ readPullRequest: CONFIGURATION, snapshotConfiguration: SNAPSHOTS }, { objects, clock }, CONTEXT);

    expect(output).toMatchObject({ ok: false });
    expect(output.errors).toBeGreaterThan(0);
    expect(await findingsOf(objects, output.findingsKey)).toMatchObject([
      { path: 'channels/cluster/pools.yaml', line: 1, level: 'failure' },
    ]);
  });

  it.each([
    ['1.34.4', "kubernetes can't go back from 1.35.4 to 1.34.4: what it stores is of the newer minor."],
    ['1.37.1', "kubernetes can't go from 1.35.4 to 1.37.1 at once. Go one minor at a time."],
  ])('refuses to move Kubernetes to %s', async (version, message) => {
    const objects = await storeOf(edited('versions.yaml', '1.35.4', version));

    const output = await validate.run({ readPullRequest: CONFIGURATION, snapshotConfiguration: SNAPSHOTS }, { objects, clock }, CONTEXT);

    const findings = await findingsOf(objects, output.findingsKey);
    expect(findings).toContainEqual(expect.objectContaining({ rule: 'no-schemas', level: 'warning', line: 2 }));
    const failures = findings.filter(({ level }) => level === 'failure');
    expect(failures.filter(({ rule }) => rule !== 'version-skew')).toMatchObject([{ rule: 'version-move', line: 2, message }]);
    // Components that must not be newer than the API server, nor more than a minor behind it.
    expect(failures.filter(({ rule }) => rule === 'version-skew').map(({ path }) => path.split('/').at(-2))).toEqual([
      'cloud-controller',
      'cluster-autoscaler',
    ]);
  });

  it('names the branches when no channel has this one', async () => {
    const objects = await storeOf({});
    const input = { readPullRequest: { ...CONFIGURATION, baseRef: 'gamma' }, snapshotConfiguration: SNAPSHOTS };

    const output = await validate.run(input, { objects, clock }, CONTEXT);

    expect(await findingsOf(objects, output.findingsKey)).toMatchObject([
      { rule: 'branch', message: 'No channel has the branch gamma. A change of channels/cluster/ goes to one of: dev, alpha, beta.' },
    ]);
  });

  it('validates a change of settings against what lives', async () => {
    const objects = await storeOf(
      {},
      {
        'alpha.yaml': (referenceSettings().files.find((file) => file.path.endsWith('alpha.yaml'))?.content ?? '').replace(
          '10.2.0.0',
          '10.9.0.0',
        ),
      },
    );
    const snapshotConfiguration = {
      baseRevision: null,
      headRevision: null,
      baseSettingsCommit: SETTINGS,
      headSettingsCommit: NEW_SETTINGS,
    };

    const output = await validate.run(
      { readPullRequest: { kind: 'settings', baseRef: 'main' }, snapshotConfiguration },
      { objects, clock },
      CONTEXT,
    );

    expect(await findingsOf(objects, output.findingsKey)).toMatchObject([{ rule: 'fixed-field', path: 'channels/alpha.yaml' }]);
  });

  describe('of settings, with what is recorded of clusters', () => {
    const text = (name: string) => referenceSettings().files.find(({ path }) => path === `channels/${name}`)?.content ?? '';
    const withoutSecond = text('beta.yaml').slice(0, text('beta.yaml').indexOf('  - name: beta-2'));
    const snapshotConfiguration = { ...SNAPSHOTS, baseRevision: null, headRevision: null };
    const LIFE: Readonly<Record<string, object>> = {
      there: clusterRecord(clusterEntry('beta-2'), 'beta', BASE),
      deleted: { deleted: true, name: 'beta-2', revision: BASE, execution: 'delete-1', deletedAt: '2026-01-05T07:00:00Z' },
    };

    async function toldOf(before: string, after: string, life: string, used?: object): Promise<string[]> {
      const objects = await storeOf({}, { 'beta.yaml': after });
      if (used !== undefined) await objects.put(keys.restore('beta-2', 'r1'), JSON.stringify(used));
      await objects.put(keys.settings(SETTINGS), JSON.stringify(referenceSettings({ 'beta.yaml': before }, SETTINGS)));
      if (LIFE[life] !== undefined) await objects.put(keys.cluster('beta-2'), JSON.stringify(LIFE[life]));
      const merge = { ...snapshotConfiguration, headSettingsCommit: NEW_SETTINGS };
      const input = { readPullRequest: { kind: 'settings' as const, baseRef: 'main' }, snapshotConfiguration: merge };
      const { findingsKey } = await validate.run(input, { objects, clock }, CONTEXT);
      return (await findingsOf(objects, findingsKey)).map(({ level, rule, path, message }) => `${level} ${rule} ${path} ${message}`);
    }

    it.each([
      [
        'there',
        [
          'failure removed-cluster channels/beta.yaml The cluster beta-2 is not deleted yet. Its entry may go once it is: without it nobody looks after what is left.',
        ],
      ],
      ['deleted', []],
      ['never made', []],
    ])('lets the entry of a decommissioned cluster go when the cluster is %s', async (life, findings) => {
      expect(await toldOf(`${text('beta.yaml')}    state: decommission\n`, withoutSecond, life)).toEqual(findings);
    });

    it('finds a restore by an id that was used, and lets one by a new id pass', async () => {
      const backup = '20260105T060000Z-422a689b6051';
      const record = {
        ...{ cluster: 'beta-2', id: 'r1', backup, reason: 'lost', dryRun: false, execution: 'restore-beta-2-r1', commit: BASE },
        ...{ state: 'failed', claimedAt: '2026-01-04T08:00:00.000Z' },
      };
      const asking = `${text('beta.yaml').trimEnd()}\n    restore: { id: r1, backup: ${backup}, reason: lost }\n`;

      expect(await toldOf(text('beta.yaml'), asking, 'there', record)).toEqual([
        'failure restore channels/beta.yaml The id r1 was used on 2026-01-04 for beta-2 (it failed: restore-beta-2-r1), and each is done once. Take another id.',
      ]);
      expect(await toldOf(text('beta.yaml'), asking.replace('id: r1', 'id: r2'), 'there', record)).toEqual([]);
      await expect(toldOf(text('beta.yaml'), asking, 'there', { id: 'r1' })).rejects.toMatchObject({ name: 'InputError' });
    });

    it.each([
      [
        'deleted',
        [
          'failure duplicate-cluster channels/beta.yaml There was a cluster beta-2, which was deleted. A name is never used again: choose another.',
        ],
      ],
      ['never made', []],
    ])('lets a name be given to a new cluster when one of that name was %s', async (life, findings) => {
      expect(await toldOf(withoutSecond, text('beta.yaml'), life)).toEqual(findings);
    });
  });

  it('says which step must run first', async () => {
    const objects = createFakeObjects();

    const run = validate.run({ readPullRequest: CONFIGURATION, snapshotConfiguration: SNAPSHOTS }, { objects, clock }, CONTEXT);

    await expect(run).rejects.toThrow(NotFoundError);
  });
});

describe('plan', () => {
  it('plans a change and keeps text and data', async () => {
    const objects = await storeOf({ ...edited('versions.yaml', '1.35.4', '1.36.3') });

    const output = await plan.run({ readPullRequest: CONFIGURATION, snapshotConfiguration: SNAPSHOTS }, { objects }, CONTEXT);

    expect(output).toMatchObject({
      title: '1 cluster, 1 distinct change, 6 nodes roll: the control plane is replaced',
      channel: 'dev',
      class: 'control-plane-roll',
      clusters: 1,
      groups: 1,
      affectsClusters: true,
      rollsNodes: 6,
    });
    const text = await objects.get(keys.plan(output.planHash));
    expect(text?.body).toContain('By promotion it reaches alpha (1 cluster), then beta (2 clusters).');
    expect(await objects.get(keys.planData(output.planHash))).toBeDefined();
  });

  it.each([
    ['runs another Kubernetes', { kubernetes: '1.35.4' }, true],
    ['runs another etcd', { kubernetes: '1.36.3', etcd: '3.5.1' }, true],
    ['runs these versions already', { kubernetes: '1.36.3' }, false],
  ])('says that versions of data change where a cluster %s', async (_, versions, upgrades) => {
    const objects = await storeOf({ ...edited('versions.yaml', '1.35.4', '1.36.3') });
    const input = { readPullRequest: CONFIGURATION, snapshotConfiguration: SNAPSHOTS };
    const before = await plan.run(input, { objects }, CONTEXT);
    const brought = before.versions;
    const record = clusterRecord(clusterEntry('dev-1'), 'dev', BASE);
    await objects.put(keys.cluster('dev-1'), JSON.stringify({ ...record, versions: { ...record.versions, ...brought, ...versions } }));

    const after = await plan.run(input, { objects }, CONTEXT);

    // Where nothing runs yet nothing changes its version.
    expect(before).toMatchObject({ versions: { kubernetes: '1.36.3' }, upgrades: false });
    expect(after).toMatchObject({ versions: brought, upgrades });
  });

  it('names one cluster of each group whose stacks change, with its render, for CloudFormation to be asked', async () => {
    const objects = await storeOf({ ...edited('versions.yaml', '1.35.4', '1.36.3') });
    const input = (fork: boolean) => ({ readPullRequest: { ...CONFIGURATION, fork }, snapshotConfiguration: SNAPSHOTS });

    const own = await plan.run(input(false), { objects }, CONTEXT);
    const fork = await plan.run(input(true), { objects }, CONTEXT);

    const { previews } = PlanData.parse(JSON.parse((await objects.get(keys.planData(own.planHash)))?.body ?? ''));
    expect(own.previews).toBe(1);
    expect(previews).toMatchObject([{ cluster: { name: 'dev-1' }, roles: ['control-plane', 'pool-general', 'pool-batch'] }]);
    expect(await objects.get(keys.render(previews[0]?.renderHash ?? ''))).toBeDefined();
    expect(fork.previews).toBe(0);
  });

  it('tells the time of updates of this class, from what is recorded of them', async () => {
    const objects = await storeOf({ ...edited('versions.yaml', '1.35.4', '1.36.3') });
    const input = { readPullRequest: CONFIGURATION, snapshotConfiguration: SNAPSHOTS };
    const proof = (revision: string, hour: number, seconds: number) => ({
      channel: 'dev',
      revision,
      commit: HEAD,
      rollout: `r${hour}`,
      basis: 'pull-request',
      clusters: [{ name: 'dev-1', execution: 'update-1', backup: null, durationSeconds: seconds }],
      startedAt: `2026-01-01T0${hour}:00:00Z`,
      finishedAt: `2026-01-01T0${hour}:30:00Z`,
    });
    for (const one of [proof(BASE, 1, 60), proof(HEAD, 2, 1200)])
      await objects.put(keys.channelProof('dev', one.revision), JSON.stringify(one));

    const first = await plan.run(input, { objects }, CONTEXT);
    const second = await plan.run(input, { objects }, CONTEXT);

    // The first plan leaves the class of this very update; by it the second knows which of the past ones are alike.
    expect((await objects.get(keys.plan(first.planHash)))?.body).toContain(
      'about 60 s a cluster: the median of 2 past updates of any class',
    );
    expect((await objects.get(keys.plan(second.planHash)))?.body).toContain(
      'about 20 min a cluster: the median of 1 past update of this class',
    );
  });

  it('plans the repair of a base that can’t be read, and says that it compares with nothing', async () => {
    const objects = await storeOf({});
    await objects.put(keys.snapshot(BASE), JSON.stringify(referenceSnapshot({ 'pools.yaml': 'pools: [' }, BASE)));

    const output = await plan.run({ readPullRequest: CONFIGURATION, snapshotConfiguration: SNAPSHOTS }, { objects }, CONTEXT);

    expect(output).toMatchObject({ class: 'creation', affectsClusters: true, previews: 0 });
    expect((await objects.get(keys.plan(output.planHash)))?.body).toMatch(
      /- What the clusters have could not be read, .*pools\.yaml line 1/,
    );
  });

  it('plans settings whose revisions are not kept by their words alone', async () => {
    const hold = `hold: { revision: '${'e'.repeat(40)}', reason: a, owner: b, until: '2027-01-01T00:00:00Z' }\n`;
    const text = referenceSettings().files.find((file) => file.path.endsWith('beta.yaml'))?.content ?? '';
    const objects = await storeOf({}, { 'beta.yaml': text.replace('clusters:', `${hold}clusters:`) });
    const snapshotConfiguration = {
      baseRevision: null,
      headRevision: null,
      baseSettingsCommit: SETTINGS,
      headSettingsCommit: NEW_SETTINGS,
    };

    const output = await plan.run({ readPullRequest: { kind: 'settings', baseRef: 'main' }, snapshotConfiguration }, { objects }, CONTEXT);

    expect(output).toMatchObject({ title: 'Clusters: 2 altered', groups: 0, affectsClusters: true });
    expect((await objects.get(keys.plan(output.planHash)))?.body).toContain('or its configuration is not kept or not valid any more.');
  });

  it('plans nothing when nothing changes', async () => {
    const objects = await storeOf({});

    const output = await plan.run({ readPullRequest: CONFIGURATION, snapshotConfiguration: SNAPSHOTS }, { objects }, CONTEXT);

    expect(output).toMatchObject({ title: 'No cluster changes', affectsClusters: false, class: 'nothing' });
  });

  it('plans the creation of clusters on a branch without configuration', async () => {
    const objects = await storeOf({});
    const snapshotConfiguration = { ...SNAPSHOTS, baseRevision: null };

    const output = await plan.run({ readPullRequest: CONFIGURATION, snapshotConfiguration }, { objects }, CONTEXT);

    expect(output).toMatchObject({ class: 'creation', affectsClusters: true, rollsNodes: 0 });
  });

  it('refuses what validation refuses', async () => {
    const objects = await storeOf({ 'pools.yaml': 'pools: [' });
    const input = { readPullRequest: CONFIGURATION, snapshotConfiguration: SNAPSHOTS };

    await expect(plan.run(input, { objects }, CONTEXT)).rejects.toThrow(InputError);
    await expect(plan.run({ ...input, readPullRequest: { ...CONFIGURATION, baseRef: 'gamma' } }, { objects }, CONTEXT)).rejects.toThrow(
      InputError,
    );
  });

  it('names the clusters that a change of settings creates', async () => {
    const entry = "  - { name: beta-3, account: '200000000005', region: eu-central-1, environment: production, network: 10.5.0.0/16 }\n";
    const text = referenceSettings().files.find((file) => file.path.endsWith('beta.yaml'))?.content ?? '';
    const objects = await storeOf({}, { 'beta.yaml': `${text}${entry}` });
    const snapshotConfiguration = {
      baseRevision: null,
      headRevision: null,
      baseSettingsCommit: SETTINGS,
      headSettingsCommit: NEW_SETTINGS,
    };

    const output = await plan.run({ readPullRequest: { kind: 'settings', baseRef: 'main' }, snapshotConfiguration }, { objects }, CONTEXT);

    expect(output).toMatchObject({ title: 'Clusters: 1 created', affectsClusters: true });
    expect((await objects.get(keys.plan(output.planHash)))?.body).toContain('**beta-3** is created');
  });
});

describe('render', () => {
  const cluster = {
    name: 'dev-1',
    account: '200000000001',
    region: 'eu-central-1',
    environment: 'development' as const,
    network: '10.1.0.0/16',
    channel: 'dev',
  };

  it('keeps the render under its hash; repeating it changes nothing', async () => {
    const objects = await storeOf({});

    const first = await renderStep.run({ cluster, revision: BASE }, { objects }, CONTEXT);
    const second = await renderStep.run({ cluster, revision: BASE }, { objects }, CONTEXT);

    expect(second).toEqual(first);
    expect(first).toMatchObject({
      versions: { kubernetes: '1.35.4' },
      pools: ['general', 'batch'],
      stacks: ['network', 'etcd', 'control-plane', 'pool-general', 'pool-batch'],
    });
    const stored = Render.parse(JSON.parse((await objects.get(keys.render(first.hash)))?.body ?? ''));
    expect(stored.stacks[1]?.parameters['SubnetA']).toBe('!output:network.SubnetA');
    expect(JSON.stringify(stored.components)).not.toContain('${');
  });
});
