import * as z from 'zod';
import { endedWithoutCleanUp } from '#domain/check-texts.ts';
import { handOver } from '#domain/lease.ts';
import { executionName, keys } from '#domain/names.ts';
import { readSettings } from '#facts/fleet.ts';
import { releaseLock } from '#facts/lock.ts';
import { changeObject, readObject } from '#facts/stored.ts';
import { CheckRef, WantedCheck } from '#model/checks.ts';
import { GitId } from '#model/primitives.ts';
import { Lock, StoredCluster } from '#model/records.ts';
import { RestoreRecord } from '#model/restore.ts';
import { ClusterRef, type E2eSlot } from '#model/settings.ts';
import type { Checks } from '#ports/checks.ts';
import type { Clock } from '#ports/clock.ts';
import type { Executions } from '#ports/executions.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { slotCluster, slotSubject, slotsOf } from './claim-slot.ts';
import { concludeRestore } from './conclude-restore.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly checks: Checks;
  readonly executions: Executions;
  readonly clock: Clock;
}

const MACHINES = [
  'pull-request',
  'e2e',
  'update-cluster',
  'backup-etcd',
  'rollout',
  'delete-cluster',
  'release-cluster',
  'restore-cluster',
] as const;
type Machine = (typeof MACHINES)[number];
/** Those that run under the lock of their cluster. */
const LOCKED: readonly Machine[] = ['update-cluster', 'delete-cluster', 'release-cluster', 'restore-cluster'];

/** The event `Step Functions Execution Status Change`, as far as it is read. */
export const ExecutionEnded = z.object({
  detail: z.object({
    stateMachineArn: z.string(),
    name: z.string(),
    status: z.enum(['FAILED', 'TIMED_OUT', 'ABORTED']),
    cause: z.string().nullish(),
  }),
});

const WithCluster = z.object({ cluster: ClusterRef });
const WithSlot = z.object({
  readPullRequest: z.object({ number: z.int(), channel: z.string().nullable(), e2eCheck: CheckRef }),
  snapshotConfiguration: z.object({ headSettingsCommit: GitId }),
});

/**
 * Cleans up after an execution that ended without its own clean-up: has nodes released and frees the cluster's lock that it
 * held, starts the deletion of its e2e cluster, ends its check. The event is a hint; what is done follows from what is read. Safe to repeat,
 * and after an execution that cleaned up itself there is nothing left to do.
 */
export const onExecutionEnded = defineStep({
  name: 'on-execution-ended',
  input: ExecutionEnded,
  output: z.object({ machine: z.string().nullable(), did: z.array(z.string()) }),
  async run({ detail }, ports: Ports) {
    const machine = machineOf(detail.stateMachineArn);
    if (machine === undefined) return { machine: null, did: [] };
    const ended = await ports.executions.describe(machine, detail.name);
    if (ended === undefined || ended.status === 'RUNNING' || ended.status === 'SUCCEEDED') return { machine, did: [] };
    const input: unknown = ended.input === undefined ? undefined : JSON.parse(ended.input);
    const did = [
      ...(await freeCluster(machine, detail.name, input, ports)),
      ...(await cleanSlot(machine, detail.name, input, ports)),
      ...(await endRestore(machine, detail, input, ports)),
      ...(await endCheck(machine, detail.name, ended, ports)),
    ];
    return { machine, did };
  },
});

/** `arn:…:stateMachine:sluice-update-cluster` is `update-cluster`; children of a Map (`…/wave`) have nothing of their own. */
function machineOf(arn: string): Machine | undefined {
  const name = arn.split(':').at(-1) ?? '';
  return MACHINES.find((machine) => name === machine || name.endsWith(`-${machine}`));
}

/**
 * The lock that it held. An update may have left nodes cordoned and pools grown: then the lock is handed to an execution that
 * releases them first. The greater number of the lock stops what of the ended one is still under way.
 */
async function freeCluster(machine: Machine, execution: string, input: unknown, ports: Ports): Promise<string[]> {
  if (!LOCKED.includes(machine)) return [];
  const parsed = WithCluster.safeParse(input);
  if (!parsed.success) return [];
  const { cluster } = parsed.data;
  const lock = await readObject(ports.objects, keys.lock(cluster.name), Lock);
  if (lock?.holder !== execution) return [];
  const render = machine === 'update-cluster' ? await renderOf(cluster.name, ports.objects) : undefined;
  if (render !== undefined && (await startRelease(cluster, render, execution, ports))) return [`started the release of ${cluster.name}`];
  return (await releaseLock(ports.objects, cluster.name, execution)) ? [`freed the lock of ${cluster.name}`] : [];
}

