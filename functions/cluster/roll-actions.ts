import { type BlockedPod, blockedPod } from '#domain/drain/blocked.ts';
import type { NodeAction } from '#domain/drain/decide.ts';
import { blockedReason, type ForcedDeletion, forcedEvent, isForced } from '#domain/drain/forced.ts';
import { forcedPatch, type NodePatch, oneByOnePatch } from '#domain/drain/marks.ts';
import type { EvictedPod } from '#domain/drain/node.ts';
import { ownerOf } from '#domain/drain/owners.ts';
import { nameOf } from '#domain/drain/pods.ts';
import { ConflictError, NotFoundError } from '#model/errors.ts';
import type { Instances } from '#ports/instances.ts';
import type { Eviction, Kubernetes } from '#ports/kubernetes.ts';
import { inParallel } from './in-parallel.ts';

/** Pods evicted in one round. */
const EVICTIONS = 40;

export interface Acted {
  /** False when nothing changed, so that looking again at once would be in vain. */
  progress: boolean;
  /** Pods that could not be evicted, and why. */
  blocked: BlockedPod[];
  forced: ForcedDeletion[];
}

type Evict = Extract<NodeAction, { type: 'evict' }>;

/** Does what was decided. */
export async function actOn(actions: readonly NodeAction[], kubernetes: Kubernetes, instances: Instances, now: Date): Promise<Acted> {
  const done: Acted = { progress: false, blocked: [], forced: [] };
  for (const action of actions) {
    if (action.type === 'evict') await (action.oneByOne ? evictOne(action, kubernetes, done, now) : evictAll(action, kubernetes, done));
    else {
      if (action.type === 'set-desired') await instances.setDesiredCapacity(action.group, action.desired);
      if (action.type === 'note') await instances.setNote(action.group, action.note);
      if (action.type === 'rebalance') await instances.setRebalance(action.group, action.on);
      if (action.type === 'terminate') await instances.terminate(action.instance, action.decrement);
      if (action.type === 'patch-node') await patchNode(action.node, action.patch, kubernetes);
      done.progress = true;
    }
  }
  return done;
}

function evict({ pod }: EvictedPod, kubernetes: Kubernetes): Promise<Eviction> {
  const { namespace, name, uid } = pod.metadata;
  return kubernetes.evict(namespace, name, uid === '' ? undefined : uid);
}

/** As long as one of them goes; then from now on one by one. */
async function evictAll({ node, pods }: Evict, kubernetes: Kubernetes, done: Acted): Promise<void> {
  const tried = pods.slice(0, EVICTIONS);
  const results = await inParallel(tried, (one) => evict(one, kubernetes));
  results.forEach((result, index) => {
    const one = tried[index];
    if (result.outcome === 'blocked' && one !== undefined) done.blocked.push(blockedPod(one.pod, result.reason));
  });
  if (results.every(({ outcome }) => outcome === 'blocked')) await patchNode(node, oneByOnePatch(), kubernetes);
  done.progress = true;
}

/** In turn, until one goes; what a budget forbids is deleted when the rules allow that. */
async function evictOne({ node, pods }: Evict, kubernetes: Kubernetes, done: Acted, now: Date): Promise<void> {
  for (const one of pods) {
    const result = await evict(one, kubernetes);
    if (result.outcome === 'blocked' && !isForced(result, one.force)) {
      done.blocked.push(blockedPod(one.pod, blockedReason(result, one.force)));
      continue;
    }
    if (result.outcome === 'blocked') await deleteByForce({ node, one, reason: result.reason, now }, kubernetes, done);
    done.progress = true;
    return;
  }
}

/** Noted first: on the node, for the spacing, and as an event of the pod. Only this very pod, not one that has its name by now. */
async function deleteByForce(
  { node, one, reason, now }: { node: string; one: EvictedPod; reason: string; now: Date },
  kubernetes: Kubernetes,
  done: Acted,
): Promise<void> {
  const { namespace, name, uid } = one.pod.metadata;
  const forced = { pod: nameOf(one.pod), node, owner: ownerOf(one.pod.metadata.labels) ?? null, at: now.toISOString() };
  const record: ForcedDeletion = { ...forced, reason: `${reason}; ${one.force.reason}` };
  await kubernetes.patch({ apiVersion: 'v1', kind: 'Node', name: node }, forcedPatch(now));
  await kubernetes.apply(forcedEvent(one.pod, record));
  await kubernetes.delete({ apiVersion: 'v1', kind: 'Pod', namespace, name }, uid === '' ? {} : { uid });
  done.forced.push(record);
}

/** A node that changed or went meanwhile is looked at again in the next round. */
async function patchNode(node: string, patch: NodePatch, kubernetes: Kubernetes): Promise<void> {
  try {
    await kubernetes.patch({ apiVersion: 'v1', kind: 'Node', name: node }, patch);
  } catch (error) {
    if (!(error instanceof ConflictError || error instanceof NotFoundError)) throw error;
  }
}
