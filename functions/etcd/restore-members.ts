import * as z from 'zod';
import type { HashComparison } from '#domain/etcd-health.ts';
import { accountKeys } from '#domain/names.ts';
import { enforceDeadline, paced } from '#domain/pace.ts';
import { decideRestore, decimalId, REVISION_BUMP, type RestoreDecision } from '#domain/restore.ts';
import { changeObject, readObject } from '#facts/stored.ts';
import { ClusterUnreachableError, ConflictError, GateClosedError, NotFoundError, RefusedError } from '#model/errors.ts';
import { Sha256, Timestamp } from '#model/primitives.ts';
import { Advance, advanced, waiting } from '#model/progress.ts';
import { RestoreOrder, RestoreRequest } from '#model/restore.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { Etcd, EtcdOf, MemberStatus } from '#ports/etcd.ts';
import type { Instance, InstanceGroup, Instances } from '#ports/instances.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { compareMembers, observeMembers, observeSeats } from './observe-members.ts';

export interface RestoreMembersPorts {
  readonly etcd: EtcdOf;
  readonly instances: Instances;
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

/** Ids of earlier restores that an order names. */
const REMEMBERED = 20;

const Input = z.object({
  cluster: ClusterRef,
  restore: RestoreRequest,
  lock: z.object({ fence: z.int() }),
  checkBackup: z.object({
    takeSnapshot: z.object({ key: z.string(), sha256: Sha256, revision: z.int() }),
    clusterId: z.string(),
  }),
  restoreMembers: z.object({ since: Timestamp }).nullish(),
  deadlineMinutes: z.int().min(1).default(40),
});
type Input = z.infer<typeof Input>;

/**
 * Restores all members of etcd: writes the order that new instances obey, ends every instance of etcd and of the control plane
 * that was there, and waits until the new members are one cluster with the backup's data. Each call goes by what is true.
 * @throws GateClosedError at a doubt that no wait takes away, DeadlineError, ConflictError when another restore is under way; TransientError
 */
export const restoreMembers = defineStep({
  name: 'restore-members',
  input: Input,
  output: Advance.extend({ since: Timestamp }),
  async run(input, ports: RestoreMembersPorts, { execution }) {
    const now = ports.clock.now();
    const since = new Date(input.restoreMembers?.since ?? now);
    const kept = { since: since.toISOString() };
    const etcd = await ports.etcd(input.cluster);
    const order = await ordered(input, etcd, ports, execution);
    const decision = await look(input, order, etcd, ports);
    if (decision.act === 'done') {
      await finish(input.cluster.name, order, decision.clusterId, ports.objects);
      return { ...advanced(decision.reason), ...kept };
    }
    if (decision.act === 'refuse') throw new GateClosedError(`etcd of ${input.cluster.name}: ${decision.reason}`);
    enforceDeadline(`the restored etcd of ${input.cluster.name}`, since, now, input.deadlineMinutes, decision.reason);
    if (decision.act === 'terminate') await terminateAll(decision.instances, ports.instances);
    return { ...waiting(paced(since, now), decision.reason), ...kept };
  },
});

/** All at once. Who can't be ended may be gone already: the next look tells, and the deadline names who stays. */
async function terminateAll(who: readonly Instance[], instances: Instances): Promise<void> {
  const ended = await Promise.allSettled(who.map(({ id }) => instances.terminate(id, false)));
  for (const one of ended) if (one.status === 'rejected' && !(one.reason instanceof RefusedError)) throw one.reason;
}

/**
 * The order of this restore with who has to go. First the order, then the look at who is there: an instance that boots between
 * both obeys already, and is replaced once more for nothing.
 */
async function ordered(input: Input, etcd: Etcd, ports: RestoreMembersPorts, execution: string): Promise<RestoreOrder> {
  const { cluster, restore, checkBackup, lock } = input;
  const key = accountKeys.restoreOrder(cluster.name);
  const known = await readObject(ports.objects, key, RestoreOrder);
  if (known?.id === restore.id && known.fenced !== null) return known;
  const { takeSnapshot, clusterId } = checkBackup;
  const old = known?.id === restore.id ? known.old : await clustersOfBefore(etcd, clusterId, known);
  const base = {
    ...{ id: restore.id, state: 'ordered' as const, key: takeSnapshot.key, sha256: takeSnapshot.sha256, revision: takeSnapshot.revision },
    ...{
      token: `${cluster.name}-${restore.id}`,
      bump: REVISION_BUMP,
      old,
      execution,
      fence: lock.fence,
      orderedAt: ports.clock.now().toISOString(),
    },
  };
  await swap(ports.objects, key, restore.id, (there) =>
    there !== undefined && (there.id === restore.id || there.fence >= lock.fence) ? undefined : { ...base, fenced: null },
  );
  const fenced = await instancesOfBefore(cluster, ports);
  return swap(ports.objects, key, restore.id, (there) => (there === undefined || there.fenced !== null ? undefined : { ...there, fenced }));
}

/** @throws ConflictError when the order is another restore's by now */
async function swap(
  objects: ObjectStore,
  key: string,
  id: string,
  next: (there: RestoreOrder | undefined) => RestoreOrder | undefined,
): Promise<RestoreOrder> {
  const there = await changeObject(objects, key, RestoreOrder, next);
  if (there?.id === id) return there;
  throw new ConflictError(`${key} is the order of the restore ${there?.id ?? 'of nobody'}, not of ${id}`);
}

/** Ids of the etcd that runs, where it answers, of the one that was backed up, and of those that restores before this one knew. */
async function clustersOfBefore(etcd: Etcd, backedUp: string, before: RestoreOrder | undefined): Promise<string[]> {
  const members = await statusOf(etcd);
  const ids = [backedUp, ...members.map(({ clusterId }) => clusterId)].filter((id) => id !== '').map(decimalId);
  const earlier = [...(before?.old ?? []), ...(before?.restored === undefined ? [] : [before.restored])];
  return [...new Set([...ids, ...earlier.slice(-REMEMBERED)])];
}

async function statusOf(etcd: Etcd): Promise<readonly MemberStatus[]> {
  try {
    return await etcd.status();
  } catch (error) {
    if (error instanceof ClusterUnreachableError) return [];
    throw error;
  }
}

async function instancesOfBefore(cluster: ClusterRef, { instances }: RestoreMembersPorts): Promise<string[]> {
  const seats = await observeSeats(cluster, instances);
  const groups = [...seats.map(({ group }) => group), await controlPlaneOf(cluster, instances)];
  const ids = groups.flatMap((group) => group?.instances.map(({ id }) => id) ?? []);
  if (seats.every(({ group }) => group === undefined))
    throw new NotFoundError(`${cluster.name} has no Auto Scaling group of etcd: its stack is gone. Bring the stack back first`);
  return ids;
}

function controlPlaneOf(cluster: ClusterRef, instances: Instances): Promise<InstanceGroup | undefined> {
  return instances.group(cluster.name, 'control-plane');
}

async function look({ cluster }: Input, order: RestoreOrder, etcd: Etcd, { instances }: RestoreMembersPorts): Promise<RestoreDecision> {
  let hashes: HashComparison | undefined;
  for (;;) {
    const [{ seats: groups, members, committed }, controlPlane] = await Promise.all([
      observeMembers(cluster, etcd, instances),
      controlPlaneOf(cluster, instances),
    ]);
    const decision = decideRestore({ order, groups, controlPlane, members, committed, hashes });
    if (decision.act !== 'compare-hashes') return decision;
    hashes = await compareMembers(etcd, members);
  }
}

/** From here on an instance that boots restores nothing: its volume may be new, and the others have gone on. */
async function finish(cluster: string, order: RestoreOrder, clusterId: string, objects: ObjectStore): Promise<void> {
  await changeObject(objects, accountKeys.restoreOrder(cluster), RestoreOrder, (there) =>
    there?.id === order.id && there.state === 'ordered' ? { ...there, state: 'done' as const, restored: decimalId(clusterId) } : undefined,
  );
}
