import { InputError } from '#model/errors.ts';
import { clusterAddresses } from './network.ts';
import { SECRET_PREFIX } from './secret-reference.ts';
import { clusterVariables, substitute, VARIABLE, type Variables } from './variables.ts';

/** Puts variables into a text of the configuration. */
export type Put = (text: string) => string;

/** Puts all variables in, as an instance or a cluster gets the text. @throws InputError for an unknown variable */
export function putAll(variables: Variables): Put {
  return (text) => substitute(text, variables);
}

/**
 * Puts in what clusters of one kind share and leaves a cluster's own variables (name, account, addresses) as `${NAME}`,
 * and escapes as they are: the result is a text that `unfold` turns into what each of these clusters gets.
 * @throws InputError for an unknown variable
 */
export function putShared(variables: Variables, own: ReadonlySet<string>): Put {
  return (text) => {
    if (!text.includes('${')) return text;
    return text.replace(VARIABLE, (whole: string, mark: string | undefined, name: string) => {
      if (mark !== undefined || own.has(name) || name.startsWith(SECRET_PREFIX)) return whole;
      const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
      if (value === undefined) throw new InputError(`unknown variable \${${name}}; validate the configuration before it is rendered`);
      return escaped(value);
    });
  };
}

/** A literal text as a folded one: `unfold` gives it back. */
export function escaped(text: string): string {
  return text.includes('${') ? text.replace(VARIABLE, (whole: string) => `$${whole}`) : text;
}

/** What one cluster gets for a folded text. */
export function unfold(text: string, own: Variables): string {
  if (!text.includes('${')) return text;
  return text.replace(VARIABLE, (whole: string, mark: string | undefined, name: string) => {
    if (mark !== undefined) return whole.slice(1);
    return Object.hasOwn(own, name) ? (own[name] ?? whole) : whole;
  });
}

/** Changes each string of a value, keys left alone; what holds no changed string stays the same object. */
export function mapStrings(value: unknown, change: Put): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) {
    const mapped = value.map((entry) => mapStrings(entry, change));
    return mapped.every((entry, index) => entry === value[index]) ? value : mapped;
  }
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value);
  const mapped = entries.map(([key, entry]): [string, unknown] => [key, mapStrings(entry, change)]);
  return mapped.every(([, entry], index) => entry === entries[index]?.[1]) ? value : Object.fromEntries(mapped);
}

/** Subnets, and the load balancer in each, as variables of their own: only parameters of stacks have them. */
export function subnetVariables(network: string): Record<string, string> {
  const { subnets, apiByZone } = clusterAddresses(network);
  return {
    SUBNET_A_CIDR: subnets[0],
    SUBNET_B_CIDR: subnets[1],
    SUBNET_C_CIDR: subnets[2],
    API_ADDRESS_B: apiByZone[1],
    API_ADDRESS_C: apiByZone[2],
  };
}

const VERSIONS = { kubernetes: '1.0.0', etcd: '3.0.0', osImage: 'image' };
const LIKE = { region: 'eu-central-1', environment: 'test', channel: 'channel' } as const;

/** Names of the variables that differ between clusters of one environment, number of members, region and channel; found by two that do. */
export const OWN_VARIABLES: ReadonlySet<string> = ownNames();

function ownNames(): Set<string> {
  const of = (name: string, account: string, network: string): Variables => ({
    ...clusterVariables({ ...LIKE, name, account, network }, VERSIONS, `bucket-${account}`),
    ...subnetVariables(network),
  });
  const one = of('one', '100000000001', '10.1.0.0/16');
  const other = of('other', '200000000002', '10.2.0.0/16');
  return new Set(Object.keys(one).filter((name) => one[name] !== other[name]));
}
