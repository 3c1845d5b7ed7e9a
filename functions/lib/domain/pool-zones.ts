import type { Finding } from '#model/checks.ts';
import type { Pool } from '#model/configuration.ts';
import { outputReference } from './stack-parameters.ts';
import type { Template } from './template.ts';
import { findingAt, type Parsed, parseYaml, placeOf, type YamlSource } from './yaml-source.ts';

/** Zones that a cluster's network is divided over. */
export const ALL_ZONES = ['a', 'b', 'c'] as const;
/** Parameter of node-pool.yaml: the subnets of the pool's group. */
const SUBNETS = 'SubnetIds';

/** Zones of a pool in their order; all of them where it names none. */
export function zonesOfPool({ zones }: Pick<Pool, 'zones'>): string[] {
  return ALL_ZONES.filter((zone) => zones === undefined || zones.includes(zone));
}

/** The parameter that gives a pool its zones' subnets: one group over them. A pool that names no zones gets the network's own list. */
export function subnetParameters(pool: Pick<Pool, 'zones'>): Readonly<Record<string, string>> {
  if (pool.zones === undefined) return {};
  return {
    [SUBNETS]: zonesOfPool(pool)
      .map((zone) => outputReference(subnetOf(zone)))
      .join(','),
  };
}

/** Zones that are named twice, or that the templates have nothing for. @param templates those that could be read */
export function zoneFindings(
  pools: readonly Pool[],
  source: YamlSource,
  templates: { readonly network: Template | undefined; readonly nodePool: Template | undefined },
): Finding[] {
  const { network, nodePool } = templates;
  return pools.flatMap((pool, index) => {
    const { zones } = pool;
    if (zones === undefined) return [];
    const at = (path: readonly (string | number)[], message: string): Finding =>
      findingAt(source.path, placeOf(source, ['pools', index, 'zones', ...path]), 'pools', message);
    const twice = zones.findIndex((zone, position) => zones.indexOf(zone) !== position);
    const missing = zonesOfPool(pool).filter((zone) => network !== undefined && !network.outputs.includes(subnetOf(zone)));
    return [
      ...(twice < 0 ? [] : [at([twice], `The pool ${pool.name} names the zone ${zones[twice]} twice.`)]),
      ...(nodePool === undefined || nodePool.parameters.includes(SUBNETS)
        ? []
        : [at([], `node-pool.yaml declares no parameter ${SUBNETS}, so the zones of ${pool.name} would change nothing. Declare it.`)]),
      ...missing.map((zone) => at([], `network.yaml has no output ${subnetOf(zone)} for the zone ${zone} of ${pool.name}. Add it.`)),
    ];
  });
}

/** Pools that would move between zones: their group evens itself out by ending nodes that nobody drained. @param text of pools.yaml */
export function zoneMoveFindings(before: readonly Pool[], now: readonly Pool[], path: string, text: string): Finding[] {
  const moved = now.flatMap((pool, index) => {
    const old = before.find(({ name }) => name === pool.name);
    if (old === undefined) return [];
    const [from, to] = [zonesOfPool(old).join(', '), zonesOfPool(pool).join(', ')];
    return from === to ? [] : [{ index, name: pool.name, from, to }];
  });
  if (moved.length === 0) return [];
  const { value: source }: Parsed<YamlSource> = parseYaml(path, text);
  if (source === undefined) return [];
  return moved.map(({ index, name, from, to }) => {
    const message = `The pool ${name} can't go from the zones ${from} to ${to}: its group would end nodes to even itself out, without draining them. Add a pool of another name there, and remove this one later.`;
    return findingAt(path, placeOf(source, ['pools', index, 'zones']), 'pools', message);
  });
}

function subnetOf(zone: string): string {
  return `Subnet${zone.toUpperCase()}`;
}
