import type { Plan, Source } from '#model/plan.ts';
import type { ChannelFile, ClusterEntry, ClusterRef, Settings } from '#model/settings.ts';
import type { Configuration } from './configuration.ts';
import { holdOf, newestSucceeded, short } from './evidence.ts';
import { canonicalJson } from './hash.ts';
import { codeSpan } from './markdown.ts';
import { type PlanSubject, planChange } from './plan.ts';
import type { FleetPast } from './plan-history.ts';
import { type ParsedPolicies, withPolicies } from './policies/own-policies.ts';
import type { ParsedSettings } from './settings.ts';
import { clusterRef, settingsHash } from './waves.ts';
import { placeOf, type ValuePath } from './yaml-source.ts';

/** What a change of settings does to one cluster. */
export interface SettingsMove {
  readonly kind: 'created' | 'decommissioned' | 'altered';
  readonly channel: string;
  /** What it has: undefined for a new cluster; the revision is null when nothing tells it. */
  readonly base: { readonly cluster: ClusterRef; readonly revision: string | null } | undefined;
  readonly head: { readonly cluster: ClusterRef; readonly revision: string | null } | undefined;
  readonly causes: readonly Source[];
  /** Set when a new cluster gets what its channel began with, as nothing is proven there yet. */
  readonly begins?: true;
}

type Past = Pick<FleetPast, 'records' | 'proofs' | 'begins'>;
type Channel = ParsedSettings['channels'][number];

/**
 * Clusters that a change of settings creates, deletes or alters, with the revision that each gets: that of its hold, else
 * the one that it runs, else the newest proven in its channel, else what that began with (as the rollout of settings decides it).
 */
export function settingsMoves(base: Settings, head: ParsedSettings, past: Past): SettingsMove[] {
  const before = entriesOf(base);
  return head.channels.flatMap((channel) =>
    channel.file.clusters.flatMap((entry, index) => {
      const move = moveOf(before.get(entry.name), { entry, channel: channel.file }, past);
      return move === undefined ? [] : [{ ...move, causes: causesOf(before.get(entry.name), channel, entry, index) }];
    }),
  );
}

interface Placed {
  readonly entry: ClusterEntry;
  readonly channel: ChannelFile;
}

function moveOf(old: Placed | undefined, { entry, channel }: Placed, past: Past): Omit<SettingsMove, 'causes'> | undefined {
  const record = past.records.get(entry.name);
  const proven = newestSucceeded(past.proofs.get(channel.channel) ?? [])?.revision;
  const begun = proven === undefined ? past.begins?.get(channel.channel) : undefined;
  const cluster = clusterRef(entry, channel);
  // Without a record, what a hold names is the best that is known of what the cluster runs.
  const held = old === undefined ? undefined : holdOf(old.entry, old.channel)?.revision;
  const runs = record?.revision ?? held ?? proven ?? begun ?? null;
  if (entry.state === 'decommission') {
    if (old?.entry.state === 'decommission') return undefined;
    return {
      kind: 'decommissioned',
      channel: channel.channel,
      base: { cluster: record?.cluster ?? cluster, revision: runs },
      head: undefined,
    };
  }
  const hold = holdOf(entry, channel)?.revision;
  const revision = hold ?? runs;
  const wanted = { cluster, revision };
  const begins = old === undefined && hold === undefined && begun !== undefined && revision === begun;
  if (old === undefined) return { kind: 'created', channel: channel.channel, base: undefined, head: wanted, ...(begins ? { begins } : {}) };
  const oldCluster = clusterRef(old.entry, old.channel);
  const same = settingsHash(oldCluster) === settingsHash(cluster) && old.entry.state === entry.state;
  const sameHold = held === hold;
  if (same && sameHold) return undefined;
  return { kind: 'altered', channel: channel.channel, base: { cluster: record?.cluster ?? oldCluster, revision: runs }, head: wanted };
}

/** The changed field of the entry, or the hold of its channel, or the entry. Changed policies have places of their own. */
function causesOf(old: Placed | undefined, { file, source }: Channel, entry: ClusterEntry, index: number): Source[] {
  const at = (path: ValuePath): Source => ({ path: source.path, line: placeOf(source, path).line, side: 'head' });
  if (old === undefined) return [at(['clusters', index])];
  const fields = ['state', 'hold', 'environment', 'account', 'region', 'network', 'etcdMembers', 'owner'] as const;
  const field = fields.find((name) => canonicalJson(old.entry[name] ?? null) !== canonicalJson(entry[name] ?? null));
  if (field !== undefined) return [at(['clusters', index, field])];
  if (canonicalJson(old.channel.hold ?? null) !== canonicalJson(file.hold ?? null)) return [at(['hold'])];
  return old.channel.policies === file.policies ? [at(['clusters', index])] : [];
}

function entriesOf(settings: Settings): Map<string, Placed> {
  return new Map(settings.channels.flatMap((channel) => channel.clusters.map((entry) => [entry.name, { entry, channel }] as const)));
}

