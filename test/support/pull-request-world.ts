import { keys } from '#domain/names.ts';
import { WantedCheck } from '#model/checks.ts';
import { type FleetBranches, Lock, PullRequestTurn } from '#model/records.ts';
import type { Executions } from '#ports/executions.ts';
import { parseCall, runStep, type StepCall } from '#runtime/call.ts';
import { wrapCalls } from '#runtime/hub.ts';
import { chooseShape } from '../../functions/control/choose-shape.ts';
import { claimSlot } from '../../functions/control/claim-slot.ts';
import { collectResults } from '../../functions/control/collect-results.ts';
import { concludeE2e } from '../../functions/control/conclude-e2e.ts';
import { concludePullRequest } from '../../functions/control/conclude-pull-request.ts';
import { failPullRequest } from '../../functions/control/fail-pull-request.ts';
import { lock } from '../../functions/control/lock.ts';
import { releaseSlot } from '../../functions/control/release-slot.ts';
import { reportPlan } from '../../functions/control/report-plan.ts';
import { unlock } from '../../functions/control/unlock.ts';
import { findPullRequests } from '../../functions/github/find-pull-requests.ts';
import { readPullRequest } from '../../functions/github/read-pull-request.ts';
import { snapshotConfiguration } from '../../functions/github/snapshot-configuration.ts';
import { receive } from '../../functions/webhook/receive.ts';
import { type Execution, StartRefused } from './asl/execution.ts';
import { createWorld, type World } from './asl/world.ts';
import { REPOSITORY } from './control-world.ts';
import { createGitHubWorld, type GitHubWorld } from './github-world.ts';
import { goesOnAfterCancel, readDefinitions, UNAWARE } from './state-machines/definitions.ts';
import { answer as stubAnswer } from './state-machines/stub-fleet.ts';

/** Everything that a pull request's webhooks set in motion: the real webhook, machines, wrapper and steps of the hub. */
export interface PullRequestWorld {
  readonly github: GitHubWorld['github'];
  readonly machines: World;
  /** E2e clusters in the order of their making, and those that are there. */
  readonly made: readonly string[];
  readonly alive: ReadonlySet<string>;
  open(files: Readonly<Record<string, string | null>>): Promise<number>;
  /** Brings a delivery to the webhook; answers its status. */
  deliver(delivery: Delivered): Promise<number>;
  /** Lets virtual time pass while anything runs (seconds). */
  pass(seconds: number): Promise<void>;
  check(sha: string, name: string): ReturnType<GitHubWorld['checks']['wanted']>;
  turn(number: number): PullRequestTurn | undefined;
  /** What was seen on the way that must never be. */
  readonly problems: readonly string[];
  /** What merging would bring: revision of the base and of the merge result. */
  step(number: number): Promise<string>;
  /** Locks of clusters and slots that somebody holds. */
  heldLocks(): string[];
}

export interface Delivered {
  readonly event: string;
  readonly payload: object;
}

const INSTALLATION = 42;

/** Real steps, each by its own schemas; what talks to clusters and renders is a stub that keeps account of clusters. */
const STEPS = [
  ...[findPullRequests, readPullRequest, snapshotConfiguration, reportPlan, concludePullRequest, failPullRequest],
  ...[claimSlot, releaseSlot, chooseShape, collectResults, concludeE2e, lock, unlock],
];
const DEFINITIONS = readDefinitions();
const GOES_ON = goesOnAfterCancel();
const PLAN = 'a'.repeat(64);
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

export async function createPullRequestWorld(): Promise<PullRequestWorld> {
  const slots = [{ account: '300000000001', region: 'eu-central-1', network: '10.240.0.0/16' }];
  const base = await createGitHubWorld({ dev: { e2e: { suites: ['conformance'], slots } } });
  await base.put(keys.plan(PLAN), 'The plan.');
  const made: string[] = [];
  const watch = createWatch((machine, name) => machines.find(machine, name), base.objects.contents);
  const clusters = new Map<string, string>();
  const asked = new Map<string, number>();
  let sleep: (seconds: number) => Promise<void> = async () => undefined;

  const machines = createWorld({
    machines: DEFINITIONS,
    task: async (call) => {
      sleep = call.sleep;
      return watch.over(call.payload, () => (call.target === UNAWARE ? run(parseCall(call.payload), ports) : handle(call.payload)));
    },
  });
  const executions = executionsOf(machines);
  const ports = {
    ...base,
    executions,
    planAddress: (hash: string) => `https://page.test/plans/${hash}`,
    pause: (seconds: number) => sleep(seconds),
  };
  const run = async (call: StepCall, given: typeof ports): Promise<unknown> =>
    STEPS.some(({ name }) => name === call.step) ? runStep(STEPS as never, call, given) : stub(call, { made, clusters, asked });
  const handle = wrapCalls(
    run,
    async () => ports,
    () => SILENT,
  );
  const webhook = {
    executions,
    verify: async () => true,
    installationId: INSTALLATION,
    repository: REPOSITORY,
    async fleetBranches() {
      const known = base.read(keys.fleetBranches()) as FleetBranches | undefined;
      return known === undefined ? undefined : new Set(known.branches);
    },
    log: SILENT,
  };

  return {
    github: base.github,
    machines,
    made,
    problems: watch.problems,
    async step(number) {
      const { mergeCommitSha } = await base.github.getPullRequest(REPOSITORY, number);
      const merge = await base.github.getCommit(REPOSITORY, mergeCommitSha ?? '');
      const sides = [merge.parents[0] ?? '', merge.sha].map((commit) => revisionOf(base.github, commit));
      return (await Promise.all(sides)).join(' -> ');
    },
    get alive() {
      return new Set(clusters.keys());
    },
    open: (files) => base.open('dev', files),
    async deliver({ event, payload }) {
      const common = { repository: { name: REPOSITORY.name, owner: { login: REPOSITORY.owner } }, installation: { id: INSTALLATION } };
      const body = JSON.stringify({ ...payload, ...common, sender: { login: 'operator' } });
      return (await receive({ headers: { 'x-github-event': event, 'x-hub-signature-256': 'x' }, body }, webhook)).statusCode;
    },
    async pass(seconds) {
      const end = machines.now() + seconds * 1000;
      await machines.until(() => machines.now() >= end || machines.executions.every(({ status }) => status !== 'RUNNING'));
    },
    check: (sha, name) => base.checks.wanted({ repository: REPOSITORY, sha, name }),
    turn: (number) => {
      const known = base.read(keys.pullRequest(number));
      return known === undefined ? undefined : PullRequestTurn.parse(known);
    },
    heldLocks: () =>
      Object.entries(base.objects.contents())
        .filter(([key]) => key.startsWith('locks/'))
        .flatMap(([, body]) => {
          const { subject, holder } = Lock.parse(JSON.parse(body));
          return holder === null ? [] : [`${subject} by ${holder}`];
        }),
  };
}

