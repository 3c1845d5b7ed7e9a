import type { CheckRun, CheckSuite, Pull } from '../state.ts';
import { type Json, ownerJson } from './payloads.ts';
import { isFork, type World } from './world.ts';

export function appJson(world: World): Json {
  const { app, repository } = world.settings;
  return {
    id: app.id,
    slug: app.slug,
    node_id: `A_${app.id}`,
    client_id: `Iv1.local${app.id}`,
    owner: ownerJson(world, repository.owner),
    name: app.slug,
    description: null,
    external_url: world.urls.page,
    html_url: `${world.urls.page}/apps/${app.slug}`,
    created_at: '2024-01-01T00:00:00Z',
    updated_at: '2024-01-01T00:00:00Z',
    permissions: PERMISSIONS,
    events: ['push', 'pull_request', 'check_run', 'check_suite', 'issue_comment'],
  };
}

/** What the App was given. */
export const PERMISSIONS: Readonly<Record<string, string>> = {
  checks: 'write',
  contents: 'write',
  metadata: 'read',
  pull_requests: 'write',
  issues: 'write',
};

function api(world: World): string {
  const { owner, name } = world.settings.repository;
  return `${world.urls.api}/repos/${owner}/${name}`;
}

/** Pull requests of a head; never those of forks (stated in GitHub's description of check runs). */
function pullsOf(world: World, headSha: string): Json[] {
  const repo = { id: 0, url: api(world), name: world.settings.repository.name };
  return world.store.state.pulls
    .filter((pull: Pull) => pull.state === 'open' && pull.headSha === headSha && !isFork(world, pull))
    .map((pull) => ({
      id: pull.id,
      number: pull.number,
      url: `${api(world)}/pulls/${pull.number}`,
      head: { ref: pull.headRef, sha: pull.headSha, repo },
      base: { ref: pull.baseRef, sha: pull.baseSha, repo },
    }));
}

export function checkRunJson(world: World, run: CheckRun): Json {
  const url = `${api(world)}/check-runs/${run.id}`;
  const { owner, name } = world.settings.repository;
  const page = `${world.urls.page}/${owner}/${name}/runs/${run.id}`;
  return {
    id: run.id,
    node_id: `CR_${run.id}`,
    name: run.name,
    head_sha: run.headSha,
    external_id: run.externalId,
    url,
    html_url: page,
    details_url: run.detailsUrl ?? page,
    status: run.status,
    conclusion: run.conclusion,
    started_at: run.startedAt,
    completed_at: run.completedAt,
    output: {
      title: run.title,
      summary: run.summary,
      text: run.text,
      annotations_count: run.annotations.length,
      annotations_url: `${url}/annotations`,
    },
    check_suite: { id: run.suiteId },
    app: appJson(world),
    pull_requests: pullsOf(world, run.headSha),
  };
}

export function suiteJson(world: World, suite: CheckSuite): Json {
  const runs = world.store.state.runs.filter((run) => run.suiteId === suite.id);
  const pending = runs.find((run) => run.status !== 'completed');
  const completed = runs.length > 0 && pending === undefined;
  const failed = runs.find((run) => run.conclusion !== 'success' && run.conclusion !== 'neutral' && run.conclusion !== 'skipped');
  return {
    id: suite.id,
    node_id: `CS_${suite.id}`,
    head_branch: suite.headBranch,
    head_sha: suite.headSha,
    status: completed ? 'completed' : (pending?.status ?? 'queued'),
    conclusion: completed ? (failed?.conclusion ?? 'success') : null,
    url: `${api(world)}/check-suites/${suite.id}`,
    before: null,
    after: suite.headSha,
    pull_requests: pullsOf(world, suite.headSha),
    app: appJson(world),
    created_at: suite.createdAt,
    updated_at: suite.createdAt,
    latest_check_runs_count: runs.length,
    check_runs_url: `${api(world)}/check-suites/${suite.id}/check-runs`,
  };
}
