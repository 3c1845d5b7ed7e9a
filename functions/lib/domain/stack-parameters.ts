import type { Finding } from '#model/checks.ts';
import { didYouMean } from './suggest.ts';
import type { Template } from './template.ts';
import { shorten } from './yaml-parse.ts';
import { findingAt, placeOf } from './yaml-source.ts';

/** The four templates of a configuration; `node-pool` makes one stack for each pool. */
export const TEMPLATE_NAMES = ['network', 'etcd', 'control-plane', 'node-pool'] as const;
export type TemplateName = (typeof TEMPLATE_NAMES)[number];

/** Parameters of every stack. */
const COMMON = [
  'ClusterName',
  'Environment',
  'Bucket',
  'TokenIssuer',
  'Network',
  'SubnetACidr',
  'SubnetBCidr',
  'SubnetCCidr',
  'ApiAddress',
  'ApiAddressB',
  'ApiAddressC',
  'EtcdAddressA',
  'EtcdAddressB',
  'EtcdAddressC',
  'EtcdAddressD',
  'EtcdAddressE',
  'EtcdMembers',
  'OsImage',
  'KubernetesVersion',
  'EtcdVersion',
];
/** Parameters of the stacks that have instances. */
const INSTANCES = ['IgnitionHash', 'IgnitionUrl'];
const POOL = ['PoolName', 'InstanceType', 'Market', 'PoolSize', 'PoolMaxSize', 'PoolGeneration'];

/** The parameters that Sluice has for a template, without the network stack's outputs. */
function knownParameters(name: TemplateName): readonly string[] {
  if (name === 'network') return COMMON;
  return name === 'node-pool' ? [...COMMON, ...INSTANCES, ...POOL] : [...COMMON, ...INSTANCES];
}

/** Value of a parameter that is an output of the network stack; put in when the stack is updated. */
export function outputReference(output: string): string {
  return `!output:network.${output}`;
}

/** A reference to an output of another stack of the same cluster. */
interface OutputReference {
  readonly role: string;
  readonly output: string;
}

/** The outputs that a parameter's value stands for: one, or several of a list; none when the value is plain text. */
export function outputReferences(value: string): OutputReference[] {
  const found = value.split(',').map((part) => /^!output:(?<role>[a-z0-9-]+)\.(?<output>\w+)$/.exec(part)?.groups);
  const references = found.flatMap((groups) =>
    groups === undefined ? [] : [{ role: groups['role'] ?? '', output: groups['output'] ?? '' }],
  );
  return references.length === found.length ? references : [];
}

/** Told of one template. */
const MAX_FINDINGS = 50;

/**
 * Parameters that Sluice can't fill. The list is closed; a constant belongs into Mappings. @param network undefined when it
 * could not be read: then each parameter may be one of its outputs
 */
export function parameterFindings(name: TemplateName, template: Template, network: Template | undefined): Finding[] {
  if (name !== 'network' && network === undefined) return [];
  const outputs = name === 'network' ? [] : (network?.outputs ?? []);
  const known = [...knownParameters(name), ...outputs];
  const fillable = new Set(known);
  return template.parameters
    .filter((parameter) => !fillable.has(parameter))
    .slice(0, MAX_FINDINGS)
    .map((parameter) => {
      const elsewhere = name === 'network' ? '' : ' Outputs of network.yaml are parameters too.';
      const message = `Sluice has no parameter ${shorten(parameter)} for this template.${didYouMean(parameter, known)}${elsewhere}`;
      return findingAt(template.path, placeOf(template.source, ['Parameters', parameter]), 'unknown-parameter', message);
    });
}
