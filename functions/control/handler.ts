import { createMetrics } from '#adapters/cloudwatch/metrics.ts';
import { planAddress } from '#domain/plan-address.ts';
import { connectHub } from '#runtime/connect.ts';
import { createHubHandler } from '#runtime/hub.ts';
import { awaitArtifacts } from './await-artifacts.ts';
import { beginDeletion } from './begin-deletion.ts';
import { beginRehearsal } from './begin-rehearsal.ts';
import { beginRestore } from './begin-restore.ts';
import { beginUpdate } from './begin-update.ts';
import { canMove } from './can-move.ts';
import { chooseShape } from './choose-shape.ts';
import { claimRestore } from './claim-restore.ts';
import { claimSlot } from './claim-slot.ts';
import { collectResults } from './collect-results.ts';
import { concludeE2e } from './conclude-e2e.ts';
import { concludePullRequest } from './conclude-pull-request.ts';
import { concludeRehearsal } from './conclude-rehearsal.ts';
import { concludeRestore } from './conclude-restore.ts';
import { concludeRollout } from './conclude-rollout.ts';
import { evaluateWave } from './evaluate-wave.ts';
import { callOfEvent } from './event-call.ts';
import { failPullRequest } from './fail-pull-request.ts';
import { findDueBackups } from './find-due-backups.ts';
import { haltRollout } from './halt-rollout.ts';
import { judgeBackup } from './judge-backup.ts';
import { lock } from './lock.ts';
import { mayStart } from './may-start.ts';
import { nextWave } from './next-wave.ts';
import { onExecutionEnded } from './on-execution-ended.ts';
import { planWaves } from './plan-waves.ts';
import { readWhatRuns } from './read-what-runs.ts';
import { record } from './record.ts';
import { recordBackup } from './record-backup.ts';
import { recordCopy } from './record-copy.ts';
import { recordRehearsal } from './record-rehearsal.ts';
import { recordRemoval } from './record-removal.ts';
import { releaseSlot } from './release-slot.ts';
import { reportBackups } from './report-backups.ts';
import { reportPlan } from './report-plan.ts';
import { reportRollout } from './report-rollout.ts';
import { settleCluster } from './settle-cluster.ts';
import { soak } from './soak.ts';
import { startRestores } from './start-restores.ts';
import { unlock } from './unlock.ts';

const STEPS = [
  awaitArtifacts,
  beginDeletion,
  beginRehearsal,
  beginRestore,
  beginUpdate,
  canMove,
  chooseShape,
  claimRestore,
  claimSlot,
  collectResults,
  concludeE2e,
  concludePullRequest,
  concludeRehearsal,
  concludeRestore,
  concludeRollout,
  evaluateWave,
  failPullRequest,
  findDueBackups,
  haltRollout,
  judgeBackup,
  lock,
  mayStart,
  nextWave,
  onExecutionEnded,
  planWaves,
  readWhatRuns,
  record,
  recordBackup,
  recordCopy,
  recordRehearsal,
  recordRemoval,
  releaseSlot,
  reportBackups,
  reportPlan,
  reportRollout,
  settleCluster,
  soak,
  startRestores,
  unlock,
];

const handle = createHubHandler(STEPS, async () => {
  const { environment, ports } = connectHub();
  const places = { pageUrl: environment.SLUICE_PAGE_URL, bucket: environment.SLUICE_BUCKET, region: environment.AWS_REGION };
  const toPlan = (hash: string): string => planAddress(hash, places);
  return { ...ports, planAddress: toPlan, metrics: createMetrics(ports.clock, (line) => void process.stdout.write(`${line}\n`)) };
});

/** Steps of state machines, and the event of an execution that ended badly. */
export async function handler(event: unknown): Promise<unknown> {
  return handle(callOfEvent(event));
}
