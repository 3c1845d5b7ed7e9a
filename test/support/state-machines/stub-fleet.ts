import { COMPACTION_SECONDS, isScheduled } from '#domain/hash-proof.ts';
import { LockHeldError } from '#model/errors.ts';
import type { Execution, TaskCall } from '../asl/execution.ts';
import type { Fault } from '../asl/faults.ts';
import { createWorld, type World } from '../asl/world.ts';
import { goesOnAfterCancel, readDefinitions } from './definitions.ts';

export interface StubOptions {
  readonly faults?: readonly Fault[];
  /** Clusters that exist already. */
  readonly clusters?: readonly string[];
  /** How often a step that waits for something answers "not yet" in each of its states. 1 by default: every Wait is walked. */
  readonly notYet?: number;
  /** Answers of single steps instead of the stub's own. */
  readonly answers?: Readonly<Record<string, (call: TaskCall) => unknown>>;
  readonly timeoutAbortsChildren?: boolean;
  /** Whether `on-execution-ended` frees the lock and the nodes of an execution that ended badly. True by default. */
  readonly cleansUpAfterEnd?: boolean;
}

/** What a run holds and must give back: who holds it by what. */
interface Holdings {
  readonly locks: Map<string, string>;
  readonly slots: Map<string, string>;
  /** Clusters whose nodes are cordoned. */
  readonly cordons: Map<string, string>;
  /** Clusters that exist, and who created them. */
  readonly clusters: Map<string, string>;
}

export interface StubFleet extends Holdings {
  readonly world: World;
  /** Executions for which the rule on FAILED, TIMED_OUT and ABORTED would run `on-execution-ended`. */
  readonly ended: readonly Execution[];
  /** `<machine>/<state>` of each call, in order. */
  readonly calls: readonly string[];
  /** Runs a machine with an input that fits it, until everything has come to rest. */
  run(machine: string, input?: Record<string, unknown>): Promise<Execution>;
}

/** Read once: the interpreter changes nothing in them. */
const DEFINITIONS = readDefinitions();
const GOES_ON = goesOnAfterCancel();

export const CLUSTER = { name: 'kube-1', account: '210000000001', region: 'eu-central-1', environment: 'test', channel: 'dev' };

const INPUTS: Readonly<Record<string, Record<string, unknown>>> = {
  'update-cluster': { cluster: CLUSTER, revision: 'r1', purpose: 'rollout', rolloutId: 'rollout-1', progress: null },
  'delete-cluster': { cluster: CLUSTER, purpose: 'decommission', progress: null },
  'release-cluster': { cluster: CLUSTER, render: { hash: 'h' }, progress: null },
  'backup-etcd': { cluster: CLUSTER, render: { hash: 'h' }, progress: null, drill: true },
  e2e: { readPullRequest: { number: 1 }, snapshotConfiguration: {}, plan: {}, progress: null, root: 'pull-request-test' },
  'pull-request': { repository: { owner: 'o', name: 'r' }, number: 1, cause: 'c1' },
  'propose-upgrade': { repository: 'o/r' },
  'backup-fleet': {},
  'rehearse-upgrade': {
    cluster: CLUSTER,
    backup: { id: 'b1', takenAt: 't' },
    from: { kubernetes: '1.35.4', etcd: '3.6.16' },
    to: { kubernetes: '1.36.3', etcd: '3.6.16' },
    progress: null,
  },
  'restore-cluster': {
    cluster: CLUSTER,
    restore: { id: 'r1', backup: 'b0', reason: 'lost' },
    commit: 'c',
    repository: { owner: 'o', name: 'r' },
    progress: null,
  },
  rollout: { repository: { owner: 'o', name: 'r' }, branch: 'dev', commit: 'c', cause: 'c1' },
};

/** All machines with steps that do nothing but keep account of what is held. */
export function createStubFleet(options: StubOptions = {}): StubFleet {
  const held: Holdings = { locks: new Map(), slots: new Map(), cordons: new Map(), clusters: new Map() };
  for (const name of options.clusters ?? []) held.clusters.set(name, 'before');
  const ended: Execution[] = [];
  const calls: string[] = [];
  const asked = new Map<string, number>();

  const world = createWorld({
    machines: DEFINITIONS,
    faults: options.faults ?? [],
    cleanUpSteps: GOES_ON,
    timeoutAbortsChildren: options.timeoutAbortsChildren ?? false,
    onEnded: (execution) => {
      ended.push(execution);
      if (options.cleansUpAfterEnd === false) return;
      releaseAll(held.locks, execution.name);
      releaseAll(held.cordons, execution.name);
    },
    task: async (call) => {
      calls.push(`${call.machine}/${call.state}`);
      const key = `${call.execution} ${call.state}`;
      asked.set(key, (asked.get(key) ?? 0) + 1);
      const done = (asked.get(key) ?? 0) > (options.notYet ?? 1);
      effect(call, done, held);
      const own = options.answers?.[call.step];
      return own === undefined ? answer(call, done, held) : own(call);
    },
  });

  return {
    ...held,
    world,
    ended,
    calls,
    run: async (machine, input) => {
      const execution = await world.run(machine, `${machine}-test`, input ?? INPUTS[machine] ?? {});
      await world.settle();
      return execution;
    },
  };
}

function releaseAll(holders: Map<string, string>, holder: string): void {
  for (const [subject, by] of holders) if (by === holder) holders.delete(subject);
}

function clusterOf(call: Pick<TaskCall, 'input'>): string {
  const own = call.input['cluster'] as { name: string } | undefined;
  return own?.name ?? 'e2e-1';
}

