import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AccountView } from './aws.ts';
import { bootMachine } from './boot.ts';
import { type Booted, NOTHING_RUNS } from './booted.ts';
import type { Clusters } from './clusters.ts';
import type { Injection } from './injection.ts';
import { beginTransition, type Hook, type HookResult, isLeaving, type Transition } from './lifecycle.ts';
import type { ProcessTable } from './processes.ts';
import type { RealNodes } from './real/real-nodes.ts';
import type { GroupSpec, Zone } from './scaling.ts';
import type { Crash, Machine, MachineRoomOptions, Pace, RoomEvent } from './types.ts';

/** A machine's programs get this long to end by themselves. The API server would take longer while watches are open; they are cut. */
const STOP_GRACE_SECONDS = 8;
/**
 * A target that leaves its load balancer gets no new connection, and serves those it has so long: AWS' deregistration
 * delay (300 s by default), short enough for a story of minutes.
 */
const DEREGISTRATION_SECONDS = 2;
/** Between two looks at what a machine waits for. */
const LOOK_MILLISECONDS = 200;

/** A machine with what runs it. */
export interface Entry {
  readonly machine: Machine;
  readonly abort: AbortController;
  /** What runs once the boot is over, however it ended; replaced by what runs after a restart. */
  booted: Promise<Booted>;
  /** The lifecycle actions that it waits for. */
  transition?: Transition;
}

export interface LifeOptions {
  readonly directory: string;
  readonly binaries: MachineRoomOptions['binaries'];
  readonly viewOf: (account: string) => AccountView;
  readonly processes: ProcessTable;
  readonly clusters: Clusters;
  readonly injection: Injection;
  readonly pace: Pace;
  readonly realNodes?: RealNodes | undefined;
  readonly emit: (machine: Machine, kind: RoomEvent['kind'], reason: string) => void;
}

export interface Life extends LifeOptions {
  readonly entries: Map<string, Entry>;
  sequence: number;
  closed: boolean;
}

export function launch(life: Life, spec: GroupSpec, zone: Zone, rebalances: boolean): void {
  life.sequence += 1;
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
    sequence: life.sequence,
    launchedAt: Date.now(),
    state: 'Pending',
    health: 'Healthy',
    power: 'on',
    reason: '',
    ...(rebalances ? { rebalances } : {}),
  };
  const abort = new AbortController();
  const booted = boot(life, machine, zone, abort.signal);
  // Whoever ends the machine awaits it; until then a failure is told by boot itself.
  booted.catch(() => undefined);
  const entry: Entry = { machine, abort, booted };
  life.entries.set(machine.id, entry);
  const why = rebalances ? ', for the balance of the zones' : '';
  say(life, machine, 'booting', `launch template version ${machine.launchTemplateVersion} in ${zone.name}${why}`);
  void enterService(life, entry);
}

/** As on AWS an instance is in service once it runs and its hooks are done, whatever its programs do. */
async function enterService(life: Life, entry: Entry): Promise<void> {
  const { machine } = entry;
  const result = await awaitHooks(life, entry, 'autoscaling:EC2_INSTANCE_LAUNCHING', 'Pending:Wait');
  if (isLeaving(machine.state)) return;
  if (result === 'ABANDON') return terminate(life, machine.id, 'a launch hook abandoned it');
  machine.state = 'InService';
}

/** CONTINUE at once when the group has no hook for the transition. */
async function awaitHooks(
  life: Life,
  entry: Entry,
  transition: Hook['transition'],
  waiting: 'Pending:Wait' | 'Terminating:Wait',
): Promise<HookResult> {
  const { machine } = entry;
  const before = machine.state;
  // A group without hooks that can't be read is as one without: the next look tells what is wrong.
  const hooks = await life
    .viewOf(machine.account)
    .hooks(machine.group, transition)
    .catch((): Hook[] => []);
  if (hooks.length === 0 || life.closed || machine.state !== before) return 'CONTINUE';
  machine.state = waiting;
  entry.transition = beginTransition(hooks, Date.now());
  life.emit(machine, 'waiting', `waits for lifecycle hook ${entry.transition.open().join(', ')}`);
  return entry.transition.ended;
}

async function boot(life: Life, machine: Machine, zone: Zone, signal: AbortSignal): Promise<Booted> {
  // The entry is made first, so that what the boot says finds it.
  await Promise.resolve();
  return bootMachine(machine, {
    view: life.viewOf(machine.account),
    zone,
    directory: life.directory,
    binaries: life.binaries,
    processes: life.processes,
    signal,
    say: (kind, reason) => say(life, machine, kind, reason),
    held: () => heldBy(life, machine),
    unitsWithheld: () => life.injection.unitsWithheld(machine),
    addresses: () =>
      new Map([...life.entries.values()].flatMap(({ machine: other }) => (other.address === undefined ? [] : [[other.address, other.id]]))),
    joinNode: (spec, identity) => life.clusters.joinNode(machine.account, machine.cluster, spec, identity),
    realNodes: life.realNodes,
  });
}

function heldBy({ injection }: Life, machine: Machine): string | undefined {
  if (injection.zoneDown(machine.cluster, machine.zone)) return `zone ${machine.zone} is down`;
  if (machine.power === 'off') return 'it is off';
  return Date.now() < machine.launchedAt + injection.bootDelay(machine) * 1000 ? 'boot is held' : undefined;
}

