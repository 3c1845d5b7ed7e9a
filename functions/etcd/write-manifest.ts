import * as z from 'zod';
import { requiredLayers, unproven } from '#domain/backup.ts';
import { accountKeys, bucketName } from '#domain/names.ts';
import { BackupNotProvenError, ConflictError } from '#model/errors.ts';
import { BackupManifest, LayerVerdict, RecoverySet } from '#model/records.ts';
import { ClusterRef } from '#model/settings.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { CheckedMembers } from './check-members.ts';
import { TakenSnapshot } from './take-snapshot.ts';

export interface WriteManifestPorts {
  readonly objects: ObjectStore;
}

const Input = z.object({
  cluster: ClusterRef,
  checkMembers: CheckedMembers,
  takeSnapshot: TakenSnapshot,
  proveSnapshot: z.object({
    verdicts: z.array(LayerVerdict),
    /** null when the drill did not get so far. */
    revision: z.int().nullable(),
    counts: z.record(z.string(), z.int()),
  }),
  /** Absent when no drill was wanted. */
  proveApi: z.object({ verdicts: z.array(LayerVerdict), kubernetes: z.string().nullable(), recoverySet: RecoverySet.nullable() }).nullish(),
  /** Whether the snapshot was to be restored (L5, L6); before a change of a cluster it always is. */
  drill: z.boolean().default(true),
});

/**
 * Writes the manifest beside the snapshot: the proof, or what is missing for it.
 * @throws BackupNotProvenError after writing, with each reason
 */
export const writeManifest = defineStep({
  name: 'write-manifest',
  input: Input,
  output: z.object({
    id: z.string(),
    proven: z.boolean(),
    manifestKey: z.string(),
    seconds: z.number(),
    layers: z.record(z.string(), z.string()),
  }),
  async run(input, { objects }: WriteManifestPorts, { execution }) {
    const { cluster, takeSnapshot } = input;
    const manifestKey = accountKeys.backup(cluster.name, takeSnapshot.id, 'manifest.json');
    const wanted = manifestOf(input, execution);
    const manifest = await writeOnce(objects, manifestKey, wanted);
    const reasons = unproven(manifest.layers, requiredLayers(input.drill));
    if (reasons.length > 0) throw new BackupNotProvenError(`backup ${manifest.id} of ${cluster.name} is not proven: ${reasons.join('; ')}`);
    const layers = Object.fromEntries(manifest.layers.map((entry) => [entry.layer, entry.verdict]));
    const seconds = manifest.layers.reduce((sum, layer) => sum + layer.seconds, 0);
    return { id: manifest.id, proven: manifest.proven, manifestKey, seconds, layers };
  },
});

function manifestOf(input: z.infer<typeof Input>, execution: string): BackupManifest {
  const { cluster, checkMembers, takeSnapshot, proveSnapshot, proveApi } = input;
  const drills = [...proveSnapshot.verdicts, ...(proveApi?.verdicts ?? [])];
  const layers = [checkMembers.verdict, takeSnapshot.verdict, ...takeSnapshot.content, ...drills];
  return {
    id: takeSnapshot.id,
    cluster: cluster.name,
    account: cluster.account,
    takenAt: takeSnapshot.takenAt,
    object: {
      bucket: bucketName(cluster.account, cluster.region),
      key: takeSnapshot.key,
      bytes: takeSnapshot.bytes,
      sha256: takeSnapshot.sha256,
    },
    etcd: {
      version: checkMembers.version,
      revision: takeSnapshot.revision,
      clusterId: checkMembers.clusterId,
      member: checkMembers.member,
      members: checkMembers.members,
    },
    kubernetes: proveApi?.kubernetes ?? null,
    recoverySet: proveApi?.recoverySet ?? null,
    counts: takeSnapshot.file.counts,
    keyValueHash: { hash: takeSnapshot.file.hash, compactRevision: takeSnapshot.file.compactRevision },
    layers,
    proven: unproven(layers, requiredLayers(input.drill)).length === 0,
    execution,
  };
}

/** A repeated call finds its own manifest and goes by that; anything else under this key is another's. */
async function writeOnce(objects: ObjectStore, key: string, manifest: BackupManifest): Promise<BackupManifest> {
  if (await objects.putIfAbsent(key, JSON.stringify(manifest, null, 2))) return manifest;
  const stored = await objects.get(key);
  const found = stored === undefined ? undefined : BackupManifest.parse(JSON.parse(stored.body));
  if (found?.execution === manifest.execution && found.object.sha256 === manifest.object.sha256) return found;
  throw new ConflictError(`${key} was written by ${found?.execution ?? 'nobody'}; a manifest is never overwritten`);
}
