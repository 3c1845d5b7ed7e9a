import { aNode } from '../cluster-world.ts';
import { createFakeEtcd, memberStatus } from '../fakes/etcd.ts';
import { createFakeKubernetes, type FakeKubernetes } from '../fakes/kubernetes.ts';
import type { Hardware, Machine } from './cloud.ts';
import { runControllers } from './controllers.ts';

const KINDS = [
  ...['rbac.authorization.k8s.io/v1/Role', 'rbac.authorization.k8s.io/v1/RoleBinding', 'rbac.authorization.k8s.io/v1/ClusterRole'],
  ...['rbac.authorization.k8s.io/v1/ClusterRoleBinding', 'scheduling.k8s.io/v1/PriorityClass', 'networking.k8s.io/v1/IngressClass'],
  ...['coordination.k8s.io/v1/Lease', 'networking.k8s.io/v1/NetworkPolicy'],
];
/** So many connections in turn meet all API servers. */
const PROBES = 40;

export interface FakeHardware extends Hardware {
  /** The cluster's API in memory; another one after its deletion. */
  api(): FakeKubernetes;
  /** Members of etcd as they are now. */
  members(): readonly { readonly name: string; readonly version: string; readonly healthy: boolean }[];
}

/** etcd, API, controllers and nodes in memory. */
export function createFakeHardware(): FakeHardware {
  const etcd = createFakeEtcd([]);
  let kubernetes = newApi();

  return {
    api: () => kubernetes,
    members: () => etcd.members,
    up({ id, role, zone, version }) {
      if (role.startsWith('pool-')) kubernetes.put(aNode(id, { zone, kubelet: version }));
    },
    down: ({ id }) => kubernetes.remove({ apiVersion: 'v1', kind: 'Node', name: id }),
    tick(machines, passes) {
      look(machines);
      if (passes && !kubernetes.unreachable) runControllers(kubernetes);
    },
    rest: async () => undefined,
    forget() {
      kubernetes = newApi();
    },
    kubernetes: async () => kubernetes,
    etcd: async () => etcd,
  };

  /** What is true of etcd and API follows from the instances. */
  function look(machines: readonly Machine[]): void {
    etcd.members = machines
      .filter(({ role }) => role.startsWith('etcd-'))
      .map(({ role, version, zone }, index) =>
        memberStatus({ name: `etcd-${zone}`, endpoint: `https://${role}.example:2379`, leader: index === 0, version }),
      );
    etcd.down = etcd.members.length === 0;
    const versions = machines.filter(({ role }) => role === 'control-plane').map(({ version }) => version);
    kubernetes.unreachable = etcd.down || versions.length === 0;
    kubernetes.serverVersion = versions[0] ?? '';
    kubernetes.probes = Array.from({ length: PROBES }, (_, turn) => ({
      ready: true,
      version: versions[turn % Math.max(versions.length, 1)] ?? '',
      milliseconds: 5,
      reason: 'ok',
    }));
  }
}

function newApi(): FakeKubernetes {
  const kubernetes = createFakeKubernetes();
  for (const kind of KINDS) kubernetes.kinds.add(kind);
  kubernetes.unreachable = true;
  return kubernetes;
}
