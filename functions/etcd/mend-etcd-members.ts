import * as z from 'zod';
import { accountKeys } from '#domain/names.ts';
import { enforceDeadline, paced } from '#domain/pace.ts';
import { changeObject } from '#facts/stored.ts';
import { Timestamp } from '#model/primitives.ts';
import { Advance, advanced, waiting } from '#model/progress.ts';
import { RestoreOrder } from '#model/restore.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { EtcdOf } from '#ports/etcd.ts';
import type { Instances } from '#ports/instances.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import type { EtcdVolumes } from '#ports/volumes.ts';
import { mendLostMember } from './mend-lost-member.ts';
import { observeMembers } from './observe-members.ts';

export interface MendEtcdMembersPorts {
  readonly etcd: EtcdOf;
  readonly instances: Instances;
  readonly volumes: EtcdVolumes;
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

const Output = Advance.extend({ since: Timestamp });

/**
 * Lets a member that lost its volume in again, before a backup asks for all members to be well. Whatever else is wrong with
 * members is none of its business: the backup names it. @throws DeadlineError, ClusterUnreachableError, TransientError
 */
export const mendEtcdMembers = defineStep({
  name: 'mend-etcd-members',
  input: z.object({
    cluster: ClusterRef,
    /** When the record of the cluster was written: all was well then. null while it is created: there is no member to mend. */
    readWhatRuns: z.object({ current: z.object({ updatedAt: Timestamp }).nullable() }),
    mendEtcdMembers: Output.nullish(),
    lock: z.object({ fence: z.int() }).nullish(),
    deadlineMinutes: z.int().min(1).default(60),
  }),
  output: Output,
  async run(input, ports: MendEtcdMembersPorts) {
    const now = ports.clock.now();
    const since = new Date(input.mendEtcdMembers?.since ?? now);
    const current = input.readWhatRuns.current;
    if (current === null) return { ...advanced('the cluster is being created'), since: since.toISOString() };
    await endOrder(input.cluster.name, input.lock?.fence ?? 0, ports.objects);
    const etcd = await ports.etcd(input.cluster);
    const { seats, members, committed } = await observeMembers(input.cluster, etcd, ports.instances);
    const wellAt = new Date(current.updatedAt);
    const mending =
      'unreachable' in members
        ? undefined
        : await mendLostMember(input.cluster.name, { seats, members, committed, wellAt }, etcd, ports.volumes);
    const kept = { since: since.toISOString() };
    if (mending === undefined) return { ...advanced('no member has lost its data'), ...kept };
    enforceDeadline(`the lost member of etcd of ${input.cluster.name}`, since, now, input.deadlineMinutes, mending);
    return { ...waiting(paced(since, now), mending), ...kept };
  },
});

/** What a restore that stopped has left: instances that this update replaces must not obey it. */
async function endOrder(cluster: string, fence: number, objects: ObjectStore): Promise<void> {
  await changeObject(objects, accountKeys.restoreOrder(cluster), RestoreOrder, (there) =>
    there?.state === 'ordered' && there.fence < fence ? { ...there, state: 'done' as const } : undefined,
  );
}
