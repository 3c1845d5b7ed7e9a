import * as z from 'zod';
import { concernsDowngrade } from '#domain/etcd-downgrade.ts';
import type { HashComparison } from '#domain/etcd-health.ts';
import { decideEtcdRoll, type EtcdDecision, type EtcdObservation } from '#domain/etcd-roll.ts';
import { enforceDeadline, paced } from '#domain/pace.ts';
import { BackupManifest } from '#model/backup-records.ts';
import { Versions } from '#model/configuration.ts';
import { ConflictError, GateClosedError, NotFoundError } from '#model/errors.ts';
import { Timestamp } from '#model/primitives.ts';
import { Advance, advanced, waiting } from '#model/progress.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { Etcd, EtcdOf, MemberStatus } from '#ports/etcd.ts';
import type { Instances } from '#ports/instances.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import type { EtcdVolumes } from '#ports/volumes.ts';
import { mendLostMember } from './mend-lost-member.ts';
import { compareMembers, observeMembers } from './observe-members.ts';

export interface RollEtcdMembersPorts {
  readonly etcd: EtcdOf;
  readonly instances: Instances;
  readonly volumes: EtcdVolumes;
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

/** Acts of one look that are over at once: compare hashes, hand leadership over, begin or end a downgrade. */
const ACTS = 5;

/** `since`: when the present wait began; it begins anew with each replaced instance. */
const Output = Advance.extend({
  since: Timestamp,
  /** An instance was replaced, or seen on its way: the end compares the members' hashes. */
  changed: z.boolean(),
  /** etcd's own id, as a healthy member told it in this look. */
  clusterId: z.string().optional(),
});

const Input = z.object({
  cluster: ClusterRef,
  render: z.object({ versions: Versions }),
  backup: z.object({ id: z.string(), proven: z.boolean(), manifestKey: z.string() }).nullish(),
  rollEtcdMembers: z.object({ since: Timestamp, changed: z.boolean().default(false) }).nullish(),
  deadlineMinutes: z.int().min(1).default(15),
});
type Input = z.infer<typeof Input>;

interface Seen extends Omit<EtcdObservation, 'hashes' | 'changed'> {
  readonly seats: readonly Seat[];
  /** When the backup was taken all members were well. */
  readonly wellAt: Date | undefined;
}

type Seat = Awaited<ReturnType<typeof observeMembers>>['seats'][number];

/**
 * Brings etcd's instances to the launch template's version, one at a time. A member's volume outlives its instance; one whose
 * volume is lost on the way is let in anew as a learner.
 * @throws GateClosedError without a proven backup, at an alarm, when data is missing or differs or a version is not what it should
 * be: whoever is up stays up; DeadlineError, TransientError
 */
export const rollEtcdMembers = defineStep({
  name: 'roll-etcd-members',
  input: Input,
  output: Output,
  async run(input, ports: RollEtcdMembersPorts) {
    const now = ports.clock.now();
    const since = new Date(input.rollEtcdMembers?.since ?? now);
    const { decision, changed, clusterId } = await look(input, ports);
    const kept = { since: since.toISOString(), changed, ...(clusterId === undefined ? {} : { clusterId }) };
    if (decision.act === 'done') return { ...advanced(decision.reason), ...kept };
    if (decision.act === 'refuse') throw new GateClosedError(`etcd of ${input.cluster.name}: ${decision.reason}`);
    if (decision.act === 'terminate') {
      await ports.instances.terminate(decision.instance.id, false);
      return { ...waiting(paced(now, now), decision.reason), since: now.toISOString(), changed: true };
    }
    enforceDeadline(`etcd of ${input.cluster.name}`, since, now, input.deadlineMinutes, decision.reason);
    return { ...waiting(paced(since, now), decision.reason), ...kept };
  },
});

interface Looked {
  readonly decision: EtcdDecision;
  readonly changed: boolean;
  readonly clusterId?: string;
}

/** Looks and decides until something is to be awaited, after what is over at once was done. */
async function look(input: Input, ports: RollEtcdMembersPorts): Promise<Looked> {
  const etcd = await ports.etcd(input.cluster);
  let changed = input.rollEtcdMembers?.changed ?? false;
  let hashes: HashComparison | undefined;
  for (let acts = 0; ; acts += 1) {
    const seen = await observe(input, etcd, ports);
    changed ||= seen.groups.some(({ group }) => group?.instances.some(({ lifecycleState }) => lifecycleState !== 'InService'));
    const decision = decideEtcdRoll({ ...seen, hashes, changed });
    const told = clusterIdOf(seen.members);
    if (decision.act === 'wait') {
      const mending = await mend(input, seen, etcd, ports);
      return mending === undefined ? { decision, changed, ...told } : { decision: { act: 'wait', reason: mending }, changed: true };
    }
    if (acts === ACTS || !(await actAtOnce(etcd, decision))) return { decision, changed, ...told };
    if (decision.act === 'compare-hashes') hashes = await compareMembers(etcd, seen.members);
  }
}

function clusterIdOf(members: Seen['members']): { clusterId?: string } {
  const healthy = 'unreachable' in members ? undefined : members.find((member) => member.healthy);
  return healthy === undefined ? {} : { clusterId: healthy.clusterId };
}

async function mend({ cluster }: Input, seen: Seen, etcd: Etcd, ports: RollEtcdMembersPorts): Promise<string | undefined> {
  const { members, ...rest } = seen;
  return 'unreachable' in members ? undefined : mendLostMember(cluster.name, { ...rest, members }, etcd, ports.volumes);
}

/** False when there is nothing to do that is over at once. */
async function actAtOnce(etcd: Etcd, decision: EtcdDecision): Promise<boolean> {
  try {
    switch (decision.act) {
      case 'compare-hashes':
        return true;
      case 'move-leader':
        await etcd.moveLeader(decision.from.endpoint, decision.to.memberId);
        return true;
      case 'begin-downgrade':
        await etcd.downgrade(decision.endpoint, 'validate', decision.version);
        await etcd.downgrade(decision.endpoint, 'enable', decision.version);
        return true;
      case 'end-downgrade':
        await etcd.downgrade(decision.endpoint, 'cancel', decision.version);
        return true;
      default:
        return false;
    }
  } catch (error) {
    // Somebody else led meanwhile, or another call of this step did it already: the next look decides anew.
    if (error instanceof ConflictError) return false;
    throw error;
  }
}

async function observe({ cluster, render, backup }: Input, etcd: Etcd, ports: RollEtcdMembersPorts): Promise<Seen> {
  const wanted = render.versions.etcd;
  const [{ seats, members, committed }, stored] = await Promise.all([
    observeMembers(cluster, etcd, ports.instances),
    backup === null || backup === undefined ? undefined : readBackup(backup, ports.objects),
  ]);
  const clusterVersion = 'unreachable' in members ? '' : await versionOf(etcd, members, wanted);
  return { seats, groups: seats, members, committed, wanted, clusterVersion, backup: stored?.backup, wellAt: stored?.takenAt };
}

async function versionOf(etcd: Etcd, members: readonly MemberStatus[], wanted: string): Promise<string> {
  const asked = members.find(({ healthy }) => healthy);
  return asked !== undefined && concernsDowngrade(members, wanted) ? etcd.clusterVersion(asked.endpoint) : '';
}

async function readBackup(
  backup: { id: string; proven: boolean; manifestKey: string },
  objects: ObjectStore,
): Promise<{ backup: NonNullable<EtcdObservation['backup']>; takenAt: Date }> {
  const stored = await objects.get(backup.manifestKey);
  if (stored === undefined) throw new NotFoundError(`the manifest ${backup.manifestKey} of backup ${backup.id} is gone: take a new backup`);
  const manifest = BackupManifest.parse(JSON.parse(stored.body));
  const { clusterId, revision } = manifest.etcd;
  const proven = backup.proven && manifest.proven;
  return { backup: { id: manifest.id, proven, clusterId, revision }, takenAt: new Date(manifest.takenAt) };
}
