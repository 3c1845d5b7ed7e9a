import * as z from 'zod';
import { pullRequestConflict, pullRequestForbidden, pullRequestFork, pullRequestUntouched } from '#domain/check-texts.ts';
import { hashOf } from '#domain/hash.ts';
import { checkNames, executionName } from '#domain/names.ts';
import { decideTurn, nextTurn } from '#domain/pull-request-turn.ts';
import { ConflictError } from '#model/errors.ts';
import { ReadPullRequest } from '#model/pull-request.ts';
import { PullRequestInput } from '#model/webhook.ts';
import type { Checks } from '#ports/checks.ts';
import type { GitHub, PullRequest } from '#ports/github.ts';
import { defineStep, type StepContext } from '#ports/step.ts';
import { sharedHead } from './changed-paths.ts';
import { refusalOf, wordsOf } from './commands.ts';
import { type MergeResult, readMergeResult } from './merge-result.ts';
import { cancelRun, nameWork, type SeenTurn, seeTurn, stillWorks, type TurnPorts, writeTurn } from './turn.ts';

interface Ports extends TurnPorts {
  readonly github: GitHub;
  readonly checks: Checks;
}

const Gone = z.object({ kind: z.literal('gone'), reason: z.string(), number: z.int() });
type Gone = z.infer<typeof Gone>;
type Input = z.infer<typeof PullRequestInput>;

/** What one run of the step has in hand. */
interface Look {
  readonly input: Input;
  readonly pull: PullRequest;
  readonly seen: SeenTurn;
  /** Before GitHub was read. */
  readonly lookedAt: Date;
  readonly ports: Ports;
  readonly context: StepContext;
}

/**
 * Reads the pull request anew (an event only says "look at this"), takes the turn with it unless what it would check is
 * being checked or has been, cancels the attempt before, and begins the check. What can't be checked ends the check here:
 * a conflict, a wrong branch, mixed kinds, a fork that nobody has read.
 * @throws TransientError while GitHub computes the test merge; ConflictError when another execution came between
 */
export const readPullRequest = defineStep({
  name: 'read-pull-request',
  input: PullRequestInput,
  output: z.union([ReadPullRequest, Gone]),
  async run(input, ports: Ports, context) {
    // Before GitHub: an execution that took the turn later has seen a newer GitHub, and this one's claim then fails.
    const lookedAt = ports.clock.now();
    const seen = await seeTurn(ports.objects, input.number);
    const pull = await ports.github.getPullRequest(input.repository, input.number);
    const look: Look = { input, pull, seen, lookedAt, ports, context };
    if (pull.state === 'closed') return closed(look);
    const refused = await answerAsked(look);
    if (refused !== undefined) return gone(look, refused);
    const { input: asking } = look;
    const isFork = pull.fork && !isApproved(look);
    const first = await turnOf(look, isFork ? hashOf({ fork: pull.headSha }) : null);
    if (first.turn === 'yield') return gone(look, `${first.to} checks this already`);
    if (isFork) return endFork(look);
    if (first.turn !== 'compare') return begin(look);
    const result = await readMergeResult(asking.repository, pull, asking.base, ports);
    const then = await turnOf(look, result.work);
    if (then.turn === 'yield') return gone(look, `${then.to} checks this already, or has; nothing of it changed`);
    if (then.turn === 'later')
      throw new ConflictError(`${seen.known?.execution ?? ''} is about to read #${input.number}; it is read again`);
    const generation = await take(look, result.work);
    return conclude(look, result, generation);
  },
});

function gone({ pull }: Look, reason: string): Gone {
  return { kind: 'gone', reason, number: pull.number };
}

async function turnOf({ input, pull, seen, ports, context }: Look, work: string | null) {
  const { execution } = context;
  // A fork's head that is let run now is not what the look that ended it was about, even if that one still ends.
  const lets = pull.fork && input.asked?.what === 'test' && seen.known?.approved?.sha !== pull.headSha;
  const works = !lets && (await stillWorks(seen.known?.execution, ports));
  return decideTurn({ known: seen.known, works, execution, headSha: pull.headSha, asked: input.asked !== undefined, work });
}

/** Takes the turn (or has it since a try that was lost) and cancels the attempt before. Answers the generation. */
async function take(look: Look, work: string | null): Promise<number> {
  const { input, pull, seen, lookedAt, ports, context } = look;
  const { execution } = context;
  const mine = seen.known?.execution === execution ? seen.known : undefined;
  const approver = pull.fork && input.asked?.what === 'test' ? input.asked.by : undefined;
  const turn = mine ?? nextTurn(seen.known, { number: pull.number, execution, headSha: pull.headSha, work }, approver, lookedAt);
  if (mine === undefined) await writeTurn(ports.objects, seen, turn);
  const { replaces, generation } = turn;
  if (replaces !== null && (await stillWorks(replaces, ports))) {
    await cancelRun(replaces, { by: execution, reason: `superseded by ${pull.headSha}, checked by ${execution}` }, ports);
  }
  return generation;
}

