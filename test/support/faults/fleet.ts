import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBinaries } from '#adapters/files/binaries.ts';
import { createScratch } from '#adapters/files/scratch.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { sha256 } from '#domain/hash.ts';
import { accountKeys, keys } from '#domain/names.ts';
import { clusterSideFunctionOf } from '#domain/reach.ts';
import { readContent } from '#domain/snapshot/verify.ts';
import type { ApiDrill } from '#ports/api-drill.ts';
import type { EtcdDrill } from '#ports/drill.ts';
import type { Executions } from '#ports/executions.ts';
import type { Reach } from '#ports/reach.ts';
import { type AnyStep, parseCall, runStep, type StepCall } from '#runtime/call.ts';
import { fencePorts } from '#runtime/fenced.ts';
import { type HubPorts, wrapCalls } from '#runtime/hub.ts';
import { applyComponents } from '../../../functions/cluster/apply-components.ts';
import { withPhaseHeld } from '../../../functions/cluster/hold-phase.ts';
import { callOfEvent } from '../../../functions/control/event-call.ts';
import { forward } from '../../../functions/reach/forward.ts';
import { AslError } from '../asl/errors.ts';
import { type Execution, machineArn, StartRefused, type TaskCall } from '../asl/execution.ts';
import type { Fault } from '../asl/faults.ts';
import { createWorld, type World } from '../asl/world.ts';
import { createFakeBlobs } from '../fakes/blobs.ts';
import { createFakeChecks } from '../fakes/checks.ts';
import { createFakeObjects, type FakeObjects } from '../fakes/objects.ts';
import { createFakeSecrets, type FakeSecrets } from '../fakes/secrets.ts';
import { createFakeSigner } from '../fakes/signer.ts';
import { createFakeStackGuards } from '../fakes/stack-guards.ts';
import { goesOnAfterCancel, readDefinitions, UNAWARE } from '../state-machines/definitions.ts';
import { runnableSteps } from '../state-machines/steps.ts';
import { type Cloud, createCloud, type Hardware } from './cloud.ts';
import { createFakeHardware, type FakeHardware } from './fake-hardware.ts';
import { type CallFault, type CallFaults, CRASH, createCallFaults, type Invocation } from './invocation.ts';
import { CLUSTER, snapshots } from './revisions.ts';

/** The real steps behind their real wrappers, in the interpreter, over one simulated account. */
export interface Fleet<H extends Hardware = FakeHardware> {
  readonly world: World;
  readonly cloud: Cloud;
  readonly hardware: H;
  readonly hub: FakeObjects;
  readonly account: FakeObjects;
  readonly secrets: FakeSecrets;
  readonly calls: CallFaults;
  /** Runs an execution, and what cleans up after those that ended badly, until all has come to rest. */
  run(machine: string, name: string, input: Record<string, unknown>): Promise<Execution>;
  /** Starts an execution that the next run goes on with. */
  start(machine: string, name: string, input: Record<string, unknown>): Execution;
  /** Until all has come to rest: executions, their clean-up, and functions that come late. */
  settle(): Promise<void>;
  close(): void;
}

export interface FleetOptions {
  readonly states?: readonly Fault[];
  readonly calls?: readonly CallFault[];
  /** Called when somebody else is to take the lock. */
  readonly onOvertaken?: () => void;
  /** When the simulated time begins. */
  readonly start?: Date;
  /** Seconds in which stacks, instances and workloads take one step on. */
  readonly tickSeconds?: number;
  /** Told of each look at the world: by which state, and how many seconds after the last change that it finds. */
  readonly onLook?: (state: string, late: number | undefined) => void;
}

const DEFINITIONS = readDefinitions();
const GOES_ON = goesOnAfterCancel();
const STEPS = await runnableSteps();
const SNAPSHOTS = snapshots();
const ETCD_VERSIONS = ['3.6.11', '3.6.16'];
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };
/** Renders are a pure function of revision and settings, and take longer than all the rest: made once. */
const rendered = new Map<string, { output: unknown; hash: string; body: string }>();

