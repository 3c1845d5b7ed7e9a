import type { BackupIndex } from '#model/backup-records.ts';
import type { PageChannel, PageCluster, PageState, PageWait } from '#model/page.ts';
import type { ClusterRecord, Halt, StoredCluster, Updating } from '#model/records.ts';
import type { ChannelFile, ClusterEntry } from '#model/settings.ts';
import { openSuspicion } from './backup-anomaly.ts';
import { backupCost } from './backup-cost.ts';
import { durationSeconds } from './duration.ts';
import { desiredRevision, holdOf, short } from './evidence.ts';
import { isHeld } from './lease.ts';
import { type ClusterFacts, given, type RolloutFacts } from './page-facts.ts';
import { clusterRef, settingsHash } from './waves.ts';

export interface ClusterContext {
  readonly now: Date;
  readonly channel: ChannelFile;
  readonly target: PageChannel['target'];
  readonly halt: Halt | null;
  /** Rollouts that are under way, or were the last. */
  readonly rollouts: readonly { readonly facts: RolloutFacts; readonly live: boolean }[];
}

/** One row of the page. Without a record of its own it says so; what can't be read is never taken for fine. */
export function pageCluster(entry: ClusterEntry, facts: ClusterFacts, context: ClusterContext): PageCluster {
  const { name, account, region, environment } = entry;
  const stored = given(facts.stored);
  const record = stored !== null && 'versions' in stored ? stored : null;
  const updating = stored !== null && 'updating' in stored ? (stored.updating ?? null) : null;
  const target = (entry.hold?.revision ?? context.target?.revision) || null;
  const state = stateOf(entry, facts, updating, target, context);
  return {
    name,
    account,
    region,
    environment,
    state,
    revision: record?.revision ?? null,
    target,
    kubernetes: record?.versions.kubernetes ?? null,
    etcd: record?.versions.etcd ?? null,
    updatedAt: record?.updatedAt ?? null,
    updating: updating && { execution: updating.execution, revision: updating.revision, since: updating.since },
    waits: waitsOf(entry, facts, updating, state, context),
    identityExpires: record?.identityExpires ?? null,
    ...backupsOf(record, facts.backups, context),
  };
}

/** Intervals without a proven backup that are shown as a fault; the alarm rings after three. */
const LATE_INTERVALS = 2;

function backupsOf(
  record: ClusterRecord | null,
  backups: ClusterFacts['backups'],
  { now, channel }: ClusterContext,
): Pick<PageCluster, 'suspicious' | 'backup' | 'drilledAt' | 'stored' | 'backupProblems'> {
  const index = given(backups);
  const ofUpdate = record === null || record.backup === null ? null : { id: record.backup, takenAt: backupTime(record.backup) };
  const scheduled = index?.newestProven ?? null;
  // Ids begin with their time.
  const backup = ofUpdate !== null && (scheduled === null || scheduled.id < ofUpdate.id) ? ofUpdate : scheduled;
  const problems: string[] = [];
  if (!backups.known) problems.push(`what is known of its backups can't be read: ${backups.what}`);
  if (index !== null && index.failures > 0) {
    problems.push(`${index.failures} failed since${index.lastFailure === null ? '' : `: ${index.lastFailure.reason}`}`);
  }
  const suspicion = index === null ? undefined : openSuspicion(index, channel.backup.acknowledged, now);
  const since = backup?.takenAt ?? record?.startedAt ?? record?.updatedAt;
  const late = since !== undefined && now.getTime() - Date.parse(since) > LATE_INTERVALS * durationSeconds(channel.backup.interval) * 1000;
  if (record !== null && late) problems.push(`none of the last two intervals of ${channel.backup.interval}`);
  const { result = null, failures: notRemoved = 0, reason = null } = index?.removal ?? {};
  if (notRemoved > 0) problems.push(`old ones were not removed: ${reason ?? 'no reason was told'}`);
  for (const told of (result?.unclear ?? 0) > 0 ? (result?.told ?? []) : []) problems.push(`not as it should be: ${told}`);
  const suspicious =
    suspicion === undefined ? null : { backup: suspicion.content.id, comparedWith: suspicion.comparedWith, findings: suspicion.findings };
  return {
    suspicious,
    backup,
    drilledAt: index?.newestDrilled?.takenAt ?? null,
    stored: storedOf(index, channel),
    backupProblems: problems,
  };
}

function storedOf(index: BackupIndex | null, channel: ChannelFile): PageCluster['stored'] {
  const result = index?.removal?.result ?? null;
  if (index === null || result === null) return null;
  const each = index.bytes ?? result.keptBytes / Math.max(1, result.kept);
  const cost = backupCost(each, durationSeconds(channel.backup.interval), { backups: result.kept, bytes: result.keptBytes });
  return { backups: result.kept, bytes: result.keptBytes, usdMonth: Math.round(cost.total * 100) / 100 };
}

function stateOf(
  entry: ClusterEntry,
  { stored, lock }: ClusterFacts,
  updating: Updating | null,
  target: string | null,
  { now, channel }: ClusterContext,
): PageState {
  if (!stored.known) return "can't be read";
  const value = stored.value;
  if (value === null) return 'never created';
  if ('deleted' in value) return 'deleted';
  const held = given(lock);
  // A lock that can't be read leaves open whether anybody works: the row says so.
  const atWork = !lock.known || (held !== null && updating !== null && held.holder === updating.execution && isHeld(held, now));
  if ('creating' in value) return atWork ? 'creating' : 'partly created';
  if (updating !== null) return atWork ? 'updating' : 'partly updated';
  if (target === null) return "can't be read";
  const isSame = value.revision === target && value.settingsHash === settingsHash(clusterRef(entry, channel));
  return isSame && value.nodesLater === undefined ? 'current' : 'behind';
}

