import { issuerKeys } from '#domain/names.ts';
import { discoveryDocument, keysDocument, type PublicDocument } from '#domain/token-issuer.ts';
import { ConflictError } from '#model/errors.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { ObjectStore, StoredObject } from '#ports/objects.ts';

/** What was published when a run began: read it before the authority, so that an older run can't take a newer one's key away. */
export async function publishedKeys(cluster: ClusterRef, issuer: ObjectStore): Promise<StoredObject | undefined> {
  return issuer.get(issuerKeys.keys(cluster.name));
}

/**
 * Publishes the public keys of a cluster's service accounts, and the document that leads to them. A key has to be here before
 * anything is signed by it: call it before instances can get the key. @param bundle `sa.pub` of the authority
 * @param seen what `publishedKeys` answered @throws ConflictError when another run published other keys meanwhile
 */
export async function publishKeys(cluster: ClusterRef, bundle: string, seen: StoredObject | undefined, issuer: ObjectStore): Promise<void> {
  await write(keysDocument(cluster, bundle), seen, issuer);
  const discovery = discoveryDocument(cluster);
  await write(discovery, await issuer.get(discovery.key), issuer);
}

/** Leaves no key of a cluster that is gone: no token of it is believed any more. Nothing may be deleted from the bucket. */
export async function withdrawKeys(cluster: ClusterRef, issuer: ObjectStore): Promise<void> {
  const there = await publishedKeys(cluster, issuer);
  if (there !== undefined) await write(keysDocument(cluster, ''), there, issuer);
}

async function write({ key, body }: PublicDocument, seen: StoredObject | undefined, issuer: ObjectStore): Promise<void> {
  if (seen?.body === body) return;
  if (seen === undefined ? await issuer.putIfAbsent(key, body) : await issuer.putIfMatch(key, body, seen.etag)) return;
  if ((await issuer.get(key))?.body === body) return;
  throw new ConflictError(`${key} was published by another run meanwhile`);
}
