import { decideFence, FENCE, type Holder } from '#domain/fence.ts';
import { ClusterUnreachableError, ConflictError, LockHeldError, NotFoundError, RefusedError } from '#model/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';

/** Attempts of one compare-and-swap: nodes' and controllers' leases are others, so hardly anybody writes in between. */
const ATTEMPTS = 6;
/** What was looked at stays so for this long: a batch of hundreds of objects does not ask hundreds of times. */
const VALID_MILLISECONDS = 1000;

/**
 * Makes sure that the cluster has seen no later holder, and that it sees this one.
 * @throws LockHeldError when it has: whoever lost the lock must stop; ConflictError, ClusterUnreachableError
 */
export async function raiseFence(kubernetes: Pick<Kubernetes, 'get' | 'apply' | 'patch'>, holder: Holder): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const decision = decideFence(await kubernetes.get(FENCE), holder);
    if (decision.decision === 'holds') return;
    if (decision.decision === 'refuse') throw new LockHeldError(decision.reason);
    if (decision.decision === 'create') {
      const { outcome, reason } = await kubernetes.apply(decision.object);
      if (outcome !== 'created' && outcome !== 'changed' && outcome !== 'unchanged')
        throw new RefusedError(`the lock object ${FENCE.namespace}/${FENCE.name} was not made: ${outcome}: ${reason ?? 'no reason given'}`);
      continue;
    }
    try {
      await kubernetes.patch(FENCE, decision.patch);
      return;
    } catch (error) {
      // Somebody else raised it, or deleted it: look again.
      if (!(error instanceof ConflictError || error instanceof NotFoundError)) throw error;
    }
  }
  throw new ConflictError(`the lock object ${FENCE.namespace}/${FENCE.name} is written by too many at once; the step is tried again`);
}

/** Asked before each change by one step. @throws as raiseFence */
export type Guard = () => Promise<void>;

/**
 * A guard for one step. @param strict false: a cluster that can't be reached is no reason to stop, for changes of
 * instances, which may be what brings it back; the hub has looked at its own lock right before
 */
export function fenceGuard(kubernetes: () => Promise<Kubernetes>, holder: Holder, clock: Clock, strict: boolean): Guard {
  let looked: { readonly at: number; readonly result: Promise<void> } | undefined;
  return () => {
    const now = clock.now().getTime();
    if (looked === undefined || now - looked.at >= VALID_MILLISECONDS) looked = { at: now, result: look() };
    return looked.result;
  };

  async function look(): Promise<void> {
    try {
      await raiseFence(await kubernetes(), holder);
    } catch (error) {
      const unreachable = error instanceof ClusterUnreachableError || error instanceof NotFoundError;
      if (strict || !unreachable) throw error;
    }
  }
}

/** A port whose methods ask the guard first, but for those that only read. Whatever is added to a port later asks too. */
export function guarded<T extends object>(port: T, reads: ReadonlySet<string>, guard: Guard): T {
  return new Proxy(port, {
    get(target, name, receiver): unknown {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== 'function' || (typeof name === 'string' && reads.has(name))) return value;
      return async (...values: unknown[]): Promise<unknown> => {
        await guard();
        return Reflect.apply(value, target, values);
      };
    },
  });
}
