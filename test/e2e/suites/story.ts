import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { accountKeys, keys } from '#domain/names.ts';
import { BackupManifest } from '#model/backup-records.ts';
import { WantedCheck } from '#model/checks.ts';
import { ChannelProof, ClusterRecord, Lock } from '#model/records.ts';
import { auditText, readAudit } from '../../../local/audit.ts';
import { accountClients } from '../../../local/aws/clients.ts';
import { clustersOf, HUB_ACCOUNT } from '../../../local/fleet.ts';
import { writeKubeconfigs } from '../../../local/kubeconfigs.ts';
import { kubernetesApi } from '../../../local/machine-room/kubernetes-api.ts';
import { STORY, type StoryResult } from '../../../local/story.ts';
import { until } from '../../support/e2e/condition.ts';
import { completedCheck, type Scene, stored } from '../../support/e2e/scene.ts';

const Kubeconfig = z.object({
  clusters: z.array(z.object({ cluster: z.object({ server: z.string(), 'certificate-authority-data': z.string() }) })).length(1),
  users: z.array(z.object({ user: z.object({ token: z.string() }) })).length(1),
});
const Nodes = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()) }),
      spec: z.object({ unschedulable: z.boolean().optional() }),
      status: z.object({
        conditions: z.array(z.object({ type: z.string(), status: z.string() })),
        nodeInfo: z.object({ kubeletVersion: z.string() }),
      }),
    }),
  ),
});

/** What must be true after the story. */
export function storySuite(scene: () => Scene, story: () => StoryResult): void {
  describe('the story', () => {
    test('merges one change to dev, alpha and beta, each with every check green', async () => {
      const merged = story().pullRequests;

      expect(merged.map(({ base }) => base)).toEqual(['dev', 'alpha', 'beta']);
      expect(story().firstCheckSeconds).toBeLessThan(180);
      for (const { number, mergeCommit } of merged) {
        const { head } = await scene().operator.getPullRequest(number);
        const checks = await scene().operator.checks(head.sha);
        expect(checks.map(({ name }) => name)).toEqual(expect.arrayContaining(['sluice', 'sluice / plan']));
        for (const check of checks) expect(check, `${check.name} of #${number}`).toMatchObject({ conclusion: 'success' });
        expect(await completedCheck(scene(), mergeCommit, 'sluice / rollout', 10)).toMatchObject({ conclusion: 'success' });
      }
    });

    test('tests the change on a cluster of its own, once', async () => {
      const executions = await readAudit(scene().world.hub.stepFunctions, scene().startedAt);
      const first = story().pullRequests[0]?.number;
      const promotions = story()
        .pullRequests.slice(1)
        .map(({ number }) => `#${number}`);

      const runs = executions.filter(({ machine }) => machine === 'e2e');

      expect(runs.filter(({ subject }) => subject === `#${first}`)).toMatchObject([{ status: 'SUCCEEDED' }]);
      expect(runs.filter(({ subject }) => promotions.includes(subject))).toEqual([]);
    });

    test('says what it was rehearsed on, or that there was no backup yet, which holds nobody up', async () => {
      // The first is proposed while the fleet is being made: there is no cluster yet whose data could be tried.
      const promotions = story().pullRequests.slice(1);
      expect(promotions).toHaveLength(2);
      for (const { number } of promotions) {
        const { head } = await scene().operator.getPullRequest(number);
        const check = await stored(scene(), HUB_ACCOUNT, keys.check(head.sha, 'sluice'), WantedCheck);
        expect(check?.summary, `#${number}`).toMatch(/^(\*\*Not rehearsed\*\*: no proven backup yet of |Rehearsed Kubernetes )/m);
      }
    });

    test('leaves every cluster at the new version, with new nodes only', async () => {
      const clusters = clustersOf(scene().world.shape);

      const seen = await Promise.all(clusters.map((cluster) => lookAt(scene(), cluster)));

      expect(seen).toHaveLength(4);
      for (const { name, version, nodes } of seen) {
        expect(version, name).toBe(`v${STORY.to}`);
        expect(nodes, name).toHaveLength(6);
        for (const node of nodes)
          expect(node, name).toMatchObject({ kubelet: `v${STORY.to}`, ready: true, cordoned: false, generation: node.wantedGeneration });
      }
    });

    test('has a proven backup of each cluster from before its update', async () => {
      for (const { name, account } of clustersOf(scene().world.shape)) {
        const backups = await accountClients(scene().world.site, account).objects.list(accountKeys.backups(name));
        const manifests = backups.filter((key) => key.endsWith('/manifest.json'));
        expect(manifests, name).not.toEqual([]);
        for (const key of manifests) {
          const manifest = await stored(scene(), account, key, BackupManifest);
          expect(manifest, key).toMatchObject({ cluster: name, account, proven: true });
          expect(
            manifest?.layers.filter(({ verdict }) => verdict === 'fails'),
            key,
          ).toEqual([]);
        }
        const record = await stored(scene(), HUB_ACCOUNT, keys.cluster(name), ClusterRecord);
        expect(record?.versions.kubernetes, name).toBe(STORY.to);
        expect(record?.backup, name).not.toBeNull();
      }
    });

    test('has recorded the proof of the revision in each channel', async () => {
      const record = await stored(scene(), HUB_ACCOUNT, keys.cluster('beta-1'), ClusterRecord);

      for (const channel of ['dev', 'alpha', 'beta']) {
        const proof = await stored(scene(), HUB_ACCOUNT, keys.channelProof(channel, record?.revision ?? ''), ChannelProof);
        const clusters = clustersOf(scene().world.shape).filter((cluster) => cluster.channel === channel);
        expect(proof?.clusters.map(({ name }) => name).sort(), channel).toEqual(clusters.map(({ name }) => name));
        expect(proof, channel).toMatchObject({ channel, basis: 'pull-request' });
      }
    });

    test('is told by the audit: who merged, executions, backups, clusters', async () => {
      const executions = await readAudit(scene().world.hub.stepFunctions, scene().startedAt);

      const text = auditText(executions);

      for (const { number, base } of story().pullRequests)
        expect(text).toMatch(new RegExp(`rollout ${base}: SUCCEEDED .*#${number} merged by operator`));
      for (const { name } of clustersOf(scene().world.shape))
        expect(text).toMatch(new RegExp(`update-cluster ${name}: SUCCEEDED .*backup \\S+ proven`));
      for (const { name } of executions) expect(text).toContain(`execution ${name}`);
    });
  });
}

