import { REPLACING } from './aws-replacing-properties.ts';

/** What AWS' documentation says of a change of one property (its path with `/`) of a resource type. */
export function replacementOf(type: string, property: string): 'always' | 'may' | 'never' | 'unknown' {
  const known = Object.hasOwn(REPLACING, type) ? REPLACING[type] : undefined;
  if (known === undefined) return 'unknown';
  const covers = (path: string): boolean => path === property || path.startsWith(`${property}/`) || property.startsWith(`${path}/`);
  if (known.always.some((path) => path === property || property.startsWith(`${path}/`))) return 'always';
  return [...known.always, ...known.may].some(covers) ? 'may' : 'never';
}
