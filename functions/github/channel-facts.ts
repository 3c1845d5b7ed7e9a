import { keys } from '#domain/names.ts';
import { ChannelProof, ClusterRecord, RevisionEvidence } from '#model/records.ts';
import type { ObjectStore } from '#ports/objects.ts';

/** All proofs of a channel: the revisions that succeeded there. */
export async function readProofs(objects: ObjectStore, channel: string): Promise<ChannelProof[]> {
  const found = await objects.list(keys.channelProofs(channel));
  const bodies = await Promise.all(found.map((key) => objects.get(key)));
  return bodies.flatMap((stored) => (stored === undefined ? [] : [ChannelProof.parse(JSON.parse(stored.body))]));
}

/** The proof of one revision in a channel; undefined when it has not succeeded there. */
export async function readProof(objects: ObjectStore, channel: string, revision: string): Promise<ChannelProof | undefined> {
  const stored = await objects.get(keys.channelProof(channel, revision));
  return stored === undefined ? undefined : ChannelProof.parse(JSON.parse(stored.body));
}

/** What is proven of a revision's content; undefined when no check succeeded for it. */
export async function readEvidence(objects: ObjectStore, revision: string): Promise<RevisionEvidence | undefined> {
  const stored = await objects.get(keys.evidence(revision));
  return stored === undefined ? undefined : RevisionEvidence.parse(JSON.parse(stored.body));
}

/** Records of the named clusters that exist. */
export async function readRecords(objects: ObjectStore, names: readonly string[]): Promise<ClusterRecord[]> {
  const bodies = await Promise.all(names.map((name) => objects.get(keys.cluster(name))));
  return bodies.flatMap((stored) => {
    const parsed = stored === undefined ? undefined : ClusterRecord.safeParse(JSON.parse(stored.body));
    return parsed?.success ? [parsed.data] : [];
  });
}
