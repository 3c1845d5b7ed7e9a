import type { ChannelProof, RevisionEvidence } from '#model/records.ts';
import type { ChannelFile, ClusterEntry } from '#model/settings.ts';
import { timeText } from './duration.ts';

/** What the repository says of one channel branch at one moment. `revision` is null when the tree has no `channels/cluster/`. */
export interface BranchFact {
  readonly commit: string;
  readonly revision: string | null;
  /** The merged pull request into this branch that the commit came from; null for a direct or forced push. */
  readonly mergedPullRequest: number | null;
}

/** A recorded waiver that lets a hotfix go to a channel before its upstream has proven it. */
export interface HotfixWaiver {
  readonly channel: string;
  readonly revision: string;
  readonly owner: string;
  readonly reason: string;
  readonly until: string;
}

/** What is recorded of one revision and one channel. */
export interface ProofFacts {
  readonly channel: Pick<ChannelFile, 'channel' | 'follows'>;
  readonly revision: string;
  /** `evidence/<revision>.json`. */
  readonly evidence: RevisionEvidence | undefined;
  /** Proof of this revision in this channel: it ran here before, so that going back to it is known. */
  readonly ownProof: ChannelProof | undefined;
  /** Proof of this revision in the channel that this one follows. */
  readonly upstreamProof: ChannelProof | undefined;
  /** Whether the channel has any proof at all. */
  readonly hasProofs: boolean;
  /** The revision that the channel began with; null when it has not begun. */
  readonly genesis: string | null;
  /** An operator said that a fleet may begin in this bucket. */
  readonly isFounded: boolean;
  /** Revisions that the channel's clusters run, by their records. */
  readonly running: readonly string[];
  readonly waivers: readonly HotfixWaiver[];
  readonly now: Date;
}

export type Basis = 'genesis' | 'pull-request' | 'proven-here' | 'hotfix';

export type Proven = { readonly proven: true; readonly basis: Basis } | { readonly proven: false; readonly reason: string };

/**
 * Is this revision proven for this channel? The gate of every start, keyed by content only. A channel of a founded fleet
 * that never began begins with what its branch holds (genesis), once; else our check must have succeeded for this tree,
 * with an e2e run or because it renders what this channel has proven, and a channel that follows another needs the proof
 * of that one, its own from before, or the hotfix way: e2e of its own and a recorded waiver.
 */
export function isProven(facts: ProofFacts): Proven {
  const { channel, revision, evidence } = facts;
  if (mayBegin(facts)) return { proven: true, basis: 'genesis' };
  if (facts.ownProof?.revision === revision && facts.ownProof.channel === channel.channel) return { proven: true, basis: 'proven-here' };
  if (evidence === undefined || evidence.revision !== revision) {
    if (isBlank(facts)) return { proven: false, reason: noHistory(`channel ${channel.channel}`) };
    return {
      proven: false,
      reason: `no successful check \`sluice\` for ${short(revision)}; open a pull request with this content and merge it`,
    };
  }
  if (evidence.e2e !== null && evidence.e2e.failed > 0) {
    return { proven: false, reason: `${evidence.e2e.failed} e2e tests of ${short(revision)} failed` };
  }
  if (evidence.e2e === null && evidence.equalIn[channel.channel] === undefined) {
    const reason = `the check of ${short(revision)} ran no e2e, since it changed nothing for ${evidence.check.channel}; for ${channel.channel} it needs an e2e run of its own: open a pull request with this content`;
    return { proven: false, reason };
  }
  if (channel.follows === undefined) return { proven: true, basis: 'pull-request' };
  const upstream = facts.upstreamProof;
  // A proof on which no cluster ran the revision proves nothing for those that follow.
  const ran = upstream !== undefined && upstream.clusters.length > 0;
  if (ran && upstream.revision === revision && upstream.channel === channel.follows) return { proven: true, basis: 'pull-request' };
  return hotfix(facts, evidence, channel.follows);
}

/** A channel begins once: a genesis that stopped half-way goes on with what it began with, and with nothing else. */
function mayBegin({ hasProofs, running, revision, genesis, isFounded }: ProofFacts): boolean {
  if (hasProofs || running.some((one) => one !== revision)) return false;
  return genesis === null ? isFounded : genesis === revision;
}

/** Nothing at all is known of the channel, and nobody said that it may begin. */
function isBlank({ hasProofs, running, genesis, isFounded }: ProofFacts): boolean {
  return !hasProofs && running.length === 0 && genesis === null && !isFounded;
}

/**
 * What a pull request to a channel is compared with, by plan, e2e and evidence: what its clusters run, which is what it has
 * proven last or else began with. The head of the branch may hold what never went out: a direct push that was refused, a
 * rollout that was halted. A change on top of it that renders nothing must not pass for proven.
 */
export function comparisonBase(head: string | null, proofs: readonly ChannelProof[], genesis: string | null): string | null {
  return newestSucceeded(proofs)?.revision ?? genesis ?? head;
}

