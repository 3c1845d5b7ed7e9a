import type { BackupIndex } from '../model/backup-records.ts';
import type { ClusterRecord } from '../model/records.ts';
import type { DataVersions, Orphans, RehearsalResult, RehearsalSubject } from '../model/rehearsal.ts';
import type { ClusterRef } from '../model/settings.ts';
import type { Served, ServedResource } from '../ports/api-drill.ts';
import { OWN_KEYS, servedVerdict } from './api-drill.ts';
import { hashOf } from './hash.ts';
import type { Known } from './may-start.ts';

/** Resources and clusters that are named of many. */
const SHOWN = 5;
/** Under this name `limitCounts` sums up what is beyond the resources that it names. */
const OTHERS = '(others)';

const DAY_MILLISECONDS = 86_400_000;
/**
 * An upgrade is rehearsed on no older backup. Each cluster has a drill a day: after a week without one something is wrong with its
 * backups, and what has since been installed in the cluster is not in them.
 */
const OLDEST_DAYS = 7;

/** Whether what reads this cluster's data becomes another version. One that is being deleted gets none. */
export function changesDataVersions(record: ClusterRecord, to: DataVersions): boolean {
  return record.deleting === undefined && (record.versions.kubernetes !== to.kubernetes || record.versions.etcd !== to.etcd);
}

/** A cluster that exists, and what is known of its backups; null before the first. */
export interface Rehearsable {
  readonly cluster: ClusterRef;
  readonly record: ClusterRecord;
  readonly backups: Known<BackupIndex | null>;
}

/** What an upgrade is rehearsed on. */
export interface ChosenRehearsal {
  readonly subject: RehearsalSubject;
  /** Why it is not to be rehearsed: its backup is too old. Of no other cluster there is a newer one then. */
  readonly stale: string | undefined;
  /** Clusters whose versions change and that would have come before, each with why it was not taken. */
  readonly passedOver: string;
}

/**
 * What an upgrade is rehearsed on: the newest restored and served backup of the first cluster, in the order of the channel's
 * file, whose versions change and which has one of the last days; without one, the newest that there is, as too old. Otherwise why
 * there is nothing.
 */
export function chooseRehearsal(clusters: readonly Rehearsable[], to: DataVersions, now: Date): ChosenRehearsal | string {
  const affected = clusters.filter(({ record }) => changesDataVersions(record, to));
  if (affected.length === 0) return 'no cluster that is there changes its version of Kubernetes or etcd';
  const drilled = affected.flatMap((one) => {
    const backup = one.backups.known ? one.backups.value?.newestDrilled : undefined;
    return backup === undefined || backup === null ? [] : [{ one, backup, days: daysOf(backup, now) }];
  });
  const fresh = drilled.find(({ days }) => days <= OLDEST_DAYS);
  const taken = fresh ?? drilled.toSorted((left, right) => left.days - right.days)[0];
  if (taken === undefined) {
    const unread = affected.flatMap(({ backups }) => (backups.known ? [] : [backups.what]));
    const names = affected.map(({ cluster }) => cluster.name);
    return [`no proven backup yet of ${listed(names)}`, ...(unread.length === 0 ? [] : [`can't be read: ${listed(unread)}`])].join('; ');
  }
  const { one, backup, days } = taken;
  const { kubernetes, etcd } = one.record.versions;
  const before = fresh === undefined ? affected.filter((other) => other !== one) : affected.slice(0, affected.indexOf(one));
  return {
    subject: { cluster: one.cluster, backup, from: { kubernetes, etcd }, to },
    stale:
      fresh === undefined
        ? `the newest restored backup is ${Math.floor(days)} days old (\`${backup.id}\` of ${one.cluster.name})`
        : undefined,
    passedOver: listed(before.map((other) => whyNotOn(other, now))),
  };
}

/** Why a cluster is not rehearsed on, with its name. */
function whyNotOn({ cluster, backups }: Rehearsable, now: Date): string {
  if (!backups.known) return `${backups.what} can't be read`;
  const backup = backups.value?.newestDrilled ?? undefined;
  if (backup === undefined) return `${cluster.name} has no proven backup yet`;
  return `the newest restored backup of ${cluster.name} is ${Math.floor(daysOf(backup, now))} days old`;
}

function daysOf({ takenAt }: RehearsalSubject['backup'], now: Date): number {
  return (now.getTime() - Date.parse(takenAt)) / DAY_MILLISECONDS;
}

/** Name of a rehearsal by its content: the same backup under the same versions has the same. */
export function rehearsalHash({ cluster, backup, to }: Pick<RehearsalSubject, 'cluster' | 'backup' | 'to'>): string {
  return hashOf({ account: cluster.account, cluster: cluster.name, backup: backup.id, kubernetes: to.kubernetes, etcd: to.etcd });
}

