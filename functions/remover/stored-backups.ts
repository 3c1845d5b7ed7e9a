import { requiredLayers } from '#domain/backup.ts';
import { takenAtOf } from '#domain/backup-index.ts';
import { contentProblems } from '#domain/backup-proof.ts';
import { type ChangeFacts, CLASSES, holdOf, type KeptBackup } from '#domain/backup-retention.ts';
import { accountKeys } from '#domain/names.ts';
import { askProof } from '#facts/backup-proof.ts';
import type { BackupChanges } from '#model/removal.ts';
import type { SignatureChecker } from '#ports/signer.ts';
import type { ObjectVersion, Versions } from '#ports/versions.ts';

const DAY = 24 * 3600 * 1000;
/** Manifests that are read at a time. */
const PARALLEL = 16;

/** A backup as the bucket has it. */
export interface StoredBackup {
  readonly kept: KeptBackup;
  /** Its objects, the manifest first; empty when it is not as Sluice writes it. */
  readonly objects: readonly ObjectVersion[];
  /** All that lies below its name. */
  readonly bytes: number;
  /** What its snapshot must still be; undefined without a manifest that can be trusted. */
  readonly sha256: string | undefined;
}

interface Reading {
  readonly cluster: string;
  readonly signer: SignatureChecker;
  readonly told: BackupChanges;
  readonly changes: ChangeFacts;
}

/**
 * Every backup of a cluster that the bucket has, each with what its manifest proves. What can't be understood is `unclear`; it is
 * never left out, since what is left out could be taken for gone.
 * @throws TransientError, RefusedError when the bucket can't be read: then nothing is known
 */
export async function readStoredBackups(
  { versions, signer }: { readonly versions: Versions; readonly signer: SignatureChecker },
  cluster: string,
  told: BackupChanges,
): Promise<StoredBackup[]> {
  const reading = { cluster, signer: await askedOnce(signer), told, changes: factsOf(told) };
  const prefix = accountKeys.backups(reading.cluster);
  const byId = Map.groupBy(await versions.list(prefix), ({ key }) => key.slice(prefix.length).split('/')[0] ?? '');
  const found: StoredBackup[] = [];
  const ids = [...byId.entries()];
  for (let at = 0; at < ids.length; at += PARALLEL) {
    const some = ids.slice(at, at + PARALLEL).map(([id, objects]) => readOne(versions, reading, id, objects));
    found.push(...(await Promise.all(some)));
  }
  return found;
}

/** Hundreds of manifests have one public key. */
async function askedOnce(signer: SignatureChecker): Promise<SignatureChecker> {
  const known = await signer.publicKey();
  return { publicKey: async () => known, macFits: (text, value) => signer.macFits(text, value) };
}

async function readOne(versions: Versions, reading: Reading, id: string, objects: readonly ObjectVersion[]): Promise<StoredBackup> {
  const bytes = objects.reduce((sum, one) => sum + one.bytes, 0);
  const storedAt = new Date(Math.max(...objects.map((one) => one.storedAt.getTime())));
  const takenAt = takenAtOf(id);
  const base = { id, takenAt: takenAt ?? storedAt, storedAt, proven: false, restored: false, suspicious: false, hold: undefined };
  const unclear = (reason: string): StoredBackup => ({ kept: { ...base, unclear: reason }, objects: [], bytes, sha256: undefined });
  if (takenAt === undefined) return unclear('its name is none that Sluice gives');

  const [manifestKey, snapshotKey] = (['manifest.json', 'snapshot.db'] as const).map((file) =>
    accountKeys.backup(reading.cluster, id, file),
  );
  if (objects.some(({ key }) => key !== manifestKey && key !== snapshotKey))
    return unclear('there is an object beside it that Sluice did not write');
  if (objects.some(({ kind }) => kind === 'delete-marker'))
    return unclear('somebody has deleted an object of it; its versions are still there');
  const manifests = objects.filter(({ key }) => key === manifestKey);
  const snapshots = objects.filter(({ key }) => key === snapshotKey);
  if (manifests.length > 1 || snapshots.length > 1) return unclear('somebody has written an object of it again');
  const [manifest, snapshot] = [manifests[0], snapshots[0]];
  // A backup that failed, or one that was being removed: nothing vouches for it.
  if (manifest === undefined) return { kept: base, objects: snapshots, bytes, sha256: undefined };
  if (snapshot === undefined) return unclear('its manifest is there and its snapshot is not');

  const text = await versions.read(manifest.key, manifest.version);
  // Another run has removed it since the list was made.
  if (text === undefined) return unclear('its manifest went away while it was looked at');
  const required = requiredLayers(false);
  const { manifest: told, problems } = await askProof(text, required, reading.signer);
  if (told === undefined) return unclear(problems.join('; '));
  const failing = contentProblems(told, required);
  // More problems than the content has: the signature does not fit, so nothing that it says counts.
  if (problems.length > failing.length) return unclear(problems[0] ?? 'its signature does not fit');
  if (told.cluster !== reading.cluster || told.id !== id || told.object.key !== snapshotKey)
    return unclear(`its manifest is of ${told.object.key}`);
  if (told.object.bytes !== snapshot.bytes)
    return unclear(`its snapshot has ${snapshot.bytes} bytes; the manifest says ${told.object.bytes}`);
  const kept: KeptBackup = {
    ...base,
    proven: failing.length === 0,
    restored: contentProblems(told, requiredLayers(true)).length === 0,
    // Ids begin with their time. What came after the first that lacks something was compared with it, and is no better.
    suspicious: reading.told.suspicious.includes(id) || (reading.told.suspiciousFrom !== undefined && id >= reading.told.suspiciousFrom),
    hold: reading.told.held?.includes(id) === true ? 'open' : holdOf(told.purpose?.revision, takenAt, reading.changes),
  };
  return { kept, objects: [manifest, snapshot], bytes, sha256: told.object.sha256 };
}

/** The facts of the hub as the rule takes them. */
function factsOf(changes: BackupChanges): ChangeFacts {
  const ended = Object.fromEntries(Object.entries(changes.ended).map(([revision, at]) => [revision, new Date(at)]));
  return { holdDays: changes.holdDays, open: changes.open, ended };
}

/**
 * How long a backup lasts that outlives the hourly ones: to the end of its class or hold, and while a change has not ended always to
 * the next look and as long as it is held after its end. Undefined for one that does not: the bucket's own rule keeps it long enough.
 */
export function lastsUntil({ hold, storedAt }: KeptBackup, until: Date | undefined, now: Date, holdDays: number): Date | undefined {
  const open = hold === 'open' ? now.getTime() + (holdDays + 1) * DAY : 0;
  const end = Math.max(until?.getTime() ?? 0, open);
  return end > storedAt.getTime() + CLASSES.hourly * DAY && end > now.getTime() ? new Date(end) : undefined;
}
