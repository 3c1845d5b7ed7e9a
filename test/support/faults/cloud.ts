import * as z from 'zod';
import { etcdSeats } from '#domain/network.ts';
import type { Addresses } from '#ports/addresses.ts';
import type { Etcd } from '#ports/etcd.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import type { StackState } from '#ports/stacks.ts';
import type { EtcdVolumes } from '#ports/volumes.ts';
import { createFakeInstances, type FakeInstances } from '../fakes/instances.ts';
import { createFakeStacks, type FakeStacks } from '../fakes/stacks.ts';
import { CLUSTER } from './revisions.ts';

/** Seconds of the simulated world in which everything takes one step on, if not told otherwise. */
const TICK_SECONDS = 10;
/** After so many ticks without a look nothing is under way any more. */
const MOST_TICKS = 100;
/** Parameters that are in a launch template: another value is another version. */
const LAUNCHED = ['IgnitionHash', 'InstanceType', 'Market', 'PoolGeneration', 'OsImage'];

/** An instance in service. */
export interface Machine {
  readonly id: string;
  readonly role: string;
  readonly zone: string;
  /** Of etcd, the API server or the kubelet on it. */
  readonly version: string;
}

/** What runs on instances: in memory, or real. */
export interface Hardware {
  up(machine: Machine): void;
  down(machine: Machine): void;
  /** Once a tick, and after each change, with all that are in service; whether something changed by it, where that is known. */
  tick(machines: readonly Machine[], passes: boolean): boolean;
  /** Until what was begun is done. */
  rest(): Promise<void>;
  /** etcd and its data are gone. */
  forget(): void;
  kubernetes(): Promise<Kubernetes>;
  etcd(): Promise<Etcd>;
  readonly addresses: Addresses;
  readonly volumes: EtcdVolumes;
}

/** One account with at most one cluster: stacks make groups, groups make instances, and those make etcd, API and nodes. */
export interface Cloud {
  readonly stacks: FakeStacks;
  readonly instances: FakeInstances;
  /** Lets the world go on to this time; answers when it last changed on the way, undefined when it did not. */
  passTo(now: Date): Promise<number | undefined>;
}

/**
 * @param document what an instance is made of, by its hash
 * @param tickSeconds in which everything takes one step on
 */
export function createCloud(start: Date, document: (hash: string) => string, hardware: Hardware, tickSeconds = TICK_SECONDS): Cloud {
  const stacks = createFakeStacks();
  const instances = createFakeInstances();
  let last = start.getTime();
  /** What a group's launch template versions were made of. */
  const launched = new Map<string, { made: string; runs: string }[]>();
  const machines: Machine[] = [];
  let changed = false;

  stacks.setOutputs(`sluice-${CLUSTER.name}-network`, new Proxy({}, { get: (_, key) => `output-${String(key)}` }));
  stacks.onSettled = (name, stack) => {
    changed = true;
    const role = name.replace(`sluice-${CLUSTER.name}-`, '');
    if (role === 'network') return;
    if (stack === undefined) removeGroups(role);
    else if (stack.status === 'CREATE_COMPLETE' || stack.status.startsWith('UPDATE_')) bringGroups(role, stack);
    hardware.tick(machines, false);
  };
  instances.onInService = ({ id, zone, launchTemplateVersion }, _, role) => {
    const version = launched.get(role)?.[Number(launchTemplateVersion) - 1]?.runs ?? '';
    changed = true;
    machines.push({ id, role, zone, version });
    hardware.up({ id, role, zone, version });
  };
  instances.onGone = ({ id }) => {
    changed = true;
    const at = machines.findIndex((machine) => machine.id === id);
    const [machine] = at < 0 ? [] : machines.splice(at, 1);
    if (machine !== undefined) hardware.down(machine);
  };

  function groupsOf(role: string): string[] {
    return role === 'etcd' ? etcdSeats(CLUSTER).map((seat) => `etcd-${seat}`) : [role];
  }

  function bringGroups(role: string, { parameters }: StackState): void {
    const made = JSON.stringify(LAUNCHED.map((name) => parameters[name]));
    for (const group of groupsOf(role)) {
      const versions = launched.get(group) ?? [];
      const known = versions.at(-1)?.made === made;
      if (!known) versions.push({ made, runs: whatRuns(document(parameters['IgnitionHash'] ?? '')) });
      launched.set(group, versions);
      const size = Number(parameters['PoolSize'] ?? 1);
      const [min, max] = role === 'etcd' ? [1, 1] : role === 'control-plane' ? [1, 2] : [size, Number(parameters['PoolMaxSize'] ?? size)];
      if (versions.length === 1 && !known) instances.addGroup(CLUSTER.name, group, { min, max, desired: min, launchTemplateVersion: '1' });
      else instances.setVersion(CLUSTER.name, group, String(versions.length));
    }
  }

  function removeGroups(role: string): void {
    for (const group of groupsOf(role)) {
      launched.delete(group);
      instances.removeGroup(CLUSTER.name, group);
    }
    // Its data goes with etcd; a cluster of the same name would begin empty.
    if (role === 'etcd') hardware.forget();
  }

  return {
    stacks,
    instances,
    async passTo(now) {
      const tick = tickSeconds * 1000;
      const from = Math.max(last, now.getTime() - MOST_TICKS * tick);
      const ticks = Math.floor((now.getTime() - from) / tick);
      last = from + ticks * tick;
      let changedAt: number | undefined;
      for (let count = 1; count <= ticks; count++) {
        changed = false;
        stacks.advance();
        instances.tick();
        const moved = hardware.tick(machines, true);
        if (changed || moved) changedAt = from + count * tick;
      }
      await hardware.rest();
      return changedAt;
    },
  };
}

const Document = z.looseObject({
  storage: z.looseObject({ files: z.array(z.looseObject({ path: z.string(), contents: z.looseObject({ source: z.string() }) })) }),
});

/** The version of the first binary that an instance gets, as its Ignition document names it: all that it gets has that one. */
function whatRuns(document: string): string {
  const { files } = Document.parse(JSON.parse(document)).storage;
  const source = files.find(({ path }) => path === '/etc/sluice/binaries.json')?.contents.source ?? '';
  const binaries = JSON.parse(Buffer.from(source.replace(/^data:;base64,/, ''), 'base64').toString('utf8')) as { version: string }[];
  return binaries[0]?.version ?? '';
}
