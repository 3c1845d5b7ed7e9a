import { keys } from '#domain/names.ts';
import type { BackupIndex, SuspiciousBackup } from '#model/backup-records.ts';
import type { ChannelFile } from '#model/settings.ts';
import { answerPage, type PageAnswer, type PageRequest } from '../../functions/page/answer.ts';
import {
  AT,
  COMMIT,
  type ControlWorld,
  createControlWorld,
  NEW,
  OLD,
  putFleet,
  ROLLOUT_CHECK,
  resolved,
  SETTINGS_COMMIT,
} from './control-world.ts';

export const PAGE_REPOSITORY = { owner: 'acme', name: 'fleet' };
export const PAGE_URL = 'https://github.com/acme/fleet';
/** The fake clock's beginning. */
export const NOW = '2026-01-05T08:00:00.000Z';

/** What a GET of the page answers of a world. */
export function askPage(world: ControlWorld, request: Partial<PageRequest> = {}): Promise<PageAnswer> {
  const { objects, clock } = world;
  const ports = { objects, clock, repository: PAGE_REPOSITORY, url: PAGE_URL };
  return answerPage({ method: 'GET', path: '/', query: {}, headers: {}, ...request }, ports);
}

/** dev and alpha at NEW's predecessor, and a rollout of NEW to beta at work: one cluster done, one updating, one failed, others to come. */
export async function pageFleet(betaClusters = 4, beta: Partial<ChannelFile> = {}): Promise<{ world: ControlWorld; beta: ChannelFile }> {
  const world = createControlWorld();
  const file = await putFleet(world, betaClusters, beta);
  await world.put(keys.newestSettings(), { commit: SETTINGS_COMMIT, seenAt: AT });
  await world.found();
  const inputs = resolved();
  const [first, second, third, ...rest] = file.clusters;
  if (first === undefined || second === undefined || third === undefined) throw new Error('it takes three clusters of beta');
  await world.put(keys.newestRollout('beta'), { rolloutId: inputs.rolloutId, revision: NEW, commit: COMMIT, plannedAt: AT });
  const waves = [[first], [second, third, ...rest]].map((clusters, index) => ({
    name: index === 0 ? 'canary' : 'rest',
    maxConcurrency: 5,
    clusters: clusters.map(({ name }) => name),
    soakSeconds: 60,
  }));
  await world.put(keys.rollout(inputs.rolloutId, 'inputs'), { rolloutId: inputs.rolloutId, plannedAt: AT, resolved: inputs, waves });
  await world.put(keys.rollout(inputs.rolloutId, 'ledger'), {
    rollout: inputs.rolloutId,
    budget: 1,
    started: { [first.name]: AT, [second.name]: AT, [third.name]: AT },
    succeeded: { [first.name]: { execution: 'update-1', backup: '20260105T063000Z-0123456789ab', seconds: 300 } },
    failed: { [third.name]: { execution: 'update-3', error: 'StackFailedError', cause: 'EtcdA: no capacity in zone a' } },
  });
  await world.put(keys.rollout(inputs.rolloutId, 'soak-0'), { healthySeconds: 60, since: AT, lastSeen: AT, wasHealthy: true });
  await world.record(first, 'beta', NEW, { backup: '20260105T063000Z-0123456789ab' });
  const updating = { execution: 'update-2', revision: NEW, settingsHash: 'f'.repeat(64), renderHash: 'f'.repeat(64), since: AT };
  const versions = { kubernetes: '1.36.3', etcd: '3.6.5', osImage: 'ami-1' };
  await world.record(second, 'beta', OLD, { updating: { ...updating, versions } });
  await world.put(keys.lock(second.name), { subject: second.name, fence: 3, holder: 'update-2', expiresAt: '2026-01-05T08:40:00.000Z' });
  await world.record(third, 'beta', OLD, { updating: { ...updating, execution: 'update-3', versions } });
  const line = { machine: 'update-cluster', state: 'waiting', at: '2026-01-05T07:30:00.000Z' };
  await world.put(keys.check(COMMIT, 'sluice / rollout'), {
    ref: ROLLOUT_CHECK,
    status: 'in_progress',
    title: 'Rolling out to beta',
    summary: '',
    progress: [
      { ...line, execution: 'update-2', step: 'roll-node-pools', cluster: second.name, reason: 'draining general-3: 2 pods left' },
    ],
    execution: inputs.rolloutId,
    startedAt: AT,
  });
  return { world, beta: file };
}

/** What is known of a cluster's backups, the newest of which lacks what the one before it had. */
export function suspiciousIndex(cluster: string): BackupIndex & { suspicious: SuspiciousBackup } {
  const content = (id: string, takenAt: string, configmaps: number) => {
    return { id, takenAt, revision: 100, clusterId: 'c1', usedBytes: 4096, counts: { configmaps } };
  };
  const newest = content('20260105T074500Z-0123456789ab', '2026-01-05T07:45:00.000Z', 3);
  const compared = content('20260105T063000Z-0123456789ab', '2026-01-05T06:30:00.000Z', 40);
  const findings = ['configmaps: 3 objects instead of 40 (92 % less)', '51.4 MB in use instead of 104.9 MB (51 % less)'];
  return {
    cluster,
    newestProven: { id: newest.id, takenAt: newest.takenAt },
    newestDrilled: { id: compared.id, takenAt: compared.takenAt },
    bytes: 20_000_000,
    seconds: 12,
    failures: 0,
    lastFailure: null,
    compared,
    suspicious: { content: newest, findings, comparedWith: compared.id },
  };
}
