import * as z from 'zod';
import { requiredLayers } from '#domain/backup.ts';
import { type GateAnswer, type GatedChange, isFreshProof } from '#domain/backup-proof.ts';
import { accountKeys } from '#domain/names.ts';
import { etcdSeats } from '#domain/network.ts';
import { askProof } from '#facts/backup-proof.ts';
import { BackupNotProvenError, BackupStaleError } from '#model/errors.ts';
import { Revision, Timestamp } from '#model/primitives.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { Instances } from '#ports/instances.ts';
import type { ObjectStore } from '#ports/objects.ts';
import type { SignatureChecker } from '#ports/signer.ts';
import { defineStep } from '#ports/step.ts';

export interface CheckBackupGatePorts {
  readonly objects: ObjectStore;
  readonly signer: SignatureChecker;
  readonly instances: Pick<Instances, 'group'>;
  readonly clock: Clock;
}

const Input = z.object({
  cluster: ClusterRef,
  change: z.enum(['etcd', 'control-plane', 'deletion']),
  /** Absent for a deletion. */
  revision: Revision.nullish(),
  /** Absent where none was taken: then it is shut. */
  backup: z.object({ id: z.string() }).nullish(),
  /** etcd's id as it was told when its members were found to be as wanted; absent before that. */
  rollEtcdMembers: z.object({ clusterId: z.string().optional() }).nullish(),
});
type Input = z.infer<typeof Input>;

/**
 * The gate before what can't be taken back: reads the manifest of the backup, checks its signature by the account's key, and asks
 * whether it is fresh and for this change. Where no instance is to be replaced it is open, for nothing will happen behind it.
 * @throws BackupStaleError when nothing but its age speaks against it, BackupNotProvenError with each reason otherwise; TransientError
 */
export const checkBackupGate = defineStep({
  name: 'check-backup-gate',
  input: Input,
  /** `until`: when it shuts; null where nothing is to be replaced. */
  output: z.object({ until: Timestamp.nullable(), reason: z.string() }),
  async run(input, ports: CheckBackupGatePorts, { execution }) {
    const { cluster, change } = input;
    if (!(await replacesAny(input, ports))) return { until: null, reason: `no instance of ${change} is to be replaced` };
    const { until, stale, reasons } = await ask(input, ports, execution);
    const name = `backup ${input.backup?.id ?? '(none)'}`;
    if (until !== undefined) return { until: until.toISOString(), reason: `${name} is proven and fresh` };
    const what = `the gate before the change of ${change} of ${cluster.name} is shut: ${name}: ${reasons.join('; ')}`;
    const message = `${what}. Nothing behind it was begun; run it again, which takes a new backup`;
    throw stale ? new BackupStaleError(message) : new BackupNotProvenError(message);
  },
});

async function ask(input: Input, ports: CheckBackupGatePorts, execution: string): Promise<GateAnswer> {
  const { cluster, change, revision, backup, rollEtcdMembers } = input;
  if (backup === null || backup === undefined) return shut('none was taken');
  // By its name, whatever else the data say.
  const key = accountKeys.backup(cluster.name, backup.id, 'manifest.json');
  const stored = await ports.objects.get(key);
  const proof =
    stored === undefined
      ? { manifest: undefined, problems: [`there is no manifest ${key}`] }
      : await askProof(stored.body, requiredLayers(true), ports.signer);
  if (proof.manifest !== undefined && proof.manifest.id !== backup.id) {
    return shut(`its manifest is that of ${proof.manifest.id}`);
  }
  return isFreshProof(proof, {
    ...{ cluster: cluster.name, execution, change, now: ports.clock.now() },
    revision: revision ?? undefined,
    etcdClusterId: rollEtcdMembers?.clusterId,
  });
}

function shut(reason: string): GateAnswer {
  return { open: false, until: undefined, stale: false, reasons: [reason] };
}

/** A group that is not there, or of which nothing runs, is no reason to think that nothing will happen. */
async function replacesAny({ cluster, change }: Input, { instances }: CheckBackupGatePorts): Promise<boolean> {
  const roles = rolesOf(change, cluster);
  if (roles.length === 0) return true;
  const groups = await Promise.all(roles.map((role) => instances.group(cluster.name, role)));
  return groups.some(
    (group) =>
      group === undefined ||
      group.instances.length === 0 ||
      group.instances.some(({ launchTemplateVersion }) => launchTemplateVersion !== group.launchTemplateVersion),
  );
}

/** Groups whose instances the change replaces; none for a deletion, which takes all. */
function rolesOf(change: GatedChange, cluster: ClusterRef): string[] {
  if (change === 'deletion') return [];
  return change === 'control-plane' ? ['control-plane'] : etcdSeats(cluster).map((seat) => `etcd-${seat}`);
}
