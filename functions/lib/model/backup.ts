import * as z from 'zod';
import { HashProof, LayerVerdict } from './backup-records.ts';
import { Sha256, Timestamp } from './primitives.ts';

/** What the later steps of a backup know of etcd; `endpoint` is the member that the snapshot is taken from. */
export const CheckedMembers = z.object({
  healthy: z.boolean(),
  endpoint: z.string(),
  member: z.string(),
  version: z.string(),
  clusterId: z.string(),
  members: z.int(),
  /** Every one of them, by name. */
  list: z.array(z.object({ name: z.string(), id: z.string(), version: z.string() })),
  revision: z.int(),
  verdict: LayerVerdict,
});

/** A snapshot in the bucket, and what is known of it before it is restored. */
export const TakenSnapshot = z.object({
  id: z.string(),
  key: z.string(),
  bytes: z.int(),
  sha256: Sha256,
  takenAt: Timestamp,
  /** Storage version as the stream says it; absent before etcd 3.6. */
  etcdVersion: z.string().optional(),
  /** Revisions of the member right before and right after the stream. */
  bracket: z.object({ from: z.int(), to: z.int() }),
  verdict: LayerVerdict,
  /** Of the newest change in the file. */
  revision: z.int(),
  /** Verdicts of what is in the file: L2, and L3 unless it is awaited. */
  content: z.array(LayerVerdict),
  /** L3 is told by `prove-hash` after so many seconds, when the members have recorded a hash that the file can have. Absent: it is told already. */
  compactionSeconds: z.int().min(1).optional(),
  /** Absent while L3 is awaited, and where it was not run. */
  hashProof: HashProof.optional(),
  /** What the file holds, which a drill must find again. */
  file: z.object({
    hash: z.int(),
    compactRevision: z.int(),
    counts: z.record(z.string(), z.int()),
    /** Bytes of the pages in use; absent in what earlier versions of Sluice tell. */
    usedBytes: z.int().optional(),
  }),
});

/** What a machine keeps of a backup that is proven. */
export const TakenBackup = z.object({
  id: z.string(),
  bytes: z.int(),
  /** Of the newest change in the file. */
  revision: z.int(),
  /** Of etcd, as its members tell it. */
  clusterId: z.string(),
  file: TakenSnapshot.shape.file,
});
export type TakenBackup = z.infer<typeof TakenBackup>;
