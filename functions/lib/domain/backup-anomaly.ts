import type { BackupContent, BackupIndex, SuspiciousBackup } from '../model/backup-records.ts';
import type { Acknowledged, AnomalyLimits } from '../model/settings.ts';
import type { Known } from './may-start.ts';

/** Limits of a cluster that no channel file names. */
export const DEFAULT_LIMITS: AnomalyLimits = { sizeDrop: 30, countDrop: 30 };
/** Of fewer objects of a resource a share says nothing. */
const FEW_OBJECTS = 20;
/** Of a smaller database the last minutes of history, which compaction takes away, are most of it. */
const SMALL_BYTES = 8 * 1024 * 1024;
/** Findings that are told by their numbers; the others are counted. */
const TOLD = 8;
/** Where `limitCounts` sums up what it does not name. */
const OTHERS = '(others)';
/**
 * What controllers make and take away by themselves: at night, by scaling, or by its age. A loss of them is a loss of what they
 * are made from (workloads, node groups), which is counted.
 */
const COME_AND_GO: readonly string[] = [
  'certificatesigningrequests',
  'csinodes',
  'events',
  'jobs',
  'leases',
  'masterleases',
  'minions',
  'pods',
  'volumeattachments',
];

/**
 * What a backup lacks against an earlier one of the same cluster; empty when it is as expected. A restore or a new etcd cluster
 * is not known here: whoever makes one forgets what was compared (`withoutComparison`).
 */
export function judgeAnomaly(earlier: BackupContent, next: BackupContent, limits: AnomalyLimits = DEFAULT_LIMITS): string[] {
  const findings: string[] = [];
  if (next.clusterId !== earlier.clusterId) {
    findings.push(`it is of the etcd cluster ${next.clusterId}, the one before of ${earlier.clusterId}, and no restore is known`);
  }
  if (next.revision < earlier.revision) findings.push(`its revision went back from ${earlier.revision} to ${next.revision}`);
  findings.push(...sizeFindings(earlier, next, limits.sizeDrop));
  const counts = Object.entries(earlier.counts)
    .filter(([resource, count]) => count >= FEW_OBJECTS && resource !== OTHERS && !COME_AND_GO.includes(resource))
    .map(([resource, before]) => ({ resource, before, now: next.counts[resource] ?? mostUnnamed(next) }))
    .filter(({ before, now }) => droppedBy(before, now) >= limits.countDrop)
    .sort((left, right) => droppedBy(right.before, right.now) - droppedBy(left.before, left.now) || right.before - left.before)
    .map(({ resource, before, now }) => `${resource}: ${now} objects instead of ${before} (${percent(before, now)} less)`);
  findings.push(...counts.slice(0, TOLD));
  if (counts.length > TOLD) findings.push(`and ${counts.length - TOLD} more resources`);
  return findings;
}

function sizeFindings({ usedBytes: before }: BackupContent, { usedBytes: now }: BackupContent, limit: number): string[] {
  if (before === null || now === null || before < SMALL_BYTES || droppedBy(before, now) < limit) return [];
  return [`${megabytes(now)} MB in use instead of ${megabytes(before)} MB (${percent(before, now)} less)`];
}

/** Objects that a resource may have which is not named: as many as the least of those that are, where some are summed up. */
function mostUnnamed({ counts }: BackupContent): number {
  const named = Object.entries(counts).filter(([resource]) => resource !== OTHERS);
  return (counts[OTHERS] ?? 0) === 0 ? 0 : Math.min(...named.map(([, count]) => count));
}

/** In percent of what was there; negative for a growth. */
function droppedBy(before: number, now: number): number {
  return ((before - now) / before) * 100;
}

/** Cut, not rounded: 99.9 % is not all. */
function percent(before: number, now: number): string {
  return `${Math.floor(droppedBy(before, now))} %`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

export interface Judgement {
  readonly limits: AnomalyLimits;
  readonly acknowledged: readonly Acknowledged[];
  readonly now: Date;
}

/**
 * An index after one more proven backup was looked at. It is compared with the newest that was as expected, so that a loss does
 * not become the measure by being there for an hour; with a suspicious one only once that is acknowledged. What came late, or a
 * second time, changes nothing.
 */
export function withJudged(index: BackupIndex, content: BackupContent, { limits, acknowledged, now }: Judgement): BackupIndex {
  const waiting = index.suspicious ?? undefined;
  const accepted = waiting !== undefined && isAcknowledged(index.cluster, waiting, acknowledged, now);
  const compared = accepted ? waiting.content : (index.compared ?? undefined);
  const pending = accepted ? undefined : waiting;
  const newest = pending?.content ?? compared;
  if (newest !== undefined && Date.parse(newest.takenAt) >= Date.parse(content.takenAt)) return { ...index, ...state(compared, pending) };
  if (compared === undefined) return { ...index, ...state(content, undefined) };
  const findings = judgeAnomaly(compared, content, limits);
  if (findings.length === 0) return { ...index, ...state(content, undefined) };
  // No worse than the one that waits to be acknowledged: that one stays, or its id would change with every backup.
  if (pending !== undefined && judgeAnomaly(pending.content, content, limits).length === 0) {
    return { ...index, ...state(compared, pending) };
  }
  return { ...index, ...state(compared, { content, findings, comparedWith: compared.id }) };
}

function state(
  compared: BackupContent | undefined,
  suspicious: SuspiciousBackup | undefined,
): Pick<BackupIndex, 'compared' | 'suspicious'> {
  return { compared: compared ?? null, suspicious: suspicious ?? null };
}

/** An index after a restore: what comes next is not what was, and is the measure for those after it. */
export function withoutComparison(index: BackupIndex): BackupIndex {
  return { ...index, compared: null, suspicious: null };
}

/** The suspicious backup that nobody has acknowledged; undefined when there is none. */
export function openSuspicion(index: BackupIndex, acknowledged: readonly Acknowledged[], now: Date): SuspiciousBackup | undefined {
  const { suspicious } = index;
  if (suspicious === null || suspicious === undefined) return undefined;
  return isAcknowledged(index.cluster, suspicious, acknowledged, now) ? undefined : suspicious;
}

function isAcknowledged(cluster: string, { content }: SuspiciousBackup, acknowledged: readonly Acknowledged[], now: Date): boolean {
  return acknowledged.some((one) => one.cluster === cluster && one.backup === content.id && Date.parse(one.until) > now.getTime());
}

export interface AnomalyGate {
  readonly open: boolean;
  /** Why it is shut and what to do; empty when it is open. */
  readonly reason: string;
}

/** Whether a change of a cluster may rely on its backups: not while the newest lack something that nobody has said is right. */
export function anomalyGate(index: Known<BackupIndex | null>, acknowledged: readonly Acknowledged[], now: Date): AnomalyGate {
  if (!index.known) return { open: false, reason: `what is known of its backups can't be read: ${index.what}` };
  const found = index.value === null ? undefined : openSuspicion(index.value, acknowledged, now);
  if (found === undefined) return { open: true, reason: '' };
  return { open: false, reason: suspicionText(found) };
}

/** A suspicion and what to do, for a check, an alarm or a page. */
export function suspicionText({ content, findings, comparedWith }: SuspiciousBackup): string {
  return (
    `the backup ${content.id} is suspicious against ${comparedWith}: ${findings.join('; ')}. ` +
    'Find out what is missing. If it is right, say so in the channel file (backup.acknowledged) by a pull request'
  );
}
