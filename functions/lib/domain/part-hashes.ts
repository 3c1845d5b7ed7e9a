import type { Render } from '../model/render.ts';
import { hashOf } from './hash.ts';

/** A hash for each part of a render: what of two records differs is what an update changed. */
export function partHashes({ stacks, components, deletions, pools, versions }: Render): Record<string, string> {
  const ofStacks = stacks.map(({ role, template, parameters, ignitionHash }) => [
    `stack ${role}`,
    hashOf({ template, parameters, ignition: ignitionHash ?? null }),
  ]);
  const ofComponents = components.map(({ name, phase, objects }) => [`component ${name}`, hashOf({ phase, objects })]);
  const others = [
    ['versions', hashOf(versions)],
    ['pools', hashOf(pools)],
    ['deletions', hashOf(deletions)],
  ];
  return Object.fromEntries([...ofStacks, ...ofComponents, ...others]);
}
