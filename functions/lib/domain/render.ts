import type { Pool } from '#model/configuration.ts';
import { Manifest, type Render, type RenderedComponent, type RenderedStack } from '#model/render.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { Configuration, UserDataName } from './configuration.ts';
import { type IgnitionDocument, renderIgnition } from './ignition.ts';
import { bucketName, stackName } from './names.ts';
import { clusterAddresses } from './network.ts';
import { inApplyOrder } from './object-order.ts';
import { outputReference, type TemplateName } from './stack-parameters.ts';
import type { Template } from './template.ts';
import { clusterVariables, poolVariables, substituteAll, type Variables } from './variables.ts';

export interface RenderOptions {
  /** Bucket of the cluster's account; by default the one that Sluice's names give it. */
  readonly bucket?: string;
  /** Leaves what is a cluster's own (name, account, addresses) as `${NAME}`, so that equal changes have equal text. */
  readonly folded?: boolean;
}

/** Variables that differ between clusters that are otherwise the same. */
const OWN_VARIABLES = [
  'CLUSTER_NAME',
  'ACCOUNT',
  'NETWORK',
  'API_ADDRESS',
  'ETCD_ADDRESS_A',
  'ETCD_ADDRESS_B',
  'ETCD_ADDRESS_C',
  'ETCD_ENDPOINTS',
  'ETCD_INITIAL_CLUSTER',
  'BUCKET',
];

/** Everything that one cluster gets from a configuration. A pure function: equal input, equal text. */
export function render(configuration: Configuration, cluster: ClusterRef, options: RenderOptions = {}): Render {
  const bucket = options.bucket ?? bucketName(cluster.account, cluster.region);
  const real = clusterVariables(cluster, configuration.versions, bucket);
  const folded = Object.fromEntries(OWN_VARIABLES.map((name) => [name, `\${${name}}`]));
  const variables: Variables = options.folded === true ? { ...real, ...folded } : real;
  return {
    cluster: variables['CLUSTER_NAME'] ?? cluster.name,
    revision: configuration.revision,
    versions: configuration.versions,
    pools: [...configuration.pools],
    stacks: stacksOf(configuration, cluster, variables),
    components: componentsOf(configuration, cluster, variables),
    deletions: configuration.deletions,
    tests: { conformance: [...configuration.conformance] },
    load: inApplyOrder(configuration.load.map((object) => Manifest.parse(substituteAll(object.manifest, variables)))),
  };
}

function componentsOf(configuration: Configuration, cluster: ClusterRef, variables: Variables): RenderedComponent[] {
  return configuration.components
    .filter(({ file }) => file.environments === undefined || file.environments.includes(cluster.environment))
    .map(({ file, objects }) => ({
      name: file.name,
      phase: file.phase,
      objects: inApplyOrder(objects.map((object) => Manifest.parse(substituteAll(object.manifest, variables)))),
    }));
}

function stacksOf(configuration: Configuration, cluster: ClusterRef, variables: Variables): RenderedStack[] {
  const parameters = stackParameters(cluster, variables);
  const ignition = (name: UserDataName, extra: Variables = {}): IgnitionDocument =>
    renderIgnition([configuration.userData.common, configuration.userData[name]], { ...variables, ...extra });
  const stack = (role: string, name: TemplateName, own: Variables, document?: IgnitionDocument): RenderedStack => ({
    role,
    stackName: stackName(parameters['ClusterName'] ?? cluster.name, role),
    template: configuration.templates[name].text,
    parameters: declared(configuration, name, {
      ...parameters,
      ...own,
      ...(document === undefined ? {} : ignitionParameters(document, variables)),
    }),
    ...(document === undefined ? {} : { ignition: document.text, ignitionHash: document.hash }),
  });
  return [
    stack('network', 'network', {}),
    stack('etcd', 'etcd', {}, ignition('etcd')),
    stack('control-plane', 'control-plane', {}, ignition('control-plane')),
    ...configuration.pools.map((pool) =>
      stack(`pool-${pool.name}`, 'node-pool', poolParameters(pool), ignition('node', poolVariables(pool))),
    ),
  ];
}

/** The values that the template declares; outputs of the network stack as references. */
function declared(configuration: Configuration, name: TemplateName, values: Variables): Record<string, string> {
  const template: Template = configuration.templates[name];
  const outputs = configuration.templates.network.outputs;
  return Object.fromEntries(
    template.parameters.map((parameter) => [
      parameter,
      values[parameter] ?? (outputs.includes(parameter) ? outputReference(parameter) : ''),
    ]),
  );
}

function ignitionParameters(document: IgnitionDocument, variables: Variables): Variables {
  return { IgnitionHash: document.hash, IgnitionUrl: `s3://${variables['BUCKET'] ?? ''}/ignition/${document.hash}.json` };
}

function stackParameters(cluster: ClusterRef, variables: Variables): Variables {
  const value = (name: string): string => variables[name] ?? '';
  const own = value('NETWORK') === cluster.network ? clusterAddresses(cluster.network).subnets : (['a', 'b', 'c'] as const);
  return {
    ClusterName: value('CLUSTER_NAME'),
    Environment: value('ENVIRONMENT'),
    Bucket: value('BUCKET'),
    Network: value('NETWORK'),
    SubnetACidr: own[0],
    SubnetBCidr: own[1],
    SubnetCCidr: own[2],
    ApiAddress: value('API_ADDRESS'),
    EtcdAddressA: value('ETCD_ADDRESS_A'),
    EtcdAddressB: value('ETCD_ADDRESS_B'),
    EtcdAddressC: value('ETCD_ADDRESS_C'),
    OsImage: value('OS_IMAGE'),
    KubernetesVersion: value('KUBERNETES_VERSION'),
    EtcdVersion: value('ETCD_VERSION'),
  };
}

function poolParameters(pool: Pool): Variables {
  return {
    PoolName: pool.name,
    InstanceType: pool.instanceType,
    Market: pool.market,
    PoolSize: String(pool.size),
    PoolMaxSize: String(pool.maxSize),
    PoolGeneration: String(pool.generation),
  };
}
