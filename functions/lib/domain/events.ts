import type * as z from 'zod';
import type { RepositoryRef } from '#model/primitives.ts';
import {
  type Asked,
  CheckRunEvent,
  CheckSuiteEvent,
  CommentEvent,
  type LookInput,
  MergeGroupEvent,
  type MergeGroupInput,
  PullRequestEvent,
  type PullRequestInput,
  PushEvent,
  type RolloutInput,
} from '#model/webhook.ts';
import { TEST_BUTTON } from './check-actions.ts';
import { commandOf } from './comment-command.ts';
import { checkNames, executionName } from './names.ts';

/** The execution that an event asks for: an event only says "look at this". */
export type Start = { readonly name: string } & (
  | { readonly machine: 'pull-request'; readonly input: PullRequestInput | LookInput | MergeGroupInput; readonly onlyBranch?: string }
  | {
      readonly machine: 'rollout';
      readonly input: RolloutInput;
      /** Asked for only if this branch is one of the fleet's, as far as that is known. */
      readonly onlyBranch: string;
    }
);

export type Classified =
  | { readonly kind: 'start'; readonly installation: number; readonly repository: RepositoryRef; readonly starts: readonly Start[] }
  | { readonly kind: 'ignored'; readonly reason: string }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Actions of a pull request after which the merge result may differ, or a run is not wanted any more. */
const LOOK_ACTIONS = new Set(['opened', 'reopened', 'synchronize', 'edited', 'ready_for_review', 'closed']);

/**
 * What an event asks for. Names are made from what the event tells, never from the delivery, so that a repeated delivery
 * starts nothing new. @param name the X-GitHub-Event header
 */
export function classifyEvent(name: string, payload: unknown): Classified {
  switch (name) {
    case 'pull_request':
      return read(PullRequestEvent, payload, pullRequest);
    case 'push':
      return read(PushEvent, payload, push);
    case 'check_suite':
      return read(CheckSuiteEvent, payload, checkSuite);
    case 'check_run':
      return read(CheckRunEvent, payload, checkRun);
    case 'issue_comment':
      return read(CommentEvent, payload, comment);
    case 'merge_group':
      return read(MergeGroupEvent, payload, mergeGroup);
    case 'ping':
      return ignored('ping');
    default:
      return ignored(`the event ${name} asks for nothing`);
  }
}

type Outcome = readonly Start[] | string;

interface Common {
  readonly repository: { readonly name: string; readonly owner: { readonly login: string } };
  readonly installation: { readonly id: number };
}

/** @param asksFor the starts, or why there is none */
function read<S extends z.ZodType<Common>>(
  schema: S,
  payload: unknown,
  asksFor: (event: z.infer<S>, repository: RepositoryRef) => Outcome,
): Classified {
  const parsed = schema.safeParse(payload);
  if (!parsed.success) return malformed(parsed.error);
  const { repository, installation } = parsed.data;
  const ref = { owner: repository.owner.login, name: repository.name };
  const outcome = asksFor(parsed.data, ref);
  if (typeof outcome === 'string') return ignored(outcome);
  return { kind: 'start', installation: installation.id, repository: ref, starts: outcome };
}

/** The time of the change belongs to the name: a head may come back by a forced push, and is looked at again. */
function pullRequest({ action, number, pull_request: pull }: z.infer<typeof PullRequestEvent>, repository: RepositoryRef): Outcome {
  if (!LOOK_ACTIONS.has(action)) return `pull_request ${action} asks for nothing`;
  // What was merged while it ran is checked to the end: its proof is what the rollout asks for.
  if (action === 'closed' && pull.merged === true) return 'a merged pull request asks for nothing';
  const work = { repository, action, head: pull.head.sha, base: pull.base.sha, ref: pull.base.ref, at: pull.updated_at };
  const name = executionName('pr', String(number), work, 'event');
  return [{ machine: 'pull-request', name, input: { repository, number, cause: 'event' } }];
}

/** A rollout of the branch, and a look at the pull requests whose base it is. */
function push({ ref, after, deleted }: z.infer<typeof PushEvent>, repository: RepositoryRef): Outcome {
  const branch = /^refs\/heads\/(?<branch>.+)$/.exec(ref)?.groups?.['branch'];
  if (branch === undefined || deleted) return `${ref} is no branch that lives`;
  const look = { branch, commit: after };
  return [
    rolloutOf(repository, branch, after, 'push'),
    {
      machine: 'pull-request',
      name: executionName('look', branch, { repository, look }, 'push'),
      input: { repository, cause: 'push', look },
      onlyBranch: branch,
    },
  ];
}

