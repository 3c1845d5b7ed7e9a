import type { CheckConclusion } from '#model/checks.ts';
import type { Ledger } from '#model/records.ts';
import { durationText } from './duration.ts';
import { short } from './evidence.ts';
import { codeSpan } from './markdown.ts';

/** What a finished check shows. Operators read it at night: cause first, then the one thing to do. */
export interface CheckText {
  readonly conclusion: CheckConclusion;
  readonly title: string;
  readonly summary: string;
}

/** An error as a state machine's Catch left it: the error's name and its message. */
export interface CaughtError {
  readonly name: string;
  readonly message: string;
}

export interface TestNumbers {
  readonly passed: number;
  readonly failed: number;
  readonly durationSeconds: number;
}

/** What to do first, by the name of the error. */
const FIRST_STEP: Readonly<Record<string, string>> = {
  ValidationFailedError: 'Fix the annotated lines and push.',
  InputError: 'Fix the named file or value and push; if it is none of yours, report it.',
  TestsFailedError: 'Read the failed tests in the report, fix the change and push. Re-run the check if a test is flaky.',
  StackFailedError: 'Fix the named CloudFormation resource and push; the cluster stays at its last revision.',
  BackupNotProvenError: 'What the backup was for was not begun. Check etcd of the named cluster before you re-run.',
  RehearsalFailedError:
    'No cluster was changed. Delete or move what is named on the cluster, or change the version, and re-run the check once its next backup is proven.',
  BackupStaleError: 'What the backup was for was not begun. Re-run the check: it takes a new one.',
  LockHeldError: 'Wait until the named execution ends, then re-run the check.',
  GateClosedError: 'See the reason; nothing was started. Re-run the check once it is gone.',
  DeadlineError: 'Look at the named part of the cluster, then re-run the check.',
  ClusterUnreachableError: "Check the cluster's API and network, then re-run the check.",
  ConflictError: 'Re-run the check.',
  TransientError: 'GitHub or AWS did not answer for long. Re-run the check.',
  NotFoundError: 'Create what is named, or correct the name, and re-run the check.',
  RefusedError: 'GitHub, AWS or Kubernetes refused the request for its content: fix the named thing and push.',
  'States.Timeout': 'It ran past its time limit. Open the execution to see where it stands, then re-run the check.',
};

/** @param e2e null when no e2e run was needed. @param e2eReason why not */
export function pullRequestPassed(facts: {
  planTitle: string;
  planSummary: string;
  e2e: TestNumbers | null;
  e2eReason: string;
  /** What came of the rehearsal on a backup; absent where the versions stay. */
  rehearsal?: string;
}): CheckText {
  const tests = facts.e2e === null ? `e2e not needed: ${facts.e2eReason}.` : `e2e: ${numbers(facts.e2e)}.`;
  return { conclusion: 'success', title: facts.planTitle, summary: joined(facts.planSummary, tests, facts.rehearsal ?? '') };
}

export function pullRequestFailed(error: CaughtError): CheckText {
  return failed(error, 'The pull request was not checked to the end');
}

export function pullRequestConflict(base: string, head: string): CheckText {
  return {
    conclusion: 'failure',
    title: `It conflicts with ${base}`,
    summary: `First: merge ${codeSpan(base)} into ${codeSpan(head)}, resolve the conflict and push. Nothing was planned or started.`,
  };
}

/** On the wrong branch, or of both kinds. @param reason what it is, and where it belongs */
export function pullRequestForbidden(reason: string): CheckText {
  return {
    conclusion: 'failure',
    title: firstLine(sentence(reason)),
    summary: joined(sentence(reason), 'Nothing was planned or started.'),
  };
}

export function pullRequestUntouched(reason: string): CheckText {
  return { conclusion: 'success', title: 'Nothing of the fleet changes', summary: sentence(reason) };
}

/** A fork's head that nobody with write access has read. */
export function pullRequestFork(headSha: string): CheckText {
  return {
    conclusion: 'action_required',
    title: 'From a fork: somebody with write access must read it first',
    summary: joined(
      `Nothing of a fork is planned or run by itself. First: read ${headSha}; then press *Test this commit*, or comment:`,
      `\`\`\`\n/test ${headSha}\n\`\`\``,
      'That holds for this commit only; after a push it is asked for again.',
    ),
  };
}