async function revisionOf(github: GitHubWorld['github'], commit: string): Promise<string> {
  const { treeSha } = await github.getCommit(REPOSITORY, commit);
  const entries = await github.getTree(REPOSITORY, treeSha);
  return entries.find(({ path }) => path === 'channels/cluster')?.sha ?? '';
}

/** Looks on at each call: a cancelled run only cleans up, and nothing of an older attempt gets onto a check. */
function createWatch(find: World['find'], contents: () => Record<string, string>) {
  const problems: string[] = [];
  const generations = new Map<string, number>();
  const cancelled = (payload: Readonly<Record<string, unknown>>): boolean => {
    let at = find(String(payload['machine']), String(payload['execution']));
    // The deletion is clean-up; a backup changes nothing and is soon over.
    while (at?.parent !== undefined && !['delete-cluster', 'backup-etcd'].includes(at.machine)) at = at.parent.execution;
    return at?.machine === 'pull-request' && contents()[keys.cancel(at.name)] !== undefined;
  };
  return {
    problems,
    async over(payload: Readonly<Record<string, unknown>>, run: () => Promise<unknown>): Promise<unknown> {
      const { step, state } = { step: String(payload['step']), state: String(payload['state']) };
      const mustEnd = !GOES_ON.has(step) && !GOES_ON.has(state) && cancelled(payload);
      const output = await run();
      if (mustEnd) problems.push(`${String(payload['execution'])} went on with ${state} after it was cancelled`);
      for (const [key, body] of Object.entries(contents())) {
        if (!/^checks\/[0-9a-f]{40}\/[a-z0-9-]+\.json$/.test(key)) continue;
        const { generation = 0 } = WantedCheck.parse(JSON.parse(body));
        if (generation < (generations.get(key) ?? 0)) problems.push(`${key} went back to attempt ${generation} at ${state}`);
        generations.set(key, generation);
      }
      return output;
    },
  };
}

function executionsOf(machines: World): Executions {
  return {
    async start(machine, name, input) {
      const known = machines.find(machine, name);
      try {
        machines.start(machine, name, input);
        return { existed: known !== undefined };
      } catch (error) {
        if (error instanceof StartRefused && error.code === 'ExecutionAlreadyExists') return { existed: true };
        throw error;
      }
    },
    async describe(machine, name) {
      const found = machines.find(machine, name);
      return found === undefined ? undefined : { status: found.status, input: JSON.stringify(found.input) };
    },
    link: (machine, name) => `https://example.com/${machine}/${name}`,
  };
}

/** Steps that need AWS, Kubernetes or a renderer: each looks once more before it is done. */
function stub(
  call: StepCall,
  { made, clusters, asked }: { made: string[]; clusters: Map<string, string>; asked: Map<string, number> },
): unknown {
  const key = `${call.execution} ${call.state}`;
  const attempt = (asked.get(key) ?? 0) + 1;
  asked.set(key, attempt);
  const done = attempt > 1;
  const cluster = (call.input['cluster'] as { name: string } | undefined)?.name;
  if (call.step === 'advance-stack' && cluster !== undefined && !clusters.has(cluster)) {
    clusters.set(cluster, call.execution);
    made.push(cluster);
  }
  if (call.step === 'advance-deletion' && done && cluster !== undefined) clusters.delete(cluster);
  if (call.step === 'validate') return { ok: true, errors: 0, warnings: 0, findingsKey: null };
  const answer = stubAnswer({ ...call, attempt }, done, { clusters });
  if (call.step === 'plan')
    return { planHash: PLAN, title: '1 cluster, 1 distinct change', affectsClusters: true, previews: 0, versions: null, upgrades: false };
  if (call.step === 'run-tests') return { done: true, waitSeconds: 0, reason: '', passed: 3, failed: 0, durationSeconds: 60 };
  return answer;
}

/** Executions that were started for e2e, by how they ended. */
export function e2eRuns(machines: World): Execution[] {
  return machines.executions.filter(({ machine }) => machine === 'e2e');
}
