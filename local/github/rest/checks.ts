import * as z from 'zod';
import { checkRunJson, suiteJson } from '../domain/check-payloads.ts';
import { CheckRunBody, createCheckRun, rerequestRun, rerequestSuite, updateCheckRun } from '../domain/checks.ts';
import { latestRuns } from '../domain/gate.ts';
import type { World } from '../domain/world.ts';
import { invalid, notFound } from '../refusal.ts';
import type { CheckRun, CheckSuite } from '../state.ts';
import { checkRunLimits } from './limits.ts';
import { type Call, ok, page, type Route } from './route.ts';

const REPOSITORY = '/repos/{owner}/{repo}';
const RUN = `${REPOSITORY}/check-runs/{check_run_id}`;
const SUITE = `${REPOSITORY}/check-suites/{check_suite_id}`;

/** Only an App writes checks. */
const BY_APP = { access: ['installation'] } as const;

const RunFilter = z.object({
  check_name: z.string().optional(),
  status: z.string().optional(),
  filter: z.enum(['latest', 'all']).default('latest'),
});

export const checkRoutes: readonly Route[] = [
  { method: 'POST', path: `${REPOSITORY}/check-runs`, ...BY_APP, run: create },
  { method: 'GET', path: RUN, run: ({ world, params }) => ok(checkRunJson(world, runOf(world, params))) },
  {
    method: 'PATCH',
    path: RUN,
    ...BY_APP,
    run({ world, params, body }) {
      const run = runOf(world, params);
      const change = CheckRunBody.parse(body ?? {});
      checkRunLimits(change);
      updateCheckRun(world, run, change);
      return ok(checkRunJson(world, run));
    },
  },
  {
    method: 'GET',
    path: `${RUN}/annotations`,
    run: (call) => page(call, runOf(call.world, call.params).annotations.map(annotationJson)),
  },
  {
    method: 'POST',
    path: `${RUN}/rerequest`,
    run({ world, params, actor }) {
      const run = runOf(world, params);
      if (run.status !== 'completed') throw invalid('This check run is not rerequestable');
      rerequestRun(world, run, actor);
      return ok({}, 201);
    },
  },
  { method: 'GET', path: `${REPOSITORY}/commits/{ref}/check-runs`, run: runsOfCommit },
  { method: 'GET', path: `${REPOSITORY}/commits/{ref}/check-suites`, run: suitesOfCommit },
  { method: 'GET', path: SUITE, run: ({ world, params }) => ok(suiteJson(world, suiteFrom(world, params))) },
  {
    method: 'GET',
    path: `${SUITE}/check-runs`,
    run(call) {
      const suite = suiteFrom(call.world, call.params);
      return runsPage(call, filtered(call, suite.headSha));
    },
  },
  {
    method: 'POST',
    path: `${SUITE}/rerequest`,
    run({ world, params, actor }) {
      rerequestSuite(world, suiteFrom(world, params), actor);
      return ok({}, 201);
    },
  },
];

async function create({ world, body }: Call) {
  const parsed = CheckRunBody.required({ name: true, head_sha: true }).parse(body);
  checkRunLimits(parsed);
  const known = /^[0-9a-f]{40}$/.test(parsed.head_sha) ? await world.repository.resolve(parsed.head_sha) : undefined;
  if (known === undefined) throw invalid(`No commit found for SHA: ${parsed.head_sha}`);
  return ok(checkRunJson(world, createCheckRun(world, parsed)), 201);
}

/** @throws Refusal 404 */
function runOf(world: World, params: Call['params']): CheckRun {
  const run = world.store.state.runs.find((candidate) => candidate.id === params['check_run_id']);
  if (run === undefined) throw notFound();
  return run;
}

/** @throws Refusal 404 */
function suiteFrom(world: World, params: Call['params']): CheckSuite {
  const suite = world.store.state.suites.find((candidate) => candidate.id === params['check_suite_id']);
  if (suite === undefined) throw notFound();
  return suite;
}

async function commitOf(call: Call): Promise<string> {
  const sha = await call.world.repository.resolve(String(call.params['ref']));
  if (sha === undefined) throw invalid(`No commit found for SHA: ${String(call.params['ref'])}`);
  return sha;
}

async function runsOfCommit(call: Call) {
  return runsPage(call, filtered(call, await commitOf(call)));
}

function filtered(call: Call, sha: string): CheckRun[] {
  const { check_name: name, status, filter } = RunFilter.parse(call.query);
  const all = filter === 'latest' ? latestRuns(call.world, sha) : call.world.store.state.runs.filter((run) => run.headSha === sha);
  return all.filter((run) => (name ?? run.name) === run.name && (status ?? run.status) === run.status);
}

function runsPage(call: Call, runs: readonly CheckRun[]) {
  const json = runs.map((run) => checkRunJson(call.world, run));
  return page(call, json, (items) => ({ total_count: runs.length, check_runs: items }));
}

async function suitesOfCommit(call: Call) {
  const sha = await commitOf(call);
  const suites = call.world.store.state.suites.filter((suite) => suite.headSha === sha).map((suite) => suiteJson(call.world, suite));
  return page(call, suites, (items) => ({ total_count: suites.length, check_suites: items }));
}

function annotationJson(annotation: CheckRun['annotations'][number]) {
  const none = { start_column: null, end_column: null, title: null, raw_details: null, blob_href: '' };
  return { ...none, ...annotation };
}