/** Once nothing runs any more, no lock of anything is held. @throws an error naming what runs, or which lock is held */
export async function expectNoLockHeld(scene: Scene): Promise<void> {
  let running: string[] = [];
  await until(
    'every execution to end',
    180,
    async () => {
      const executions = await readAudit(scene.world.hub.stepFunctions, scene.startedAt);
      running = executions.filter(({ status }) => status === 'RUNNING').map(({ name }) => name);
      return running.length === 0 || undefined;
    },
    () => running.join(', '),
  );
  const subjects = await accountClients(scene.world.site, HUB_ACCOUNT).objects.list('locks/');
  expect(subjects).not.toEqual([]);
  const locks = await Promise.all(subjects.map((key) => stored(scene, HUB_ACCOUNT, key, Lock)));
  expect(locks.filter((lock) => lock?.holder !== null)).toEqual([]);
}

/** A cluster as a reader sees it. */
async function lookAt(scene: Scene, cluster: { name: string; account: string; network: string }) {
  const clients = accountClients(scene.world.site, cluster.account);
  const paths = await writeKubeconfigs(
    clients,
    cluster,
    join(scene.world.directory, 'kubeconfigs'),
    scene.world.issuer.token('reader', []),
  );
  const config = Kubeconfig.parse(parse(await readFile(paths.readOnly, 'utf8')));
  const decoded = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString('utf8');
  const place = config.clusters[0]?.cluster;
  const user = config.users[0]?.user;
  const api = kubernetesApi(new URL(place?.server ?? '').hostname, {
    ca: decoded(place?.['certificate-authority-data']),
    token: user?.token ?? '',
  });
  try {
    const version = z.object({ gitVersion: z.string() }).parse((await api.call('GET', '/version')).body).gitVersion;
    const nodes = Nodes.parse((await api.call('GET', '/api/v1/nodes')).body).items;
    const machines = scene.world.room.instances().filter((machine) => machine.cluster === cluster.name);
    const newest = (role: string): number =>
      Math.max(...machines.filter((machine) => machine.role === role).map((machine) => Number(machine.launchTemplateVersion)));
    return {
      name: cluster.name,
      version,
      nodes: nodes.map(({ metadata, spec, status }) => ({
        kubelet: status.nodeInfo.kubeletVersion,
        ready: status.conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
        cordoned: spec.unschedulable ?? false,
        generation: metadata.labels['sluice/generation'],
        wantedGeneration: String(Math.max(2, newest(`pool-${metadata.labels['sluice/pool']}`))),
      })),
    };
  } finally {
    api.close();
  }
}
