import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { servedVerdict } from '#domain/api-drill.ts';
import { verdict } from '#domain/backup.ts';
import { recoverySetOf } from '#domain/recovery-set.ts';
import type { ArtifactPorts } from '#facts/artifacts.ts';
import { openDrillTools, readAuthority } from '#facts/drill-tools.ts';
import { LayerVerdict, RecoverySet } from '#model/backup-records.ts';
import { BackupNotProvenError, ClusterUnreachableError, NotFoundError } from '#model/errors.ts';
import { Sha256 } from '#model/primitives.ts';
import { ClusterRef } from '#model/settings.ts';
import type { ApiDrill } from '#ports/api-drill.ts';
import type { Clock } from '#ports/clock.ts';
import type { Scratch } from '#ports/files.ts';
import type { KubernetesOf } from '#ports/kubernetes.ts';
import type { Secrets } from '#ports/secrets.ts';
import { defineStep } from '#ports/step.ts';

export interface ProveApiPorts extends ArtifactPorts {
  readonly scratch: Scratch;
  readonly apiDrill: ApiDrill;
  readonly kubernetes: KubernetesOf;
  readonly secrets: Secrets;
  readonly clock: Clock;
}

const Input = z.object({
  cluster: ClusterRef,
  /** Version of the member that the snapshot was taken from. */
  checkMembers: z.object({ version: z.string() }),
  takeSnapshot: z.object({ key: z.string(), sha256: Sha256, revision: z.int() }),
  proveSnapshot: z.object({ verdicts: z.array(LayerVerdict) }),
  /** By the cluster's record; for when its API does not answer. */
  kubernetes: z.string().optional(),
});
type Input = z.infer<typeof Input>;

const Output = z.object({
  verdicts: z.array(LayerVerdict),
  /** Version of the API server that served the data. */
  kubernetes: z.string().nullable(),
  recoverySet: RecoverySet.nullable(),
});
type Output = z.infer<typeof Output>;

/**
 * L6: restored as a cluster is, with its revision raised, under a kube-apiserver of the version that runs now and with the
 * cluster's own encryption configuration: each resource is listed and each Secret decrypted. A layer that cannot be run says
 * so; write-manifest judges.
 * @throws TransientError; RefusedError when a tool is not what the index of artifacts says
 */
export const proveApi = defineStep({
  name: 'prove-api',
  input: Input,
  output: Output,
  async run(input, ports: ProveApiPorts): Promise<Output> {
    const restored = input.proveSnapshot.verdicts.find(({ layer }) => layer === 'L5');
    if (restored?.verdict !== 'holds') return notServed('nothing was restored that an API server could serve');
    const started = ports.clock.now().getTime();
    const since = (): number => (ports.clock.now().getTime() - started) / 1000;
    let version: string | null = null;
    try {
      version = await runningVersion(input, ports);
      const { encryption, recoverySet } = await identityOf(input.cluster.name, ports);
      const served = await serve(input, version, encryption, ports);
      const facts = { version, writtenBy: version, revision: input.takeSnapshot.revision, seconds: since() };
      return { verdicts: [servedVerdict(served, facts)], kubernetes: version, recoverySet };
    } catch (error) {
      if (error instanceof NotFoundError) return notServed(error.message, version);
      if (error instanceof BackupNotProvenError) {
        return { verdicts: [verdict('L6', 'fails', error.message, since())], kubernetes: version, recoverySet: null };
      }
      throw error;
    }
  },
});

function notServed(reason: string, kubernetes: string | null = null): Output {
  return { verdicts: [verdict('L6', 'not-run', reason, 0)], kubernetes, recoverySet: null };
}

/**
 * What the API itself says, which an update that stopped half-way has perhaps raised; the record's where it does not answer.
 * @throws NotFoundError when neither tells
 */
async function runningVersion({ cluster, kubernetes: recorded }: Input, { kubernetes }: ProveApiPorts): Promise<string> {
  try {
    return await (await kubernetes(cluster)).version();
  } catch (error) {
    if (!(error instanceof ClusterUnreachableError)) throw error;
    if (recorded !== undefined) return recorded;
    throw new NotFoundError(`the version of Kubernetes is not known, for the cluster's API does not answer: ${error.message}`, {
      cause: error,
    });
  }
}

async function serve({ checkMembers, takeSnapshot }: Input, version: string, encryption: string, ports: ProveApiPorts) {
  const tools = await openDrillTools(ports, { kubernetes: version, etcd: checkMembers.version });
  return ports.scratch.withDirectory(async (directory) => {
    const snapshot = join(directory, 'snapshot.db');
    const stored = await ports.blobs.downloadFile(takeSnapshot.key, snapshot);
    if (stored?.sha256 !== takeSnapshot.sha256) {
      throw new BackupNotProvenError(`${takeSnapshot.key} no longer is what was taken: ${stored?.sha256 ?? 'it is gone'}`);
    }
    const room = join(directory, 'api');
    await mkdir(room);
    return ports.apiDrill.serve({ ...tools, snapshot, directory: room, encryption });
  });
}

/** @throws NotFoundError, InputError */
async function identityOf(cluster: string, { secrets }: ProveApiPorts): Promise<{ encryption: string; recoverySet: RecoverySet }> {
  const { files, version } = await readAuthority(cluster, secrets);
  return { encryption: files['encryption.yaml'], recoverySet: recoverySetOf(files, version) };
}
