import * as z from 'zod';
import { Versions } from './configuration.ts';
import { AccountId, ClusterName, ExecutionName, Revision, Sha256, Timestamp } from './primitives.ts';
import { CopiedBackups, RemovedBackups } from './removal.ts';

/** One layer's verdict of a backup; layers as in docs/recover.md. */
export const LayerVerdict = z.object({
  layer: z.enum(['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6']),
  verdict: z.enum(['holds', 'fails', 'not-run']),
  reason: z.string(),
  seconds: z.number(),
});
export type LayerVerdict = z.infer<typeof LayerVerdict>;

/** How far L3 compares, and by which rule it was chosen how. */
export const HashProof = z.object({
  /** `recorded`: what the members wrote down at a compaction; `computed`: what they were made to compute, at a cost for their writes. */
  by: z.enum(['recorded', 'computed']),
  /** Up to which revision the file's content is that of the members; what is between it and the file's newest was not compared. */
  revision: z.int(),
  why: z.string(),
});
export type HashProof = z.infer<typeof HashProof>;

const Fingerprint = z.string().regex(/^[0-9a-f]{16}$/);

/** What a backup needs beside its snapshot: fingerprints (the first 16 hex digits of SHA-256), never keys. */
export const RecoverySet = z.object({
  /** Version of the secret `sluice/<cluster>/authority` that the drill used. */
  identityVersion: z.string(),
  authorities: z.record(z.string(), Fingerprint),
  serviceAccountKey: Fingerprint,
  /** In the order in which the API server tries them; the first is the one that it writes with. */
  encryptionKeys: z.array(z.object({ name: z.string(), fingerprint: Fingerprint })),
});
export type RecoverySet = z.infer<typeof RecoverySet>;

/**
 * By which key everything else in a manifest is signed, over SHA-256 of its canonical JSON: ECDSA on P-256, which anybody can check
 * with the public half, or a MAC, which only KMS can.
 */
export const ManifestSignature = z.object({
  algorithm: z.enum(['ECDSA_SHA_256', 'HMAC_SHA_256']),
  /** Id of the key. */
  key: z.string().min(1),
  /** DER or the MAC, in base64. */
  value: z.base64().min(1),
});
export type ManifestSignature = z.infer<typeof ManifestSignature>;

/** `backups/<cluster>/<id>/manifest.json` in the cluster's account. */
export const BackupManifest = z.object({
  id: z.string(),
  cluster: z.string(),
  account: AccountId,
  takenAt: Timestamp,
  object: z.object({ bucket: z.string(), key: z.string(), bytes: z.int(), sha256: Sha256 }),
  etcd: z.object({ version: z.string(), revision: z.int(), clusterId: z.string(), member: z.string(), members: z.int() }),
  /** Version of the API server that served the restored data; null or absent when none did. */
  kubernetes: z.string().nullish(),
  /** The identity that served the restored data; null or absent when none did. */
  recoverySet: RecoverySet.nullish(),
  /** Live objects by resource, as they were counted in the file. */
  counts: z.record(z.string(), z.int()),
  /** Of the file at its newest revision, as etcd computes it; absent in manifests of earlier versions of Sluice. */
  keyValueHash: z.object({ hash: z.int(), compactRevision: z.int() }).optional(),
  /** Absent in manifests of earlier versions of Sluice, whose L3 is computed at the newest revision, and where L3 was not run. */
  hashProof: HashProof.optional(),
  /** etcd's members when it was taken; this and what follows is absent in manifests of earlier versions of Sluice. */
  members: z.array(z.object({ name: z.string(), id: z.string(), version: z.string() })).optional(),
  /** What ran, and the hash of the cluster's settings; absent where whoever asked for the backup did not say. */
  configuration: z
    .object({ revision: Revision, settingsHash: Sha256, kubernetes: Versions.shape.kubernetes, etcd: Versions.shape.etcd })
    .optional(),
  /** The change that it was taken for; absent when it was taken by schedule or by hand. */
  purpose: z.object({ revision: Revision }).optional(),
  layers: z.array(LayerVerdict).min(1),
  /** As the writer saw it. Readers ask for the layers and the signature instead (`proofOf`). */
  proven: z.boolean(),
  execution: ExecutionName,
  signature: ManifestSignature.optional(),
});
export type BackupManifest = z.infer<typeof BackupManifest>;

/** One backup in an index. */
const IndexedBackup = z.object({ id: z.string(), takenAt: Timestamp });

/** What backups of a cluster are compared by. */
export const BackupContent = z.object({
  id: z.string(),
  takenAt: Timestamp,
  revision: z.int(),
  /** Of etcd, as its members tell it. */
  clusterId: z.string(),
  /** Bytes of the pages in use: free pages and a defragmentation change nothing; null where they were not told. */
  usedBytes: z.int().nullable(),
  /** Live objects by resource, as the manifest has them. */
  counts: z.record(z.string(), z.int()),
});
export type BackupContent = z.infer<typeof BackupContent>;

/** A proven backup that lacks what those before had. Until somebody says that it is right, no change of the cluster begins. */
export const SuspiciousBackup = z.object({
  /** The first that was found so, and is to be acknowledged; those after it are no worse. */
  content: BackupContent,
  /** Each with its numbers. */
  findings: z.array(z.string()).min(1),
  /** Id of the backup that it was compared with. */
  comparedWith: z.string(),
});
export type SuspiciousBackup = z.infer<typeof SuspiciousBackup>;

/** `backups/<cluster>.json` in the hub's bucket: what is known of a cluster's backups; the manifests in its account are the truth. */
export const BackupIndex = z.object({
  cluster: ClusterName,
  /** Newest that is proven, and newest that was restored and served by an API server (L5, L6) for it. */
  newestProven: IndexedBackup.nullable(),
  newestDrilled: IndexedBackup.nullable(),
  /** Bytes of the newest, and how long it took to take and prove it; null where an update took it. */
  bytes: z.int().nullable(),
  seconds: z.number().nullable(),
  /** Since the newest that is proven. */
  failures: z.int().min(0),
  lastFailure: z.object({ at: Timestamp, execution: ExecutionName, reason: z.string() }).nullable(),
  /** What the last removal came to, and those that failed since one that did not. Absent before the first. */
  removal: z
    .object({
      at: Timestamp,
      execution: ExecutionName,
      result: RemovedBackups.nullable(),
      failures: z.int().min(0),
      reason: z.string().nullable(),
    })
    .optional(),
  /** The same of the copies in the second bucket; `result.wanted` is false where there is none. */
  copy: z
    .object({
      at: Timestamp,
      execution: ExecutionName,
      result: CopiedBackups.nullable(),
      failures: z.int().min(0),
      reason: z.string().nullable(),
    })
    .optional(),
  /** The newest whose content is as expected, or was acknowledged: the next is compared with it. Absent before the first. */
  compared: BackupContent.nullish(),
  /** Set from a backup that lacks something until one comes that does not, or it is acknowledged. */
  suspicious: SuspiciousBackup.nullish(),
});
export type BackupIndex = z.infer<typeof BackupIndex>;