/** Hashes of the fleet's own policies that a plan of these moves needs. */
export function policiesOf(moves: readonly SettingsMove[]): string[] {
  return [...new Set(moves.flatMap(({ base, head }) => [base?.cluster.policies ?? [], head?.cluster.policies ?? []].flat()))].sort();
}

/** Revisions whose configurations a plan of these moves needs. */
export function revisionsOf(moves: readonly SettingsMove[]): string[] {
  return [...new Set(moves.flatMap(({ base, head }) => [base?.revision ?? [], head?.revision ?? []].flat()))].sort();
}

/** The plan of the moves whose configurations are there; `unknown` are the others. @param policies the fleet's own, by hash */
export function planMoves(
  moves: readonly SettingsMove[],
  configurations: ReadonlyMap<string, Configuration>,
  policies: ReadonlyMap<string, ParsedPolicies> = new Map(),
): { readonly plan: Plan; readonly subjects: readonly PlanSubject[]; readonly unknown: readonly SettingsMove[] } {
  const unknown: SettingsMove[] = [];
  const subjects = moves.flatMap((move): PlanSubject[] => {
    const [base, head] = [sideOf(move.base, configurations, policies), sideOf(move.head, configurations, policies)];
    if ((move.base !== undefined && base === undefined) || (move.head !== undefined && head === undefined)) unknown.push(move);
    else if (head !== undefined) return [{ base, head, causes: move.causes }];
    else if (base !== undefined) return [{ base, head, causes: move.causes }];
    return [];
  });
  return { plan: planChange(subjects), subjects, unknown };
}

function sideOf(
  side: SettingsMove['base'],
  configurations: ReadonlyMap<string, Configuration>,
  policies: ReadonlyMap<string, ParsedPolicies>,
): PlanSubject['base'] {
  const configuration = side?.revision === null || side === undefined ? undefined : configurations.get(side.revision);
  if (side === undefined || configuration === undefined) return undefined;
  return { configuration: withPolicies(configuration, policies.get(side.cluster.policies ?? '')), cluster: side.cluster };
}

/** The moves as sentences, for the head of the plan. */
export function moveNotes(moves: readonly SettingsMove[], unknown: readonly SettingsMove[]): string[] {
  return moves.map((move) => {
    const name = `**${move.head?.cluster.name ?? move.base?.cluster.name ?? ''}**`;
    const why = unknown.includes(move)
      ? ' What that changes is not known here: no revision is proven in its channel yet, or its configuration is not kept or not valid any more.'
      : '';
    const which = move.begins === true ? 'what its channel begins with' : 'the newest revision proven in its channel';
    if (move.kind === 'created') return `${name} is created, at ${which}${at(move.head?.revision)}.${why}`;
    if (move.kind === 'decommissioned')
      return `${name} is deleted, after a final proven backup: all its stacks, instances and volumes.${why}`;
    const to = move.head?.revision ?? null;
    const moved = to !== null && to !== move.base?.revision ? `, and goes to ${short(to)}` : '';
    return `${name} gets other settings${moved}.${why}`;
  });
}

function at(revision: string | null | undefined): string {
  return revision === null || revision === undefined ? '' : ` (${short(revision)})`;
}

/** Fields of a channel file that change how rollouts go, not what a cluster gets, as people call them. */
const POLICY = {
  branch: 'branch',
  follows: 'channel that it follows',
  waves: 'waves',
  maxConcurrentClusters: 'clusters at a time',
  failureBudget: 'failure budget',
  soak: 'soak',
  freeze: 'freeze windows',
  hold: 'hold',
  backup: 'backups',
  e2e: 'e2e',
} as const;

/** What changes of the channels themselves, in words, each with its line. */
export function channelNotes(base: Settings, head: ParsedSettings): string[] {
  const before = new Map(base.channels.map((channel) => [channel.channel, channel]));
  const gone = base.channels.filter(({ channel }) => !head.channels.some(({ file }) => file.channel === channel));
  const changed = head.channels.flatMap(({ file, source }) => {
    const old = before.get(file.channel);
    if (old === undefined) return [`The channel **${file.channel}** is new (${source.path}).`];
    return Object.entries(POLICY).flatMap(([field, text]): string[] => {
      const [left, right] = [fieldOf(old, field), fieldOf(file, field)];
      if (canonicalJson(left) === canonicalJson(right)) return [];
      return [
        `Channel **${file.channel}**, ${text}: ${shown(left)} becomes ${shown(right)} (${source.path}:${placeOf(source, [field]).line}).`,
      ];
    });
  });
  return [...changed, ...gone.map(({ channel }) => `The channel **${channel}** is gone.`)];
}

function fieldOf(channel: ChannelFile, field: string): unknown {
  return new Map(Object.entries(channel)).get(field) ?? null;
}

/** Longest value that is told whole. */
const VALUE_SHOWN = 160;

function shown(value: unknown): string {
  if (value === null || (Array.isArray(value) && value.length === 0)) return 'none';
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : canonicalJson(value);
  return codeSpan(text.length <= VALUE_SHOWN ? text : `${text.slice(0, VALUE_SHOWN)}…`);
}
