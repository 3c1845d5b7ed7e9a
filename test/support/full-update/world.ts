import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { createInstances } from '#adapters/auto-scaling/instances.ts';
import { createStackGuards } from '#adapters/cloudformation/guards.ts';
import { createStacks } from '#adapters/cloudformation/stacks.ts';
import { createAddresses } from '#adapters/ec2/addresses.ts';
import { createEtcdVolumes } from '#adapters/ec2/volumes.ts';
import { createEtcdOf } from '#adapters/etcd/clusters.ts';
import { createEtcdDrill } from '#adapters/etcd/drill.ts';
import { createBinaries } from '#adapters/files/binaries.ts';
import { createScratch } from '#adapters/files/scratch.ts';
import { createApiDrill } from '#adapters/kubernetes/api-drill.ts';
import { createKubernetesOf } from '#adapters/kubernetes/clusters.ts';
import { createBlobs } from '#adapters/s3/blobs.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import { createSecrets } from '#adapters/secrets-manager/secrets.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { mintClient } from '#adapters/x509/clients.ts';
import { sha256 } from '#domain/hash.ts';
import { accountKeys, bucketName, keys } from '#domain/names.ts';
import type { Snapshot } from '#model/configuration.ts';
import type { ClientIdentity } from '#model/identity.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import { type AnyStep, parseCall, runStep } from '#runtime/call.ts';
import { ROLL_STEP } from '../../../functions/reach/node-permission.ts';
import { deployAccountStack } from '../account-stack.ts';
import type { TaskCall } from '../asl/execution.ts';
import { createRealClock } from '../asl/real-clock.ts';
import { createWorld } from '../asl/world.ts';
import { createFakeChecks } from '../fakes/checks.ts';
import { createFakeExecutions } from '../fakes/executions.ts';
import type { Ministack } from '../ministack.ts';
import { readDefinitions } from '../state-machines/definitions.ts';
import { readSteps } from '../state-machines/steps.ts';

const HUB = '100000000001';
const REGION = 'eu-central-1';
/** Wait states last so much of what they say, as in the local world. */
const WAIT_SCALE = 0.1;
/** Functions of the hub; the steps of all others run in the cluster's account. */
const HUB_FOLDERS = ['control', 'plan', 'stacks'];

export interface UpdateWorldOptions {
  readonly aws: Ministack;
  readonly autoscalingUrl: string;
  readonly cluster: ClusterRef;
  /** Folder for what drills put down. */
  readonly directory: string;
  /** Told of each step that ends, and of one that waits for something else than before. */
  readonly onStep: (step: { readonly state: string; readonly seconds: number; readonly reason: string }) => void;
}

/** The real state machines over the real steps and adapters, for one cluster in an emulated account. */
export interface UpdateWorld {
  /** Brings the cluster to a configuration by `update-cluster`. @throws Error when that fails */
  update(name: string, snapshot: Snapshot): Promise<void>;
  /** Puts an artifact where drills look for it. */
  publish(name: 'etcd' | 'kubernetes', version: string, paths: readonly string[]): Promise<void>;
  identity(target: 'kubernetes' | 'etcd'): Promise<ClientIdentity>;
  /** A client of the cluster with a connection of its own. */
  kubernetes(): Promise<Kubernetes>;
}

