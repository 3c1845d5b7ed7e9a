import * as z from 'zod';
import { executionName } from '#domain/names.ts';
import { decideKind } from '#domain/pull-request-kind.ts';
import { TransientError, ValidationFailedError } from '#model/errors.ts';
import { ReadPullRequest } from '#model/pull-request.ts';
import { PullRequestInput } from '#model/webhook.ts';
import type { Checks } from '#ports/checks.ts';
import type { GitHub, PullRequest } from '#ports/github.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep, type StepContext } from '#ports/step.ts';
import { channelBranches, readSettings } from './settings.ts';

interface Ports {
  readonly github: GitHub;
  readonly objects: ObjectStore;
  readonly checks: Checks;
}

const Gone = z.object({ kind: z.literal('gone'), reason: z.string(), number: z.int() });

/**
 * Reads the pull request anew (an event only says "look at this") and begins its check. @throws TransientError while
 * GitHub computes the test merge; ValidationFailedError for a conflict, a wrong branch or mixed kinds
 */
export const readPullRequest = defineStep({
  name: 'read-pull-request',
  input: PullRequestInput,
  output: z.union([ReadPullRequest, Gone]),
  async run({ repository, number }, ports: Ports, context) {
    const pull = await ports.github.getPullRequest(repository, number);
    if (pull.state === 'closed') return { kind: 'gone' as const, reason: 'the pull request is closed', number };
    const check = { repository, sha: pull.headSha, name: 'sluice' };
    if (pull.fork) return refuseFork(pull, check, ports, context);
    await ports.checks.want({
      ref: check,
      status: 'in_progress',
      title: 'Reading the pull request',
      summary: '',
      execution: context.execution,
    });
    if (pull.mergeable === null) throw new TransientError(`GitHub has not computed the test merge of #${number} yet`);
    if (!pull.mergeable || pull.mergeCommitSha === null) {
      throw new ValidationFailedError(
        `it conflicts with ${pull.baseRef}: merge ${pull.baseRef} into ${pull.headRef} and resolve the conflict`,
      );
    }
    const [settings, paths, merge] = await Promise.all([
      readSettings(repository, ports),
      ports.github.listChangedFiles(repository, number),
      ports.github.getCommit(repository, pull.mergeCommitSha),
    ]);
    // A test merge of an older head would green content that nobody looked at.
    if (merge.parents[1] !== pull.headSha) throw new TransientError(`GitHub's test merge of #${number} is not yet of ${pull.headSha}`);
    const decision = decideKind(pull.baseRef, paths, channelBranches(settings));
    if (decision.kind === 'refused') throw new ValidationFailedError(decision.reason);
    if (decision.kind === 'nothing') {
      await conclude(check, 'success', 'Nothing of the fleet changes', decision.reason, ports, context);
      return { kind: 'gone' as const, reason: decision.reason, number };
    }
    return {
      repository,
      number,
      title: pull.title,
      author: pull.author,
      baseRef: pull.baseRef,
      // Where the base branch is: GitHub's own base.sha stays where it was when the head was pushed.
      baseSha: merge.parents[0] ?? pull.baseSha,
      headSha: pull.headSha,
      mergeSha: pull.mergeCommitSha,
      kind: decision.kind,
      channel: decision.kind === 'configuration' ? decision.channel : null,
      check,
      e2eCheck: { repository, sha: pull.headSha, name: 'sluice / e2e' },
      names: { e2e: executionName('e2e', String(number), { pull: context.execution, merge: pull.mergeCommitSha }, 'pr') },
    };
  },
});

async function refuseFork(
  pull: PullRequest,
  check: ReadPullRequest['check'],
  ports: Ports,
  context: StepContext,
): Promise<z.infer<typeof Gone>> {
  const reason = `it comes from a fork: nothing of it runs until someone with write access has read ${pull.headSha} and pushed it to a branch of this repository`;
  await conclude(check, 'action_required', 'A fork needs a review first', reason, ports, context);
  return { kind: 'gone', reason, number: pull.number };
}

async function conclude(
  ref: ReadPullRequest['check'],
  conclusion: 'success' | 'action_required',
  title: string,
  summary: string,
  ports: Ports,
  context: StepContext,
): Promise<void> {
  await ports.checks.want({ ref, status: 'completed', conclusion, title, summary, execution: context.execution });
}