function waitsOf(
  entry: ClusterEntry,
  facts: ClusterFacts,
  updating: Updating | null,
  state: PageState,
  context: ClusterContext,
): PageWait[] {
  const idle = state === 'current' || state === 'deleted';
  // Who was admitted is stopped by neither.
  const admitted = state === 'updating' || state === 'creating';
  const { stored } = facts;
  return [
    ...(stored.known ? [] : [wait(`can't be read: ${stored.what}`)]),
    ...(state === "can't be read" && stored.known ? [wait('nothing that can be read says what it should run')] : []),
    ...(entry.state === 'decommission' ? [wait('to be decommissioned; rollouts leave it out')] : []),
    ...held(entry, context),
    ...nodesLater(stored.known ? stored.value : null),
    ...(idle || admitted ? [] : [...halted(context), ...frozen(context)]),
    ...locked(facts, updating, context.now),
    ...(idle || state === "can't be read" ? [] : ofRollouts(entry, stored.known ? stored.value : null, state, context)),
  ];
}

/** A hold whose end has passed still holds. */
function held(entry: ClusterEntry, { channel, now }: ClusterContext): PageWait[] {
  const hold = holdOf(entry, channel);
  if (hold === undefined) return [];
  const { holdEnded } = desiredRevision(entry, channel, [], now);
  if (holdEnded !== null) return [wait(holdEnded)];
  const who = entry.hold === undefined ? `channel ${channel.channel}` : entry.name;
  return [wait(`${who} is held at ${short(hold.revision)} by ${hold.owner}: ${hold.reason}`, hold.until)];
}

function halted({ halt }: ClusterContext): PageWait[] {
  return halt?.halted === true ? [wait(`the fleet is halted by ${halt.by}: ${halt.reason}`, null, halt.at)] : [];
}

function frozen({ channel, now }: ClusterContext): PageWait[] {
  return channel.freeze
    .filter(({ from, until }) => isInside(from, until, now))
    .map(({ from, until, scope, reason }) =>
      wait(`${channel.channel} is frozen${scope === 'nodes' ? ' for what rolls nodes' : ''}: ${reason}`, until, from),
    );
}

/** Nodes that its last update left as they were. The next rollout that reaches it replaces them. */
function nodesLater(stored: StoredCluster | null): PageWait[] {
  if (stored === null || !('nodesLater' in stored) || stored.nodesLater === undefined) return [];
  const { nodes, reason } = stored.nodesLater;
  const is = nodes === 1 ? 'node is' : 'nodes are';
  return [wait(`${nodes} ${is} still of the generation before: ${reason}`, null, stored.updatedAt)];
}

function locked({ lock }: ClusterFacts, updating: Updating | null, now: Date): PageWait[] {
  if (!lock.known) return [wait(`its lock can't be read: ${lock.what}`)];
  if (lock.value === null || !isHeld(lock.value, now)) {
    return updating === null ? [] : [wait(`${updating.execution} began to change it and holds its lock no more: nobody works on it`)];
  }
  return lock.value.holder === updating?.execution ? [] : [wait(`locked by ${lock.value.holder}; the lease ends`, lock.value.expiresAt)];
}

/** What its rollout says of it: what the step at work waits for, how it failed, or which wave it is in. */
function ofRollouts(entry: ClusterEntry, stored: StoredCluster | null, state: PageState, context: ClusterContext): PageWait[] {
  const found = context.rollouts.flatMap(({ facts, live }) => ofRollout(entry, facts, live));
  if (found.length > 0) return found;
  if (state === 'updating' || state === 'creating' || entry.state === 'decommission') return [];
  if (context.rollouts.some(({ live }) => live)) return [wait('the rollout that is under way leaves it out, or is not planned yet')];
  const isRevision = stored !== null && 'revision' in stored && stored.revision === context.target?.revision;
  const what = isRevision && nodesLater(stored).length === 0 ? 'its settings changed and' : '';
  return [wait(`${what} no rollout is under way for it: re-run the check sluice / rollout`.trim())];
}

function ofRollout({ name }: ClusterEntry, { id, check, inputs, ledger }: RolloutFacts, live: boolean): PageWait[] {
  const failed = given(ledger)?.failed[name];
  if (failed !== undefined) return [wait(`failed in ${failed.execution}: ${failed.error}: ${failed.cause}`)];
  if (!live) return [];
  const lines = (given(check)?.progress ?? []).filter((line) => line.cluster === name);
  const last = lines.toSorted((left, right) => Date.parse(right.at) - Date.parse(left.at))[0];
  if (last !== undefined) return [wait(stepText(last), null, last.at)];
  const waves = given(inputs)?.waves ?? [];
  const index = waves.findIndex(({ clusters }) => clusters.includes(name));
  const wave = waves[index];
  return wave === undefined ? [] : [wait(`its turn in ${id}: wave ${index + 1} of ${waves.length}, ${wave.name}`)];
}

function stepText({ step, state, reason }: { step: string; state: string; reason?: string | undefined }): string {
  return `${step} ${state === 'waiting' ? 'waits' : state}${reason === undefined || reason === '' ? '' : `: ${reason}`}`;
}

export function isInside(from: string, until: string, now: Date): boolean {
  return Date.parse(from) <= now.getTime() && now.getTime() < Date.parse(until);
}

/** A backup's id begins with the time it was taken at. null when it does not. */
export function backupTime(id: string): string | null {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-/.exec(id);
  if (parts === null) return null;
  const [, year, month, day, hour, minute, second] = parts;
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
  return Number.isNaN(Date.parse(text)) ? null : text;
}

function wait(reason: string, until: string | null = null, since: string | null = null): PageWait {
  return { reason, until, since };
}