export async function createUpdateWorld(options: UpdateWorldOptions): Promise<UpdateWorld> {
  const { aws, cluster } = options;
  const s3 = new S3Client({ ...aws.of(HUB), forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: bucketName(HUB, REGION), CreateBucketConfiguration: { LocationConstraint: REGION } }));
  await deployAccountStack(new CloudFormationClient(aws.of(cluster.account)), cluster.network);
  const ports = portsOf(options);
  const steps = await readSteps();
  const task = (call: TaskCall): Promise<unknown> => {
    const found = steps.find(({ name }) => name === call.step);
    if (found === undefined) throw new Error(`there is no step ${call.step}`);
    // Each folder's ports are a part of these.
    const own = HUB_FOLDERS.includes(found.folder) ? ports.hub : ports.account;
    return timed(call, options.onStep, () => runStep([found.step as AnyStep<typeof own>], parseCall(told(call)), own));
  };
  return {
    update: async (name, snapshot) => {
      await ports.hub.objects.put(keys.snapshot(snapshot.revision), JSON.stringify(snapshot));
      const world = createWorld({ machines: readDefinitions(), task, clock: createRealClock(WAIT_SCALE) });
      const input = { cluster, revision: snapshot.revision, purpose: 'rollout', rolloutId: null, progress: null };
      const execution = await world.run('update-cluster', name, input);
      if (execution.status !== 'SUCCEEDED') throw new Error(`${name}: ${execution.status} ${execution.error} ${execution.cause}`);
    },
    publish: async (name, version, paths) => {
      const files = [];
      for (const path of paths) {
        const hash = sha256(readFileSync(path));
        const file = path.split('/').at(-1) ?? '';
        await ports.account.blobs.uploadFile(accountKeys.artifact(name, version, hash, file), path, { sha256: hash });
        files.push({ file, sha256: hash, bytes: statSync(path).size });
      }
      const index = JSON.stringify({ name, version, state: 'ready', files });
      await ports.account.objects.put(accountKeys.artifactIndex(name, version), index);
      await ports.hub.objects.put(keys.artifact(name, version), index);
    },
    identity: (target) => mintClient(ports.account, cluster.name, target),
    kubernetes: () => ports.account.kubernetes(cluster),
  };
}

/** As `reach` tells it: here is no channel that could hold or freeze the cluster. */
function told({ step, payload, input }: TaskCall): unknown {
  return step === ROLL_STEP ? { ...(payload as object), input: { ...input, permission: { decision: 'go' } } } : payload;
}

function portsOf({ aws, autoscalingUrl, cluster, directory }: UpdateWorldOptions) {
  const hub = aws.of(HUB);
  const account = aws.of(cluster.account);
  const bucket = bucketName(cluster.account, REGION);
  const clock = { now: () => new Date() };
  const secrets = createSecrets(account);
  const authority = createAuthority();
  const mint = { secrets, authority, clock };
  const objects = createObjects(bucket, account);
  const stacks = createStacks(new CloudFormationClient(account));
  const hubObjects = createObjects(bucketName(HUB, REGION), hub);
  // The machine room answers for EC2 as well.
  const instances = { ...account, endpoint: autoscalingUrl };
  return {
    hub: {
      objects: hubObjects,
      accountObjects: { of: () => objects },
      stacks: { of: () => stacks },
      guards: { of: () => createStackGuards(new CloudFormationClient(account)) },
      checks: createFakeChecks(hubObjects, clock),
      // Nobody else runs, and nobody asks for what runs here.
      executions: createFakeExecutions(),
      clock,
    },
    account: {
      ...mint,
      objects,
      kubernetes: createKubernetesOf(() => mintClient(mint, cluster.name, 'kubernetes')),
      etcd: createEtcdOf(() => mintClient(mint, cluster.name, 'etcd')),
      instances: createInstances(instances),
      addresses: createAddresses(instances),
      volumes: createEtcdVolumes(instances),
      blobs: createBlobs(bucket, account),
      scratch: createScratch(directory),
      binaries: createBinaries(join(directory, 'binaries')),
      drill: createEtcdDrill(),
      apiDrill: createApiDrill(mint),
    },
  };
}

async function timed(call: TaskCall, onStep: UpdateWorldOptions['onStep'], run: () => Promise<unknown>): Promise<unknown> {
  const from = Date.now();
  const told = (reason: string): void => onStep({ state: call.state, seconds: (Date.now() - from) / 1000, reason });
  try {
    const output = await run();
    told(typeof output === 'object' && output !== null && 'reason' in output ? String(output.reason) : 'done');
    return output;
  } catch (error) {
    told(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    throw error;
  }
}
