import type { Finding } from '#model/checks.ts';
import type { Pool, Versions } from '#model/configuration.ts';
import { InputError } from '#model/errors.ts';
import type { ClusterRef } from '#model/settings.ts';
import { tokenIssuer } from './names.ts';
import {
  API_PORT,
  clusterAddresses,
  DNS_SERVICE_ADDRESS,
  ETCD_CLIENT_PORT,
  ETCD_PEER_PORT,
  etcdSeatsOf,
  SERVICE_NETWORK,
} from './network.ts';
import { identityText, ROTATED_KINDS } from './rotation.ts';
import { parseSecretReference, SECRET_PREFIX } from './secret-reference.ts';
import { didYouMean } from './suggest.ts';
import { shorten } from './yaml-parse.ts';
import { findingAt, placeOfOffset, scalarsOf, type YamlSource } from './yaml-source.ts';

/** Variables that manifests and user data may use. The list is closed; docs/configure.md describes each. */
export const CLUSTER_VARIABLES = [
  'CLUSTER_NAME',
  'ACCOUNT',
  'REGION',
  'ENVIRONMENT',
  'CHANNEL',
  'NETWORK',
  'API_ADDRESS',
  'API_PORT',
  'ETCD_ADDRESS_A',
  'ETCD_ADDRESS_B',
  'ETCD_ADDRESS_C',
  'ETCD_ADDRESS_D',
  'ETCD_ADDRESS_E',
  'ETCD_ENDPOINTS',
  'ETCD_INITIAL_CLUSTER',
  'ETCD_MEMBERS',
  'SERVICE_NETWORK',
  'DNS_ADDRESS',
  'KUBERNETES_VERSION',
  'ETCD_VERSION',
  'OS_IMAGE',
  'BUCKET',
  'TOKEN_ISSUER',
  'CA_GENERATIONS',
  'IDENTITY_GENERATIONS',
] as const;

/** Variables that only the user data of nodes may use besides. */
export const POOL_VARIABLES = ['POOL_NAME', 'POOL_GENERATION', 'POOL_LABELS'] as const;

export type ClusterVariable = (typeof CLUSTER_VARIABLES)[number];
export type Variables = Readonly<Record<string, string>>;

/** Values of the cluster variables. */
export function clusterVariables(cluster: ClusterRef, versions: Versions, bucket: string): Record<ClusterVariable, string> {
  const addresses = clusterAddresses(cluster.network);
  const members = etcdSeatsOf(cluster);
  return {
    CLUSTER_NAME: cluster.name,
    ACCOUNT: cluster.account,
    REGION: cluster.region,
    ENVIRONMENT: cluster.environment,
    CHANNEL: cluster.channel,
    NETWORK: cluster.network,
    API_ADDRESS: addresses.api,
    API_PORT: String(API_PORT),
    ETCD_ADDRESS_A: addresses.etcd[0],
    ETCD_ADDRESS_B: addresses.etcd[1],
    ETCD_ADDRESS_C: addresses.etcd[2],
    ETCD_ADDRESS_D: addresses.etcd[3],
    ETCD_ADDRESS_E: addresses.etcd[4],
    ETCD_ENDPOINTS: members.map((member) => `https://${member.address}:${ETCD_CLIENT_PORT}`).join(','),
    ETCD_INITIAL_CLUSTER: members.map((member) => `${member.name}=https://${member.address}:${ETCD_PEER_PORT}`).join(','),
    ETCD_MEMBERS: String(members.length),
    SERVICE_NETWORK,
    DNS_ADDRESS: DNS_SERVICE_ADDRESS,
    KUBERNETES_VERSION: versions.kubernetes,
    ETCD_VERSION: versions.etcd,
    OS_IMAGE: versions.osImage,
    BUCKET: bucket,
    TOKEN_ISSUER: tokenIssuer(cluster),
    CA_GENERATIONS: identityText(versions, ['clusterCa']),
    IDENTITY_GENERATIONS: identityText(versions, ROTATED_KINDS),
  };
}

/** Values of the pool variables. */
export function poolVariables(pool: Pool): Record<(typeof POOL_VARIABLES)[number], string> {
  const labels = { ...pool.labels, 'sluice/pool': pool.name, 'node.kubernetes.io/instance-type': pool.instanceType };
  return {
    POOL_NAME: pool.name,
    POOL_GENERATION: String(pool.generation),
    POOL_LABELS: Object.entries(labels)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
  };
}

/** `${NAME}` is a variable, `$${NAME}` the literal `${NAME}`. An opening without its end is found too. */
export const VARIABLE = /\$(\$)?\{([^}\n]*)(\}?)/g;

/** Text with its variables put in, but for secrets: those stay references until they are applied. @throws InputError for an unknown variable; validation finds them first, with their place */
export function substitute(text: string, variables: Variables): string {
  if (!text.includes('${')) return text;
  return text.replace(VARIABLE, (whole: string, escaped: string | undefined, name: string) => {
    if (escaped !== undefined) return whole.slice(1);
    if (name.startsWith(SECRET_PREFIX)) return whole;
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value === undefined) throw new InputError(`unknown variable \${${name}}; validate the configuration before it is rendered`);
    return value;
  });
}

/** Told of one document. */
const MAX_FINDINGS = 50;

/**
 * Findings for unknown variables and for variables in keys, each at its own line.
 * @param secrets whether `${SECRET:name}` may stand here
 */
export function variableFindings(source: YamlSource, document: number, known: readonly string[], secrets = false): Finding[] {
  const findings: Finding[] = [];
  for (const scalar of scalarsOf(source, document)) {
    for (const match of scalar.text.matchAll(VARIABLE)) {
      if (findings.length >= MAX_FINDINGS) return findings;
      const message = match[1] === undefined ? problemOf(shorten(match[2] ?? ''), match[3] ?? '', known, scalar.isKey, secrets) : undefined;
      const place = placeOfOffset(source.lines, scalar.offset + match.index);
      if (message !== undefined) findings.push(findingAt(source.path, place, 'unknown-variable', message));
    }
  }
  return findings;
}

function problemOf(name: string, end: string, known: readonly string[], isKey: boolean, secrets: boolean): string | undefined {
  if (end === '') return `"\${${name}" has no closing brace. Write $\${ for a literal one.`;
  if (isKey) return `\${${name}} stands in a key. Variables are put into values only.`;
  if (known.includes(name)) return undefined;
  if (name.startsWith(SECRET_PREFIX)) {
    if (!secrets) return `\${${name}} may be the value of an entry of stringData of a Secret, and nothing else.`;
    return parseSecretReference(`\${${name}}`) === undefined
      ? `\${${name}} is no reference to a secret. Write \${SECRET:name} or \${SECRET:name@version}, in small letters, digits and dashes.`
      : undefined;
  }
  if (POOL_VARIABLES.some((variable) => variable === name)) return `\${${name}} is known only in user-data/node.yaml.`;
  return `There is no variable \${${name}}.${didYouMean(name, known)} Write $\${${name}} for the literal text.`;
}