export function say(life: Life, machine: Machine, kind: RoomEvent['kind'], reason: string): void {
  if (machine.reason === reason) return;
  if (kind !== 'ignored') machine.reason = reason;
  life.emit(machine, kind, reason);
}

/** Ends an instance as its group does: hooks first, then its programs in order. */
export function terminate(life: Life, id: string, reason: string): void {
  const entry = life.entries.get(id);
  if (entry === undefined || isLeaving(entry.machine.state)) return;
  // Whoever waits for the launch's hooks waits in vain.
  for (const hook of entry.transition?.open() ?? []) entry.transition?.complete(hook, 'ABANDON');
  entry.machine.state = 'Terminating';
  say(life, entry.machine, 'terminating', reason);
  void remove(life, entry, reason);
}

/** Ends a machine's processes side by side; its address is free once it is gone. */
async function remove(life: Life, entry: Entry, reason: string): Promise<void> {
  const { machine } = entry;
  await awaitHooks(life, entry, 'autoscaling:EC2_INSTANCE_TERMINATING', 'Terminating:Wait');
  machine.state = 'Terminating:Proceed';
  entry.abort.abort();
  while (!life.closed && life.injection.zoneDown(machine.cluster, machine.zone)) await delay(LOOK_MILLISECONDS);
  const leave = (): void => life.clusters.leaveNode(machine.account, machine.cluster, nodeName(machine));
  leave();
  const booted = await entry.booted.catch(() => NOTHING_RUNS);
  const { running } = booted;
  // Once more: a boot that was under way may have joined after the first.
  leave();
  const serves = machine.power === 'on' && running.length > 0;
  if (machine.role === 'control-plane' && serves && !life.closed) await delay(DEREGISTRATION_SECONDS * 1000);
  await Promise.all(running.map((process) => process.stop(machine.power === 'on' ? STOP_GRACE_SECONDS : 0)));
  await booted.gone?.().catch((error: unknown) => life.emit(machine, 'failed', `cannot be taken away: ${String(error)}`));
  rmSync(join(life.directory, machine.account, machine.id, 'root'), { recursive: true, force: true });
  life.entries.delete(machine.id);
  life.emit(machine, 'terminated', reason);
}

/** Ends an instance past its group: its status checks fail from now on, and the group finds that out. */
export async function shutDown(life: Life, { machine, booted, abort }: Entry, reason: string): Promise<void> {
  machine.power = 'off';
  machine.failingSince ??= Date.now();
  abort.abort();
  say(life, machine, 'failed', reason);
  life.clusters.silenceNode(machine.account, machine.cluster, nodeName(machine), true);
  const { running } = await booted.catch(() => NOTHING_RUNS);
  await Promise.all(running.map((process) => process.stop(STOP_GRACE_SECONDS)));
}

/** Kills a machine's processes at once; by `how` it starts again or is gone. */
export function crash(life: Life, entry: Entry, how: Crash): void {
  const { machine } = entry;
  const before = entry.booted;
  machine.power = 'off';
  life.clusters.silenceNode(machine.account, machine.cluster, nodeName(machine), true);
  say(life, machine, 'failed', `crashed; its disk is ${how.state}${how.volume === 'lost' ? ', its data volume is lost' : ''}`);
  const kill = async (): Promise<Booted> => {
    const what = await before;
    await Promise.all(what.running.map((process) => process.stop(0)));
    if (how.volume === 'lost' && what.volume !== undefined) rmSync(what.volume, { recursive: true, force: true });
    return what;
  };
  if (how.state === 'lost') {
    machine.failingSince ??= Date.now();
    entry.abort.abort();
    entry.booted = kill().then((what) => ({ ...what, running: [] }));
  } else entry.booted = kill().then((what) => reboot(life, entry, what));
  entry.booted.catch(() => undefined);
}

async function reboot(life: Life, { machine, abort }: Entry, what: Booted): Promise<Booted> {
  await delay(life.pace.reboot * 1000, undefined, { signal: abort.signal }).catch(() => undefined);
  while (!abort.signal.aborted && life.injection.zoneDown(machine.cluster, machine.zone)) await delay(LOOK_MILLISECONDS);
  if (life.closed || abort.signal.aborted) return { ...what, running: [] };
  machine.power = 'on';
  life.clusters.silenceNode(machine.account, machine.cluster, nodeName(machine), false);
  say(life, machine, 'running', `runs again at ${machine.address ?? 'no address'}`);
  return what.restart();
}

/** Nobody hears the machine any more, or again. */
export async function silence(life: Life, { machine, booted }: Entry, silent: boolean): Promise<void> {
  if (machine.power === (silent ? 'silent' : 'on') || machine.power === 'off') return;
  machine.power = silent ? 'silent' : 'on';
  if (silent) machine.failingSince ??= Date.now();
  else delete machine.failingSince;
  say(life, machine, silent ? 'failed' : 'running', silent ? `zone ${machine.zone} is down` : `zone ${machine.zone} is back`);
  life.clusters.silenceNode(machine.account, machine.cluster, nodeName(machine), silent);
  // Those that are still booting are held by the zone, and what they started is found at the next look.
  const { running } = await booted.catch(() => NOTHING_RUNS);
  for (const process of running) machine.power === 'silent' ? process.freeze() : process.thaw();
}

export function nodeName(machine: Readonly<Machine>): string {
  return machine.id.replaceAll('.', '-');
}
