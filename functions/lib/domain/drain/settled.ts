import type { Pod } from '../../model/kubernetes.ts';
import { controllerOf, isFinished, isPodReady, isTerminating, mustLeave } from './pods.ts';
import type { RollFacts } from './view.ts';

const SHOWN = 3;

/**
 * Ready pods, in the whole cluster, of each controller that has a Ready pod on the node: so many are to be Ready again
 * before the node is ended. What was not Ready before can't become so by waiting; jobs are not waited for.
 */
export function awaitedOf(node: string, pods: readonly Pod[]): Map<string, number> {
  const there = pods.filter((pod) => pod.spec.nodeName === node && mustLeave(pod) && serves(pod));
  const controllers = there.flatMap((pod) => controllerOf(pod) ?? []).filter(({ kind }) => kind !== 'Job');
  return new Map(controllers.map(({ uid }) => [uid, ofController(uid, pods).filter(serves).length]));
}

/** Controllers that have fewer Ready pods than before the drain although they want as many, by the name of one of their pods. */
export function unsettledOf(awaits: ReadonlyMap<string, number>, { pods, replicas }: Pick<RollFacts, 'pods' | 'replicas'>): string[] {
  const unsettled = [...awaits].flatMap(([uid, before]) => {
    const own = ofController(uid, pods).filter((pod) => !isFinished(pod) && !isTerminating(pod));
    const wanted = Math.min(before, replicas.get(uid) ?? own.length);
    const ready = own.filter(isPodReady).length;
    if (ready >= wanted) return [];
    const controller = own.flatMap((pod) => (controllerOf(pod) === undefined ? [] : { pod, owner: controllerOf(pod) }))[0];
    const name = controller === undefined ? uid : `${controller.pod.metadata.namespace}/${controller.owner?.name ?? ''}`;
    return [`${name} (${ready} of ${wanted})`];
  });
  return unsettled.length > SHOWN ? [...unsettled.slice(0, SHOWN), `${unsettled.length - SHOWN} more`] : unsettled;
}

function ofController(uid: string, pods: readonly Pod[]): Pod[] {
  return pods.filter((pod) => controllerOf(pod)?.uid === uid);
}

function serves(pod: Pod): boolean {
  return isPodReady(pod) && !isTerminating(pod) && !isFinished(pod);
}
