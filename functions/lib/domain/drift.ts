import * as z from 'zod';
import type { FieldConflict, ObjectId } from '../ports/kubernetes.ts';
import { identityOf } from './inventory.ts';

/** A field that somebody had changed and Sluice set back. */
const Repair = z.object({ object: z.string(), field: z.string(), owner: z.string(), at: z.string() });
export type Repair = z.infer<typeof Repair>;

/** Key in the inventory's data. */
export const REPAIRS = 'repairs';
/** More are told as conflicts: that is no drift of single fields. */
export const MOST_REPAIRS = 200;

/** @param text as in the inventory; what can't be read counts as none, then a fight is noticed one run later */
export function readRepairs(text: string | undefined): Repair[] {
  try {
    return z.array(Repair).parse(JSON.parse(text ?? '[]'));
  } catch {
    return [];
  }
}

/** undefined: there is nothing to remember. */
export function writeRepairs(repairs: readonly Repair[]): string | undefined {
  return repairs.length === 0 ? undefined : JSON.stringify(repairs);
}

/** Who takes a field back within this time is in a fight with Sluice. */
const REMEMBERED_DAYS = 7;

/** Why fields that others hold are not taken back from them; empty: all may be. */
export function reasonsToLeave(id: ObjectId, conflicts: readonly FieldConflict[], known: readonly Repair[], now: Date): string[] {
  const recent = known.filter((repair) => isRecent(repair, now));
  return conflicts.flatMap((conflict) => {
    const reason = reasonToLeave(identityOf(id), conflict, recent);
    return reason === undefined ? [] : [reason];
  });
}

/**
 * A change by hand or by a controller is set back once. Not where the other one declares the field by server-side apply as
 * well, not where it scales, and not a second time: then two want the field, and a person must choose.
 */
function reasonToLeave(
  object: string,
  { owner, field, operation, subresource }: FieldConflict,
  known: readonly Repair[],
): string | undefined {
  if (operation === 'Apply') return `conflict with "${owner}", which declares ${field} too: take the field out of one of both`;
  if (subresource !== undefined || field === '.spec.replicas')
    return `conflict with "${owner}", which sets ${field}${subresource === undefined ? '' : ` by ${subresource}`}: leave it out of the manifest`;
  const before = known.find((repair) => repair.object === object && repair.field === field && repair.owner === owner);
  if (before === undefined) return undefined;
  return `conflict with "${owner}", which changed ${field} again after it was set back at ${before.at}: both want the field, take it out of the manifest or stop the other`;
}

/** What is remembered once `id` was set back; what is older than a week is forgotten. */
export function withRepairs(known: readonly Repair[], id: ObjectId, conflicts: readonly FieldConflict[], at: Date): Repair[] {
  const object = identityOf(id);
  const added = conflicts.map(({ owner, field }) => ({ object, field, owner, at: at.toISOString() }));
  return [...known.filter((repair) => isRecent(repair, at)), ...added];
}

function isRecent(repair: Repair, now: Date): boolean {
  return now.getTime() - new Date(repair.at).getTime() < REMEMBERED_DAYS * 24 * 60 * 60 * 1000;
}
