import { createHash, sign } from 'node:crypto';
import { backupId, requiredLayers } from '#domain/backup.ts';
import { signedText } from '#domain/backup-proof.ts';
import { accountKeys } from '#domain/names.ts';
import type { BackupManifest } from '#model/backup-records.ts';
import { CLUSTER } from './cluster-ref.ts';
import type { FakeVersions } from './fakes/versions.ts';
import { signingKeyPair } from './signing.ts';

/** The key of the account that manifests are signed by in these tests. */
export const KEYS = signingKeyPair();

export interface BackupWords {
  readonly cluster?: string;
  readonly takenAt: Date;
  readonly proven?: boolean;
  readonly restored?: boolean;
  readonly purpose?: string;
  /** Makes equal times different backups. */
  readonly salt?: string;
}

export interface MadeBackup {
  readonly id: string;
  readonly sha256: string;
  readonly snapshot: string;
  readonly manifest: BackupManifest;
  readonly manifestKey: string;
  readonly snapshotKey: string;
}

/** A backup as the functions make it: content, id by it, manifest with its layers and its signature. */
export function makeBackup({
  cluster = CLUSTER.name,
  takenAt,
  proven = true,
  restored = true,
  purpose,
  salt = '',
}: BackupWords): MadeBackup {
  const snapshot = `snapshot ${takenAt.toISOString()} ${salt}`;
  const sha256 = createHash('sha256').update(snapshot).digest('hex');
  const id = backupId(takenAt, sha256);
  const [manifestKey, snapshotKey] = [accountKeys.backup(cluster, id, 'manifest.json'), accountKeys.backup(cluster, id, 'snapshot.db')];
  const layers = requiredLayers(restored).map((layer) => ({
    layer,
    verdict: !proven && layer === 'L3' ? ('fails' as const) : ('holds' as const),
    reason: 'looked at',
    seconds: 1,
  }));
  const unsigned: BackupManifest = {
    id,
    cluster,
    account: CLUSTER.account,
    takenAt: takenAt.toISOString(),
    object: { bucket: 'bucket', key: snapshotKey, bytes: snapshot.length, sha256 },
    etcd: { version: '3.6.16', revision: 1, clusterId: 'c', member: 'm', members: 1 },
    recoverySet: restored
      ? { identityVersion: 'v1', authorities: { ca: '0123456789abcdef' }, serviceAccountKey: '0123456789abcdef', encryptionKeys: [] }
      : null,
    counts: { pods: 1 },
    ...(purpose === undefined ? {} : { purpose: { revision: purpose } }),
    layers,
    proven,
    execution: 'backup-1',
  };
  return { id, sha256, snapshot, manifest: signed(unsigned), manifestKey, snapshotKey };
}

/** Signs a manifest by the account's key, or by another. */
export function signed(manifest: BackupManifest, privateKey = KEYS.privateKey): BackupManifest {
  const signature = { algorithm: 'ECDSA_SHA_256' as const, key: 'key/account', value: 'AAAA' };
  const value = sign('sha256', Buffer.from(signedText({ ...manifest, signature })), privateKey).toString('base64');
  return { ...manifest, signature: { ...signature, value } };
}

/** Stores a backup as the functions do: the snapshot first. @param over what to leave out, as a run that died would */
export function store(
  versions: FakeVersions,
  backup: MadeBackup,
  over: { readonly manifest?: false; readonly lock?: Date | 'open' } = {},
): void {
  const lock = over.lock === undefined ? {} : { lock: over.lock };
  versions.write(backup.snapshotKey, backup.snapshot, { sha256: backup.sha256, ...lock });
  if (over.manifest !== false) versions.write(backup.manifestKey, JSON.stringify(backup.manifest), lock);
}