/** What was counted in the backup, and which versions it was written by and is served by. */
export interface RehearsalFacts {
  readonly revision: number;
  readonly counts: Readonly<Record<string, number>>;
  /** Version of the API server that serves the data today. */
  readonly today: string;
  readonly target: DataVersions;
  readonly seconds: number;
}

/**
 * What comes of a backup under the versions of a pull request. @param today the same data under today's API server; absent where
 * nobody asked it: then whether what is left unserved is served today is not known. @param unasked why it is absent
 */
export function judgeRehearsal(served: Served, today: Served | undefined, facts: RehearsalFacts, unasked = ''): RehearsalResult {
  const { target, seconds } = facts;
  const under = { version: target.kubernetes, writtenBy: facts.today, revision: facts.revision, seconds };
  const late = served.resources.filter(isLate);
  // What is served by nobody, and what nobody had the time to read, is told below.
  const l6 = servedVerdict({ ...served, unserved: {}, resources: served.resources.map(asIfRead) }, under);
  const orphans = today === undefined ? [] : orphansOf(served, today);
  const wrong = [
    ...(l6.verdict === 'holds' ? [] : [l6.reason]),
    ...countProblems(served, facts.counts),
    ...(orphans.length === 0 ? [] : [`of what is served today nobody serves ${told(orphans)}`]),
  ];
  const common = { orphans: orphans.slice(0, SHOWN), orphanedResources: orphans.length, seconds };
  if (wrong.length > 0) return { outcome: 'failed', reason: wrong.join('; '), ...common };
  if (late.length > 0) {
    const reason = `kube-apiserver ${target.kubernetes} was too slow for ${listed(late.map(({ name }) => name))}: ${late[0]?.problem ?? ''}`;
    return { outcome: 'not-rehearsed', reason, ...common };
  }
  const left = orphansOf(served, { unserved: {} });
  if (today === undefined && left.length > 0) {
    const reason = `kube-apiserver ${target.kubernetes} does not serve ${told(left)}; whether ${facts.today} does can't be told: ${unasked}`;
    return { outcome: 'not-rehearsed', reason, ...common };
  }
  const same = left.length === 0 ? '' : `; ${told(left)} are served neither today nor then`;
  return { outcome: 'passed', reason: `etcd ${target.etcd} and ${l6.reason}${same}`, ...common };
}

function isLate(resource: ServedResource): boolean {
  return resource.late === true;
}

/** Of a list that time ran out for nothing is known: it is no finding. */
function asIfRead(resource: ServedResource): ServedResource {
  if (!isLate(resource)) return resource;
  const { problem: _, late: __, ...read } = resource;
  return { ...read, missing: [], missingCount: 0, added: [], addedCount: 0 };
}

/** What nobody could try. */
export function notRehearsed(reason: string, seconds = 0): RehearsalResult {
  return { outcome: 'not-rehearsed', reason, orphans: [], orphanedResources: 0, seconds };
}

/** Resources that today's API server serves and the target's does not, those with the most objects first. */
function orphansOf(target: Pick<Served, 'unserved'>, today: Pick<Served, 'unserved'>): Orphans[] {
  return Object.entries(target.unserved)
    .filter(([resource]) => !Object.hasOwn(today.unserved, resource))
    .map(([resource, objects]) => ({ resource, objects }))
    .sort((left, right) => right.objects - left.objects || (left.resource < right.resource ? -1 : 1));
}

/** Keys that etcd has when it boots, against those that were counted in the backup. The API server's own are no objects. */
function countProblems({ resources, unserved }: Served, counts: Readonly<Record<string, number>>): string[] {
  const found = new Map<string, number>(Object.entries(unserved));
  for (const { prefix, stored } of resources) found.set(prefix, (found.get(prefix) ?? 0) + stored);
  // Beyond the named ones only the sum was kept: what is found and not named may be among them.
  const names = OTHERS in counts ? Object.keys(counts) : [...Object.keys(counts), ...found.keys()];
  const different = [...new Set(names)]
    .filter((name) => name !== OTHERS && !OWN_KEYS.has(name))
    .filter((name) => (found.get(name) ?? 0) !== (counts[name] ?? 0))
    .map((name) => `${found.get(name) ?? 0} ${name} instead of ${counts[name] ?? 0}`);
  return different.length === 0 ? [] : [`etcd boots with ${listed(different)}`];
}

function told(orphans: readonly Orphans[]): string {
  return listed(orphans.map(({ resource, objects }) => `${objects} of ${resource}`));
}

function listed(items: readonly string[]): string {
  const more = items.length - SHOWN;
  return `${items.slice(0, SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
