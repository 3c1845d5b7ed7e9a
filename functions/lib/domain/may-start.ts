import type { Permission } from '#model/progress.ts';
import type { Halt, Ledger, Lock } from '#model/records.ts';
import type { ChannelFile, ClusterEntry, FreezeWindow } from '#model/settings.ts';
import { timeText } from './duration.ts';
import { holdOf } from './evidence.ts';
import { isHeld } from './lease.ts';
import { budgetReason, isBudgetSpent } from './ledger.ts';

/** Something read from the world, or what could not be read: then nothing starts. */
export type Known<T> = { readonly known: true; readonly value: T } | { readonly known: false; readonly what: string };

export function known<T>(value: T): Known<T> {
  return { known: true, value };
}

export function unknown(what: string): { readonly known: false; readonly what: string } {
  return { known: false, what };
}

export interface StartFacts {
  readonly cluster: string;
  readonly revision: string;
  /** Name of the `update-cluster` execution that would start: it may hold the cluster's lock already. */
  readonly execution: string;
  readonly now: Date;
  /** null when nobody ever halted the fleet. */
  readonly halt: Known<Halt | null>;
  /** The channel as the newest settings have it; null when it is gone. */
  readonly channel: Known<ChannelFile | null>;
  readonly ledger: Known<Ledger>;
  /** Is this revision proven for this channel, and if not, what is missing? */
  readonly gate: Known<{ readonly open: boolean; readonly reason: string }>;
  /** The newer rollout that covers this cluster too, or null. */
  readonly supersededBy: Known<string | null>;
  readonly lock: Known<Lock | null>;
  /** Would the update replace nodes or machines? Undefined when nobody looked: then it counts as yes. */
  readonly rollsNodes?: boolean;
}

export type StartDecision =
  | { readonly decision: 'allow'; readonly reason: string }
  /** Ask again. `until` is null when it is not known when the reason ends. */
  | { readonly decision: 'wait'; readonly reason: string; readonly until: string | null }
  | { readonly decision: 'refuse'; readonly reason: string; readonly why: Refusal };

/** `unread` and `gate` are failures; `budget` and `superseded` end the rollout; `skip` leaves this cluster out. */
export type Refusal = 'unread' | 'gate' | 'budget' | 'superseded' | 'skip';

/**
 * May this cluster start now? Asked before each cluster. Fails closed: what could not be read counts as a shut gate. What
 * ends the rollout is answered before what only delays it, so that nobody waits for a start that never comes.
 */
export function decideStart(facts: StartFacts): StartDecision {
  const { halt, channel, ledger, gate, supersededBy, lock } = facts;
  if (!ledger.known) return unread(ledger.what);
  if (ledger.value.started[facts.cluster] !== undefined) return { decision: 'allow', reason: 'admitted before' };
  if (isBudgetSpent(ledger.value)) return refuse('budget', budgetReason(ledger.value));
  if (!supersededBy.known) return unread(supersededBy.what);
  if (supersededBy.value !== null) return refuse('superseded', `the newer rollout ${supersededBy.value} covers this cluster`);
  if (!gate.known) return unread(gate.what);
  if (!gate.value.open) return refuse('gate', gate.value.reason);
  if (!halt.known) return unread(halt.what);
  if (halt.value?.halted === true) return wait(`the fleet is halted by ${halt.value.by}: ${halt.value.reason}`, null);
  if (!channel.known) return unread(channel.what);
  return withinSettings(facts, channel.value) ?? behindLock(facts, lock) ?? { decision: 'allow', reason: 'nothing is in the way' };
}

function withinSettings(facts: StartFacts, channel: ChannelFile | null): StartDecision | undefined {
  const entry = channel?.clusters.find(({ name }) => name === facts.cluster);
  if (channel === null || entry === undefined) return skip(`${facts.cluster} is in no channel file any more`);
  if (entry.state === 'decommission') return skip(`${facts.cluster} is to be decommissioned`);
  return held(facts, channel, entry) ?? frozen(facts, channel);
}

/** A hold whose end has passed still holds: nothing moves by itself. */
function held({ revision }: StartFacts, channel: ChannelFile, entry: ClusterEntry): StartDecision | undefined {
  const hold = holdOf(entry, channel);
  if (hold === undefined || hold.revision === revision) return undefined;
  const who = entry.hold === undefined ? `channel ${channel.channel}` : entry.name;
  return skip(`${who} is held at ${hold.revision.slice(0, 12)} by ${hold.owner}: ${hold.reason}`);
}

