import { keys } from '#domain/names.ts';
import { InputError } from '#model/errors.ts';
import type { StoredCluster } from '#model/records.ts';
import { NewestSettings } from '#model/rollout.ts';
import type { ChannelFile, ClusterRef } from '#model/settings.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { readSettings } from './fleet.ts';
import { readObject } from './stored.ts';

/**
 * Why a deletion needs no last backup; undefined when it does. What its input says is not enough: an e2e cluster must be one by its
 * record and by no channel file, and one whose etcd is gone for good must be named in `backup.lost`, as it was merged, and be one
 * that is to be deleted. @throws what reading the settings throws: then nothing is deleted
 */
export async function deletionExemption(
  objects: ObjectStore,
  cluster: ClusterRef,
  stored: StoredCluster | undefined,
  { purpose, now }: { readonly purpose: string; readonly now: Date },
): Promise<string | undefined> {
  if (stored !== undefined && 'deleted' in stored) return 'it is deleted';
  const channels = await newestChannels(objects);
  const channel = channels.find(({ clusters }) => clusters.some(({ name }) => name === cluster.name));
  if (stored === undefined) return channel === undefined ? 'nothing is recorded of it' : undefined;
  requireSame(cluster, stored.cluster);
  if ('creating' in stored) return 'it was never whole';
  if (stored.deleting !== undefined) return `its deletion by ${stored.deleting.execution} has begun`;
  if (purpose === 'e2e' && stored.cluster.environment === 'e2e' && channel === undefined) return 'it is an e2e cluster';
  return channel === undefined ? undefined : lostBy(channel, cluster.name, now);
}

async function newestChannels(objects: ObjectStore): Promise<readonly ChannelFile[]> {
  const newest = await readObject(objects, keys.newestSettings(), NewestSettings);
  return newest === undefined ? [] : (await readSettings(objects, newest.commit)).channels;
}

function lostBy({ clusters, backup }: ChannelFile, name: string, now: Date): string | undefined {
  const leaves = clusters.some((entry) => entry.name === name && entry.state === 'decommission');
  const lost = backup.lost.find((one) => one.cluster === name && Date.parse(one.until) > now.getTime());
  return leaves && lost !== undefined ? `its etcd is gone for good, says ${lost.owner}: ${lost.reason}` : undefined;
}

/** An input that was written by hand may name another account than the cluster's, or call it an e2e cluster. */
function requireSame(cluster: ClusterRef, recorded: ClusterRef): void {
  const e2e = (one: ClusterRef): boolean => one.environment === 'e2e';
  if (cluster.account === recorded.account && cluster.region === recorded.region && e2e(cluster) === e2e(recorded)) return;
  const what = ({ account, region, environment }: ClusterRef): string => `${account}, ${region}, ${environment}`;
  throw new InputError(
    `the input says that ${cluster.name} is in ${what(cluster)}; its record says ${what(recorded)}. Take the input's cluster from the record`,
  );
}