/** The check shows at once that somebody looks; GitHub may need a while for the test merge. */
async function begin(look: Look): Promise<ReadPullRequest | Gone> {
  const { input, pull, ports, context } = look;
  const generation = await take(look, null);
  const ref = refOf(look);
  await ports.checks.want({
    ref,
    status: 'in_progress',
    title: 'Reading the pull request',
    summary: '',
    execution: context.execution,
    generation,
  });
  const result = await readMergeResult(input.repository, pull, input.base, ports);
  await nameWork(ports.objects, input.number, context.execution, result.work);
  return conclude(look, result, generation);
}

async function conclude(look: Look, result: MergeResult, generation: number): Promise<ReadPullRequest | Gone> {
  const { input, pull, ports, context } = look;
  const { repository, number } = input;
  if (result.outcome === 'conflict') return end(look, pullRequestConflict(pull.baseRef, pull.headRef), generation);
  const { decision, mergeSha, baseSha } = result;
  if (decision.kind === 'refused') return end(look, pullRequestForbidden(decision.reason), generation);
  if (decision.kind === 'nothing') return end(look, pullRequestUntouched(decision.reason), generation);
  const check = refOf(look);
  await ports.checks.want({ ref: check, status: 'in_progress', title: 'Read', summary: '', execution: context.execution, generation });
  return {
    repository,
    number,
    title: pull.title,
    author: pull.author,
    baseRef: pull.baseRef,
    // Where the base branch is: GitHub's own base.sha stays where it was when the head was pushed.
    baseSha,
    headSha: pull.headSha,
    mergeSha,
    kind: decision.kind,
    channel: decision.kind === 'configuration' ? decision.channel : null,
    check,
    e2eCheck: { ...check, name: checkNames.e2e },
    names: { e2e: executionName('e2e', String(number), { pull: context.execution, merge: mergeSha }, 'pr') },
    generation,
    fork: pull.fork,
  };
}

/** Ends the check here: there is nothing to plan. */
async function end(look: Look, text: ReturnType<typeof pullRequestConflict>, generation: number): Promise<Gone> {
  const { ports, context } = look;
  await ports.checks.want({ ref: refOf(look), status: 'completed', ...text, execution: context.execution, generation });
  return gone(look, text.title);
}

function refOf({ input, pull }: Look): ReadPullRequest['check'] {
  return { repository: input.repository, sha: pull.headSha, name: checkNames.gate };
}

function isApproved({ input, pull, seen }: Look): boolean {
  // What was asked for has been looked at: who may say so, and that it is this head.
  return seen.known?.approved?.sha === pull.headSha || input.asked?.what === 'test';
}

async function endFork(look: Look): Promise<Gone> {
  const { input, pull, ports } = look;
  const shared = await sharedHead(input.repository, pull, ports.github);
  const generation = await take(look, hashOf({ fork: pull.headSha }));
  return end(look, shared === undefined ? pullRequestFork(pull.headSha) : pullRequestForbidden(shared), generation);
}

/** What remains of a pull request that was closed unmerged is cleaned up. Reopened, it is looked at anew. */
async function closed(look: Look): Promise<Gone> {
  const { pull, seen, lookedAt, ports, context } = look;
  if (pull.merged || seen.known === undefined) return gone(look, 'the pull request is closed');
  const { number, headSha } = pull;
  const before = seen.known.execution === context.execution ? seen.known.replaces : seen.known.execution;
  if (seen.known.execution !== context.execution) {
    const next = { number, execution: context.execution, headSha, work: 'closed' };
    await writeTurn(ports.objects, seen, nextTurn(seen.known, next, undefined, lookedAt));
  }
  if (before !== null && (await stillWorks(before, ports))) {
    await cancelRun(before, { by: context.execution, reason: `#${number} was closed` }, ports);
  }
  return gone(look, 'the pull request is closed');
}

/** Answers why what was asked for goes no further: refused, or done. */
async function answerAsked(look: Look): Promise<string | undefined> {
  const { input, pull, seen, ports } = look;
  const { asked, repository } = input;
  if (asked === undefined) return undefined;
  const refusal = await refusalOf(asked, pull, repository, ports.github);
  if (refusal !== undefined) {
    await ports.checks.note(refOf(look), `${refusal}.`);
    return refusal;
  }
  if (asked.what !== 'cancel') return undefined;
  const running = seen.known?.execution;
  if (running === undefined || !(await stillWorks(running, ports))) return 'nothing runs that could be cancelled';
  await cancelRun(running, { by: `@${asked.by}`, reason: wordsOf(asked) }, ports);
  return `cancelled ${running}`;
}
