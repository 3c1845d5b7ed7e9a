import { backupId } from '#domain/backup.ts';
import { emptyIndex } from '#domain/backup-index.ts';
import { signedText } from '#domain/backup-proof.ts';
import { accountKeys, keys } from '#domain/names.ts';
import type { BackupIndex, BackupManifest, LayerVerdict } from '#model/backup-records.ts';
import type { ChannelFile } from '#model/settings.ts';
import type { BackupSources } from '../../cli/backups/sources.ts';
import { createBackupCommand } from '../../cli/commands/backup.ts';
import { AT, createControlWorld, NEW, SETTINGS_COMMIT } from './control-world.ts';
import { createFakeAccountObjects, type FakeObjects } from './fakes/objects.ts';
import { createFakeSigner, type FakeSigner } from './fakes/signer.ts';
import { channelFile } from './fleet.ts';

/** The fake clock's beginning. */
export const LISTED_AT = new Date('2026-01-05T08:00:00.000Z');

export interface BackupFleet {
  readonly sources: BackupSources;
  readonly hub: FakeObjects;
  readonly signer: FakeSigner;
  readonly channel: ChannelFile;
  bucket(cluster: string): FakeObjects;
  /** A cluster that lives, with what is known of its backups. */
  index(cluster: string, change: Partial<BackupIndex>): Promise<void>;
  /** Stores a signed manifest. @param time `hhmm` of the day before, or of the day itself with a `+` @returns its id */
  manifest(cluster: string, time: string, change?: Partial<BackupManifest>): Promise<string>;
  run(...args: readonly string[]): Promise<{ code: number; out: string }>;
  /** The same on a terminal with colours. */
  runInColour(...args: readonly string[]): Promise<{ code: number; out: string }>;
}

/** Three clusters of dev with hub and accounts in memory. */
export async function createBackupFleet(): Promise<BackupFleet> {
  const world = createControlWorld();
  const accounts = createFakeAccountObjects();
  const signer = createFakeSigner();
  const channel = channelFile('dev', 3);
  await world.settings([channel]);
  await world.put(keys.newestSettings(), { commit: SETTINGS_COMMIT, seenAt: AT });
  const entryOf = (cluster: string) => {
    const entry = channel.clusters.find(({ name }) => name === cluster);
    if (entry === undefined) throw new Error(`dev has no cluster ${cluster}`);
    return entry;
  };
  const bucket = (cluster: string): FakeObjects => accounts.of(entryOf(cluster).account, entryOf(cluster).region, 'test');
  const sources: BackupSources = {
    hub: world.objects,
    account: (account, region) => ({ objects: accounts.of(account, region, 'test'), signer }),
    now: () => LISTED_AT,
  };
  const command = createBackupCommand(async () => sources);
  const run = async (args: readonly string[], colours: boolean) => {
    const said: string[] = [];
    const terminal = { out: (text: string) => void said.push(text), error: () => undefined, colours, directory: '.' };
    const code = await command.run([...args, '--hub', 'sluice-000000000000-eu-central-1'], terminal);
    return { code, out: said.join('') };
  };
  return {
    sources,
    hub: world.objects,
    signer,
    channel,
    bucket,
    async index(cluster, change) {
      await world.record(entryOf(cluster), 'dev', NEW, { startedAt: '2026-01-01T00:00:00.000Z' });
      await world.put(keys.backupIndex(cluster), { ...emptyIndex(cluster), ...change });
    },
    async manifest(cluster, time, change = {}) {
      const unsigned = { ...manifestOf(cluster, timeOf(time)), ...change };
      const signature = await signer.signs();
      const value = await signer.sign(signedText({ ...unsigned, signature }));
      const text = JSON.stringify({ ...unsigned, signature: { ...signature, value } });
      await bucket(cluster).put(accountKeys.backup(cluster, unsigned.id, 'manifest.json'), text);
      return unsigned.id;
    },
    run: (...args) => run(args, false),
    runInColour: (...args) => run(args, true),
  };
}

/** `hhmm` of the day before, or of the day itself with a `+`. */
function timeOf(time: string): Date {
  const [day, clock] = time.startsWith('+') ? ['05', time.slice(1)] : ['04', time];
  return new Date(`2026-01-${day}T${clock.slice(0, 2)}:${clock.slice(2)}:00.000Z`);
}

/** A manifest of a backup that is proven in every layer, not signed yet. */
export function manifestOf(cluster: string, takenAt: Date): BackupManifest {
  const id = backupId(takenAt, '0123456789ab');
  return {
    id,
    cluster,
    account: '210000000001',
    takenAt: takenAt.toISOString(),
    object: {
      bucket: 'sluice-210000000001-eu-central-1',
      key: `backups/${cluster}/${id}/snapshot.db`,
      bytes: 20_000_000,
      sha256: 'a'.repeat(64),
    },
    etcd: { version: '3.6.16', revision: 4711, clusterId: 'c1', member: 'etcd-eu-central-1a', members: 3 },
    kubernetes: '1.35.4',
    recoverySet: {
      identityVersion: 'v1',
      authorities: {},
      serviceAccountKey: '0123456789abcdef',
      encryptionKeys: [{ name: '1', fingerprint: '9e1d9e1d9e1d9e1d' }],
    },
    counts: { pods: 420, configmaps: 40 },
    keyValueHash: { hash: 1393426274, compactRevision: 4200 },
    hashProof: { by: 'recorded', revision: 4650, why: 'by schedule: no member computes for it' },
    layers: layersUpTo('L6'),
    proven: true,
    execution: `scheduled-${cluster}-490000-0`,
  };
}

/** All layers hold up to this one; the others were not asked for. */
export function layersUpTo(last: LayerVerdict['layer']): LayerVerdict[] {
  return (['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6'] as const)
    .filter((layer) => layer <= last)
    .map((layer) => ({ layer, verdict: 'holds', reason: `${layer} is as it should be`, seconds: 1 }));
}
