import { createInstances } from '#adapters/auto-scaling/instances.ts';
import { createEtcdVolumes } from '#adapters/ec2/volumes.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { Etcd } from '#ports/etcd.ts';
import { mendEtcdMembers } from '../../../functions/etcd/mend-etcd-members.ts';
import { createFakeObjects } from '../fakes/objects.ts';
import { eventually } from './world.ts';

interface Mended {
  readonly cluster: ClusterRef;
  readonly etcd: Etcd;
  /** Where the machine room answers for Auto Scaling and EC2. */
  readonly scaling: Parameters<typeof createInstances>[0];
  /** When the members were known to have their data, ISO 8601. */
  readonly recorded: string;
  readonly well: () => Promise<boolean>;
  readonly seconds: number;
}

/** Runs `mend-etcd-members` until it is done and all are well. Answers what it said on the way, each reason up to its first comma. */
export async function mendMembers({ cluster, etcd, scaling, recorded, well, seconds }: Mended): Promise<ReadonlySet<string>> {
  const ports = {
    etcd: async () => etcd,
    instances: createInstances(scaling),
    volumes: createEtcdVolumes(scaling),
    objects: createFakeObjects(),
    clock: { now: () => new Date() },
  };
  const input = mendEtcdMembers.input.parse({ cluster, readWhatRuns: { current: { updatedAt: recorded } } });
  const reasons = new Set<string>();
  await eventually('the members are back', seconds, async () => {
    const answer = await mendEtcdMembers.run(input, ports, { execution: 'test' });
    reasons.add(answer.reason.replace(/,.*/, ''));
    return answer.done && (await well()) ? true : undefined;
  });
  return reasons;
}
