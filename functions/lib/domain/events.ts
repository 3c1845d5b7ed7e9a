import type * as z from 'zod';
import type { RepositoryRef } from '#model/primitives.ts';
import { PullRequestEvent, type PullRequestInput, PushEvent, RerequestEvent, type RolloutInput } from '#model/webhook.ts';
import { executionName } from './names.ts';

/** The execution that an event asks for: an event only says "look at this". */
export type Start =
  | { readonly machine: 'pull-request'; readonly name: string; readonly input: PullRequestInput }
  | { readonly machine: 'rollout'; readonly name: string; readonly input: RolloutInput };

export type Classified =
  | { readonly kind: 'start'; readonly installation: number; readonly repository: RepositoryRef; readonly starts: readonly Start[] }
  | { readonly kind: 'ignored'; readonly reason: string }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Actions of a pull request after which the merge result may differ. */
const LOOK_ACTIONS = new Set(['opened', 'reopened', 'synchronize', 'edited', 'ready_for_review']);

/**
 * What an event asks for. Names are made from the work, never from the delivery, so that a repeated delivery starts
 * nothing new. @param name the X-GitHub-Event header
 */
export function classifyEvent(name: string, payload: unknown): Classified {
  switch (name) {
    case 'pull_request':
      return pullRequest(payload);
    case 'push':
      return push(payload);
    case 'check_suite':
    case 'check_run':
      return rerequest(payload);
    case 'ping':
      return { kind: 'ignored', reason: 'ping' };
    default:
      return { kind: 'ignored', reason: `the event ${name} asks for nothing` };
  }
}

function pullRequest(payload: unknown): Classified {
  const parsed = PullRequestEvent.safeParse(payload);
  if (!parsed.success) return malformed(parsed.error);
  const { action, number, pull_request: pull, repository, installation } = parsed.data;
  if (!LOOK_ACTIONS.has(action)) return { kind: 'ignored', reason: `pull_request ${action} asks for nothing` };
  const ref = refOf(repository);
  const input = { repository: ref, number, cause: 'event' };
  const name = executionName(
    'pr',
    String(number),
    { repository: ref, head: pull.head.sha, base: pull.base.sha, ref: pull.base.ref },
    'event',
  );
  return { kind: 'start', installation: installation.id, repository: ref, starts: [{ machine: 'pull-request', name, input }] };
}

function push(payload: unknown): Classified {
  const parsed = PushEvent.safeParse(payload);
  if (!parsed.success) return malformed(parsed.error);
  const { ref, after, deleted, repository, installation } = parsed.data;
  const branch = /^refs\/heads\/(?<branch>.+)$/.exec(ref)?.groups?.['branch'];
  if (branch === undefined || deleted) return { kind: 'ignored', reason: `${ref} is no branch that lives` };
  const repo = refOf(repository);
  const input = { repository: repo, branch, commit: after, cause: 'push' };
  const name = executionName('rollout', branch, { repository: repo, branch, commit: after }, 'push');
  return { kind: 'start', installation: installation.id, repository: repo, starts: [{ machine: 'rollout', name, input }] };
}

function rerequest(payload: unknown): Classified {
  const parsed = RerequestEvent.safeParse(payload);
  if (!parsed.success) return malformed(parsed.error);
  const { action, check_suite: suite, check_run: run, repository, installation } = parsed.data;
  const subject = suite ?? run;
  if (action !== 'rerequested' || subject === undefined) return { kind: 'ignored', reason: `${action} asks for nothing` };
  const cause = `rerun-${subject.id}`;
  const ref = refOf(repository);
  const starts = subject.pull_requests.map(({ number }): Start => {
    const name = executionName('pr', String(number), { repository: ref, head: subject.head_sha }, cause);
    return { machine: 'pull-request', name, input: { repository: ref, number, cause } };
  });
  if (starts.length > 0) return { kind: 'start', installation: installation.id, repository: ref, starts };
  // A commit of a branch without a pull request: the check is that of its rollout.
  const branch = suite?.head_branch ?? run?.check_suite?.head_branch;
  if (branch === null || branch === undefined) return { kind: 'ignored', reason: 'the check belongs to no pull request and no branch' };
  const input = { repository: ref, branch, commit: subject.head_sha, cause };
  const name = executionName('rollout', branch, { repository: ref, branch, commit: subject.head_sha }, cause);
  return { kind: 'start', installation: installation.id, repository: ref, starts: [{ machine: 'rollout', name, input }] };
}

function refOf(repository: { name: string; owner: { login: string } }): RepositoryRef {
  return { owner: repository.owner.login, name: repository.name };
}

function malformed(error: z.ZodError): Classified {
  const [first] = error.issues;
  return { kind: 'malformed', reason: first === undefined ? 'wrong shape' : `${first.path.join('.')}: ${first.message}` };
}
