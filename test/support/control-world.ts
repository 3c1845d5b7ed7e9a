import { keys } from '#domain/names.ts';
import { clusterRef } from '#domain/waves.ts';
import type { CheckRef } from '#model/checks.ts';
import type { ChannelProof, ClusterRecord, RevisionEvidence } from '#model/records.ts';
import type { ResolveRevision } from '#model/resolve-revision.ts';
import type { ChannelFile, ClusterRef } from '#model/settings.ts';
import { createFakeChecks, type FakeChecks } from './fakes/checks.ts';
import { createFakeClock, type FakeClock } from './fakes/clock.ts';
import { createFakeExecutions, type FakeExecutions } from './fakes/executions.ts';
import { createFakeObjects, type FakeObjects } from './fakes/objects.ts';
import { channelFile, clusterRecord, gitId } from './fleet.ts';

export const REPOSITORY = { owner: 'acme', name: 'fleet' };
export const SETTINGS_COMMIT = gitId('5');
export const COMMIT = gitId('c');
export const OLD = gitId('a');
export const NEW = gitId('b');
export const AT = '2026-01-05T07:00:00.000Z';

/** The ports of control's steps in memory, and shorthands to put a fleet there. */
export interface ControlWorld {
  readonly objects: FakeObjects;
  readonly checks: FakeChecks;
  readonly executions: FakeExecutions;
  readonly clock: FakeClock;
  put(key: string, value: unknown): Promise<void>;
  read(key: string): unknown;
  settings(channels: readonly ChannelFile[], commit?: string): Promise<void>;
  record(entry: ChannelFile['clusters'][number], channel: string, revision: string, change?: Partial<ClusterRecord>): Promise<void>;
  evidence(revision: string, change?: Partial<RevisionEvidence>): Promise<void>;
  proof(channel: string, revision: string, change?: Partial<ChannelProof>): Promise<void>;
  /** The mark of a fleet that may begin. */
  found(): Promise<void>;
}

export function createControlWorld(): ControlWorld {
  const objects = createFakeObjects();
  const clock = createFakeClock();
  const put = (key: string, value: unknown) => objects.put(key, JSON.stringify(value));
  return {
    objects,
    clock,
    checks: createFakeChecks(objects, clock),
    executions: createFakeExecutions(),
    put,
    read: (key) => {
      const body = objects.contents()[key];
      return body === undefined ? undefined : JSON.parse(body);
    },
    settings: (channels, commit = SETTINGS_COMMIT) =>
      put(keys.settings(commit), {
        commit,
        files: channels.map((file) => ({ path: `channels/${file.channel}.yaml`, content: JSON.stringify(file) })),
      }),
    record: (entry, channel, revision, change) => put(keys.cluster(entry.name), clusterRecord(entry, channel, revision, change)),
    evidence: (revision, change) =>
      put(keys.evidence(revision), {
        revision,
        check: { pullRequest: 7, headSha: COMMIT, execution: 'pr-7', at: AT, channel: 'dev', baseRevision: OLD },
        equalIn: {},
        e2e: { execution: 'e2e-7', channel: 'dev', baseRevision: OLD, passed: 12, failed: 0, durationSeconds: 300, at: AT },
        ...change,
      }),
    proof: (channel, revision, change) =>
      put(keys.channelProof(channel, revision), {
        channel,
        revision,
        commit: COMMIT,
        rollout: 'rollout-0',
        basis: 'pull-request',
        clusters: [{ name: 'dev-1', execution: 'update-dev-1', backup: null, durationSeconds: 60 }],
        startedAt: AT,
        finishedAt: AT,
        ...change,
      }),
    found: () => put(keys.fleet(), { founded: AT, by: 'ann' }),
  };
}

export const ROLLOUT_CHECK: CheckRef = { repository: REPOSITORY, sha: COMMIT, name: 'sluice / rollout' };

export function resolved(change: Partial<ResolveRevision> = {}): ResolveRevision {
  return {
    decision: 'start',
    reason: 'pull-request',
    waitSeconds: 0,
    rolloutId: 'rollout-1',
    kind: 'channel',
    channel: 'beta',
    revision: NEW,
    commit: COMMIT,
    basis: 'pull-request',
    settingsCommit: SETTINGS_COMMIT,
    mergedPullRequest: 7,
    mergedBy: 'ann',
    heads: {},
    check: ROLLOUT_CHECK,
    ...change,
  };
}

/** dev, alpha and beta, all at OLD and proven there; NEW is proven in alpha. */
export async function putFleet(world: ControlWorld, betaClusters = 3, beta: Partial<ChannelFile> = {}): Promise<ChannelFile> {
  const slots = [
    { account: '200000000091', region: 'eu-central-1', network: '10.241.0.0/16' },
    { account: '200000000092', region: 'eu-central-1', network: '10.242.0.0/16' },
  ];
  const dev = channelFile('dev', 1, { e2e: { suites: ['conformance'], slots } });
  const alpha = channelFile('alpha', 1, { follows: 'dev' });
  const file = channelFile('beta', betaClusters, { follows: 'alpha', ...beta });
  await world.settings([dev, alpha, file]);
  for (const channel of [dev, alpha, file]) {
    await world.proof(channel.channel, OLD, { basis: 'genesis' });
    for (const entry of channel.clusters) await world.record(entry, channel.channel, OLD);
  }
  await world.evidence(NEW);
  await world.proof('alpha', NEW);
  return file;
}

export function refOf(file: ChannelFile, index: number): ClusterRef {
  const entry = file.clusters[index];
  if (entry === undefined) throw new Error(`${file.channel} has no cluster ${index}`);
  return clusterRef(entry, file);
}

/** When the executions of tests began: the fake clock's beginning. */
const STARTED_AT = '2026-01-05T08:00:00.000Z';

/** Runs a step as the handler does: input and output parsed by its schemas, the execution's start among the input. */
export async function runStep<I, O, P>(
  step: {
    input: { parse(value: unknown): I };
    output: { parse(value: unknown): O };
    run(input: I, ports: P, context: { execution: string }): Promise<O>;
  },
  input: unknown,
  ports: P,
  execution = 'execution-1',
): Promise<O> {
  return step.output.parse(
    await step.run(step.input.parse(isObject(input) ? { startedAt: STARTED_AT, ...input } : input), ports, { execution }),
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
