import * as z from 'zod';
import { blockedText, blockingSince } from '#domain/drain/blocked.ts';
import { type Counts, countOf, roomOf } from '#domain/drain/counts.ts';
import { decideRoll, type RollDecision, type Wait } from '#domain/drain/decide.ts';
import { forceLimits } from '#domain/drain/force.ts';
import { forcedText, keepForced } from '#domain/drain/forced.ts';
import { drainOf } from '#domain/drain/marks.ts';
import { rollPace } from '#domain/drain/pace.ts';
import { requireJoined, unjoinedSince } from '#domain/drain/unjoined.ts';
import type { RollFacts } from '#domain/drain/view.ts';
import { durationText } from '#domain/duration.ts';
import { byGeneration, isLive } from '#domain/instances.ts';
import { enforceDeadline } from '#domain/pace.ts';
import type { Pool } from '#model/configuration.ts';
import { NotFoundError } from '#model/errors.ts';
import { Attachment, Node, Pod, PodDisruptionBudget, Replicated } from '#model/kubernetes.ts';
import { Timestamp } from '#model/primitives.ts';
import { advanced, Deferred, ForcedDeletion, Permission, waiting } from '#model/progress.ts';
import type { Environment } from '#model/settings.ts';
import type { LaunchFailure, ZonedGroup } from '#ports/instances.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import { defineStep } from '#ports/step.ts';
import { Awaiting, beganAt, ClusterAndRender, type ClusterPorts, readRender } from './ports.ts';
import { actOn } from './roll-actions.ts';

/** How often one call looks and acts before it lets the state machine wait; bounds the call's time. */
const ROUNDS = 12;
const SHOWN = 4;
/** A wait of at least this is told with its length. */
const TOLD_SECONDS = 120;
const Output = Awaiting.extend({
  rolled: z.int(),
  remaining: z.int(),
  /** Pods that were deleted although a budget forbade their eviction, in this roll, the newest last. */
  forced: z.array(ForcedDeletion).default([]),
  /** Since when each pod that can't be evicted blocks, by uid. */
  blocking: z.record(z.string(), Timestamp).default({}),
  /** Since when each new instance that runs has no node, by id. */
  unjoined: z.record(z.string(), Timestamp).default({}),
  deferred: Deferred.nullable().default(null),
});
/** The hub says it with each call; without its word no node is begun. */
const UNASKED: Permission = { decision: 'wait', reason: 'the hub did not say whether nodes may be replaced' };

/**
 * Replaces the nodes of all pools that are not of their group's current launch template version. It looks, acts and looks
 * again until there is only something to wait for.
 */
export const rollNodePools = defineStep({
  name: 'roll-node-pools',
  input: ClusterAndRender.extend({
    deadlineMinutes: z.number().positive().default(720),
    permission: Permission.default(UNASKED),
    rollNodePools: Output.optional(),
  }),
  output: Output,
  async run(input, ports: ClusterPorts) {
    const since = beganAt(input.rollNodePools, ports.clock.now());
    const { pools } = await readRender(input, ports.objects);
    const kubernetes = await ports.kubernetes(input.cluster);
    let addresses: ReadonlyMap<string, number> | undefined | null = null;
    let forced = input.rollNodePools?.forced ?? [];
    let blocking = input.rollNodePools?.blocking ?? {};
    let unjoined = input.rollNodePools?.unjoined ?? {};
    for (let round = 1; ; round++) {
      const now = ports.clock.now();
      const groups = await Promise.all(pools.map((pool) => poolGroup(input.cluster.name, pool.name, ports)));
      const counts = countOf(groups);
      if (addresses === null && counts.remaining > 0) addresses = await ports.instances.freeAddresses(subnetsOf(groups));
      const facts = await look({
        pools,
        groups,
        kubernetes,
        addresses: addresses ?? undefined,
        failures: await launchFailures(groups, ports),
        environment: input.cluster.environment,
        permission: input.permission,
        now,
      });
      unjoined = unjoinedSince(unjoined, groups, facts.nodes, now);
      const decision = decideRoll(facts);
      if (decision.done) {
        const deferred = deferredBy(decision, input.permission);
        const reason = told(doneReason(counts, deferred), forcedText(forced));
        return { ...advanced(reason), since: since.toISOString(), ...counts, forced, blocking: {}, unjoined: {}, deferred };
      }
      const { progress, blocked, ...acted } = await actOn(decision.actions, kubernetes, ports.instances, now);
      forced = keepForced(forced, acted.forced);
      blocking = blockingSince(blocking, blocked, facts.pods, now);
      if (progress && round < ROUNDS) continue;
      const reason = told(blockedText(blocked, blocking), reasonOf(decision, now), forcedText(forced));
      requireJoined(unjoined, now);
      enforceDeadline('the roll of the node pools', since, now, input.deadlineMinutes, reason);
      return {
        ...waiting(progress ? 1 : rollPace(decision.waits, since, now), reason),
        since: since.toISOString(),
        ...counts,
        forced,
        blocking,
        unjoined,
        deferred: null,
      };
    }
  },
});