function frozen({ now, rollsNodes }: StartFacts, channel: ChannelFile): StartDecision | undefined {
  const windows = channel.freeze.filter((window) => {
    const { scope, nodes } = window;
    return isInside(window, now) && (scope === 'all' || (nodes !== 'later' && rollsNodes !== false));
  });
  const last = longest(windows);
  if (last === undefined) return undefined;
  return wait(`${channel.channel} is frozen until ${timeText(last.until)}: ${last.reason}`, last.until);
}

function isInside({ from, until }: FreezeWindow, now: Date): boolean {
  return Date.parse(from) <= now.getTime() && now.getTime() < Date.parse(until);
}

function longest(windows: readonly FreezeWindow[]): FreezeWindow | undefined {
  return windows.toSorted((left, right) => Date.parse(right.until) - Date.parse(left.until))[0];
}

export interface NodeFacts extends Pick<StartFacts, 'cluster' | 'revision' | 'now' | 'halt' | 'channel'> {
  /** When the roll gives up: a freeze that ends before is waited for. */
  readonly deadline: Date;
}

/**
 * May this cluster's update replace one node more? Asked before each. Nodes under way are finished: this is only about the
 * next one. What could not be read counts as no.
 */
export function decideNode(facts: NodeFacts): Permission {
  const { halt, channel, now, deadline } = facts;
  if (!halt.known) return noNode(`${halt.what} could not be read`);
  if (halt.value?.halted === true) return noNode(`the fleet is halted by ${halt.value.by}: ${halt.value.reason}`);
  if (!channel.known) return noNode(`${channel.what} could not be read`);
  const entry = channel.value?.clusters.find(({ name }) => name === facts.cluster);
  if (channel.value === null || entry === undefined) return noNode(`${facts.cluster} is in no channel file any more`);
  const hold = holdOf(entry, channel.value);
  if (hold !== undefined && hold.revision !== facts.revision)
    return noNode(`held at ${hold.revision.slice(0, 12)} by ${hold.owner}: ${hold.reason}`);
  const window = longest(channel.value.freeze.filter((one) => isInside(one, now)));
  if (window === undefined) return { decision: 'go' };
  const reason = `${channel.value.channel} is frozen until ${timeText(window.until)}: ${window.reason}`;
  const waits = window.nodes !== 'later' && Date.parse(window.until) < deadline.getTime();
  return { decision: waits ? 'wait' : 'later', reason };
}

function noNode(reason: string): Permission {
  return { decision: 'wait', reason };
}

function behindLock(facts: StartFacts, lock: Known<Lock | null>): StartDecision | undefined {
  if (!lock.known) return unread(lock.what);
  if (lock.value === null || lock.value.holder === facts.execution || !isHeld(lock.value, facts.now)) return undefined;
  return wait(`${facts.cluster} is being changed by ${lock.value.holder}`, null);
}

/**
 * Files that never replace a machine: manifests, deletions and tests. Everything else (templates, user data, versions,
 * pools) may. A cluster whose current files are not known counts as rolling.
 */
export function mayRollNodes(
  current: readonly { path: string; content: string }[] | undefined,
  next: readonly { path: string; content: string }[],
): boolean {
  if (current === undefined) return true;
  const before = rollingFiles(current);
  const after = rollingFiles(next);
  return before.size !== after.size || [...after].some(([path, content]) => before.get(path) !== content);
}

function rollingFiles(files: readonly { path: string; content: string }[]): Map<string, string> {
  const still = /^(components\/|tests\/|deletions\.yaml$)/;
  return new Map(files.filter(({ path }) => !still.test(path)).map(({ path, content }) => [path, content]));
}

function unread(what: string): StartDecision {
  return refuse('unread', `${what} could not be read; nothing starts on a guess`);
}

function refuse(why: Refusal, reason: string): StartDecision {
  return { decision: 'refuse', reason, why };
}

/** This cluster is left out; the others go on. */
function skip(reason: string): StartDecision {
  return refuse('skip', reason);
}

function wait(reason: string, until: string | null): StartDecision {
  return { decision: 'wait', reason, until };
}
