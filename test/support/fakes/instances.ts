import { zoneOfSeat } from '#domain/network.ts';
import type { Instance, Instances, LaunchFailure, ZonedGroup } from '#ports/instances.ts';

export interface FakeInstances extends Instances {
  readonly calls: string[];
  /** Adds a group with `desired` instances of its version, in service. */
  addGroup(cluster: string, role: string, group: { min: number; max: number; desired: number; launchTemplateVersion?: string }): void;
  /** What its stack's deletion does: the group is gone with its instances. */
  removeGroup(cluster: string, role: string): void;
  /** What its stack does on an update: a new launch template version. */
  setVersion(cluster: string, role: string, version: string): void;
  /** Starts what desired asks for, ends what is on its way out; a new instance is Pending for one tick. */
  tick(): void;
  /** While set, new instances never get in service. */
  broken: boolean;
  /** Which of several zones with equally few instances gets the next one. */
  ties: () => number;
  /** Free addresses of all subnets, in the first; undefined: they can't be read. */
  addresses: number | undefined;
  /** While set, AWS starts no instance, and says this. */
  refusal: LaunchFailure | undefined;
  /** Ends an instance as AWS or a fault does, not Sluice: it is replaced. */
  lose(id: string): void;
  /** Called as instances get in service and as they are gone. */
  onInService: (instance: Instance, cluster: string, role: string) => void;
  onGone: (instance: Instance, role: string) => void;
}

const ZONES = ['a', 'b', 'c'].map((letter) => `eu-central-1${letter}`);

interface State {
  readonly cluster: string;
  readonly role: string;
  group: Omit<ZonedGroup, 'instances'>;
  instances: Instance[];
}

/** Auto Scaling groups in memory; time passes by `tick` only. */
export function createFakeInstances(): FakeInstances {
  const states: State[] = [];
  let last = 0;
  const start = (state: State): void => {
    // A member of etcd has a group of its own in its seat's zone.
    const seat = /^etcd-([a-e])$/.exec(state.role)?.[1];
    const zone = seat === undefined ? emptiest(state) : `eu-central-1${zoneOfSeat(seat)}`;
    const { launchTemplateVersion } = state.group;
    state.instances.push({
      id: `i-${String(++last).padStart(4, '0')}`,
      zone,
      lifecycleState: 'Pending',
      healthStatus: 'Healthy',
      launchTemplateVersion,
    });
  };
  const emptiest = (state: State): string => {
    const count = (zone: string): number => live(state).filter((instance) => instance.zone === zone).length;
    const fewest = Math.min(...ZONES.map(count));
    const tied = ZONES.filter((zone) => count(zone) === fewest);
    return tied[fake.ties() % tied.length] ?? 'eu-central-1a';
  };
  const live = (state: State): Instance[] => state.instances.filter(({ lifecycleState }) => !lifecycleState.startsWith('Terminat'));
  const enter = (state: State, lifecycleState: string, id: string): void => {
    state.instances = state.instances.map((instance) => (instance.id === id ? { ...instance, lifecycleState } : instance));
  };
  const find = (cluster: string, role: string): State | undefined =>
    states.find((state) => state.cluster === cluster && state.role === role);
  const byName = (name: string): State => {
    const state = states.find(({ group }) => group.name === name);
    if (state === undefined) throw new Error(`no group ${name}`);
    return state;
  };
  const fake: FakeInstances = {
    calls: [],
    broken: false,
    ties: () => 0,
    addresses: 10_000,
    refusal: undefined,
    onInService: () => {},
    onGone: () => {},
    addGroup(cluster, role, { launchTemplateVersion = '1', ...group }) {
      const shape = { zones: ZONES, subnets: ZONES.map((zone) => `subnet-${zone}`), rebalances: true, note: undefined };
      const state: State = {
        cluster,
        role,
        group: { name: `${cluster}-${role}`, launchTemplateVersion, ...shape, ...group },
        instances: [],
      };
      states.push(state);
      for (let index = 0; index < group.desired; index++) start(state);
      for (const instance of state.instances) {
        enter(state, 'InService', instance.id);
        fake.onInService({ ...instance, lifecycleState: 'InService' }, cluster, role);
      }
    },
    removeGroup(cluster, role) {
      const state = find(cluster, role);
      if (state === undefined) return;
      states.splice(states.indexOf(state), 1);
      for (const instance of state.instances) fake.onGone(instance, role);
    },
    setVersion(cluster, role, launchTemplateVersion) {
      const state = find(cluster, role);
      if (state !== undefined) state.group = { ...state.group, launchTemplateVersion };
    },
    tick() {
      for (const state of states) {
        for (const instance of state.instances) {
          if (instance.lifecycleState === 'Pending' && !fake.broken) {
            enter(state, 'InService', instance.id);
            fake.onInService({ ...instance, lifecycleState: 'InService' }, state.cluster, state.role);
          }
          if (instance.lifecycleState === 'Terminating') {
            state.instances = state.instances.filter(({ id }) => id !== instance.id);
            fake.onGone(instance, state.role);
          }
        }
        while (fake.refusal === undefined && live(state).length < state.group.desired) start(state);
      }
    },
    async group(cluster, role) {
      const state = find(cluster, role);
      return state === undefined ? undefined : { ...state.group, instances: [...state.instances] };
    },
    async setDesiredCapacity(name, desired) {
      fake.calls.push(`desired ${name} ${desired}`);
      const state = byName(name);
      if (desired < state.group.min || desired > state.group.max)
        throw new Error(`desired ${desired} is outside of ${state.group.min} to ${state.group.max}`);
      state.group = { ...state.group, desired };
    },
    async setNote(name, note) {
      fake.calls.push(`note ${name} ${note ?? 'none'}`);
      const state = byName(name);
      state.group = { ...state.group, note };
    },
    async setRebalance(name, rebalances) {
      fake.calls.push(`rebalance ${name} ${rebalances ? 'on' : 'off'}`);
      const state = byName(name);
      state.group = { ...state.group, rebalances };
    },
    async freeAddresses(subnets) {
      const { addresses } = fake;
      if (subnets.length === 0 || addresses === undefined) return undefined;
      return new Map(subnets.map((subnet, index) => [subnet, index === 0 ? addresses : 0]));
    },
    async launchFailure(name) {
      byName(name);
      return fake.refusal;
    },
    lose(id) {
      const state = states.find(({ instances }) => instances.some((instance) => instance.id === id));
      if (state !== undefined) enter(state, 'Terminating', id);
    },
    async terminate(id, decrement) {
      fake.calls.push(`terminate ${id}${decrement ? ' decrement' : ''}`);
      const state = states.find(({ instances }) => instances.some((instance) => instance.id === id));
      if (state === undefined) throw new Error(`no instance ${id}`);
      if (decrement && state.group.desired - 1 < state.group.min) throw new Error('desired would be below the minimum');
      enter(state, 'Terminating', id);
      if (decrement) state.group = { ...state.group, desired: state.group.desired - 1 };
    },
  };
  return fake;
}
