import { createHash } from 'node:crypto';

/** Label on each Node of the room, which deletes only these; kwok plays those that have `value`. */
export const MANAGED_LABEL = { key: 'sluice/managed-by', value: 'machine-room', silent: 'machine-room-silent' } as const;

/** A machine that is or wants to be a node. */
export interface NodeSpec {
  readonly name: string;
  readonly zone: string;
  readonly address: string;
  readonly kubeletVersion: string;
  readonly instanceType: string;
  readonly labels: Readonly<Record<string, string>>;
  /** A kubelet of its own makes the Node; nobody plays it. */
  readonly real?: boolean;
}

/** A Node as a kubelet registers it, Ready by nobody yet. Capacity is that of a mid-size machine. */
export function nodeObject(spec: NodeSpec): unknown {
  const resources = { cpu: '16', memory: '64Gi', pods: '110', 'ephemeral-storage': '100Gi' };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: spec.name,
      labels: {
        'kubernetes.io/hostname': spec.name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'topology.kubernetes.io/zone': spec.zone,
        'topology.kubernetes.io/region': spec.zone.slice(0, -1),
        ...(spec.instanceType === '' ? {} : { 'node.kubernetes.io/instance-type': spec.instanceType }),
        ...spec.labels,
        [MANAGED_LABEL.key]: MANAGED_LABEL.value,
      },
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    spec: { providerID: `aws:///${spec.zone}/${spec.name}` },
    status: {
      capacity: resources,
      allocatable: resources,
      addresses: [
        { type: 'InternalIP', address: spec.address },
        { type: 'Hostname', address: spec.name },
      ],
      nodeInfo: {
        architecture: 'amd64',
        operatingSystem: 'linux',
        kubeletVersion: `v${spec.kubeletVersion}`,
        kubeProxyVersion: '',
        containerRuntimeVersion: 'kwok',
        osImage: '',
        kernelVersion: '',
        machineID: createHash('md5').update(spec.name).digest('hex'),
        systemUUID: spec.name,
        bootID: spec.name,
      },
    },
  };
}
