import * as z from 'zod';
import { accountKeys } from '#domain/names.ts';
import { Phase } from '#model/configuration.ts';
import { InputError, NotFoundError } from '#model/errors.ts';
import { Sha256, Timestamp } from '#model/primitives.ts';
import { Advance } from '#model/progress.ts';
import { Render, type RenderedComponent } from '#model/render.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Addresses } from '#ports/addresses.ts';
import type { Clock } from '#ports/clock.ts';
import type { Instances } from '#ports/instances.ts';
import type { KubernetesOf } from '#ports/kubernetes.ts';
import type { ObjectStore } from '#ports/objects.ts';
import type { Secrets } from '#ports/secrets.ts';

/** What the steps of this folder may touch. */
export interface ClusterPorts {
  readonly kubernetes: KubernetesOf;
  readonly instances: Instances;
  readonly addresses: Addresses;
  /** The bucket of the cluster's own account. */
  readonly objects: Pick<ObjectStore, 'get'>;
  /** Secrets Manager of the cluster's account. */
  readonly secrets: Pick<Secrets, 'getVersion'>;
  readonly clock: Clock;
}

const RenderRef = z.object({ hash: Sha256 });

/** Which cluster, and which render: `$.render`, or with `from` that of the e2e run's base or head. */
export const ClusterAndRender = z.object({
  cluster: ClusterRef,
  from: z.enum(['base', 'head']).optional(),
  render: RenderRef.optional(),
  base: z.object({ render: RenderRef }).optional(),
  head: z.object({ render: RenderRef }).optional(),
});
export type ClusterAndRender = z.infer<typeof ClusterAndRender>;

export const WithPhase = ClusterAndRender.extend({ phase: Phase });

/** What a waiting step keeps from look to look in its own result: when it began to wait. */
export const Awaiting = Advance.extend({ since: Timestamp });

/** When this wait began: as the last look said, unless that one was done. */
export function beganAt(previous: { done: boolean; since: string } | undefined, now: Date): Date {
  return previous === undefined || previous.done ? now : new Date(previous.since);
}

/** The render that the input names, from the account's bucket. @throws InputError, NotFoundError, TransientError */
export async function readRender(input: ClusterAndRender, objects: Pick<ObjectStore, 'get'>): Promise<Render> {
  const hash = (input.from === undefined ? input.render : input[input.from]?.render)?.hash;
  if (hash === undefined) throw new InputError(`the state has no $.${input.from === undefined ? '' : `${input.from}.`}render.hash`);
  const object = await objects.get(accountKeys.manifests(hash));
  if (object === undefined)
    throw new NotFoundError(`${accountKeys.manifests(hash)} is not in the account's bucket: deliver-render must run first`);
  return Render.parse(JSON.parse(object.body));
}

/**
 * Components that a phase applies. A new cluster has no phase before its control plane, so `system` covers that one
 * too; on an update those objects are unchanged by then.
 */
export function componentsOf(render: Render, phase: Phase): RenderedComponent[] {
  const phases: readonly Phase[] = phase === 'system' ? ['before-control-plane', 'system'] : [phase];
  return render.components.filter((component) => phases.includes(component.phase));
}
