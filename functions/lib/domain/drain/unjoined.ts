import { NodeNotJoinedError } from '../../model/errors.ts';
import type { Node } from '../../model/kubernetes.ts';
import type { ZonedGroup } from '../../ports/instances.ts';
import { byGeneration, instanceOf, isInService } from '../instances.ts';

/** A boot takes minutes, and AWS' own checks some more; who has no node after this has a broken boot. */
const JOIN_MINUTES = 30;
const SHOWN = 3;

/** Since when new instances that run have no node, by id: from the first look that met them. */
export function unjoinedSince(
  before: Readonly<Record<string, string>>,
  groups: readonly ZonedGroup[],
  nodes: readonly Node[],
  now: Date,
): Record<string, string> {
  const joined = new Set(nodes.map(({ spec }) => instanceOf(spec.providerID)));
  const missing = groups.flatMap((group) => byGeneration(group).fresh.filter((one) => isInService(one) && !joined.has(one.id)));
  return Object.fromEntries(missing.map(({ id }) => [id, before[id] ?? now.toISOString()]));
}

/** @throws NodeNotJoinedError naming instances that run for half an hour and have not joined */
export function requireJoined(unjoined: Readonly<Record<string, string>>, now: Date): void {
  const late = Object.entries(unjoined).flatMap(([id, since]) => (now.getTime() - Date.parse(since) < JOIN_MINUTES * 60_000 ? [] : [id]));
  const [first] = late;
  if (first === undefined) return;
  const more = late.length > SHOWN ? ` and ${late.length - SHOWN} more` : '';
  throw new NodeNotJoinedError(
    `${late.slice(0, SHOWN).join(', ')}${more} of the new version run for ${JOIN_MINUTES} minutes and have not joined as nodes. First: aws ec2 get-console-output --latest --instance-id ${first}`,
  );
}
