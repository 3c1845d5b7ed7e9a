import * as z from 'zod';
import { fenceGuard, guarded } from '#facts/fence.ts';
import { InputError } from '#model/errors.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { Instances } from '#ports/instances.ts';
import type { KubernetesOf } from '#ports/kubernetes.ts';
import type { StepCall } from './call.ts';
import { LOCKED_MACHINES } from './locked.ts';

/** Methods that change nothing; all others ask for the cluster's lock object first. */
export const READS = {
  kubernetes: new Set(['ready', 'probe', 'ask', 'version', 'get', 'getAll', 'list']),
  instances: new Set(['group', 'freeAddresses', 'launchFailure']),
} as const;

const WithLock = z.object({ cluster: ClusterRef, lock: z.object({ fence: z.int() }) });

interface Fenceable {
  readonly clock: Clock;
  readonly instances?: Instances;
}

/**
 * The ports of one call with the lock object of the cluster before each change: a step of a holder that lost its lock is
 * refused, however late it comes. Calls of machines that run under no lock are left alone.
 * @param kubernetes enters the cluster by its API, also for functions that have no such port
 * @throws InputError when the call lacks the number of its lock
 */
export function fencePorts<P extends Fenceable>(call: StepCall, ports: P, kubernetes: KubernetesOf): P {
  // What a restore throws away has no say in it: the hub's look at the lock and the order's own number hold back who lost it.
  if (!LOCKED_MACHINES.has(call.machine) || call.step === 'restore-members') return ports;
  const parsed = WithLock.safeParse(call.input);
  if (!parsed.success)
    throw new InputError(`${call.step} comes without the number of its lock; state machines and functions differ in version`);
  const { cluster, lock } = parsed.data;
  const holder = { execution: call.execution, fence: lock.fence };
  const enter = (): ReturnType<KubernetesOf> => kubernetes(cluster);
  const guard = (strict: boolean) => fenceGuard(enter, holder, ports.clock, strict);
  const fenced: KubernetesOf = async (ref) => guarded(await kubernetes(ref), READS.kubernetes, guard(true));
  return {
    ...ports,
    ...('kubernetes' in ports ? { kubernetes: fenced } : {}),
    ...(ports.instances === undefined ? {} : { instances: guarded(ports.instances, READS.instances, guard(false)) }),
  };
}
