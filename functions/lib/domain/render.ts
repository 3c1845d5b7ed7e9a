import type { Pool, Versions } from '#model/configuration.ts';
import { Manifest, type Render, type RenderedComponent, type RenderedStack } from '#model/render.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { Configuration, UserDataName } from './configuration.ts';
import { type IgnitionDocument, renderIgnition } from './ignition.ts';
import { bucketName, stackName } from './names.ts';
import { inApplyOrder } from './object-order.ts';
import { escaped, mapStrings, OWN_VARIABLES, type Put, putAll, putShared, subnetVariables } from './plan-fold.ts';
import { subnetParameters } from './pool-zones.ts';
import { outputReference, type TemplateName } from './stack-parameters.ts';
import type { Template } from './template.ts';
import { clusterVariables, poolVariables, type Variables } from './variables.ts';

export interface RenderOptions {
  /** Bucket of the cluster's account; by default the one that Sluice's names give it. */
  readonly bucket?: string;
  /** Leaves what is a cluster's own (name, account, addresses) as `${NAME}` (plan-fold.ts), so that equal changes have equal text. */
  readonly folded?: boolean;
}

/** Texts and values of one cluster, or folded: of all clusters that differ by their own variables only. */
interface Writer {
  readonly put: Put;
  /** As `put`, with variables of the user data's own. */
  readonly putWith: (extra: Variables) => Put;
  /** A value that is no text of the configuration. */
  readonly literal: Put;
}

/** Everything that one cluster gets from a configuration. A pure function: equal input, equal text. */
export function render(configuration: Configuration, cluster: ClusterRef, options: RenderOptions = {}): Render {
  const bucket = options.bucket ?? bucketName(cluster.account, cluster.region);
  const variables = { ...clusterVariables(cluster, configuration.versions, bucket), ...subnetVariables(cluster.network) };
  const putOf = (values: Variables): Put => (options.folded === true ? putShared(values, OWN_VARIABLES) : putAll(values));
  const put = putOf(variables);
  const writer: Writer = {
    put,
    putWith: (extra) => putOf({ ...variables, ...extra }),
    literal: options.folded === true ? escaped : (text) => text,
  };
  return {
    cluster: put('${CLUSTER_NAME}'),
    revision: configuration.revision,
    versions: configuration.versions,
    pools: [...configuration.pools],
    stacks: stacksOf(configuration, writer),
    components: componentsOf(configuration, cluster, put),
    deletions: configuration.deletions,
    tests: { conformance: [...configuration.conformance] },
    ...(configuration.probes.length === 0 ? {} : { probes: [...configuration.probes] }),
    load: inApplyOrder(configuration.load.map((object) => objectOf(object.manifest, put))),
  };
}

/** The variables that are a cluster's own, with their values: with them `unfold` makes its texts of folded ones. */
export function ownVariables(cluster: ClusterRef, versions: Versions, options: RenderOptions = {}): Variables {
  const bucket = options.bucket ?? bucketName(cluster.account, cluster.region);
  const variables: Variables = { ...clusterVariables(cluster, versions, bucket), ...subnetVariables(cluster.network) };
  return Object.fromEntries(Object.entries(variables).filter(([name]) => OWN_VARIABLES.has(name)));
}

function componentsOf(configuration: Configuration, cluster: ClusterRef, put: Put): RenderedComponent[] {
  return configuration.components
    .filter(({ file }) => file.environments === undefined || file.environments.includes(cluster.environment))
    .map(({ file, objects }) => ({
      name: file.name,
      phase: file.phase,
      objects: inApplyOrder(objects.map((object) => objectOf(object.manifest, put))),
      ...(file.skew === undefined ? {} : { skew: file.skew }),
    }));
}

/** Objects without variables are not copied: many clusters share them. */
function objectOf(manifest: Manifest, put: Put): Manifest {
  const mapped = mapStrings(manifest, put);
  return mapped === manifest ? manifest : Manifest.parse(mapped);
}

function stacksOf(configuration: Configuration, writer: Writer): RenderedStack[] {
  const parameters = stackParameters(writer.put);
  const bucket = writer.put('${BUCKET}');
  const ignition = (name: UserDataName, extra: Variables = {}): IgnitionDocument =>
    renderIgnition([configuration.userData.common, configuration.userData[name]], writer.putWith(extra));
  const stack = (role: string, name: TemplateName, own: Variables, document?: IgnitionDocument): RenderedStack => ({
    role,
    stackName: stackName(parameters['ClusterName'] ?? '', role),
    template: configuration.templates[name].text,
    parameters: declared(configuration, name, {
      ...parameters,
      ...own,
      ...(document === undefined ? {} : ignitionParameters(document, bucket)),
    }),
    ...(document === undefined ? {} : { ignition: document.text, ignitionHash: document.hash }),
  });
  return [
    stack('network', 'network', {}),
    stack('etcd', 'etcd', {}, ignition('etcd')),
    stack('control-plane', 'control-plane', {}, ignition('control-plane')),
    ...configuration.pools.map((pool) =>
      stack(`pool-${pool.name}`, 'node-pool', poolParameters(pool, writer.literal), ignition('node', poolVariables(pool))),
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

function ignitionParameters(document: IgnitionDocument, bucket: string): Variables {
  return { IgnitionHash: document.hash, IgnitionUrl: `s3://${bucket}/ignition/${document.hash}.json` };
}

/** Parameters of stacks and the variables that they are. */
const PARAMETER_VARIABLES = {
  ClusterName: 'CLUSTER_NAME',
  Environment: 'ENVIRONMENT',
  Bucket: 'BUCKET',
  TokenIssuer: 'TOKEN_ISSUER',
  Network: 'NETWORK',
  SubnetACidr: 'SUBNET_A_CIDR',
  SubnetBCidr: 'SUBNET_B_CIDR',
  SubnetCCidr: 'SUBNET_C_CIDR',
  ApiAddress: 'API_ADDRESS',
  ApiAddressB: 'API_ADDRESS_B',
  ApiAddressC: 'API_ADDRESS_C',
  EtcdAddressA: 'ETCD_ADDRESS_A',
  EtcdAddressB: 'ETCD_ADDRESS_B',
  EtcdAddressC: 'ETCD_ADDRESS_C',
  EtcdAddressD: 'ETCD_ADDRESS_D',
  EtcdAddressE: 'ETCD_ADDRESS_E',
  EtcdMembers: 'ETCD_MEMBERS',
  OsImage: 'OS_IMAGE',
  KubernetesVersion: 'KUBERNETES_VERSION',
  EtcdVersion: 'ETCD_VERSION',
} as const;

function stackParameters(put: Put): Variables {
  return Object.fromEntries(Object.entries(PARAMETER_VARIABLES).map(([parameter, name]) => [parameter, put(`\${${name}}`)]));
}

function poolParameters(pool: Pool, literal: Put): Variables {
  return {
    PoolName: pool.name,
    InstanceType: literal(pool.instanceType),
    Market: pool.market,
    PoolSize: String(pool.size),
    PoolMaxSize: String(pool.maxSize),
    PoolGeneration: String(pool.generation),
    ...subnetParameters(pool),
  };
}
