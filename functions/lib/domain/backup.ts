import type { LayerVerdict } from '../model/backup-records.ts';
import type { MemberStatus } from '../ports/etcd.ts';
import type { SpooledFile } from '../ports/files.ts';

export type Layer = LayerVerdict['layer'];

/** bbolt's page is a multiple of 512 and etcd appends 32 bytes of SHA-256, so a whole snapshot leaves 32. */
const PAGE_MULTIPLE = 512;
const TRAILER_BYTES = 32;
/** Resources listed by name; what is beyond is summed up, so that the counts fit into a state's data. */
const COUNTED_RESOURCES = 250;

/** What an update or a deletion puts before its own name to name the backups that it starts: the first, and one in its place once that is too old. */
const NESTED_BACKUPS = ['b-', 'b2-'];

/** The update or deletion that started this execution of `backup-etcd`; undefined for one by schedule or by hand. */
export function changeBehind(execution: string): string | undefined {
  const prefix = NESTED_BACKUPS.find((one) => execution.startsWith(one));
  return prefix === undefined ? undefined : execution.slice(prefix.length);
}

/** Which member a snapshot is taken from, and what speaks against taking one at all. */
export interface MemberChoice {
  readonly source: MemberStatus | undefined;
  /** Empty when all members are healthy; each names the member. */
  readonly problems: readonly string[];
}

/** A follower, by name; the leader only where it is alone: a snapshot costs its writes latency. */
export function chooseMember(members: readonly MemberStatus[]): MemberChoice {
  const problems = members.filter((member) => !member.healthy || member.alarms.length > 0).map(problemOf);
  const clusters = new Set(members.filter((member) => member.healthy).map((member) => member.clusterId));
  if (clusters.size > 1) problems.push(`the members belong to ${clusters.size} different etcd clusters`);
  if (members.length === 0) problems.push('etcd lists no member');
  const byName = [...members].filter((member) => member.healthy).sort((left, right) => (left.name < right.name ? -1 : 1));
  return { source: byName.find((member) => !member.leader) ?? byName[0], problems };
}

/**
 * Whose key-value hash a snapshot is compared with: the member that it came from, then the other followers. Never the
 * leader, whose writes would wait for it, but where the snapshot came from it.
 */
export function hashSources(members: readonly MemberStatus[], endpoint: string): MemberStatus[] {
  const own = members.filter((member) => member.endpoint === endpoint);
  const others = members.filter((member) => member.endpoint !== endpoint && member.healthy && !member.leader && !member.learner);
  return [...own, ...others];
}

function problemOf(member: MemberStatus): string {
  const reason = member.reason ?? (member.alarms.length > 0 ? member.alarms.join('; ') : 'not healthy');
  return `${member.name} (${member.endpoint === '' ? 'no address' : member.endpoint}): ${reason}`;
}

/** `<UTC yyyymmddThhmmssZ>-<first 12 hex digits of the SHA-256>`: in order of time, and named by content. */
export function backupId(takenAt: Date, sha256: string): string {
  const time = takenAt
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:]/g, '');
  return `${time}-${sha256.slice(0, 12)}`;
}

/** L1: the length of whole pages plus the trailer, and the trailer equal to the SHA-256 of all before it. */
export function trailerVerdict(file: SpooledFile, seconds: number): LayerVerdict {
  const rest = file.bytes % PAGE_MULTIPLE;
  if (file.bytes <= TRAILER_BYTES || rest !== TRAILER_BYTES) {
    return verdict('L1', 'fails', `${file.bytes} bytes leave ${rest} over pages of ${PAGE_MULTIPLE}; a whole snapshot leaves 32`, seconds);
  }
  if (file.trailer !== file.bodySha256) {
    return verdict('L1', 'fails', `the trailer ${file.trailer} is not the SHA-256 ${file.bodySha256} of the rest`, seconds);
  }
  return verdict('L1', 'holds', `${file.bytes} bytes, SHA-256 trailer equal`, seconds);
}

/** L4: what the bucket holds is what was taken. @param stored as it was read back, undefined when it is not there */
export function storedVerdict(
  taken: { readonly key: string; readonly bytes: number; readonly sha256: string },
  stored: { readonly bytes: number; readonly sha256: string } | undefined,
  seconds: number,
): LayerVerdict {
  if (stored === undefined) return verdict('L4', 'fails', `${taken.key} is not in the bucket`, seconds);
  if (stored.bytes !== taken.bytes || stored.sha256 !== taken.sha256) {
    const found = `${stored.bytes} bytes with SHA-256 ${stored.sha256}`;
    return verdict('L4', 'fails', `${taken.key} holds ${found} instead of ${taken.bytes} with ${taken.sha256}`, seconds);
  }
  return verdict('L4', 'holds', `${stored.bytes} bytes read back, SHA-256 equal`, seconds);
}