function rolloutOf(repository: RepositoryRef, branch: string, commit: string, cause: string): Start {
  const name = executionName('rollout', branch, { repository, branch, commit }, cause);
  return { machine: 'rollout', name, input: { repository, branch, commit, cause }, onlyBranch: branch };
}

/** Re-run of all checks of a commit: those of its pull requests, and that of the rollout when its branch is a channel's. */
function checkSuite({ action, check_suite: suite, sender }: z.infer<typeof CheckSuiteEvent>, repository: RepositoryRef): Outcome {
  if (action !== 'rerequested') return `check_suite ${action} asks for nothing`;
  const cause = `rerun-${suite.id}`;
  const pulls = pullsOf(repository, suite, cause, { what: 'rerun', by: sender.login, sha: suite.head_sha });
  const branch = suite.head_branch ?? undefined;
  return branch === undefined ? pulls : [...pulls, rolloutOf(repository, branch, suite.head_sha, cause)];
}

/** Re-run of one check, or one of its buttons; the check's name says whose it is. */
function checkRun(event: z.infer<typeof CheckRunEvent>, repository: RepositoryRef): Outcome {
  const { action, check_run: run, requested_action: button, sender } = event;
  const cause = `${action === 'requested_action' ? 'button' : 'rerun'}-${run.id}`;
  if (action === 'requested_action') {
    if (button?.identifier !== TEST_BUTTON.identifier) return `there is no button ${button?.identifier ?? ''}`;
    return pullsOf(repository, run, cause, { what: 'test', by: sender.login, sha: run.head_sha });
  }
  if (action !== 'rerequested') return `check_run ${action} asks for nothing`;
  if (run.name !== checkNames.rollout) return pullsOf(repository, run, cause, { what: 'rerun', by: sender.login, sha: run.head_sha });
  const branch = run.check_suite?.head_branch ?? undefined;
  return branch === undefined ? 'the rollout check belongs to no branch' : [rolloutOf(repository, branch, run.head_sha, cause)];
}

/** The pull requests that GitHub names; it names none for forks, so these are looked for by their head. */
function pullsOf(
  repository: RepositoryRef,
  subject: { readonly head_sha: string; readonly pull_requests: readonly { readonly number: number }[] },
  cause: string,
  asked: Asked,
): Start[] {
  const { head_sha: headSha, pull_requests: pulls } = subject;
  if (pulls.length === 0) {
    const name = executionName('look', headSha.slice(0, 12), { repository, headSha, asked }, cause);
    return [{ machine: 'pull-request', name, input: { repository, cause, look: { headSha }, asked } }];
  }
  return pulls.map(({ number }) => {
    const name = executionName('pr', String(number), { repository, asked }, cause);
    return { machine: 'pull-request', name, input: { repository, number, cause, asked } };
  });
}

/** Only new comments of people count: others may edit a comment. */
function comment({ action, issue, comment: { id, body, user } }: z.infer<typeof CommentEvent>, repository: RepositoryRef): Outcome {
  if (action !== 'created') return `issue_comment ${action} asks for nothing`;
  if (issue.pull_request === undefined || issue.pull_request === null) return 'the comment is on no pull request';
  const command = user === null || user.type === 'Bot' ? undefined : commandOf(body ?? '');
  if (user === null || command === undefined) return 'the comment holds no command';
  const cause = `comment-${id}`;
  const asked = { ...command, by: user.login };
  const name = executionName('pr', String(issue.number), { repository, asked }, cause);
  return [{ machine: 'pull-request', name, input: { repository, number: issue.number, cause, asked } }];
}

function mergeGroup({ action, merge_group: group }: z.infer<typeof MergeGroupEvent>, repository: RepositoryRef): Outcome {
  if (action !== 'checks_requested') return `merge_group ${action} asks for nothing`;
  const mergeGroup = { headSha: group.head_sha, baseSha: group.base_sha, baseRef: group.base_ref.replace(/^refs\/heads\//, '') };
  const name = executionName('queue', mergeGroup.baseRef, { repository, mergeGroup }, 'event');
  return [{ machine: 'pull-request', name, input: { repository, cause: 'event', mergeGroup } }];
}

function ignored(reason: string): Classified {
  return { kind: 'ignored', reason };
}

function malformed(error: z.ZodError): Classified {
  const [first] = error.issues;
  return { kind: 'malformed', reason: first === undefined ? 'wrong shape' : `${first.path.join('.')}: ${first.message}` };
}
