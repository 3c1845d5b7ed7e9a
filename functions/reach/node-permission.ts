import * as z from 'zod';
import { decideNode } from '#domain/may-start.ts';
import { keys } from '#domain/names.ts';
import { readSettings } from '#facts/fleet.ts';
import { attempt } from '#facts/known.ts';
import { readObject } from '#facts/stored.ts';
import { NotFoundError } from '#model/errors.ts';
import { Revision, Timestamp } from '#model/primitives.ts';
import type { Permission } from '#model/progress.ts';
import { Halt } from '#model/records.ts';
import { NewestSettings } from '#model/rollout.ts';
import type { ChannelFile, ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';

/** The step that is told with each look whether it may begin another node. */
export const ROLL_STEP = 'roll-node-pools';

const DEADLINE_MINUTES = 720;
const State = z.object({ revision: Revision.optional(), rollNodePools: z.object({ since: Timestamp }).optional() });

/**
 * Kill switch, hold and freeze as they are now, asked before each look of a roll, since what runs in the cluster's account
 * can't read them. An e2e cluster is in no channel and hurts nobody.
 */
export async function nodePermission(
  cluster: ClusterRef,
  input: unknown,
  { objects, clock }: { readonly objects: ObjectStore; readonly clock: Clock },
): Promise<Permission> {
  if (cluster.environment === 'e2e') return { decision: 'go' };
  const state = State.safeParse(input);
  const revision = state.success ? state.data.revision : undefined;
  if (revision === undefined) return { decision: 'wait', reason: 'the state names no revision' };
  const now = clock.now();
  const since = new Date(state.data?.rollNodePools?.since ?? now);
  const [halt, channel] = await Promise.all([
    attempt('the kill switch', async () => (await readObject(objects, keys.halt(), Halt)) ?? null),
    attempt('the settings', () => channelOf(cluster, objects)),
  ]);
  return decideNode({
    cluster: cluster.name,
    revision,
    now,
    halt,
    channel,
    deadline: new Date(since.getTime() + DEADLINE_MINUTES * 60_000),
  });
}

async function channelOf(cluster: ClusterRef, objects: ObjectStore): Promise<ChannelFile | null> {
  const newest = await readObject(objects, keys.newestSettings(), NewestSettings);
  if (newest === undefined) throw new NotFoundError('no settings are known yet');
  const settings = await readSettings(objects, newest.commit);
  return settings.channels.find(({ channel }) => channel === cluster.channel) ?? null;
}
