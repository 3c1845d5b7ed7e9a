import * as z from 'zod';
import { decideEtcdRoll, type EtcdObservation } from '#domain/etcd-roll.ts';
import { etcdZones } from '#domain/network.ts';
import { ClusterUnreachableError, DeadlineError, GateClosedError, NotFoundError } from '#model/errors.ts';
import { Timestamp } from '#model/primitives.ts';
import { Advance, advanced, waiting } from '#model/progress.ts';
import { BackupManifest } from '#model/records.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { EtcdOf } from '#ports/etcd.ts';
import type { Instances } from '#ports/instances.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

export interface RollEtcdMembersPorts {
  readonly etcd: EtcdOf;
  readonly instances: Instances;
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

/** Seconds between two looks: an instance boots in a minute, a member in seconds. */
const LOOK_SECONDS = 5;

/** `since`: when the present wait began; it begins anew with each replaced instance. */
const Output = Advance.extend({ since: Timestamp });

const Input = z.object({
  cluster: ClusterRef,
  backup: z.object({ id: z.string(), proven: z.boolean(), manifestKey: z.string() }).nullish(),
  rollEtcdMembers: z.object({ since: Timestamp }).nullish(),
  deadlineMinutes: z.int().min(1).default(15),
});

/**
 * Brings etcd's instances to the launch template's version, one at a time; a member's volume outlives its instance.
 * @throws GateClosedError without a proven backup or when data is missing, DeadlineError, TransientError
 */
export const rollEtcdMembers = defineStep({
  name: 'roll-etcd-members',
  input: Input,
  output: Output,
  async run(input, ports: RollEtcdMembersPorts) {
    const now = ports.clock.now();
    const since = input.rollEtcdMembers?.since ?? now.toISOString();
    const decision = decideEtcdRoll(await observe(input, ports));
    if (decision.act === 'done') return { ...advanced(decision.reason), since };
    if (decision.act === 'refuse') throw new GateClosedError(`etcd of ${input.cluster.name}: ${decision.reason}`);
    if (decision.act === 'terminate') {
      await ports.instances.terminate(decision.instance.id, false);
      return { ...waiting(LOOK_SECONDS, decision.reason), since: now.toISOString() };
    }
    const minutes = (now.getTime() - Date.parse(since)) / 60_000;
    if (minutes > input.deadlineMinutes) {
      throw new DeadlineError(`etcd of ${input.cluster.name} is not healthy after ${input.deadlineMinutes} minutes: ${decision.reason}`);
    }
    return { ...waiting(LOOK_SECONDS, decision.reason), since };
  },
});

async function observe({ cluster, backup }: z.infer<typeof Input>, ports: RollEtcdMembersPorts): Promise<EtcdObservation> {
  const zones = etcdZones(cluster.environment);
  const [groups, members, baseline] = await Promise.all([
    Promise.all(zones.map(async (zone) => ({ zone, group: await ports.instances.group(cluster.name, `etcd-${zone}`) }))),
    readMembers(cluster, ports.etcd),
    backup === null || backup === undefined ? undefined : readBackup(backup, ports.objects),
  ]);
  return { groups, members, backup: baseline };
}

async function readMembers(cluster: ClusterRef, etcdOf: EtcdOf): Promise<EtcdObservation['members']> {
  try {
    return await (await etcdOf(cluster)).status();
  } catch (error) {
    // While an instance is replaced nobody answers; that is what this step waits for.
    if (error instanceof ClusterUnreachableError) return { unreachable: error.message };
    throw error;
  }
}

async function readBackup(
  backup: { id: string; proven: boolean; manifestKey: string },
  objects: ObjectStore,
): Promise<EtcdObservation['backup']> {
  const stored = await objects.get(backup.manifestKey);
  if (stored === undefined) throw new NotFoundError(`the manifest ${backup.manifestKey} of backup ${backup.id} is gone: take a new backup`);
  const manifest = BackupManifest.parse(JSON.parse(stored.body));
  const { clusterId, revision } = manifest.etcd;
  return { id: manifest.id, proven: backup.proven && manifest.proven, clusterId, revision };
}
