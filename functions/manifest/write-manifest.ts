import * as z from 'zod';
import { requiredLayers } from '#domain/backup.ts';
import { contentProblems, signedText } from '#domain/backup-proof.ts';
import { accountKeys, bucketName } from '#domain/names.ts';
import { askProof } from '#facts/backup-proof.ts';
import { CheckedMembers, TakenSnapshot } from '#model/backup.ts';
import { BackupManifest, HashProof, LayerVerdict, RecoverySet } from '#model/backup-records.ts';
import { Versions } from '#model/configuration.ts';
import { BackupNotProvenError, ConflictError } from '#model/errors.ts';
import { Revision, Sha256 } from '#model/primitives.ts';
import { ClusterRef } from '#model/settings.ts';
import type { ObjectStore } from '#ports/objects.ts';
import type { Signer } from '#ports/signer.ts';
import { defineStep } from '#ports/step.ts';

export interface WriteManifestPorts {
  readonly objects: ObjectStore;
  readonly signer: Signer;
}

const Input = z.object({
  cluster: ClusterRef,
  checkMembers: CheckedMembers,
  takeSnapshot: TakenSnapshot,
  /** Absent where L3 was told when the snapshot was taken. */
  proveHash: z.object({ verdicts: z.array(LayerVerdict), hashProof: HashProof.optional() }).nullish(),
  /** Absent where `prove-hash` told L4 and no drill was wanted. */
  proveSnapshot: z.object({ verdicts: z.array(LayerVerdict) }).nullish(),
  /** Absent when no drill was wanted. */
  proveApi: z.object({ verdicts: z.array(LayerVerdict), kubernetes: z.string().nullable(), recoverySet: RecoverySet.nullable() }).nullish(),
  /** Whether the snapshot was to be restored (L5, L6); before a change of a cluster it always is. */
  drill: z.boolean().default(true),
  /** The configuration that an update brings, and what the cluster ran before; absent where no update asks. */
  revision: Revision.nullish(),
  current: z.object({ revision: Revision, settingsHash: Sha256, versions: Versions }).nullish(),
});

/**
 * Writes the manifest beside the snapshot, signed: the proof, or what is missing for it. What was written is then read as
 * any reader would.
 * @throws BackupNotProvenError after writing, with each reason; ConflictError, TransientError
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
  async run(input, { objects, signer }: WriteManifestPorts, { execution }) {
    const { cluster, takeSnapshot } = input;
    const manifestKey = accountKeys.backup(cluster.name, takeSnapshot.id, 'manifest.json');
    const unsigned = manifestOf(input, execution);
    const signature = await signer.signs();
    const value = await signer.sign(signedText({ ...unsigned, signature }));
    const text = await writeOnce(objects, manifestKey, { ...unsigned, signature: { ...signature, value } });
    const { manifest, problems } = await askProof(text, requiredLayers(input.drill), signer);
    if (manifest === undefined || problems.length > 0) {
      throw new BackupNotProvenError(`backup ${unsigned.id} of ${cluster.name} is not proven: ${problems.join('; ')}`);
    }
    const layers = Object.fromEntries(manifest.layers.map((entry) => [entry.layer, entry.verdict]));
    const seconds = manifest.layers.reduce((sum, layer) => sum + layer.seconds, 0);
    return { id: manifest.id, proven: true, manifestKey, seconds, layers };
  },
});

function manifestOf(input: z.infer<typeof Input>, execution: string): BackupManifest {
  const { cluster, checkMembers, takeSnapshot, proveHash, proveSnapshot, proveApi } = input;
  const drills = [...(proveSnapshot?.verdicts ?? []), ...(proveApi?.verdicts ?? [])];
  const layers = [checkMembers.verdict, takeSnapshot.verdict, ...takeSnapshot.content, ...(proveHash?.verdicts ?? []), ...drills];
  const hashProof = proveHash?.hashProof ?? takeSnapshot.hashProof;
  const manifest = {
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
    ...(hashProof === undefined ? {} : { hashProof }),
    members: checkMembers.list,
    ...configurationOf(input.current),
    ...(input.revision === null || input.revision === undefined ? {} : { purpose: { revision: input.revision } }),
    layers,
    proven: false,
    execution,
  };
  return { ...manifest, proven: contentProblems(manifest, requiredLayers(input.drill)).length === 0 };
}

function configurationOf(current: z.infer<typeof Input>['current']): Pick<BackupManifest, 'configuration'> {
  if (current === null || current === undefined) return {};
  const { revision, settingsHash, versions } = current;
  return { configuration: { revision, settingsHash, kubernetes: versions.kubernetes, etcd: versions.etcd } };
}

/** The text that is stored. A repeated call finds its own manifest and goes by that; anything else under this key is another's. */
async function writeOnce(objects: ObjectStore, key: string, manifest: BackupManifest): Promise<string> {
  const text = JSON.stringify(manifest, null, 2);
  if (await objects.putIfAbsent(key, text)) return text;
  const stored = await objects.get(key);
  const found = stored === undefined ? undefined : BackupManifest.parse(JSON.parse(stored.body));
  if (stored !== undefined && found?.execution === manifest.execution && found.object.sha256 === manifest.object.sha256) return stored.body;
  throw new ConflictError(`${key} was written by ${found?.execution ?? 'nobody'}; a manifest is never overwritten`);
}
