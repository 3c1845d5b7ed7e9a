import * as z from 'zod';
import { Annotation, CheckAction, type CheckRun, type CheckSuite } from '../state.ts';
import { type Actor, botOf } from './actor.ts';
import { sendCheckRun, sendCheckSuite } from './events.ts';
import { now } from './pulls.ts';
import type { World } from './world.ts';

/** Body of "create" and "update a check run", already checked against GitHub's description. */
export const CheckRunBody = z.object({
  name: z.string().optional(),
  head_sha: z.string().optional(),
  status: z.enum(['queued', 'in_progress', 'completed']).optional(),
  conclusion: z.string().optional(),
  details_url: z.string().optional(),
  external_id: z.string().optional(),
  started_at: z.string().optional(),
  completed_at: z.string().optional(),
  output: z
    .object({
      title: z.string().optional(),
      summary: z.string().optional(),
      text: z.string().optional(),
      annotations: z.array(Annotation).optional(),
    })
    .optional(),
  actions: z.array(CheckAction).optional(),
});
export type CheckRunBody = z.infer<typeof CheckRunBody>;

/** The App's suite of a commit, made at the first push or run. */
export function suiteOf(world: World, headSha: string, headBranch: string | null): CheckSuite {
  const known = world.store.state.suites.find((suite) => suite.headSha === headSha);
  if (known !== undefined) return known;
  const suite = { id: world.store.id(), headSha, headBranch, createdAt: now() };
  world.store.state.suites.push(suite);
  world.store.touch();
  return suite;
}

/** A pushed commit asks the App for a suite. */
export function requestSuite(world: World, headSha: string, branch: string, by: Actor): void {
  const known = world.store.state.suites.some((suite) => suite.headSha === headSha);
  const suite = suiteOf(world, headSha, branch);
  if (!known) sendCheckSuite(world, 'requested', suite, by);
}

export function createCheckRun(world: World, body: CheckRunBody & { name: string; head_sha: string }): CheckRun {
  const branch = world.store.state.pulls.find((pull) => pull.headSha === body.head_sha)?.headRef ?? null;
  const run: CheckRun = {
    id: world.store.id(),
    suiteId: suiteOf(world, body.head_sha, branch).id,
    name: body.name,
    headSha: body.head_sha,
    status: 'queued',
    conclusion: null,
    detailsUrl: null,
    externalId: '',
    startedAt: now(),
    completedAt: null,
    title: null,
    summary: null,
    text: null,
    annotations: [],
    actions: [],
  };
  world.store.state.runs.push(run);
  const completed = change(run, body);
  world.store.touch();
  sendCheckRun(world, 'created', run, botOf(world.settings));
  if (completed) sendCheckRun(world, 'completed', run, botOf(world.settings));
  return run;
}

export function updateCheckRun(world: World, run: CheckRun, body: CheckRunBody): void {
  const completed = change(run, body);
  world.store.touch();
  if (completed) sendCheckRun(world, 'completed', run, botOf(world.settings));
}

/** Applies a body; true when the run got completed by it. Annotations are appended, other output is replaced. */
function change(run: CheckRun, body: CheckRunBody): boolean {
  const before = run.status;
  run.name = body.name ?? run.name;
  run.detailsUrl = body.details_url ?? run.detailsUrl;
  run.externalId = body.external_id ?? run.externalId;
  run.startedAt = body.started_at ?? run.startedAt;
  run.actions = body.actions ?? run.actions;
  if (body.output !== undefined) {
    run.title = body.output.title ?? run.title;
    run.summary = body.output.summary ?? run.summary;
    run.text = body.output.text ?? null;
    run.annotations.push(...(body.output.annotations ?? []));
  }
  const status = body.conclusion === undefined ? body.status : 'completed';
  if (status === undefined) return false;
  run.status = status;
  run.conclusion = status === 'completed' ? (body.conclusion ?? run.conclusion) : null;
  run.completedAt = status === 'completed' ? (body.completed_at ?? now()) : null;
  return status === 'completed' && before !== 'completed';
}

/** "Re-run": the App is asked again; GitHub itself changes nothing of the run. */
export function rerequestRun(world: World, run: CheckRun, by: Actor): void {
  sendCheckRun(world, 'rerequested', run, by);
}

export function rerequestSuite(world: World, suite: CheckSuite, by: Actor): void {
  sendCheckSuite(world, 'rerequested', suite, by);
}

/** A button of a completed run. */
export function requestAction(world: World, run: CheckRun, identifier: string, by: Actor): void {
  sendCheckRun(world, 'requested_action', run, by, { requested_action: { identifier } });
}