/** What the step does to the world, as far as something must be given back. */
function effect(call: TaskCall, done: boolean, held: Holdings): void {
  const { step, execution } = call;
  const cluster = clusterOf(call);
  if (step === 'lock') {
    const holder = held.locks.get(cluster) ?? execution;
    if (holder !== execution) throw new LockHeldError(`${cluster} is locked by ${holder}`);
    held.locks.set(cluster, execution);
  }
  if (step === 'unlock' && held.locks.get(cluster) === execution) held.locks.delete(cluster);
  if (step === 'claim-slot' && done) held.slots.set('slot-1', execution);
  if (step === 'release-slot') releaseAll(held.slots, execution);
  if (step === 'advance-stack') held.clusters.set(cluster, held.clusters.get(cluster) ?? execution);
  if (step === 'advance-deletion' && done) held.clusters.delete(cluster);
  if (step === 'roll-node-pools' && !done) held.cordons.set(cluster, execution);
  if (step === 'release-nodes' || (step === 'roll-node-pools' && done)) held.cordons.delete(cluster);
}

/** What a step that does nothing answers. @param held clusters: those that exist */
export function answer(
  call: Pick<TaskCall, 'step' | 'execution' | 'input' | 'attempt'>,
  done: boolean,
  held: Pick<Holdings, 'clusters'>,
): unknown {
  const advance = { done, waitSeconds: done ? 0 : 30, reason: done ? 'there' : 'not yet' };
  const { execution } = call;
  switch (call.step) {
    case 'read-what-runs':
      return held.clusters.has(clusterOf(call))
        ? { upToDate: false, creation: false, current: { versions: { kubernetes: '1.35.4' } } }
        : { upToDate: false, creation: true, current: null };
    case 'claim-restore':
      return {
        dryRun: (call.input['restore'] as { dryRun?: boolean }).dryRun === true,
        claimedAt: 't',
        render: { hash: 'h', versions: {} },
      };
    case 'check-backup':
      return { takeSnapshot: { key: 'k' }, checkMembers: { version: '3.6.16' }, clusterId: '1', kubernetes: '1.35.4' };
    case 'begin-deletion':
      return { backupNeeded: call.input['purpose'] !== 'e2e' && call.input['backup'] === undefined };
    case 'render':
      return { hash: 'h', key: 'renders/h.json' };
    case 'find-due-backups':
      return { items: [{ cluster: CLUSTER, drill: true, executionName: 'scheduled-kube-1-7-0' }], found: 1, clusters: 1, unreadable: [] };
    case 'claim-slot':
      return {
        ...advance,
        claimed: done,
        cluster: { ...CLUSTER, name: 'e2e-1' },
        names: { createBase: `c-${execution}`, updateHead: `u-${execution}`, delete: `d-${execution}` },
      };
    case 'choose-shape':
      return { fromScratch: false, baseRevision: 'r0', headRevision: 'r1' };
    case 'write-manifest':
      return { id: 'b1', proven: true, manifestKey: 'backups/b1/manifest.json', seconds: 1 };
    case 'check-backup-gate':
      return { until: null, reason: 'fresh' };
    case 'record-backup':
      return { failures: 0, reason: 'proven', removalDue: true };
    case 'remove-backups':
      return {
        removed: 1,
        removedBytes: 1,
        kept: 1,
        keptBytes: 1,
        left: 0,
        locked: 0,
        unclear: 0,
        objectLock: true,
        newest: 'b1',
        told: [],
      };
    case 'copy-backups':
      return { wanted: true, copied: 1, there: 1, missing: 0, newest: 'b1', told: [] };
    case 'take-snapshot':
      return {
        ...{ bytes: 1, revision: 100, file: { hash: 1, compactRevision: 50, counts: {} } },
        ...(isScheduled(execution) ? { compactionSeconds: COMPACTION_SECONDS } : {}),
      };
    case 'check-members':
      return { ...advance, clusterId: 'c1' };
    case 'read-pull-request':
      return { kind: 'configuration', names: { e2e: `e-${execution}` }, e2eCheck: null };
    case 'snapshot-configuration':
      return { e2eNeeded: true };
    case 'validate':
      return { ok: true };
    case 'begin-rehearsal':
      return { decision: 'started', reason: 'under way', execution: `rehearse-${execution}` };
    case 'conclude-rehearsal':
      return { ...advance, line: done ? 'Rehearsed.' : '' };
    case 'prove-upgrade':
      return { outcome: 'passed', reason: 'served', orphans: [], orphanedResources: 0, seconds: 1 };
    case 'choose-upgrade':
      return { decision: 'propose' };
    case 'plan':
      return { affectsClusters: true, previews: 1, upgrades: true };
    case 'resolve-revision':
      return { decision: done ? 'start' : 'wait', waitSeconds: advance.waitSeconds };
    case 'next-wave':
      return wave(call);
    case 'may-start':
      return { admitted: done, waitSeconds: advance.waitSeconds };
    case 'soak':
      return { ...advance, overtaken: false };
    case 'evaluate-wave':
      return { verdict: 'continue' };
    default:
      return advance;
  }
}

/** Two waves: one cluster, then two. */
function wave(call: Pick<TaskCall, 'execution' | 'attempt'>): unknown {
  const names = [['kube-1'], ['kube-2', 'kube-3']][call.attempt - 1];
  const items = (names ?? []).map((name) => ({
    cluster: { ...CLUSTER, name },
    revision: 'r1',
    rolloutId: call.execution,
    executionName: `u-${name}`,
    progress: null,
  }));
  return { more: names !== undefined, items, maxConcurrency: 2 };
}