/** Revisions of the member right before and right after the snapshot was streamed. */
export interface Bracket {
  readonly from: number;
  readonly to: number;
}

/** What the file itself tells of its content, read without etcd. */
export interface FileContent {
  readonly hash: number;
  readonly compactRevision: number;
  /** Live keys by resource, as `countByResource` counts them. */
  readonly counts: Readonly<Record<string, number>>;
  /** Bytes of the pages in use. */
  readonly usedBytes?: number | undefined;
}

/**
 * L5: what the restored etcd says must lie between what the live one said before and after, and be what the file was read to
 * hold: the key-value hash at the same compaction, and the number of objects of each resource.
 */
export function restoredVerdict(
  restored: { revision: number; hash: number; compactRevision: number; keys: number; counts: Readonly<Record<string, number>> },
  bracket: Bracket,
  file: FileContent,
  seconds: number,
): LayerVerdict {
  const { revision, hash, compactRevision, keys, counts } = restored;
  if (revision < bracket.from || revision > bracket.to) {
    return verdict(
      'L5',
      'fails',
      `restored revision ${revision} lies outside ${bracket.from} to ${bracket.to} of the live member`,
      seconds,
    );
  }
  if (compactRevision === file.compactRevision && hash !== file.hash) {
    return verdict('L5', 'fails', `the restored etcd has the key-value hash ${hash}, the file ${file.hash}`, seconds);
  }
  const different = Object.keys({ ...counts, ...file.counts }).filter((name) => (counts[name] ?? 0) !== (file.counts[name] ?? 0));
  if (different.length > 0) {
    const shown = different.slice(0, 5).map((name) => `${counts[name] ?? 0} ${name} instead of ${file.counts[name] ?? 0}`);
    return verdict('L5', 'fails', `the restored etcd has ${shown.join(', ')}`, seconds);
  }
  return verdict('L5', 'holds', `boots at revision ${revision} with ${keys} keys, key-value hash ${hash}`, seconds);
}

export function verdict(layer: Layer, outcome: LayerVerdict['verdict'], reason: string, seconds: number): LayerVerdict {
  return { layer, verdict: outcome, reason, seconds: Math.round(seconds * 1000) / 1000 };
}

/** What "proven" asks for. A snapshot that was not restored is proven as a file; a gate asks for all layers. */
export function requiredLayers(drill: boolean): readonly Layer[] {
  return drill ? ['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6'] : ['L0', 'L1', 'L2', 'L3', 'L4'];
}

/**
 * Why a backup is not proven; empty when it is. Proven: each required layer was run and holds, and no layer at all
 * fails. A layer that was asked for and not run proves nothing.
 */
export function unproven(layers: readonly LayerVerdict[], required: readonly Layer[]): string[] {
  const missing = required
    .filter((layer) => !layers.some((entry) => entry.layer === layer))
    .map((layer) => `${layer} was not run: no verdict`);
  const bad = layers
    .filter((entry) => entry.verdict === 'fails' || (entry.verdict === 'not-run' && required.includes(entry.layer)))
    .map((entry) => `${entry.layer} ${entry.verdict === 'fails' ? 'fails' : 'was not run'}: ${entry.reason}`);
  const nothing = required.length === 0 ? ['no layer is required: nothing would be proven'] : [];
  return [...nothing, ...missing, ...bad];
}

/** Live keys per resource, the most frequent first; see `resourceOf`. */
export function countByResource(keys: Iterable<string>): Record<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) {
    const resource = resourceOf(key);
    counts.set(resource, (counts.get(resource) ?? 0) + 1);
  }
  return limitCounts(counts);
}

/** The most frequent first, and those beyond 250 as one sum. */
export function limitCounts(counts: Iterable<readonly [string, number]>): Record<string, number> {
  const ordered = [...counts].sort(([left, many], [right, few]) => few - many || (left < right ? -1 : 1));
  const rest = ordered.slice(COUNTED_RESOURCES).reduce((sum, [, count]) => sum + count, 0);
  return Object.fromEntries([...ordered.slice(0, COUNTED_RESOURCES), ...(rest === 0 ? [] : [['(others)', rest] as const])]);
}

/**
 * Resource of an API server's key: `/registry/pods/ns/name` is `pods`; groups with a dot and `services` keep two parts
 * (`apps.example.org/widgets`, `services/specs`).
 */
export function resourceOf(key: string): string {
  const [, , first = '', second] = key.split('/');
  if (second !== undefined && (first.includes('.') || first === 'services')) return `${first}/${second}`;
  return first === '' ? '(none)' : first;
}
