import * as z from 'zod';
import type { Manifest } from '../model/render.ts';
import type { ObjectId } from '../ports/kubernetes.ts';

/** The lock object inside of a cluster: the greatest fencing number that changed it, and whose it was. */
export const FENCE: ObjectId = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: 'kube-system', name: 'sluice' };

/** Who changes a cluster: an execution and the number that its lock of the cluster has. */
export interface Holder {
  readonly execution: string;
  readonly fence: number;
}

export type FenceDecision =
  /** This holder's number is the greatest that the cluster has seen. */
  | { readonly decision: 'holds' }
  /** No such object yet: make one without a number, then look again. */
  | { readonly decision: 'create'; readonly object: Manifest }
  /** Written only if the object is still as it was read. */
  | { readonly decision: 'raise'; readonly patch: unknown }
  | { readonly decision: 'refuse'; readonly reason: string };

const Seen = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string().optional() }),
  spec: z.looseObject({ leaseTransitions: z.int().default(0), holderIdentity: z.string().nullish() }).default({ leaseTransitions: 0 }),
});

/**
 * May this holder still change the cluster? The number only grows; who has a smaller one than the cluster has seen is an
 * earlier holder that does not know yet. A number of two executions can't be: then the hub's locks were lost.
 */
export function decideFence(lease: Manifest | undefined, { execution, fence }: Holder): FenceDecision {
  // Without a number of its own: two that make it at once make the same, and neither lowers the other's.
  if (lease === undefined) {
    const labels = { 'app.kubernetes.io/managed-by': 'sluice' };
    const metadata = { name: FENCE.name, namespace: FENCE.namespace, labels };
    return { decision: 'create', object: { apiVersion: FENCE.apiVersion, kind: FENCE.kind, metadata } };
  }
  const { metadata, spec } = Seen.parse(lease);
  const holder = spec.holderIdentity ?? 'nobody';
  if (spec.leaseTransitions > fence || (spec.leaseTransitions === fence && holder !== execution))
    return {
      decision: 'refuse',
      reason: `the cluster was changed by ${holder} with number ${spec.leaseTransitions}; ${execution} has number ${fence} and stops here`,
    };
  if (spec.leaseTransitions === fence) return { decision: 'holds' };
  const patch = { metadata: { resourceVersion: metadata.resourceVersion }, spec: { holderIdentity: execution, leaseTransitions: fence } };
  return { decision: 'raise', patch };
}