/** @param facts what the group changes on its base; `provenBy`: the pull request whose check proved its configuration */
export function mergeGroupText(facts: { baseRef: string; configuration: boolean; settings: boolean; provenBy: number | null }): CheckText {
  const { baseRef, configuration, settings, provenBy } = facts;
  if (!configuration && !settings) return pullRequestUntouched('the group changes nothing of the fleet');
  if (!settings && provenBy !== null) {
    return {
      conclusion: 'success',
      title: `Proven by #${provenBy}`,
      summary: 'Merging the group makes the very configuration that was checked.',
    };
  }
  const what = settings ? 'changes settings' : 'makes a configuration that no check has proven';
  return {
    conclusion: 'failure',
    title: `The merge queue can't prove it: the group ${what}`,
    summary: joined(
      `Sluice tests pull requests, not groups. First: let the queue of ${codeSpan(baseRef)} merge one pull request at a time, and update that one to its base.`,
      settings ? 'Settings are merged without a queue.' : '',
    ),
  };
}

export function e2ePassed(tests: TestNumbers, cluster: string): CheckText {
  return { conclusion: 'success', title: numbers(tests), summary: `Cluster ${cluster} was created, updated, tested and deleted.` };
}

/** @param cluster the e2e cluster, deleted again; null when none was made, or when its deletion is told elsewhere */
export function e2eFailed(error: CaughtError, cluster: string | null): CheckText {
  const where = cluster === null ? '' : `Cluster ${cluster} was deleted.`;
  const text = failed(error, 'e2e failed');
  return { ...text, summary: joined(text.summary, where) };
}

/** The tests' result stands, but the cluster could not be deleted. */
export function e2eLeaked(error: CaughtError, cluster: string): CheckText {
  return {
    conclusion: 'failure',
    title: `Cluster ${cluster} could not be deleted`,
    summary: joined(
      error.message,
      `It still costs money and holds its account. First: delete the stacks sluice-${cluster}-*, then re-run the check.`,
    ),
  };
}

/** @param promotion what became of proposing it further: opened, refused and why, or not possible */
export function rolloutSucceeded(where: string, revision: string | null, ledger: Ledger, seconds: number, promotion: string): CheckText {
  const count = Object.keys(ledger.succeeded).length;
  const what = revision === null ? 'Settings' : short(revision);
  const failures = Object.keys(ledger.failed).length;
  const note = failures === 0 ? '' : `${failures} failed within the budget of ${ledger.budget}:\n\n${failureTable(ledger)}`;
  return {
    conclusion: 'success',
    title: `${what} on ${clusters(count)}${where === '' ? '' : ` of ${where}`} in ${durationText(seconds)}`,
    summary: joined(`${clusters(count)} updated.`, note, promotion),
  };
}

/** Clusters to whose account it could not be brought who may log in. */
export function accessNote(result: { failed: number; reason: string } | undefined): string {
  if (result === undefined || result.failed === 0) return '';
  return `**Who may log in could not be brought to ${clusters(result.failed)}** (${result.reason}). Re-run this check once the account answers.`;
}

/** What became of the promotion, for the check of the rollout. @param error what broke it off */
export function promotionNote(result: { outcome: string; reason: string } | undefined, error: CaughtError | undefined): string {
  if (error !== undefined) return `**The promotion could not be opened:** ${sentence(plainError(error))} First: re-run this check.`;
  if (result === undefined || result.outcome === 'nothing') return result === undefined ? '' : `Promotion: ${sentence(result.reason)}`;
  if (result.outcome === 'refused') return `**Not promoted:** ${sentence(result.reason)}`;
  return `Promotion: ${sentence(result.reason)}`;
}

