import { mayRollOut } from '#domain/evidence.ts';
import { SETTINGS_BRANCH } from '#domain/pull-request-kind.ts';
import { parseSettings } from '#domain/settings.ts';
import { lookAgainSeconds } from '#domain/wait-pace.ts';
import { isFounded, readEvidence, readGenesis, readProof, readProofs, readRecords } from '#facts/fleet.ts';
import { GateClosedError, InputError, NotFoundError } from '#model/errors.ts';
import { type RepositoryRef, Timestamp } from '#model/primitives.ts';
import { ResolveRevision } from '#model/resolve-revision.ts';
import type { ChannelFile } from '#model/settings.ts';
import { RolloutInput } from '#model/webhook.ts';
import type { Checks } from '#ports/checks.ts';
import type { Clock } from '#ports/clock.ts';
import type { GitHub, PullRequest } from '#ports/github.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { acceptedSettings, channelBranches, readSettings } from './settings.ts';
import { snapshotOf } from './snapshot-configuration.ts';

interface Ports {
  readonly github: GitHub;
  readonly objects: ObjectStore;
  readonly checks: Checks;
  readonly clock: Clock;
}

/** Seconds between two looks at a hold, in the first hour. */
const LOOK_AGAIN_SECONDS = 60;

/**
 * What a push means: which revision goes to which clusters, and whether it may. After this step a rollout needs GitHub
 * no more: revision, settings and the heads are pinned. @throws GateClosedError when the commit may not be rolled out
 */
export const resolveRevision = defineStep({
  name: 'resolve-revision',
  input: RolloutInput.extend({ startedAt: Timestamp }),
  output: ResolveRevision,
  async run({ repository, branch, commit, startedAt }, ports: Ports, { execution }) {
    const head = await ports.github.getBranchHead(repository, branch);
    const onMain = await readSettings(repository, ports);
    const check = { repository, sha: commit, name: 'sluice / rollout' };
    const none: Omit<ResolveRevision, 'reason'> = {
      decision: 'nothing',
      waitSeconds: 0,
      rolloutId: execution,
      kind: 'channel',
      channel: null,
      revision: null,
      commit,
      basis: 'pull-request',
      settingsCommit: onMain.commit,
      mergedPullRequest: null,
      mergedBy: null,
      heads: {},
      check,
    };
    if (head !== commit) return { ...none, reason: `${branch} moved on to ${head ?? 'nothing'}, which has a rollout of its own` };
    if (onMain.files.length === 0) return { ...none, reason: `${SETTINGS_BRANCH} has no channels/*.yaml yet` };
    const { settings, refused } = await acceptedSettings(repository, ports);
    const isOurs = branch === SETTINGS_BRANCH || channelBranches(settings ?? onMain).some((channel) => channel.branch === branch);
    if (!isOurs) return { ...none, reason: `${branch} is the branch of no channel` };
    if (settings === undefined || (branch === SETTINGS_BRANCH && refused !== null))
      throw new GateClosedError(refused ?? 'there are no settings to go by');
    const pinned = { ...none, settingsCommit: settings.commit };
    const parsed = parseSettings(settings);
    if (parsed.value === undefined)
      throw new InputError(`the settings of ${settings.commit} are not valid: ${parsed.findings[0]?.message ?? ''}`);
    const { channels } = parsed.value.settings;
    const channel = channels.find((candidate) => candidate.branch === branch);

    const merged = (await ports.github.pullRequestsOfCommit(repository, commit)).find((pull) => pull.merged && pull.baseRef === branch);
    const origin = { mergedPullRequest: merged?.number ?? null, mergedBy: merged?.mergedBy ?? null };
    if (channel === undefined) {
      await begin(ports.checks, check, 'Settings are going out', execution);
      const heads = await readHeads(repository, channels, ports);
      return {
        ...pinned,
        ...origin,
        decision: 'start' as const,
        reason: 'settings changed',
        kind: 'settings' as const,
        basis: 'settings' as const,
        heads,
      };
    }
    return {
      ...pinned,
      ...origin,
      ...(await resolveChannel(repository, channel, commit, merged, check, { execution, startedAt }, ports)),
      channel: channel.channel,
    };
  },
});

async function resolveChannel(
  repository: RepositoryRef,
  channel: ChannelFile,
  commit: string,
  merged: PullRequest | undefined,
  check: ResolveRevision['check'],
  { execution, startedAt }: { execution: string; startedAt: string },
  ports: Ports,
): Promise<Pick<ResolveRevision, 'decision' | 'reason' | 'waitSeconds' | 'revision' | 'basis'>> {
  const { objects } = ports;
  const revision = await snapshotOf(repository, commit, ports);
  const records = await readRecords(
    objects,
    channel.clusters.map((cluster) => cluster.name),
  );
  const decision = mayRollOut({
    channel,
    head: { commit, revision, mergedPullRequest: merged?.number ?? null },
    evidence: revision === null ? undefined : await readEvidence(objects, revision),
    ownProof: revision === null ? undefined : await readProof(objects, channel.channel, revision),
    upstreamProof: revision === null || channel.follows === undefined ? undefined : await readProof(objects, channel.follows, revision),
    hasProofs: (await readProofs(objects, channel.channel)).length > 0,
    genesis: (await readGenesis(objects, channel.channel))?.revision ?? null,
    isFounded: await isFounded(objects),
    running: [...records.values()].map((record) => record.revision),
    waivers: [],
    now: ports.clock.now(),
  });
  if (decision.decision === 'start') {
    if (channel.clusters.length === 0)
      return { decision: 'nothing', reason: `channel ${channel.channel} has no cluster`, waitSeconds: 0, revision, basis: decision.basis };
    await begin(ports.checks, check, `Rolling out to ${channel.channel}`, execution);
    return { decision: 'start', reason: decision.basis, waitSeconds: 0, revision, basis: decision.basis };
  }
  if (decision.decision === 'nothing')
    return { decision: 'nothing', reason: decision.reason, waitSeconds: 0, revision, basis: 'pull-request' };
  // Only another revision's hold ends by itself (a merge to main); what is unproven waits for nothing.
  if (channel.hold === undefined || channel.hold.revision === revision) throw new GateClosedError(decision.reason);
  await ports.checks.want({
    ref: check,
    status: 'in_progress',
    title: `Waiting: ${decision.reason}`.slice(0, 200),
    summary: decision.reason,
    execution,
  });
  const waitSeconds = lookAgainSeconds(LOOK_AGAIN_SECONDS, new Date(startedAt), ports.clock.now());
  return { decision: 'wait', reason: decision.reason, waitSeconds, revision, basis: 'pull-request' };
}

async function readHeads(repository: RepositoryRef, channels: readonly ChannelFile[], ports: Ports): Promise<ResolveRevision['heads']> {
  const heads: ResolveRevision['heads'] = {};
  for (const channel of channels) {
    const commit = await ports.github.getBranchHead(repository, channel.branch);
    if (commit === undefined)
      throw new NotFoundError(`channel ${channel.channel} names the branch ${channel.branch}, which does not exist`);
    const revision = await snapshotOf(repository, commit, ports);
    if (revision !== null) heads[channel.channel] = { commit, revision };
  }
  return heads;
}

async function begin(checks: Checks, ref: ResolveRevision['check'], title: string, execution: string): Promise<void> {
  await checks.want({ ref, status: 'in_progress', title, summary: 'The waves are being planned.', execution });
}
