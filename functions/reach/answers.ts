import type * as z from 'zod';
import { InputError } from '#model/errors.ts';
import { applyComponents } from '../cluster/apply-components.ts';
import { assertForecast } from '../cluster/assert-forecast.ts';
import { awaitNodes } from '../cluster/await-nodes.ts';
import { awaitWorkloads } from '../cluster/await-workloads.ts';
import { checkHealth } from '../cluster/check-health.ts';
import { checkMove } from '../cluster/check-move.ts';
import { prune } from '../cluster/prune.ts';
import { releaseNodes } from '../cluster/release-nodes.ts';
import { removeAwsResources } from '../cluster/remove-aws-resources.ts';
import { replaceLostNodes } from '../cluster/replace-lost-nodes.ts';
import { reportDrain } from '../cluster/report-drain.ts';
import { reportDrift } from '../cluster/report-drift.ts';
import { rewriteSecrets } from '../cluster/rewrite-secrets.ts';
import { rollControlPlane } from '../cluster/roll-control-plane.ts';
import { rollNodePools } from '../cluster/roll-node-pools.ts';
import { startLoad } from '../cluster/start-load.ts';
import { proveApi } from '../drill/prove-api.ts';
import { proveSnapshot } from '../drill/prove-snapshot.ts';
import { runTests } from '../drill/run-tests.ts';
import { checkMembers } from '../etcd/check-members.ts';
import { mendEtcdMembers } from '../etcd/mend-etcd-members.ts';
import { proveHash } from '../etcd/prove-hash.ts';
import { restoreMembers } from '../etcd/restore-members.ts';
import { rollEtcdMembers } from '../etcd/roll-etcd-members.ts';
import { takeSnapshot } from '../etcd/take-snapshot.ts';
import { deleteIdentity } from '../identity/delete-identity.ts';
import { issueIdentity } from '../identity/issue-identity.ts';
import { checkBackup } from '../manifest/check-backup.ts';
import { checkBackupGate } from '../manifest/check-backup-gate.ts';
import { checkRehearsal } from '../manifest/check-rehearsal.ts';
import { writeManifest } from '../manifest/write-manifest.ts';
import { copyBackups } from '../remover/copy-backups.ts';
import { removeBackups } from '../remover/remove-backups.ts';

/** Of these steps only name and output schema are used here; they run in the accounts. */
const STEPS: readonly { readonly name: string; readonly output: z.ZodType }[] = [
  ...[issueIdentity, deleteIdentity],
  ...[applyComponents, assertForecast, awaitNodes, awaitWorkloads, checkHealth, checkMove, prune],
  ...[
    releaseNodes,
    replaceLostNodes,
    reportDrift,
    removeAwsResources,
    reportDrain,
    rewriteSecrets,
    rollControlPlane,
    rollNodePools,
    startLoad,
  ],
  ...[checkMembers, mendEtcdMembers, restoreMembers, rollEtcdMembers, takeSnapshot, proveHash],
  ...[checkBackup, checkBackupGate, checkRehearsal, writeManifest],
  ...[removeBackups, copyBackups],
  ...[proveSnapshot, proveApi, runTests],
];

/**
 * What a step of a cluster's account answered, by the step's own schema. An account is another world: an older function, or
 * one that somebody changed, may answer anything, and what it answers steers a state machine of the hub.
 * @throws InputError when it has another shape
 */
export function parseAnswer(step: string, answer: unknown): unknown {
  const schema = STEPS.find(({ name }) => name === step)?.output;
  if (schema === undefined)
    throw new InputError(`nothing is known of what ${step} answers; the state machine and the functions differ in version`);
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0];
  throw new InputError(
    `${step} answered in another shape at ${where?.path.join('.') || 'its top'}: ${where?.message ?? 'unknown'}. The account's functions are of another version or were changed; deploy its bootstrap stack again`,
  );
}
