import type * as z from 'zod';
import { keys } from '#domain/names.ts';
import { takeLock } from '#facts/lock.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { ObjectStore } from '#ports/objects.ts';
import type { Stacks } from '#ports/stacks.ts';
import { advanceStack } from '../../functions/stacks/advance-stack.ts';
import { gitId } from './fleet.ts';

/** Looks of `advance-stack` for one execution that has lock and record; each answers true once the stacks are as rendered. */
export async function stackAdvancer(
  { objects, stacks }: { objects: ObjectStore; stacks: Stacks },
  { cluster, hash, roles, execution }: { cluster: ClusterRef; hash: string; roles: string[]; execution: string },
): Promise<() => Promise<true | undefined>> {
  const taken = await takeLock(objects, cluster.name, execution, 3600);
  if (taken.outcome === 'held') throw new Error(`${cluster.name} is locked by ${taken.holder}`);
  const versions = { kubernetes: '1.35.4', etcd: '3.6.16', osImage: 'ami-1' };
  const [settingsHash, since] = ['1'.repeat(64), '2026-01-05T08:00:00.000Z'];
  const updating = { execution, revision: gitId('a'), settingsHash, renderHash: hash, versions, since, reached: {} };
  await objects.put(keys.cluster(cluster.name), JSON.stringify({ creating: true, cluster, updating }));
  const state = { cluster, render: { hash }, roles, lock: { fence: taken.lock.fence }, readWhatRuns: { creation: true } };
  let before: z.infer<typeof advanceStack.output> | undefined;
  return async () => {
    const input = { ...state, ...(before === undefined ? {} : { advanceStack: before }) };
    const ports = { objects, stacks: { of: () => stacks }, clock: { now: () => new Date() } };
    before = await advanceStack.run(input, ports, { execution });
    return before.done || undefined;
  };
}