/** @param reason why nothing more starts. @param rollout id that the commands take. @param note what else there is to tell */
export function rolloutHalted(where: string, reason: string, ledger: Ledger | undefined, rollout: string, note = ''): CheckText {
  const done = Object.keys(ledger?.succeeded ?? {}).length;
  const broken = Object.keys(ledger?.failed ?? {}).sort();
  const first = broken[0];
  const todo =
    first === undefined
      ? `First: open the execution \`${rollout}\` of the machine rollout and read its failed state.`
      : `First: open the execution of ${first} named below and read its failed state. What was updated stays; the next run goes on from there.`;
  const table = ledger === undefined || broken.length === 0 ? '' : failureTable(ledger);
  const title =
    broken.length === 0
      ? `Halted${where === '' ? '' : ` in ${where}`}`
      : `Halted: ${broken.slice(0, 3).join(', ')}${broken.length > 3 ? ` and ${broken.length - 3} more` : ''} failed`;
  return {
    conclusion: 'failure',
    title,
    summary: joined(`${sentence(reason)} ${clusters(done)} updated; nothing more starts.`, todo, note, table),
  };
}

/** A newer rollout took over: nobody has to do anything. */
export function rolloutSuperseded(by: string): CheckText {
  return { conclusion: 'cancelled', title: 'A newer rollout took over', summary: `\`${by}\` covers the clusters that were left.` };
}

/** Title of a check that waits. @param until ISO time, or null when its end is not known */
export function waitingTitle(reason: string, until: string | null): string {
  return `Waiting: ${reason}${until === null ? '' : ` (until ${until.slice(0, 16).replace('T', ' ')} UTC)`}`;
}

/** An execution that ended without its own clean-up (timed out, aborted). */
export function endedWithoutCleanUp(machine: string, status: string, cause: string | undefined): CheckText {
  const how = status === 'TIMED_OUT' ? 'ran past its time limit' : status === 'ABORTED' ? 'was stopped from outside' : 'failed';
  return {
    conclusion: status === 'TIMED_OUT' ? 'timed_out' : status === 'ABORTED' ? 'cancelled' : 'failure',
    title: `${machine} ${how}`,
    summary: joined(
      cause === undefined ? '' : sentence(cause.slice(0, 500)),
      'Its locks were released. Re-run the check to go on from where it stands.',
    ),
  };
}

/** Failed clusters of a ledger with their cause, as Markdown. */
export function failureTable(ledger: Ledger): string {
  const rows = Object.entries(ledger.failed)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(
      ([cluster, { error, cause, execution }]) =>
        `| ${cluster} | ${cell(plainError({ name: error, message: cause }))} | \`${execution}\` |`,
    );
  return ['| failed | cause | execution |', '|---|---|---|', ...rows].join('\n');
}

function failed(error: CaughtError, fallback: string): CheckText {
  if (error.name === 'CancelledError') return cancelled(error.message);
  const todo = FIRST_STEP[error.name] ?? 'Open the execution to see the failed step, then re-run the check.';
  const cause = plainError(error);
  return {
    conclusion: error.name === 'States.Timeout' ? 'timed_out' : 'failure',
    title: cause === '' ? fallback : firstLine(cause),
    summary: joined(sentence(cause === '' ? fallback : cause), `First: ${todo}`),
  };
}

/** Superseded by another head or base, which the message names, or cancelled by somebody. */
function cancelled(message: string): CheckText {
  const title = /\bsuperseded by\b/.test(message) ? 'Superseded' : 'Cancelled';
  return { conclusion: 'cancelled', title, summary: sentence(message) };
}

/** The message; the error's name only where it has no message. */
function plainError({ name, message }: CaughtError): string {
  return message.trim() === '' ? name : message.trim();
}

function firstLine(text: string): string {
  const line = text.split('\n')[0] ?? '';
  return line.length <= 120 ? line : `${line.slice(0, 119)}…`;
}

function numbers({ passed, failed: bad, durationSeconds }: TestNumbers): string {
  return `${passed} passed, ${bad} failed in ${durationText(durationSeconds)}`;
}

function clusters(count: number): string {
  return count === 1 ? '1 cluster' : `${count} clusters`;
}

function sentence(text: string): string {
  const trimmed = text.trim();
  const upper = trimmed.slice(0, 1).toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(upper) ? upper : `${upper}.`;
}

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ').slice(0, 300);
}
