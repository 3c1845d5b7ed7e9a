import { NotFoundError } from '#model/errors.ts';
import type { GroupView, ScalingControl } from './auto-scaling-api.ts';
import { isLeaving } from './lifecycle.ts';
import { crash, type Entry, type Life, type LifeOptions, launch, say, shutDown, silence, terminate } from './machine-life.ts';
import { decideScaling, type GroupSpec, isUnbalanced, nextDesired } from './scaling.ts';
import type { Crash, Machine, RoomEvent } from './types.ts';

interface Group {
  spec: GroupSpec;
  desired: number;
  readonly suspended: Set<string>;
  /** Since when its zones are out of balance. */
  unbalancedSince?: number;
}

export interface Fleet extends ScalingControl, MachineFaults {
  /** Looks at an account once: its groups, what they ask for, its clusters. */
  look(account: string): Promise<void>;
  machines(): Machine[];
  say(id: string, kind: RoomEvent['kind'], reason: string): void;
  close(): Promise<void>;
}

/** See Faults for what each does. @throws NotFoundError for an instance that is not there */
interface MachineFaults {
  shutDown(instance: string): void;
  replace(instance: string): void;
  crash(instance: string, how: Crash): void;
  setZoneDown(zone: string, cluster: string | undefined, down: boolean): void;
}

interface State extends Life {
  readonly groups: Map<string, Group>;
  /** The running look of each account: looks of one account never overlap. */
  readonly looks: Map<string, Promise<void>>;
}

/** The Auto Scaling groups of all accounts and their machines. */
export function createFleet(options: LifeOptions): Fleet {
  const state: State = { ...options, groups: new Map(), entries: new Map(), looks: new Map(), sequence: 0, closed: false };
  return {
    ...scalingOf(state),
    ...faultsOf(state),
    look: (account) => look(state, account),
    machines: () => [...state.entries.values()].map((entry) => entry.machine),
    say: (id, kind, reason) => {
      const entry = state.entries.get(id);
      if (entry !== undefined) say(state, entry.machine, kind, reason);
    },
    close: async () => {
      state.closed = true;
      for (const entry of state.entries.values()) entry.abort.abort();
      const stopped = [...state.entries.values()].map(async ({ booted }) => {
        for (const process of (await booted).running) await process.stop(0);
      });
      await Promise.allSettled([...state.looks.values(), ...stopped]);
    },
  };
}

function scalingOf(state: State): ScalingControl {
  const group = (view: GroupView): Group => {
    const found = state.groups.get(view.spec.arn);
    if (found === undefined) throw new NotFoundError(`group ${view.spec.name} is gone`);
    return found;
  };
  return {
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
    setHealth: (view, id, healthy) => {
      entryOf(state, id).machine.health = healthy ? 'Healthy' : 'Unhealthy';
      scale(state, group(view));
    },
    completeAction: (id, hook, result) => state.entries.get(id)?.transition?.complete(hook, result) ?? false,
    heartbeat: (id, hook) => state.entries.get(id)?.transition?.heartbeat(hook, Date.now()) ?? false,
  };
}

function faultsOf(state: State): MachineFaults {
  return {
    shutDown: (id) => void shutDown(state, entryOf(state, id), 'terminated past its group'),
    replace: (id) => {
      entryOf(state, id).machine.health = 'Unhealthy';
    },
    crash: (id, how) => crash(state, entryOf(state, id), how),
    setZoneDown: (zone, cluster, down) => {
      state.injection.setZoneDown(zone, cluster, down);
      for (const entry of state.entries.values())
        void silence(state, entry, state.injection.zoneDown(entry.machine.cluster, entry.machine.zone));
    },
  };
}

/** @throws NotFoundError */
function entryOf(state: State, id: string): Entry {
  const entry = state.entries.get(id);
  if (entry === undefined) throw new NotFoundError(`there is no instance ${id}`);
  return entry;
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
  const { spec, suspended } = group;
  const machines = machinesOf(state, spec);
  const now = Date.now();
  for (const machine of machines) {
    state.entries.get(machine.id)?.transition?.expire(now);
    const failing = machine.failingSince !== undefined && now - machine.failingSince >= state.pace.healthCheck * 1000;
    if (failing && !isLeaving(machine.state) && !suspended.has('HealthCheck')) machine.health = 'Unhealthy';
  }
  const down = (zone: string): boolean => state.injection.zoneDown(spec.cluster, zone);
  if (!isUnbalanced(spec.zones, machines)) delete group.unbalancedSince;
  else group.unbalancedSince ??= now;
  const balances = group.unbalancedSince !== undefined && now - group.unbalancedSince >= state.pace.rebalance * 1000;
  const decision = decideScaling(spec, group.desired, machines, { suspended, down, balances });
  for (const { id, reason } of decision.terminate) terminate(state, id, reason);
  for (const zone of decision.launch) launch(state, spec, zone, false);
  if (decision.rebalance !== undefined) launch(state, spec, decision.rebalance, true);
}