/** A fleet whose instances run in memory. */
export function createFleet(options: FleetOptions = {}): Fleet {
  return createFleetOn(() => createFakeHardware(), options);
}

/** The newest settings, which a roll is asked by before each node: one channel with the one cluster. */
function settingsObjects(seenAt: Date): [string, unknown][] {
  const commit = 'c'.repeat(40);
  const { name, account, region, environment, network, channel } = CLUSTER;
  const file = {
    ...{ channel, branch: channel, waves: [{ name: 'all', percent: 100 }], maxConcurrentClusters: 1, soak: '1m' },
    clusters: [{ name, account, region, environment, network }],
  };
  // JSON is YAML.
  const files = [{ path: `channels/${channel}.yaml`, content: JSON.stringify(file) }];
  return [
    [keys.newestSettings(), { commit, seenAt: seenAt.toISOString() }],
    [keys.settings(commit), { commit, files }],
  ];
}

/** @param hardwareOf what runs on instances, made with the account's secrets */
export function createFleetOn<H extends Hardware>(hardwareOf: (secrets: FakeSecrets) => H, options: FleetOptions): Fleet<H> {
  const root = mkdtempSync(join(tmpdir(), 'sluice-faults-'));
  const start = options.start ?? new Date('2026-01-05T08:00:00Z');
  const [hub, account, secrets, blobs] = [createFakeObjects(start), createFakeObjects(start), createFakeSecrets(), createFakeBlobs()];
  const issuer = createFakeObjects(start);
  for (const [key, value] of settingsObjects(start)) void hub.put(key, JSON.stringify(value));
  const hardware = hardwareOf(secrets);
  const cloud = createCloud(start, (hash) => account.contents()[accountKeys.ignition(hash)] ?? '', hardware, options.tickSeconds);
  const guards = createFakeStackGuards();
  const pending: Execution[] = [];
  let lateFunctions = 0;
  const world: World = createWorld({
    machines: DEFINITIONS,
    faults: options.states ?? [],
    cleanUpSteps: GOES_ON,
    startsAt: start.getTime(),
    onEnded: (execution) => pending.push(execution),
    task: (call) => task(call),
  });
  const calls = createCallFaults(options.calls ?? [], () => world.now());
  const clock = { now: () => new Date(world.now()) };
  const executions = executionsOf(world);
  const authority = createAuthority();
  const signer = createFakeSigner();
  const fleet: Fleet<H> = {
    world,
    cloud,
    hardware,
    hub,
    account,
    secrets,
    calls,
    start: (machine, name, input) => world.start(machine, name, input),
    async run(machine, name, input) {
      const execution = world.start(machine, name, input);
      await fleet.settle();
      return execution;
    },
    settle,
    close: () => rmSync(root, { recursive: true, force: true }),
  };

  /** etcd boots on what it is given, at the revision that is in it: the drill itself is held to a real one elsewhere. */
  const drill: EtcdDrill = {
    async restore({ snapshot }) {
      const content = createScratch(root).read(snapshot, (file) => readContent(file, () => undefined));
      const { revision, compactRevision, counts, hashes } = content;
      const keys = Object.entries(counts.kinds).flatMap(([kind, count]) =>
        Array.from({ length: count }, (_, index) => `/registry/${kind}/a/${index}`),
      );
      return { version: '', revision, hash: hashes[0]?.hash ?? 0, compactRevision, keys };
    },
  };

  /** So does the API server: it serves one pod. */
  const apiDrill: ApiDrill = {
    async serve(request) {
      const { revision } = await drill.restore(request);
      const pods = { name: 'pods', prefix: 'pods', stored: 1, listed: 1, missing: [], missingCount: 0, added: [], addedCount: 0 };
      return { revision: revision + 1000, bump: 1000, resources: [pods], unserved: {}, aggregated: [], oldWatch: 410 };
    },
  };

  /** Everything that a function of the hub may touch, for one call of it. */
  function hubPorts(invocation: Invocation, pause: HubPorts['pause']) {
    const objects = calls.wrap('hub-objects', hub, invocation);
    const stacks = calls.wrap('stacks', cloud.stacks, invocation);
    const bucket = calls.wrap('account-objects', account, invocation);
    return {
      objects,
      checks: createFakeChecks(objects, clock),
      clock,
      // Functions that look again meanwhile see what has happened meanwhile.
      pause: async (seconds: number) => {
        await pause(seconds);
        await setTimes(invocation.state);
      },
      executions,
      stacks: { of: () => stacks },
      guards,
      accountObjects: { of: () => bucket },
    };
  }

  function accountPorts(invocation: Invocation) {
    return {
      kubernetes: async () => calls.wrap('kubernetes', await hardware.kubernetes(), invocation),
      instances: calls.wrap('instances', cloud.instances, invocation),
      addresses: hardware.addresses,
      volumes: hardware.volumes,
      etcd: async () => calls.wrap('etcd', await hardware.etcd(), invocation),
      objects: calls.wrap('account-objects', account, invocation),
      issuer: calls.wrap('account-objects', issuer, invocation),
      secrets: calls.wrap('secrets', secrets, invocation),
      blobs: calls.wrap('blobs', blobs, invocation),
      scratch: createScratch(root),
      binaries: createBinaries(root),
      drill,
      apiDrill,
      authority,
      signer,
      clock,
    };
  }

  async function task(call: TaskCall): Promise<unknown> {
    const invocation: Invocation = { state: call.state, changes: 0, dead: false };
    await strikeEarly(call);
    await setTimes(call.state);
    try {
      return await invoke(call, invocation);
    } catch (error) {
      throw invocation.dead ? new AslError(CRASH, 'the function died') : error;
    }
  }

  async function strikeEarly(call: TaskCall): Promise<void> {
    for (const fault of options.calls ?? []) {
      if (fault.state !== call.state || calls.struck.has(fault)) continue;
      if (fault.kind === 'late') {
        calls.struck.add(fault);
        lateFunctions += 1;
        await call.sleep(fault.seconds);
        lateFunctions -= 1;
      }
      if (fault.kind === 'overtaken') {
        calls.struck.add(fault);
        await call.sleep(20);
        options.onOvertaken?.();
      }
    }
  }

  async function setTimes(state?: string): Promise<void> {
    const changedAt = await cloud.passTo(clock.now());
    if (state !== undefined) options.onLook?.(state, changedAt === undefined ? undefined : (world.now() - changedAt) / 1000);
    for (const bucket of [hub, account]) bucket.setTime(clock.now());
  }

  function invoke(call: TaskCall, invocation: Invocation): Promise<unknown> {
    const ports = hubPorts(invocation, call.sleep);
    if (call.target === UNAWARE) return runHere(call.target, parseCall(call.payload), ports);
    const run =
      call.target === 'reach'
        ? (stepCall: StepCall) => forward(stepCall, { ...ports, reach: reachOf(invocation) }, clusterSideFunctionOf(call.step))
        : (stepCall: StepCall) => runHere(call.target, stepCall, ports);
    return wrapCalls<HubPorts>(
      run,
      async () => ports,
      () => SILENT,
    )(call.payload);
  }

  async function runHere(folder: string, call: StepCall, ports: ReturnType<typeof hubPorts>): Promise<unknown> {
    if (call.step !== 'render') return runStep(stepsOf(folder), call, ports);
    const { cluster, revision } = call.input;
    const name = JSON.stringify({ cluster, revision });
    const known = rendered.get(name);
    if (known !== undefined) {
      await ports.objects.putIfAbsent(keys.render(known.hash), known.body);
      return known.output;
    }
    const output = (await runStep(stepsOf(folder), call, ports)) as { hash: string };
    rendered.set(name, { output, hash: output.hash, body: hub.contents()[keys.render(output.hash)] ?? '' });
    return output;
  }

  /** As the handlers of the account's functions do: the lock object of the cluster before each change. */
  function reachOf(invocation: Invocation): Reach {
    return {
      async invoke(_cluster, target, payload) {
        const call = parseCall(JSON.parse(JSON.stringify(payload)));
        const ports = accountPorts(invocation);
        const fenced = target === 'cluster' || target === 'etcd' ? fencePorts(call, ports, ports.kubernetes) : ports;
        return JSON.parse(JSON.stringify(await runStep(stepsOf(target), call, fenced))) as unknown;
      },
    };
  }

  async function settle(): Promise<void> {
    for (;;) {
      await world.settle();
      const ended = pending.shift();
      if (ended !== undefined) await cleanUpAfter(ended);
      else if (lateFunctions > 0) await world.until(() => lateFunctions === 0);
      else if (world.executions.every(({ status }) => status !== 'RUNNING')) return;
    }
  }

  /** The rule on FAILED, TIMED_OUT and ABORTED: an event that a function fails on is given to it three times in all. */
  async function cleanUpAfter(execution: Execution): Promise<void> {
    for (const seconds of [60, 120, undefined]) {
      try {
        await onEnded(execution);
        return;
      } catch {
        // Lambda drops the event after the last try.
        if (seconds !== undefined) await world.pass(seconds);
      }
    }
  }

  async function onEnded({ machine, name, status }: Execution): Promise<void> {
    const invocation: Invocation = { state: 'on-execution-ended', changes: 0, dead: false };
    const detail = { stateMachineArn: machineArn(`sluice-${machine}`), name, status };
    await setTimes();
    const event = callOfEvent({ id: `event-${name}`, time: clock.now().toISOString(), source: 'aws.states', detail });
    const ports = hubPorts(invocation, world.pass);
    await wrapCalls<HubPorts>(
      (call) => runStep(stepsOf('control'), call, ports),
      async () => ports,
      () => SILENT,
    )(event);
  }

  prepare();
  return fleet;

  function prepare(): void {
    for (const [key, body] of Object.entries(SNAPSHOTS)) void hub.put(key, body);
    const binary = sha256('binary');
    for (const version of ETCD_VERSIONS) publish('etcd', version, ['etcd', 'etcdutl']);
    for (const version of ['1.35.4', '1.36.3']) publish('kubernetes', version, ['kube-apiserver']);

    function publish(name: string, version: string, files: readonly string[]): void {
      const body = JSON.stringify({ name, version, state: 'ready', files: files.map((file) => ({ file, sha256: binary, bytes: 6 })) });
      void hub.put(keys.artifact(name, version), body);
      void account.put(accountKeys.artifactIndex(name, version), body);
      for (const file of files) blobs.stored.set(accountKeys.artifact(name, version, binary, file), Buffer.from('binary'));
    }
  }
}

function stepsOf(folder: string): readonly AnyStep<never>[] {
  return STEPS.filter((step) => step.folder === folder).map(({ step }) => (step.name === applyComponents.name ? HELD : step));
}

/** As its handler has it. */
const HELD = withPhaseHeld(applyComponents) as unknown as AnyStep<never>;

/** Executions as steps see them. */
function executionsOf(world: World): Executions {
  return {
    async start(machine, name, input) {
      try {
        world.start(machine, name, input);
        return { existed: false };
      } catch (error) {
        if (error instanceof StartRefused && error.code === 'ExecutionAlreadyExists') return { existed: true };
        throw error;
      }
    },
    async describe(machine, name) {
      const found = world.find(machine, name);
      return found === undefined ? undefined : { status: found.status, input: JSON.stringify(found.input) };
    },
    link: (machine, name) => `https://example.com/${machine}/${name}`,
  };
}
