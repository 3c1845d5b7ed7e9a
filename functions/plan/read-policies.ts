import { keys } from '#domain/names.ts';
import type { ParsedPolicies } from '#domain/policies/own-policies.ts';
import { NotFoundError } from '#model/errors.ts';
import { OwnPolicies } from '#model/policies.ts';
import type { ObjectStore } from '#ports/objects.ts';

/** The fleet's own policies of a hash. @throws NotFoundError */
export async function readPolicies(objects: ObjectStore, hash: string): Promise<ParsedPolicies> {
  const stored = await objects.get(keys.policies(hash));
  if (stored === undefined) throw new NotFoundError(`the policies ${hash} are not in S3; the settings that name them must be read first`);
  return { hash, objects: OwnPolicies.parse(JSON.parse(stored.body)) };
}
