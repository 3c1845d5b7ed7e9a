import * as z from 'zod';
import { pullRequestPassed } from '#domain/check-texts.ts';
import { keys } from '#domain/names.ts';
import { settingsId } from '#domain/settings-gate.ts';
import { changeObject, readObject } from '#facts/stored.ts';
import { WantedCheck } from '#model/checks.ts';
import { GateClosedError, NotFoundError } from '#model/errors.ts';
import { ExecutionName } from '#model/primitives.ts';
import { ReadPullRequest, SettingsFiles, SnapshotConfiguration } from '#model/pull-request.ts';
import { RevisionEvidence, SettingsEvidence } from '#model/records.ts';
import type { Checks } from '#ports/checks.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly checks: Checks;
  readonly clock: Clock;
}

const Results = z.object({ passed: z.int(), failed: z.int(), durationSeconds: z.number() });

const Input = z.object({
  readPullRequest: ReadPullRequest,
  snapshotConfiguration: SnapshotConfiguration,
  plan: z.object({ title: z.string(), affectsClusters: z.boolean() }),
  e2e: z.object({ collectResults: Results, execution: ExecutionName }).optional(),
  /** Absent where no cluster that is there gets another version. */
  concludeRehearsal: z.object({ line: z.string() }).optional(),
});

/**
 * Keeps what is proven of the merge result, by its tree, and then ends the check in green. The evidence comes first: a
 * green check without it could be merged and would never be rolled out.
 * @throws GateClosedError when e2e was needed and did not run or failed: there is no such way, so nothing is written
 */
export const concludePullRequest = defineStep({
  name: 'conclude-pull-request',
  input: Input,
  output: z.object({ revision: z.string().nullable() }),
  async run(input, { objects, checks, clock }: Ports, { execution }) {
    const { readPullRequest: pull, snapshotConfiguration: snapshots, plan, e2e } = input;
    const needed = plan.affectsClusters && snapshots.e2eNeeded;
    if (needed && (e2e === undefined || e2e.collectResults.failed > 0 || e2e.collectResults.passed === 0)) {
      throw new GateClosedError('e2e was needed and has not passed; re-run the check');
    }
    const at = clock.now().toISOString();
    const evidence = evidenceOf(input, execution, at);
    if (evidence !== undefined) await keep(objects, evidence);
    if (pull.kind === 'settings') await keepSettings(objects, snapshots.headSettingsCommit, { ...checkOf(pull, execution), at });
    const reason = plan.affectsClusters ? 'this very update has passed e2e before' : 'no cluster is affected';
    const results = e2e === undefined ? null : e2e.collectResults;
    const rehearsal = input.concludeRehearsal?.line;
    const text = pullRequestPassed({
      planTitle: plan.title,
      planSummary: '',
      e2e: results,
      e2eReason: reason,
      ...(rehearsal === undefined ? {} : { rehearsal }),
    });
    const { generation } = pull;
    await checks.want({ ref: pull.check, status: 'completed', ...text, execution, generation });
    if (e2e === undefined) await skipE2e(pull, reason, { objects, checks }, execution);
    return { revision: snapshots.headRevision };
  },
});

/** What an earlier attempt on this head left at the e2e check counts no more. */
async function skipE2e(
  { e2eCheck: ref, generation }: ReadPullRequest,
  reason: string,
  { objects, checks }: Pick<Ports, 'objects' | 'checks'>,
  execution: string,
): Promise<void> {
  const known = await readObject(objects, keys.check(ref.sha, ref.name), WantedCheck);
  if (known === undefined || known.conclusion === 'success') return;
  const text = { conclusion: 'skipped' as const, title: 'Not needed', summary: `Not needed: ${reason}.` };
  await checks.want({ ref, status: 'completed', ...text, execution, generation });
}

/** Only a configuration has a revision. */
function evidenceOf(
  { readPullRequest: pull, snapshotConfiguration: snapshots, plan, e2e }: z.infer<typeof Input>,
  execution: string,
  at: string,
): RevisionEvidence | undefined {
  const { headRevision, baseRevision } = snapshots;
  if (pull.kind !== 'configuration' || headRevision === null) return undefined;
  const channel = pull.channel ?? pull.baseRef;
  const check = { ...checkOf(pull, execution), at, channel, baseRevision };
  // What it is compared with is what the channel has proven, so that "changes nothing" says something about its clusters.
  const equalIn = plan.affectsClusters ? {} : { [channel]: baseRevision };
  if (e2e === undefined) return { revision: headRevision, check, equalIn, e2e: null };
  const { passed, failed, durationSeconds } = e2e.collectResults;
  // Made from scratch there is no base; the run then proves the step to itself.
  return {
    revision: headRevision,
    check,
    equalIn,
    e2e: { execution: e2e.execution, channel, baseRevision: baseRevision ?? headRevision, passed, failed, durationSeconds, at },
  };
}

function checkOf(pull: ReadPullRequest, execution: string): { pullRequest: number; headSha: string; execution: string } {
  return { pullRequest: pull.number, headSha: pull.headSha, execution };
}

/** By their content: merged as they were checked, they may apply. The first evidence stays. */
async function keepSettings(objects: ObjectStore, commit: string, check: SettingsEvidence['check']): Promise<void> {
  const files = await readObject(objects, keys.settings(commit), SettingsFiles);
  if (files === undefined) throw new NotFoundError(`the settings of ${commit} are not in S3; re-run the check to read them again`);
  const settings = settingsId(files.files);
  await changeObject(objects, keys.settingsEvidence(settings), SettingsEvidence, (known) =>
    known === undefined ? { settings, check } : undefined,
  );
}

/**
 * The first evidence of a revision stays, unless it had no e2e run or another base and the new one has a run. Channels in
 * which it changes nothing come together.
 */
async function keep(objects: ObjectStore, evidence: RevisionEvidence): Promise<void> {
  await changeObject(objects, keys.evidence(evidence.revision), RevisionEvidence, (known) => {
    if (known === undefined) return evidence;
    const equalIn = { ...known.equalIn, ...evidence.equalIn };
    if (evidence.e2e === null || known.e2e?.baseRevision === evidence.e2e.baseRevision) return { ...known, equalIn };
    return { ...evidence, equalIn };
  });
}
