import { aNode } from '../cluster-world.ts';
import { createFakeEtcd, memberStatus } from '../fakes/etcd.ts';
import { createFakeKubernetes, type FakeKubernetes } from '../fakes/kubernetes.ts';
import { referenceSnapshot } from '../reference-fleet.ts';
import type { Hardware, Machine } from './cloud.ts';
import { runControllers } from './controllers.ts';

/** Kinds that a real API server has; those of the reference configuration but for its custom ones. */
const KINDS = referenceSnapshot()
  .files.flatMap(({ content }) => [...content.matchAll(/^apiVersion: (?<version>\S+)\nkind: (?<kind>\S+)/gm)])
  .map(({ groups }) => `${groups?.['version']}/${groups?.['kind']}`);

export interface FakeHardware extends Hardware {
  /** The cluster's API in memory; another one after its deletion. */
  api(): FakeKubernetes;
  /** Members of etcd as they are now. */
  members(): readonly { readonly name: string; readonly version: string; readonly healthy: boolean }[];
}

/** etcd, API, controllers and nodes in memory. */
export function createFakeHardware(): FakeHardware {
  const etcd = createFakeEtcd([]);
  let machines: Machine[] = [];
  let kubernetes = api();

  return {
    api: () => kubernetes,
    members: () => etcd.members,
    up({ id, role, zone, version }) {
      if (role.startsWith('pool-')) kubernetes.put(aNode(id, { zone, kubelet: version }));
    },
    down: ({ id }) => kubernetes.remove({ apiVersion: 'v1', kind: 'Node', name: id }),
    tick(now, passes) {
      machines = [...now];
      const before = seen();
      look();
      if (passes && !kubernetes.unreachable) runControllers(kubernetes);
      return before !== seen();
    },
    rest: async () => undefined,
    forget() {
      kubernetes = api();
    },
    kubernetes: async () => kubernetes,
    etcd: async () => etcd,
    addresses: async (ids) => new Map(ids.map((id) => [id, addressOf(id)])),
    volumes: async () =>
      etcd.members.map(({ name }) => ({ id: `vol-${name}`, zone: zoneOf(name), seat: 'a', createdAt: MADE, instance: undefined })),
  };

  function planes(): Machine[] {
    return machines.filter(({ role }) => role === 'control-plane');
  }

  /** What can be awaited. */
  function seen(): string {
    const pods = kubernetes.all('Pod').map(({ metadata, spec }) => [metadata.name, spec]);
    const workloads = ['Deployment', 'StatefulSet', 'DaemonSet'].flatMap((kind) => kubernetes.all(kind).map(({ status }) => status));
    return JSON.stringify([etcd.members, kubernetes.serverVersion, kubernetes.unreachable, pods, workloads]);
  }

  /** What is true of etcd and API follows from the instances. */
  function look(): void {
    const members = machines.filter(({ role }) => role.startsWith('etcd-'));
    const leaderId = `id-etcd-${members[0]?.zone ?? ''}`;
    etcd.members = members.map(({ role, version, zone }, index) =>
      memberStatus({ name: `etcd-${zone}`, endpoint: `https://${role}.example:2379`, leader: index === 0, leaderId, version }),
    );
    etcd.down = etcd.members.length === 0;
    kubernetes.unreachable = etcd.down || planes().length === 0;
    kubernetes.serverVersion = planes()[0]?.version ?? '';
  }

  /** An API whose connections meet the control plane's instances in turn, or the one at an address. */
  function api(): FakeKubernetes {
    const made = createFakeKubernetes();
    for (const kind of [...KINDS, 'coordination.k8s.io/v1/Lease']) made.kinds.add(kind);
    made.unreachable = true;
    let turn = 0;
    made.probe = async (address) => {
      const serving = planes();
      const met =
        address === undefined ? serving[turn++ % Math.max(serving.length, 1)] : serving.find(({ id }) => addressOf(id) === address);
      if (met === undefined || made.unreachable) return { ready: false, milliseconds: 1, reason: 'connect ECONNREFUSED' };
      return { ready: true, version: met.version, milliseconds: 5, reason: 'ok', server: addressOf(met.id) };
    };
    return made;
  }
}

/** Long before any run. */
const MADE = new Date('2026-01-01T00:00:00Z');

function zoneOf(member: string): string {
  return member.replace(/^etcd-/, '');
}

function addressOf(instance: string): string {
  return `10.1.0.${instance.slice(2)}`;
}
