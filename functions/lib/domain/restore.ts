import type { RestoreOrder, RestoreRecord, RestoreRequest } from '../model/restore.ts';
import type { MemberStatus } from '../ports/etcd.ts';
import type { Instance, InstanceGroup } from '../ports/instances.ts';
import { etcdDoubt, etcdUnsettled, type HashComparison } from './etcd-health.ts';
import { isLive } from './instances.ts';
import { seatText } from './network.ts';
import { minorOf, minorSteps } from './version-steps.ts';

/**
 * By how much a restore raises the revision: more than clients can have seen since the backup (the example of etcd's disaster
 * recovery guide; a thousand writes a second for eleven days).
 */
export const REVISION_BUMP = 1_000_000_000;

/** What is true of a cluster while its etcd is restored. */
export interface RestoreObservation {
  readonly order: RestoreOrder;
  /** Each member's group, by its seat; undefined while there is none. */
  readonly groups: readonly { readonly seat: string; readonly group: InstanceGroup | undefined }[];
  /** That of the control plane, whose API servers remember what was before. */
  readonly controlPlane: InstanceGroup | undefined;
  readonly members: readonly MemberStatus[] | { readonly unreachable: string };
  readonly committed: number;
  readonly hashes: HashComparison | undefined;
}

export type RestoreDecision =
  | { readonly act: 'terminate'; readonly instances: readonly Instance[]; readonly reason: string }
  | { readonly act: 'compare-hashes'; readonly reason: string }
  | { readonly act: 'wait'; readonly reason: string }
  | { readonly act: 'refuse'; readonly reason: string }
  | { readonly act: 'done'; readonly clusterId: string; readonly reason: string };

/**
 * What to do next for a restore: everybody of before goes at once, members and control planes; their successors restore the
 * backup by themselves. At no time can old and new members both have a majority, since together they have no more seats than
 * one cluster. Done when all members are well, belong to a new cluster, and have the backup's data at the raised revision.
 */
export function decideRestore(seen: RestoreObservation): RestoreDecision {
  const { order, groups, controlPlane, members, committed } = seen;
  const absent = groups.find(({ group }) => group === undefined);
  if (absent !== undefined)
    return {
      act: 'refuse',
      reason: `the member in ${seatText(absent.seat)} has no Auto Scaling group: create the cluster's etcd stack first`,
    };
  const all = [...groups.flatMap(({ group }) => group?.instances ?? []), ...(controlPlane?.instances ?? [])];
  const fenced = all.filter(({ id }) => order.fenced?.includes(id));
  const living = fenced.filter(isLive);
  if (living.length > 0) return { act: 'terminate', instances: living, reason: `ends ${list(living)}, which knew the data of before` };
  if (fenced.length > 0) return { act: 'wait', reason: `${list(fenced)} of before end` };
  const coming = firstComing(groups);
  if (coming !== undefined) return { act: 'wait', reason: coming };
  if ('unreachable' in members) return { act: 'wait', reason: `the restored members do not answer yet: ${members.unreachable}` };
  const stranger = members.find(({ clusterId }) => clusterId !== '' && order.old.includes(decimalId(clusterId)));
  if (stranger !== undefined) {
    return {
      act: 'refuse',
      reason: `${stranger.name} answers for the etcd cluster of before (${stranger.clusterId}): its instance did not restore. Bring the etcd stack to a revision whose user data has /opt/sluice/restore`,
    };
  }
  const doubt = etcdDoubt(members, groups.length);
  if (doubt !== undefined) return { act: 'refuse', reason: doubt };
  const unsettled = etcdUnsettled(members, groups.length, committed);
  if (unsettled !== undefined) return { act: 'wait', reason: unsettled };
  return judgeData(seen, members);
}