interface Looked {
  readonly pools: readonly Pool[];
  readonly groups: readonly ZonedGroup[];
  readonly kubernetes: Kubernetes;
  readonly addresses: ReadonlyMap<string, number> | undefined;
  readonly failures: ReadonlyMap<string, LaunchFailure>;
  readonly environment: Environment;
  readonly permission: Permission;
  readonly now: Date;
}

/** Reads nodes, then pods: a pod bound before the cordon was seen can't be missed. */
async function look({ pools, groups, kubernetes, addresses, failures, environment, permission, now }: Looked): Promise<RollFacts> {
  const nodes = (await kubernetes.list('v1', 'Node')).map((node) => Node.parse(node));
  const rolled = pools.flatMap((pool, index) => {
    const group = groups[index];
    return group === undefined ? [] : [{ pool, group }];
  });
  const limits = forceLimits(environment);
  const none = { pods: [], budgets: [], attached: new Set<string>(), replicas: new Map<string, number>() };
  const room = roomOf(addresses, growing(groups), nodes);
  const draining = nodes.some((node) => drainOf(node) !== undefined);
  if (!draining && groups.every((group) => byGeneration(group).old.length === 0))
    return { pools: rolled, nodes, ...none, limits, room, failures, permission, now };
  const [pods, budgets, attachments, ...controllers] = await Promise.all([
    kubernetes.list('v1', 'Pod'),
    kubernetes.list('policy/v1', 'PodDisruptionBudget'),
    kubernetes.list('storage.k8s.io/v1', 'VolumeAttachment'),
    ...(draining ? [kubernetes.list('apps/v1', 'ReplicaSet'), kubernetes.list('apps/v1', 'StatefulSet')] : []),
  ]);
  return {
    pools: rolled,
    nodes,
    pods: pods.map((pod) => Pod.parse(pod)),
    budgets: budgets.map((budget) => PodDisruptionBudget.parse(budget)),
    limits,
    attached: new Set(attachments.map((attachment) => Attachment.parse(attachment).spec.nodeName)),
    replicas: new Map(
      controllers.flat().map((object) => {
        const { metadata, spec } = Replicated.parse(object);
        return [metadata.uid, spec.replicas];
      }),
    ),
    room,
    failures,
    permission,
    now,
  };
}

/** Those that a roll adds instances to. */
function growing(groups: readonly ZonedGroup[]): readonly ZonedGroup[] {
  return groups.filter((group) => byGeneration(group).old.length > 0);
}

function subnetsOf(groups: readonly ZonedGroup[]): string[] {
  return [...new Set(growing(groups).flatMap(({ subnets }) => subnets))];
}

/** What AWS says of groups that it gives fewer instances than they are to have. */
async function launchFailures(groups: readonly ZonedGroup[], { instances }: ClusterPorts): Promise<Map<string, LaunchFailure>> {
  const short = groups.filter((group) => group.desired > group.instances.filter(isLive).length);
  const failures = await Promise.all(short.map(async ({ name }) => [name, await instances.launchFailure(name)] as const));
  return new Map(failures.flatMap(([name, failure]) => (failure === undefined ? [] : [[name, failure] as const])));
}

function deferredBy({ deferred }: RollDecision, permission: Permission): Deferred | null {
  return deferred === 0 || permission.decision === 'go' ? null : { nodes: deferred, reason: permission.reason };
}

function doneReason({ rolled }: Counts, deferred: Deferred | null): string {
  if (deferred !== null) return `${deferred.nodes} nodes are left to a later update: ${deferred.reason}`;
  return `all ${rolled} instances are of the current version`;
}

/** Who blocks comes first: what has no room on the check is cut at the end. */
function told(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('; ');
}

/** What is done, what is waited for and for how long. */
function reasonOf({ doing, waits }: RollDecision, now: Date): string {
  const texts = [...doing.filter((text) => !waits.some(({ reason }) => reason === text)), ...waits.map((wait) => waitText(wait, now))];
  const more = texts.length - SHOWN;
  return `${texts.slice(0, SHOWN).join('; ')}${more > 0 ? `; and ${more} more` : ''}` || 'looking again';
}

function waitText({ reason, since }: Wait, now: Date): string {
  const seconds = since === undefined ? 0 : (now.getTime() - since.getTime()) / 1000;
  return seconds < TOLD_SECONDS ? reason : `${reason} (for ${durationText(seconds)})`;
}

/** @throws NotFoundError when the pool's stack made no group */
export async function poolGroup(cluster: string, pool: string, { instances }: Pick<ClusterPorts, 'instances'>): Promise<ZonedGroup> {
  const group = await instances.group(cluster, `pool-${pool}`);
  if (group === undefined) throw new NotFoundError(`no Auto Scaling group is tagged with ${cluster} and pool-${pool}`);
  return group;
}
