import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { keys } from '#domain/names.ts';
import { ClusterRecord } from '#model/records.ts';
import { RestoreRecord } from '#model/restore.ts';
import { accountClients } from '../../../local/aws/clients.ts';
import { HUB_ACCOUNT } from '../../../local/fleet.ts';
import { writeKubeconfigs } from '../../../local/kubeconfigs.ts';
import { type KubernetesApi, kubernetesApi } from '../../../local/machine-room/kubernetes-api.ts';
import { until } from '../../support/e2e/condition.ts';
import { completedCheck, executionsAbout, fileOf, propose, type Scene, stored } from '../../support/e2e/scene.ts';

const FILE = 'channels/dev.yaml';
const CLUSTER = 'dev-1';
const ID = 'take-back';
const CHECK_SECONDS = 420;
const CONFIG_MAPS = '/api/v1/namespaces/kube-public/configmaps';

/** etcd of a live cluster is restored by a merged line, once. */
export function restoreSuite(scene: () => Scene): void {
  describe('a restore', () => {
    test('is done by a merged line: what came after the backup is gone, the cluster is well, and the line is proposed to go', async () => {
      const before = await stored(scene(), HUB_ACCOUNT, keys.cluster(CLUSTER), ClusterRecord);
      const backup = before?.backup ?? '';
      expect(backup).not.toBe('');
      await withApi(scene(), (api) => api.call('POST', CONFIG_MAPS, { metadata: { name: 'came-later' } }));
      const pull = await propose(scene(), 'restore-dev-1', 'main', { [FILE]: await withRestore(scene(), backup) });

      const plan = await completedCheck(scene(), pull.head.sha, 'sluice / plan', CHECK_SECONDS);
      const gate = await completedCheck(scene(), pull.head.sha, 'sluice', CHECK_SECONDS);
      expect(gate.conclusion, gate.said).toBe('success');
      expect(plan.said).toContain('All changes in the cluster since that backup are lost');
      const merged = await scene().operator.merge(pull);
      const check = await completedCheck(scene(), merged, `sluice / restore ${CLUSTER}`, CHECK_SECONDS);

      expect(check.conclusion, check.said).toBe('success');
      expect(check.said).toContain('is restored to');
      const found = await withApi(scene(), (api) => api.call('GET', `${CONFIG_MAPS}/came-later`));
      expect(found.status).toBe(404);
      const record = await stored(scene(), HUB_ACCOUNT, keys.restore(CLUSTER, ID), RestoreRecord);
      expect(record).toMatchObject({ state: 'restored', backup });
      console.info(`${CLUSTER} was restored: RTO ${record?.rtoSeconds} s, RPO ${record?.rpoSeconds} s`);
      expect(record?.rtoSeconds).toBeGreaterThan(0);
      expect(record?.rpoSeconds).toBeGreaterThan(0);
      const removal = await until('the pull request that takes the line out', 60, async () =>
        (await scene().operator.listPullRequests('main')).find(({ head }) => head.ref === `sluice/restored-${CLUSTER}-${ID}`),
      );
      const removed = await completedCheck(scene(), removal.head.sha, 'sluice', CHECK_SECONDS);
      expect(removed.conclusion, removed.said).toBe('success');
      const after = await scene().operator.merge(removal);
      const rollout = await completedCheck(scene(), after, 'sluice / rollout', CHECK_SECONDS);
      expect(rollout.conclusion, rollout.said).toBe('success');
      // The cluster was brought to what its channel wants anew, and nothing was restored a second time.
      const now = await stored(scene(), HUB_ACCOUNT, keys.cluster(CLUSTER), ClusterRecord);
      expect(now?.revision).toBe(before?.revision);
      expect(now?.restored).toBeUndefined();
      expect(now?.execution).not.toBe(before?.execution);
      const restores = (await executionsAbout(scene(), CLUSTER)).filter(({ machine }) => machine === 'restore-cluster');
      expect(restores.map(({ status }) => status)).toEqual(['SUCCEEDED']);
    });
  });
}

async function withRestore(scene: Scene, backup: string): Promise<string> {
  const text = await fileOf(scene, 'main', FILE);
  const line = new RegExp(`^( *)- name: ${CLUSTER}$`, 'm');
  expect(text).toMatch(line);
  return text.replace(line, `$&\n$1  restore: { id: ${ID}, backup: ${backup}, reason: a namespace was deleted }`);
}

const Kubeconfig = z.object({
  clusters: z.array(z.object({ cluster: z.object({ server: z.string(), 'certificate-authority-data': z.string() }) })).min(1),
  users: z.array(z.object({ user: z.object({ 'client-certificate-data': z.string(), 'client-key-data': z.string() }) })).min(1),
});

/** As an administrator. */
async function withApi<T>(scene: Scene, use: (api: KubernetesApi) => Promise<T>): Promise<T> {
  const record = await stored(scene, HUB_ACCOUNT, keys.cluster(CLUSTER), ClusterRecord);
  if (record === undefined) throw new Error(`nothing is recorded of ${CLUSTER}`);
  const clients = accountClients(scene.world.site, record.cluster.account);
  const directory = join(scene.world.directory, 'kubeconfigs');
  const paths = await writeKubeconfigs(clients, record.cluster, directory, scene.world.issuer.token('reader', []));
  const config = Kubeconfig.parse(parse(await readFile(paths.admin, 'utf8')));
  const decoded = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString('utf8');
  const [place, user] = [config.clusters[0]?.cluster, config.users[0]?.user];
  const api = kubernetesApi(new URL(place?.server ?? '').hostname, {
    ca: decoded(place?.['certificate-authority-data']),
    cert: decoded(user?.['client-certificate-data']),
    key: decoded(user?.['client-key-data']),
  });
  try {
    return await use(api);
  } finally {
    api.close();
  }
}
