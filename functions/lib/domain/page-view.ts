import type { PageChannel, PagePullRequest, PageRollout, PageView } from '#model/page.ts';
import type { ChannelFile, Settings } from '#model/settings.ts';
import { newestSucceeded } from './evidence.ts';
import { isHeld } from './lease.ts';
import { isInside, pageCluster } from './page-cluster.ts';
import { given, type PageFacts, type PullRequestFacts, problemsOf, type RolloutFacts } from './page-facts.ts';
import { isLive, pageRollout } from './page-rollout.ts';
import { petParts, petScore } from './pet-score.ts';

/** What to do first where no settings apply yet. */
const FIRST_FOUND = 'Write the mark of a new fleet, control/fleet.json (README, "Deploy to AWS"). Then push channels/*.yaml to main.';
const FIRST_SETTINGS = 'Push channels/*.yaml to main and channels/cluster/ to the branch of each channel: `sluice init` writes both.';

/** The page as data, of what could be read. What could not is said, never left out. */
export function pageView(facts: PageFacts): PageView {
  const { now, repository, url, newest, halt } = facts;
  const settings = given(facts.settings);
  const switched = given(halt);
  const state = !newest.known || !facts.settings.known ? 'unreadable' : settings === null ? 'empty' : 'running';
  return {
    at: now.toISOString(),
    repository: { ...repository, url },
    state,
    first: state === 'empty' ? (given(facts.founded) === true ? FIRST_SETTINGS : FIRST_FOUND) : '',
    settings: given(newest),
    halt: switched?.halted === true ? { by: switched.by, reason: switched.reason, at: switched.at } : null,
    problems: problemsOf([newest, facts.settings, halt, facts.founded, facts.pullRequests]),
    petScore: settings === null ? null : { ...petScore(settings), parts: petParts(settings) },
    channels: (settings?.channels ?? []).map((channel) => pageChannel(channel, facts)),
    rollouts: facts.rollouts.map((rollout) => pageRollout(rollout)).toSorted(byInterest),
    slots: slotsOf(settings, facts),
    pullRequests: (given(facts.pullRequests) ?? []).map(pagePullRequest),
  };
}

/** What is under way or failed first. */
function byInterest(left: PageRollout, right: PageRollout): number {
  const rank = ({ state }: PageRollout): number => ['under way', "can't be read", 'failed', 'superseded', 'succeeded'].indexOf(state);
  return rank(left) - rank(right);
}

function pageChannel(channel: ChannelFile, facts: PageFacts): PageChannel {
  const { now } = facts;
  const known = facts.channels.get(channel.channel);
  const proof = newestSucceeded(given(known?.proofs) ?? []);
  const target = targetOf(channel, facts, proof?.revision);
  const rollouts = facts.rollouts
    .filter((rollout) => concerns(rollout, channel))
    .map((rollout) => ({ facts: rollout, live: isLive(rollout) }));
  const context = { now, channel, target, halt: given(facts.halt), rollouts };
  const missing = { known: false, what: 'nobody looked' } as const;
  return {
    channel: channel.channel,
    branch: channel.branch,
    follows: channel.follows ?? null,
    target,
    proven: proof === undefined ? null : { revision: proof.revision, at: proof.finishedAt },
    hold: channel.hold ?? null,
    freezes: channel.freeze
      .filter(({ until }) => Date.parse(until) > now.getTime())
      .map((window) => ({ ...window, active: isInside(window.from, window.until, now) })),
    problems: problemsOf([known?.proofs, known?.genesis, known?.newest]),
    clusters: channel.clusters.map((entry) =>
      pageCluster(entry, facts.clusters.get(entry.name) ?? { stored: missing, lock: missing, backups: missing }, context),
    ),
  };
}

/** A hold, else the revision that was rolled out last, whatever became of it, else the newest proven, else the first. */
function targetOf(channel: ChannelFile, facts: PageFacts, proven: string | undefined): PageChannel['target'] {
  const known = facts.channels.get(channel.channel);
  if (channel.hold !== undefined) return { revision: channel.hold.revision, basis: 'hold' };
  if (known === undefined || !known.newest.known) return null;
  if (known.newest.value !== null) return { revision: known.newest.value.revision, basis: 'newest rollout' };
  if (!known.proofs.known) return null;
  if (proven !== undefined) return { revision: proven, basis: 'proven' };
  const genesis = given(known.genesis);
  return genesis === null ? null : { revision: genesis.revision, basis: 'genesis' };
}

/** A rollout of settings reaches the clusters that its waves name; one that is not planned yet may reach any. */
function concerns(rollout: RolloutFacts, { channel, clusters }: ChannelFile): boolean {
  if (rollout.channel !== null) return rollout.channel === channel;
  const waves = given(rollout.inputs)?.waves;
  return waves === undefined
    ? isLive(rollout)
    : waves.some((wave) => wave.clusters.some((name) => clusters.some((one) => one.name === name)));
}

function slotsOf(settings: Settings | null, { slots, now }: PageFacts): PageView['slots'] {
  return (settings?.channels ?? []).flatMap(({ channel, e2e }) =>
    (e2e?.slots ?? []).map(({ account }) => {
      const lock = slots.get(account);
      if (lock !== undefined && !lock.known) return { account, channel, holder: `can't be read: ${lock.what}`, until: null };
      const value = given(lock);
      const taken = value !== null && isHeld(value, now);
      return { account, channel, holder: taken ? value.holder : null, until: taken ? value.expiresAt : null };
    }),
  );
}

function pagePullRequest({ number, turn, check }: PullRequestFacts): PagePullRequest {
  const [problem] = problemsOf([turn, check]);
  const headSha = given(turn)?.headSha ?? null;
  if (problem !== undefined) return { number, headSha, state: "can't be read", title: problem, at: null };
  const wanted = given(check);
  if (wanted === null) return { number, headSha, state: 'no check yet', title: '', at: null };
  const { status, conclusion, title, startedAt, completedAt } = wanted;
  const state = status === 'completed' ? (conclusion ?? 'completed') : status === 'queued' ? 'queued' : 'under way';
  return { number, headSha, state: state.replaceAll('_', ' '), title, at: completedAt ?? startedAt };
}
