import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { startAutoScalingApi } from './auto-scaling-api.ts';
import { type AccountView, accountResolver, accountView } from './aws.ts';
import { createClusters } from './clusters.ts';
import { startControlApi } from './control-api.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { createInjection } from './injection.ts';
import { createProcessTable } from './processes.ts';
import { createRealNodes } from './real/real-nodes.ts';
import type { Faults, Machine, MachineRoom, MachineRoomOptions, Pace, RoomEvent } from './types.ts';

export { fastStages } from './kwok.ts';
export type { MachineRoom, MachineRoomOptions, RoomEvent } from './types.ts';

/** Between two looks at an account's stacks. */
const LOOK_MILLISECONDS = 500;

const PACE: Pace = { healthCheck: 5, rebalance: 30, reboot: 2 };

/**
 * The data centre of the local world. It watches the Auto Scaling groups tagged `sluice:cluster` and `sluice:role` in the
 * emulator's accounts, runs for each instance what its user data says, balances each cluster's API address over its
 * control planes, and answers the Auto Scaling API. It binds in 127.0.0.0/8 only.
 */
export async function startMachineRoom(options: MachineRoomOptions): Promise<MachineRoom> {
  const events = new EventEmitter<{ event: [RoomEvent] }>();
  const processes = createProcessTable(options.directory);
  const injection = createInjection();
  const realNodes = options.realNodes === undefined ? undefined : createRealNodes(options.realNodes, processes);
  const views = new Map<string, AccountView>();
  const viewOf = (account: string): AccountView => {
    const view = views.get(account) ?? accountView(options.awsEndpoint, options.region, account);
    views.set(account, view);
    return view;
  };
  const emit = (machine: Machine, kind: RoomEvent['kind'], reason: string): void => {
    const { account, cluster, role, id: instance } = machine;
    options.log(`machine ${kind}`, { account, cluster, role, instance, reason });
    events.emit('event', { at: new Date().toISOString(), kind, account, cluster, role, instance, reason });
  };
  const fleetHolder: { fleet?: Fleet } = {};
  const clusters = createClusters({
    directory: options.directory,
    kwok: options.kwok,
    processes,
    log: options.log,
    // A node is named by its instance.
    report: (node, kind, reason) => fleetHolder.fleet?.say(node, kind, reason),
    zoneDown: (cluster, zone) => injection.zoneDown(cluster, zone),
    realNodes,
  });
  const { directory, binaries } = options;
  const pace = { ...PACE, ...options.pace };
  const fleet = createFleet({ directory, binaries, viewOf, processes, clusters, injection, pace, realNodes, emit });
  fleetHolder.fleet = fleet;
  const faults: Faults = {
    terminate: (instance) => fleet.shutDown(instance),
    replace: (instance) => fleet.replace(instance),
    crash: (instance, how) => fleet.crash(instance, how),
    bootDelay: (selector, seconds) => injection.setBootDelay(selector, seconds),
    withholdUnits: (selector, withheld) => injection.setUnitsWithheld(selector, withheld),
    zoneDown: (zone, cluster) => fleet.setZoneDown(zone, cluster, true),
    zoneUp: (zone, cluster) => fleet.setZoneDown(zone, cluster, false),
  };
  const control = await startControlApi(faults, () => fleet.machines());
  const api = await startAutoScalingApi(options.awsEndpoint, fleet, accountResolver(options.awsEndpoint, options.region));
  const stop = new AbortController();
  const looking = keepLooking(fleet, options, stop.signal);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    stop.abort();
    await Promise.all([api.close(), control.close()]);
    await looking;
    await fleet.close();
    await processes.close();
    realNodes?.close();
    await clusters.close();
  };
  return {
    autoscalingUrl: api.url,
    events,
    instances: () => fleet.machines(),
    processes: () => processes.list(),
    ...faults,
    control: { url: control.url, token: control.token },
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** Looks at every account again and again. A look that fails is told once until its words change, and tried again. */
async function keepLooking(fleet: Fleet, options: MachineRoomOptions, signal: AbortSignal): Promise<void> {
  const told = new Map<string, string>();
  while (!signal.aborted) {
    const accounts = typeof options.accounts === 'function' ? options.accounts() : options.accounts;
    await Promise.all(
      accounts.map(async (account) => {
        try {
          await fleet.look(account);
          told.delete(account);
        } catch (error) {
          const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
          if (told.get(account) !== words && !signal.aborted) options.log('cannot look at the account', { account, error: words });
          told.set(account, words);
        }
      }),
    );
    await delay(LOOK_MILLISECONDS, undefined, { signal }).catch(() => undefined);
  }
}
