import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NotFoundError } from '#model/errors.ts';
import type { GroupView, ScalingControl } from './auto-scaling-api.ts';
import type { AccountView } from './aws.ts';
import { bootMachine } from './boot.ts';
import type { Clusters } from './clusters.ts';
import type { Injection } from './injection.ts';
import type { ProcessTable, RunningProcess } from './processes.ts';
import { decideScaling, type GroupSpec, nextDesired, type Zone } from './scaling.ts';
import type { Machine, MachineRoomOptions, RoomEvent } from './types.ts';

/** A machine's programs get this long to end by themselves. The API server would take longer while watches are open; they are cut. */
const STOP_GRACE_SECONDS = 8;
/**
 * A target that leaves its load balancer gets no new connection, and serves those it has so long: AWS' deregistration
 * delay (300 s by default), short enough for a story of minutes.
 */
const DEREGISTRATION_SECONDS = 2;

interface Group {
  spec: GroupSpec;
  desired: number;
  readonly suspended: Set<string>;
}

interface Entry {
  readonly machine: Machine;
  readonly abort: AbortController;
  /** Resolves to the machine's processes once the boot is over, however it ended. */
  readonly booted: Promise<RunningProcess[]>;
}

export interface Fleet extends ScalingControl {
  /** Looks at an account once: its groups, what they ask for, its clusters. */
  look(account: string): Promise<void>;
  machines(): Machine[];
  say(id: string, kind: RoomEvent['kind'], reason: string): void;
  fail(id: string): void;
  close(): Promise<void>;
}

export interface FleetOptions {
  readonly directory: string;
  readonly binaries: MachineRoomOptions['binaries'];
  readonly viewOf: (account: string) => AccountView;
  readonly processes: ProcessTable;
  readonly clusters: Clusters;
  readonly injection: Injection;
  readonly emit: (machine: Machine, kind: RoomEvent['kind'], reason: string) => void;
}

interface State extends FleetOptions {
  readonly groups: Map<string, Group>;
  readonly entries: Map<string, Entry>;
  /** The running look of each account: looks of one account never overlap. */
  readonly looks: Map<string, Promise<void>>;
  sequence: number;
  closed: boolean;
}

/** The Auto Scaling groups of all accounts and their machines. */
export function createFleet(options: FleetOptions): Fleet {
  const state: State = { ...options, groups: new Map(), entries: new Map(), looks: new Map(), sequence: 0, closed: false };
  const group = (view: GroupView): Group => {
    const found = state.groups.get(view.spec.arn);
    if (found === undefined) throw new NotFoundError(`group ${view.spec.name} is gone`);
    return found;
  };
  return {
    look: (account) => look(state, account),
    groups: async (account) => {
      await look(state, account);
      return [...state.groups.values()]
        .filter(({ spec }) => spec.account === account)
        .map((found) => ({ ...found, machines: machinesOf(state, found.spec) }));
    },
    setDesired: (view, desired) => {
      group(view).desired = desired;
      scale(state, group(view));
    },
    terminate: (view, id, decrement) => {
      const ofGroup = group(view);
      if (decrement) ofGroup.desired -= 1;
      terminate(state, id, 'terminated by a user request');
      scale(state, ofGroup);
    },
    setSuspended: (view, names, suspended) => {
      for (const name of names) suspended ? group(view).suspended.add(name) : group(view).suspended.delete(name);
    },
    machines: () => [...state.entries.values()].map((entry) => entry.machine),
    say: (id, kind, reason) => {
      const entry = state.entries.get(id);
      if (entry !== undefined) say(state, entry.machine, kind, reason);
    },
    fail: (id) => fail(state, id),
    close: async () => {
      state.closed = true;
      for (const entry of state.entries.values()) entry.abort.abort();
      await Promise.allSettled([...state.looks.values(), ...[...state.entries.values()].map((entry) => entry.booted)]);
    },
  };
}

function look(state: State, account: string): Promise<void> {
  const before = state.looks.get(account) ?? Promise.resolve();
  const now = before.catch(() => undefined).then(() => lookOnce(state, account));
  state.looks.set(account, now);
  return now;
}

async function lookOnce(state: State, account: string): Promise<void> {
  if (state.closed) return;
  const view = state.viewOf(account);
  const specs = await view.groups();
  if (state.closed) return;
  for (const spec of specs) {
    const known = state.groups.get(spec.arn);
    const group = known ?? { spec, desired: spec.declaredDesired, suspended: new Set<string>() };
    group.desired = nextDesired(known?.desired, known?.spec, spec);
    group.spec = spec;
    state.groups.set(spec.arn, group);
  }
  for (const [arn, group] of state.groups) {
    if (group.spec.account !== account) continue;
    if (specs.some((spec) => spec.arn === arn)) scale(state, group);
    else {
      for (const machine of machinesOf(state, group.spec)) terminate(state, machine.id, 'its group is deleted');
      state.groups.delete(arn);
    }
  }
  const machines = [...state.entries.values()].map((entry) => entry.machine).filter((machine) => machine.account === account);
  await state.clusters.update(account, view, specs, machines);
}

