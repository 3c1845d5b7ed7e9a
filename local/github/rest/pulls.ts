import * as z from 'zod';
import { sendComment } from '../domain/events.ts';
import { mergePull } from '../domain/merging.ts';
import { commentJson, commitJson, pullJson } from '../domain/payloads.ts';
import { commitsOf, filesOf, fullPull } from '../domain/pull-numbers.ts';
import { editPull, now, openPull } from '../domain/pulls.ts';
import type { World } from '../domain/world.ts';
import { invalid, notFound } from '../refusal.ts';
import type { Comment, Pull } from '../state.ts';
import { textLimits } from './limits.ts';
import { type Call, ok, page, type Route } from './route.ts';

const PULLS = '/repos/{owner}/{repo}/pulls';
const PULL = `${PULLS}/{pull_number}`;
/** GitHub answers no more files of a pull request than these. */
const MAX_FILES = 3000;

const NewPull = z.object({ title: z.string(), head: z.string(), base: z.string(), body: z.string().nullish() });
const ChangedPull = z.object({
  title: z.string().optional(),
  body: z.string().nullish(),
  state: z.enum(['open', 'closed']).optional(),
  base: z.string().optional(),
});
const Merge = z.object({
  sha: z.string().optional(),
  merge_method: z.enum(['merge', 'squash', 'rebase']).default('merge'),
  commit_title: z.string().optional(),
  commit_message: z.string().optional(),
});
const ListFilter = z.object({
  state: z.enum(['open', 'closed', 'all']).default('open'),
  head: z.string().optional(),
  base: z.string().optional(),
  direction: z.enum(['asc', 'desc']).default('desc'),
});

/** @throws Refusal 404 */
export function pullOf(world: World, number: unknown): Pull {
  const pull = world.store.state.pulls.find((candidate) => candidate.number === Number(number));
  if (pull === undefined) throw notFound();
  return pull;
}

export const pullRoutes: readonly Route[] = [
  { method: 'GET', path: PULLS, run: list },
  {
    method: 'POST',
    path: PULLS,
    async run({ world, body, actor }) {
      const draft = NewPull.safeParse(body);
      if (!draft.success) throw invalid('Validation Failed', [{ resource: 'PullRequest', field: 'title', code: 'missing_field' }]);
      const request = { ...draft.data, body: draft.data.body ?? '' };
      textLimits(request);
      return ok(await fullPull(world, await openPull(world, request, actor)), 201);
    },
  },
  { method: 'GET', path: PULL, run: async ({ world, params }) => ok(await fullPull(world, pullOf(world, params['pull_number']))) },
  {
    method: 'PATCH',
    path: PULL,
    async run({ world, params, body, actor }) {
      const pull = pullOf(world, params['pull_number']);
      const parsed = ChangedPull.parse(body ?? {});
      const change = { ...parsed, body: parsed.body ?? undefined };
      textLimits(change);
      await editPull(world, pull, change, actor);
      return ok(await fullPull(world, pull));
    },
  },
  { method: 'GET', path: `${PULL}/files`, run: files },
  {
    method: 'GET',
    path: `${PULL}/commits`,
    async run(call) {
      const commits = await commitsOf(call.world, pullOf(call.world, call.params['pull_number']));
      return page(
        call,
        commits.map((commit) => commitJson(call.world, commit)),
      );
    },
  },
  {
    method: 'GET',
    path: `${PULL}/merge`,
    run({ world, params }) {
      if (!pullOf(world, params['pull_number']).merged) throw notFound();
      return { status: 204 };
    },
  },
  {
    method: 'PUT',
    path: `${PULL}/merge`,
    async run({ world, params, body, actor }) {
      const merge = Merge.parse(body ?? {});
      const request = { sha: merge.sha, method: merge.merge_method, title: merge.commit_title, message: merge.commit_message };
      const sha = await mergePull(world, pullOf(world, params['pull_number']), request, actor);
      return ok({ sha, merged: true, message: 'Pull Request successfully merged' });
    },
  },
  { method: 'GET', path: '/repos/{owner}/{repo}/issues/{issue_number}/comments', run: comments },
  {
    method: 'POST',
    path: '/repos/{owner}/{repo}/issues/{issue_number}/comments',
    run({ world, params, body, actor }) {
      const pull = pullOf(world, params['issue_number']);
      const text = z.object({ body: z.string() }).parse(body).body;
      return ok(commentJson(world, addComment(world, pull, text, actor)), 201);
    },
  },
];

/** Adds a comment and tells the App. @throws Refusal 422 when it is empty or too long */
export function addComment(world: World, pull: Pull, text: string, by: Call['actor']): Comment {
  if (text.trim() === '') throw invalid('Validation Failed', [{ resource: 'IssueComment', field: 'body', code: 'missing_field' }]);
  textLimits({ body: text });
  const comment = { id: world.store.id(), number: pull.number, author: by.login, body: text, createdAt: now() };
  world.store.state.comments.push(comment);
  world.store.touch();
  sendComment(world, pull, comment, by);
  return comment;
}

function list(call: Call) {
  const { world } = call;
  const filter = ListFilter.parse(call.query);
  const found = world.store.state.pulls
    .filter((pull) => filter.state === 'all' || pull.state === filter.state)
    .filter((pull) => filter.base === undefined || pull.baseRef === filter.base)
    // GitHub ignores a head filter that names no owner.
    .filter((pull) => filter.head === undefined || !filter.head.includes(':') || `${pull.headOwner}:${pull.headRef}` === filter.head)
    .sort((a, b) => (filter.direction === 'desc' ? b.number - a.number : a.number - b.number));
  return page(
    call,
    found.map((pull) => pullJson(world, pull)),
  );
}

async function files(call: Call) {
  const { world } = call;
  const { owner, name } = world.settings.repository;
  const changed = (await filesOf(world, pullOf(world, call.params['pull_number']))).slice(0, MAX_FILES);
  return page(
    call,
    changed.map((file) => ({
      sha: file.sha,
      filename: file.path,
      ...(file.previousPath === undefined ? {} : { previous_filename: file.previousPath }),
      status: file.status,
      additions: file.additions,
      deletions: file.deletions,
      changes: file.additions + file.deletions,
      blob_url: `${world.urls.page}/${owner}/${name}/blob/${file.sha}`,
      raw_url: `${world.urls.page}/${owner}/${name}/raw/${file.sha}`,
      contents_url: `${world.urls.api}/repos/${owner}/${name}/git/blobs/${file.sha}`,
      ...(file.patch === undefined ? {} : { patch: file.patch }),
    })),
  );
}

function comments(call: Call) {
  const { world } = call;
  const pull = pullOf(world, call.params['issue_number']);
  const found = world.store.state.comments.filter((comment) => comment.number === pull.number);
  return page(
    call,
    found.map((comment) => commentJson(world, comment)),
  );
}
