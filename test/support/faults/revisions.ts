import { keys } from '#domain/names.ts';
import type { ClusterRef } from '#model/settings.ts';
import { edited, referenceSnapshot } from '../reference-fleet.ts';

/** The cluster that the runs are about. */
export const CLUSTER: ClusterRef = {
  name: 'dev-1',
  account: '200000000001',
  region: 'eu-central-1',
  environment: 'development',
  network: '10.1.0.0/16',
  channel: 'dev',
};

/** What a run changes. */
export const KINDS = ['create', 'manifests', 'worker-roll', 'control-plane-minor', 'etcd-patch', 'settings', 'delete'] as const;
export type Kind = (typeof KINDS)[number];

const BEFORE = 'b'.repeat(40);

interface Change {
  /** Revision and its files that differ from the reference configuration. */
  readonly revision: string;
  readonly files: Readonly<Record<string, string | undefined>>;
  readonly cluster: ClusterRef;
}

const POOLS = `pools:
  - name: general
    instanceType: m6i.xlarge
    size: 2
    maxSize: 4
`;
/** Enough to have each kind of object; reading all the others takes most of a run's time. */
const KEPT = ['access', 'coredns', 'kube-proxy', 'metrics-server', 'namespaces', 'network', 'priority-classes', 'resource-report'];

/** All files of the components that are left out. */
export const FEWER: Readonly<Record<string, undefined>> = Object.fromEntries(
  referenceSnapshot()
    .files.map(({ path }) => path)
    .filter((path) => path.startsWith('components/') && !KEPT.includes(path.split('/')[1] ?? ''))
    .map((path) => [path, undefined]),
);

const VERSIONS = {
  ...FEWER,
  'versions.yaml': versions('1.35.4', '3.6.11'),
  'pools.yaml': POOLS,
};

/** What all runs but a creation begin with. */
export const START: Change = { revision: BEFORE, files: VERSIONS, cluster: CLUSTER };

/** Where each kind of change goes. */
export const CHANGES: Readonly<Record<Exclude<Kind, 'delete'>, Change>> = {
  create: START,
  manifests: {
    revision: 'c'.repeat(40),
    files: {
      ...VERSIONS,
      ...edited('components/coredns/deployment.yaml', 'replicas: 2', 'replicas: 3'),
      'components/resource-report/component.yaml': undefined,
      'components/resource-report/deployment.yaml': undefined,
    },
    cluster: CLUSTER,
  },
  'worker-roll': {
    revision: 'd'.repeat(40),
    files: { ...VERSIONS, 'pools.yaml': POOLS.replace('m6i.xlarge', 'm6i.2xlarge') },
    cluster: CLUSTER,
  },
  'control-plane-minor': {
    revision: 'e'.repeat(40),
    files: { ...VERSIONS, 'versions.yaml': versions('1.36.3', '3.6.11') },
    cluster: CLUSTER,
  },
  'etcd-patch': {
    revision: 'f'.repeat(40),
    files: { ...VERSIONS, 'versions.yaml': versions('1.35.4', '3.6.16') },
    cluster: CLUSTER,
  },
  settings: { revision: BEFORE, files: VERSIONS, cluster: { ...CLUSTER, owner: 'team-data' } },
};

function versions(kubernetes: string, etcd: string): string {
  return `kubernetes: ${kubernetes}\netcd: ${etcd}\nosImage: ami-0a1b2c3d4e5f60718\ne2eTests: 1.36.3\n`;
}

/** Snapshots by their keys in the hub's bucket. */
export function snapshots(): Record<string, string> {
  const all = [START, ...Object.values(CHANGES)];
  return Object.fromEntries(
    all.map(({ revision, files }) => [keys.snapshot(revision), JSON.stringify(referenceSnapshot(files, revision))] as const),
  );
}