function machinesOf(state: State, spec: GroupSpec): Machine[] {
  return [...state.entries.values()]
    .map((entry) => entry.machine)
    .filter((machine) => machine.account === spec.account && machine.group === spec.name);
}

function scale(state: State, group: Group): void {
  if (state.closed) return;
  const decision = decideScaling(group.spec, group.desired, machinesOf(state, group.spec), group.suspended);
  for (const { id, reason } of decision.terminate) terminate(state, id, reason);
  for (const zone of decision.launch) launch(state, group.spec, zone);
}

function launch(state: State, spec: GroupSpec, zone: Zone): void {
  state.sequence += 1;
  const machine: Machine = {
    id: `i-${randomBytes(9).toString('hex').slice(0, 17)}`,
    account: spec.account,
    cluster: spec.cluster,
    role: spec.role,
    group: spec.name,
    zone: zone.name,
    launchTemplateId: spec.launchTemplate.id,
    launchTemplateName: spec.launchTemplate.name,
    launchTemplateVersion: spec.launchTemplate.version,
    sequence: state.sequence,
    launchedAt: Date.now(),
    state: 'Pending',
    health: 'Healthy',
    reason: '',
  };
  const abort = new AbortController();
  const booted = boot(state, machine, zone, abort.signal);
  // Whoever ends the machine awaits it; until then a failure is told by boot itself.
  booted.catch(() => undefined);
  state.entries.set(machine.id, { machine, abort, booted });
  say(state, machine, 'booting', `launch template version ${machine.launchTemplateVersion} in ${zone.name}`);
}

async function boot(state: State, machine: Machine, zone: Zone, signal: AbortSignal): Promise<RunningProcess[]> {
  // The entry is made first, so that what the boot says finds it.
  await Promise.resolve();
  const running = await bootMachine(machine, {
    view: state.viewOf(machine.account),
    zone,
    directory: state.directory,
    binaries: state.binaries,
    processes: state.processes,
    signal,
    say: (kind, reason) => say(state, machine, kind, reason),
    heldSeconds: () => state.injection.bootDelay(machine),
    unitsWithheld: () => state.injection.unitsWithheld(machine),
    addresses: () =>
      new Map(
        [...state.entries.values()].flatMap(({ machine: other }) => (other.address === undefined ? [] : [[other.address, other.id]])),
      ),
    joinNode: (spec, identity) => state.clusters.joinNode(machine.account, machine.cluster, spec, identity),
  });
  if (!signal.aborted) machine.state = 'InService';
  return running;
}

function say(state: State, machine: Machine, kind: RoomEvent['kind'], reason: string): void {
  if (machine.reason === reason) return;
  if (kind !== 'ignored') machine.reason = reason;
  state.emit(machine, kind, reason);
}

function terminate(state: State, id: string, reason: string): void {
  const entry = state.entries.get(id);
  if (entry === undefined || entry.machine.state === 'Terminating') return;
  entry.machine.state = 'Terminating';
  entry.abort.abort();
  say(state, entry.machine, 'terminating', reason);
  void remove(state, entry, reason);
}

/** Ends a machine's processes side by side; its address is free once it is gone. */
async function remove(state: State, { machine, booted }: Entry, reason: string): Promise<void> {
  const leave = (): void => state.clusters.leaveNode(machine.account, machine.cluster, machine.id.replaceAll('.', '-'));
  leave();
  const running = await booted.catch(() => []);
  // Once more: a boot that was under way may have joined after the first.
  leave();
  if (machine.role === 'control-plane' && running.length > 0 && !state.closed) await delay(DEREGISTRATION_SECONDS * 1000);
  await Promise.all(running.map((process) => process.stop(STOP_GRACE_SECONDS)));
  rmSync(join(state.directory, machine.account, machine.id, 'root'), { recursive: true, force: true });
  state.entries.delete(machine.id);
  state.emit(machine, 'terminated', reason);
}

function fail(state: State, id: string): void {
  const entry = state.entries.get(id);
  if (entry === undefined) throw new NotFoundError(`there is no instance ${id}`);
  entry.machine.health = 'Unhealthy';
  say(state, entry.machine, 'failed', 'failed on request');
  void entry.booted.then((running) => Promise.all(running.map((process) => process.stop(0)))).catch(() => undefined);
}