function judgeData({ order, hashes }: RestoreObservation, members: readonly MemberStatus[]): RestoreDecision {
  const least = order.revision + order.bump;
  const behind = members.find(({ revision }) => revision < least);
  if (behind !== undefined) {
    return {
      act: 'refuse',
      reason: `${behind.name} is at revision ${behind.revision}; a restore of ${order.id} has at least ${least}: its data is not the backup's`,
    };
  }
  if (hashes === undefined) return { act: 'compare-hashes', reason: 'compares the key-value hashes' };
  if (hashes.state === 'different') return { act: 'refuse', reason: `${hashes.reason}: the members did not restore the same` };
  if (hashes.state === 'unknown') return { act: 'wait', reason: hashes.reason };
  const [{ clusterId } = { clusterId: '' }] = members;
  const reason = `${members.length} members are healthy as etcd cluster ${clusterId} from revision ${least} on; ${hashes.reason}`;
  return { act: 'done', clusterId, reason };
}

function firstComing(groups: RestoreObservation['groups']): string | undefined {
  for (const { seat, group } of groups) {
    const coming = group?.instances.find(({ lifecycleState }) => lifecycleState !== 'InService');
    if (coming !== undefined) return `instance ${coming.id} is ${coming.lifecycleState}`;
    if ((group?.instances.length ?? 0) < (group?.desired ?? 1)) return `the new instance of etcd in ${seatText(seat)} is not there yet`;
  }
  return undefined;
}

function list(instances: readonly Instance[]): string {
  return instances.map(({ id }) => id).join(', ');
}

/** An id of etcd, which its own tools write in hexadecimal and its JSON gateway in decimal digits. */
export function decimalId(hexadecimal: string): string {
  return BigInt(`0x${hexadecimal}`).toString();
}

/** The record of a restore as whoever has it first writes it. */
export function claimOf(claim: {
  readonly cluster: string;
  readonly restore: RestoreRequest;
  readonly commit: string;
  readonly execution: string;
  readonly now: Date;
}): RestoreRecord {
  const { cluster, commit, execution, now } = claim;
  const { id, backup, reason, dryRun = false } = claim.restore;
  return { cluster, id, backup, reason, dryRun, execution, commit, state: 'claimed', claimedAt: now.toISOString() };
}

/** What runs, and what a restore is asked of. */
export interface RestoreFacts {
  readonly cluster: string;
  readonly account: string;
  /** Versions by the cluster's record. */
  readonly kubernetes: string;
  readonly etcd: string;
  readonly now: Date;
}

interface Restorable {
  readonly id: string;
  readonly cluster: string;
  readonly account: string;
  readonly takenAt: string;
  readonly etcd: { readonly version: string };
  readonly kubernetes?: string | null | undefined;
}

/** Why a proven backup can't be restored to a cluster as it runs now; empty: it can. */
export function restoreProblems(manifest: Restorable, facts: RestoreFacts): string[] {
  const problems: string[] = [];
  if (manifest.cluster !== facts.cluster || manifest.account !== facts.account)
    problems.push(
      `it is of ${manifest.cluster} in ${manifest.account}, not of ${facts.cluster} in ${facts.account}: Secrets and identities in it are that cluster's`,
    );
  if (new Date(manifest.takenAt).getTime() > facts.now.getTime() + 5 * 60_000)
    problems.push(`it was taken at ${manifest.takenAt}, which is yet to come`);
  if (minorSteps(facts.etcd, manifest.etcd.version) > 0)
    problems.push(
      `etcd ${manifest.etcd.version} wrote it and ${facts.etcd} runs, which may not read it: roll out a revision with etcd ${minorOf(manifest.etcd.version)} first`,
    );
  const { kubernetes } = manifest;
  if (kubernetes != null && minorSteps(facts.kubernetes, kubernetes) > 0)
    problems.push(
      `Kubernetes ${kubernetes} wrote it and ${facts.kubernetes} runs, which may not read it: roll out a revision with Kubernetes ${minorOf(kubernetes)} first`,
    );
  return problems;
}