function hotfix(facts: ProofFacts, evidence: RevisionEvidence, upstream: string): Proven {
  const { channel, revision, now } = facts;
  const waiver = facts.waivers.find(
    (one) => one.channel === channel.channel && one.revision === revision && Date.parse(one.until) > now.getTime(),
  );
  const missing = `${short(revision)} has not succeeded in ${upstream}`;
  if (waiver === undefined) return { proven: false, reason: `${missing}; roll it out there first, or record a waiver for a hotfix` };
  if (evidence.e2e === null || evidence.e2e.passed === 0)
    return { proven: false, reason: `${missing}, and a hotfix needs an e2e run of its own` };
  return { proven: true, basis: 'hotfix' };
}

export type RolloutDecision =
  | { readonly decision: 'start'; readonly basis: Basis }
  /** Everything runs it already. */
  | { readonly decision: 'nothing'; readonly reason: string }
  /** Red until something is merged, released or proven. */
  | { readonly decision: 'wait'; readonly reason: string };

export interface RolloutFacts extends Omit<ProofFacts, 'channel' | 'revision'> {
  readonly channel: Pick<ChannelFile, 'channel' | 'follows' | 'branch' | 'hold'>;
  readonly head: BranchFact;
}

/**
 * May the head of a channel branch be rolled out? It must be proven for the channel and have come from a merged pull
 * request (a channel's genesis excepted: it is taken over as found). A direct or forced push waits until a merged pull
 * request adopts it: the merge result is the head then, with a check for its content.
 */
export function mayRollOut(facts: RolloutFacts): RolloutDecision {
  const { channel, head, now } = facts;
  if (head.revision === null) return { decision: 'wait', reason: `branch ${channel.branch} has no channels/cluster/` };
  const { hold } = channel;
  if (hold !== undefined && hold.revision !== head.revision) {
    return { decision: 'wait', reason: holdReason(`channel ${channel.channel}`, hold, now) };
  }
  const proven = isProven({ ...facts, revision: head.revision });
  if (proven.proven && proven.basis === 'genesis') return { decision: 'start', basis: 'genesis' };
  if (head.mergedPullRequest === null) {
    const reason = `${short(head.commit)} was pushed to ${channel.branch} directly; it waits until a merged pull request adopts it`;
    return { decision: 'wait', reason };
  }
  return proven.proven ? { decision: 'start', basis: proven.basis } : { decision: 'wait', reason: proven.reason };
}

/** The proof of the rollout that finished last; later by id when two finished at once. undefined when nothing succeeded. */
export function newestSucceeded(proofs: readonly ChannelProof[]): ChannelProof | undefined {
  return proofs.toSorted(
    (left, right) => Date.parse(right.finishedAt) - Date.parse(left.finishedAt) || (right.rollout > left.rollout ? 1 : -1),
  )[0];
}

/** The hold that counts for a cluster: its own before its channel's. One whose end has passed still counts. */
export function holdOf(entry: Pick<ClusterEntry, 'hold'>, channel: Pick<ChannelFile, 'hold'>): ClusterEntry['hold'] {
  return entry.hold ?? channel.hold;
}

export interface Desired {
  /** null when nothing ever succeeded in the channel and nothing is held. */
  readonly revision: string | null;
  readonly basis: 'cluster-hold' | 'channel-hold' | 'channel';
  /** Set when a hold's end has passed: it still holds, and somebody must release or extend it. */
  readonly holdEnded: string | null;
}

/**
 * The revision that a cluster should run: a hold of the cluster, else of the channel, else the newest that succeeded in
 * the channel; never a branch head. An ended hold does not move by itself.
 */
export function desiredRevision(
  entry: Pick<ClusterEntry, 'name' | 'hold'>,
  channel: Pick<ChannelFile, 'channel' | 'hold'>,
  proofs: readonly ChannelProof[],
  now: Date,
): Desired {
  const hold = holdOf(entry, channel);
  if (hold === undefined) return { revision: newestSucceeded(proofs)?.revision ?? null, basis: 'channel', holdEnded: null };
  const [basis, who] =
    entry.hold === undefined ? (['channel-hold', `channel ${channel.channel}`] as const) : (['cluster-hold', entry.name] as const);
  const ended = Date.parse(hold.until) <= now.getTime();
  return { revision: hold.revision, basis, holdEnded: ended ? holdReason(who, hold, now) : null };
}

function holdReason(who: string, hold: NonNullable<ChannelFile['hold']>, now: Date): string {
  const at = `${who} is held at ${short(hold.revision)} by ${hold.owner}: ${hold.reason}`;
  return Date.parse(hold.until) > now.getTime()
    ? `${at}; until ${timeText(hold.until)}`
    : `${at}; the hold ended ${timeText(hold.until)}: release or extend it`;
}

/** First 12 hex digits, for people. */
export function short(id: string): string {
  return id.slice(0, 12);
}

/** Why nothing begins where nothing is recorded and nobody said that a fleet may begin. */
export function noHistory(what: string): string {
  return `the bucket holds no record of ${what}, nor the mark of a new fleet (control/fleet.json). If this fleet ran before, its records are lost: bring them back first (docs/recover.md, "Lost records"). For a new fleet write the mark (README, "Deploy to AWS")`;
}
