import * as z from 'zod';
import { chooseMember, verdict } from '#domain/backup.ts';
import { CheckedMembers } from '#model/backup.ts';
import { BackupNotProvenError } from '#model/errors.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { EtcdOf } from '#ports/etcd.ts';
import { defineStep } from '#ports/step.ts';

export interface CheckMembersPorts {
  readonly etcd: EtcdOf;
  readonly clock: Clock;
}

/** L0: all members healthy and without alarms. @throws BackupNotProvenError naming who is not and why, ClusterUnreachableError */
export const checkMembers = defineStep({
  name: 'check-members',
  input: z.object({ cluster: ClusterRef }),
  output: CheckedMembers,
  async run({ cluster }, { etcd, clock }: CheckMembersPorts) {
    const started = clock.now();
    const members = await (await etcd(cluster)).status();
    const { source, problems } = chooseMember(members);
    if (source === undefined || problems.length > 0) {
      throw new BackupNotProvenError(`L0 fails for ${cluster.name}: ${problems.join(', ')}`);
    }
    const seconds = (clock.now().getTime() - started.getTime()) / 1000;
    return {
      healthy: true,
      endpoint: source.endpoint,
      member: source.name,
      version: source.version,
      clusterId: source.clusterId,
      members: members.length,
      list: members
        .map(({ name, memberId, version }) => ({ name, id: memberId, version }))
        .sort((left, right) => (left.name < right.name ? -1 : 1)),
      revision: source.revision,
      verdict: verdict('L0', 'holds', `${members.length} of ${members.length} members healthy, no alarms`, seconds),
    };
  },
});
