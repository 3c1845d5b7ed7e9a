import * as z from 'zod';
import { InputError } from '#model/errors.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import type { ClusterSideFunction, Reach } from '#ports/reach.ts';
import { parseAnswer } from './answers.ts';
import { backupChanges, TOLD_CHANGES } from './backup-changes.ts';
import { nodePermission, ROLL_STEP } from './node-permission.ts';

const Call = z.looseObject({ step: z.string(), execution: z.string(), input: z.looseObject({}) });
const WithCluster = z.object({ cluster: ClusterRef });
/** The e2e machine keeps the cluster where `claim-slot` put it. */
const WithSlot = z.object({ claimSlot: WithCluster });

/**
 * Sends a call of a step to the function of the cluster's account that has it, and answers what it answers,
 * as far as the step's schema knows it.
 * @throws InputError when the state's data names no cluster, or the answer has another shape; the step's own error by its name
 */
export async function forward(
  call: unknown,
  ports: { readonly reach: Reach; readonly objects: ObjectStore; readonly clock: Clock },
  target: ClusterSideFunction,
): Promise<unknown> {
  const parsed = Call.safeParse(call);
  if (!parsed.success) throw new InputError('not a call of a step');
  const cluster = clusterOf(parsed.data.input);
  const payload = { ...parsed.data, input: { ...parsed.data.input, cluster, ...(await toldOf(parsed.data, cluster, ports)) } };
  return parseAnswer(parsed.data.step, await ports.reach.invoke(cluster, target, payload, parsed.data.execution));
}

/** What the hub alone knows and a step of an account must be told with each call. */
async function toldOf(
  { step, input }: z.infer<typeof Call>,
  cluster: ClusterRef,
  ports: { readonly objects: ObjectStore; readonly clock: Clock },
): Promise<object> {
  if (step === ROLL_STEP) return { permission: await nodePermission(cluster, input, ports) };
  if (TOLD_CHANGES.includes(step)) return { changes: await backupChanges(cluster, ports.objects) };
  return {};
}

function clusterOf(input: unknown): ClusterRef {
  const own = WithCluster.safeParse(input);
  if (own.success) return own.data.cluster;
  const slot = WithSlot.safeParse(input);
  if (slot.success) return slot.data.claimSlot.cluster;
  throw new InputError('the state has neither $.cluster nor $.claimSlot.cluster');
}