/** What an update has begun to bring; undefined when none has begun: then nothing is to be released. */
async function renderOf(cluster: string, objects: ObjectStore): Promise<string | undefined> {
  const stored = await readObject(objects, keys.cluster(cluster), StoredCluster);
  return stored === undefined || 'deleted' in stored ? undefined : stored.updating?.renderHash;
}

/** False when such an execution has ended already: a lock is not handed to one that will never free it. */
async function startRelease(cluster: ClusterRef, hash: string, ended: string, { objects, executions }: Ports): Promise<boolean> {
  const name = executionName('release', cluster.name, { execution: ended, after: 'ended' }, 'ended');
  const { existed } = await executions.start('release-cluster', name, { cluster, render: { hash }, progress: null });
  if (existed && (await executions.describe('release-cluster', name))?.status !== 'RUNNING') return false;
  const now = await objects.now();
  await changeObject(objects, keys.lock(cluster.name), Lock, (known) => handOver(known, ended, name, now));
  return true;
}

/** The slot is handed to the deletion before it is freed: nobody may begin in an account that still has a cluster. */
async function cleanSlot(machine: Machine, execution: string, input: unknown, ports: Ports): Promise<string[]> {
  const parsed = WithSlot.safeParse(input);
  if (machine !== 'e2e' || !parsed.success) return [];
  const { readPullRequest: pull, snapshotConfiguration } = parsed.data;
  const settings = await readSettings(ports.objects, snapshotConfiguration.headSettingsCommit);
  const did: string[] = [];
  for (const slot of slotsOf(settings, pull.channel)) {
    const lock = await readObject(ports.objects, keys.lock(slotSubject(slot)), Lock);
    if (lock?.holder === execution) did.push(await startDeletion(slot, pull, execution, ports));
  }
  return did;
}

async function startDeletion(
  slot: E2eSlot,
  pull: z.infer<typeof WithSlot>['readPullRequest'],
  execution: string,
  { objects, executions }: Ports,
): Promise<string> {
  const cluster = slotCluster(slot, pull.number, execution);
  const name = executionName('delete', cluster.name, { execution, after: 'ended' }, 'ended');
  await executions.start('delete-cluster', name, { cluster, purpose: 'e2e', progress: null });
  const now = await objects.now();
  await changeObject(objects, keys.lock(slotSubject(slot)), Lock, (known) => handOver(known, execution, name, now));
  return `started the deletion of ${cluster.name}`;
}

/** A restore that was stopped writes nothing down by itself: how far it came is told, and its cluster is brought what it wants. */
async function endRestore(
  machine: Machine,
  { name: execution, status, cause }: z.infer<typeof ExecutionEnded>['detail'],
  input: unknown,
  ports: Ports,
): Promise<string[]> {
  const parsed = concludeRestore.input.safeParse({ ...(input as object), outcome: 'failed', error: { Error: status, Cause: cause ?? '' } });
  if (machine !== 'restore-cluster' || !parsed.success) return [];
  const { cluster, restore } = parsed.data;
  const record = await readObject(ports.objects, keys.restore(cluster.name, restore.id), RestoreRecord);
  if (record !== undefined && (record.execution !== execution || record.endedAt !== undefined)) return [];
  await concludeRestore.run(parsed.data, ports, { execution });
  return [`ended the restore ${restore.id} of ${cluster.name}`];
}

/** Only a check that still belongs to this execution and was not ended by it. */
async function endCheck(
  machine: Machine,
  execution: string,
  ended: { status: string; cause?: string },
  { objects, checks }: Ports,
): Promise<string[]> {
  const ref = await readObject(objects, keys.checkOfExecution(execution), CheckRef);
  const check = ref === undefined ? undefined : await readObject(objects, keys.check(ref.sha, ref.name), WantedCheck);
  if (ref === undefined || check === undefined || check.status === 'completed' || check.execution !== execution) return [];
  const text = endedWithoutCleanUp(machine, ended.status, ended.cause);
  await checks.want({ ref, status: 'completed', ...text, execution });
  return [`ended the check ${ref.name}`];
}
