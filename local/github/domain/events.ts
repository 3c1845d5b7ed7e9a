import { changedFiles } from '../git/diff.ts';
import { type CommitInfo, ZERO } from '../git/repository.ts';
import type { CheckRun, CheckSuite, Comment, Pull } from '../state.ts';
import { type Actor, personOf } from './actor.ts';
import { checkRunJson, suiteJson } from './check-payloads.ts';
import { commentJson, type Json, pullJson, pullUrl, repositoryJson, userJson } from './payloads.ts';
import { fullPull } from './pull-numbers.ts';
import type { World } from './world.ts';

/** GitHub lists at most this many commits in a push (webhook payload docs). */
const PUSH_COMMITS = 2048;

/** What each payload of an App has at its end. */
function common(world: World, sender: Actor): Json {
  const { installationId } = world.settings.app;
  return {
    repository: repositoryJson(world),
    installation: { id: installationId, node_id: `I_${installationId}` },
    sender: userJson(world, sender),
  };
}

export async function sendPull(world: World, action: string, pull: Pull, sender: Actor, extra: Json = {}): Promise<void> {
  const payload = { action, number: pull.number, pull_request: await fullPull(world, pull), ...extra, ...common(world, sender) };
  world.hooks.send('pull_request', action, payload);
}

export function sendCheckSuite(world: World, action: string, suite: CheckSuite, sender: Actor): void {
  world.hooks.send('check_suite', action, { action, check_suite: suiteJson(world, suite), ...common(world, sender) });
}

export function sendCheckRun(world: World, action: string, run: CheckRun, sender: Actor, extra: Json = {}): void {
  const suite = world.store.state.suites.find((candidate) => candidate.id === run.suiteId);
  const json = { ...checkRunJson(world, run), ...(suite === undefined ? {} : { check_suite: suiteJson(world, suite) }) };
  world.hooks.send('check_run', action, { action, check_run: json, ...extra, ...common(world, sender) });
}

export function sendComment(world: World, pull: Pull, comment: Comment, sender: Actor): void {
  const issue = { ...pullJson(world, pull), pull_request: { url: pullJson(world, pull)['url'], html_url: pullUrl(world, pull.number) } };
  world.hooks.send('issue_comment', 'created', {
    action: 'created',
    issue,
    comment: commentJson(world, comment),
    ...common(world, sender),
  });
}

/** A moved, made or deleted ref; `before` or `after` is all zeros then. */
export interface RefChange {
  readonly ref: string;
  readonly before: string;
  readonly after: string;
}

export async function sendPush(world: World, change: RefChange, sender: Actor): Promise<void> {
  const { ref, before, after } = change;
  const created = before === ZERO;
  const deleted = after === ZERO;
  const forced = !created && !deleted && (await world.repository.tryRun(['merge-base', '--is-ancestor', before, after])).code !== 0;
  const infos = deleted ? [] : await world.repository.commits(await rangeOf(world, change), PUSH_COMMITS);
  const commits = await Promise.all(infos.map((info) => pushedCommit(world, info)));
  const head = deleted ? null : await pushedCommit(world, await world.repository.commit(after));
  const { owner, name } = world.settings.repository;
  const compare = `${world.urls.page}/${owner}/${name}/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`;
  const pusher = personOf(sender);
  world.hooks.send('push', null, {
    ref,
    before,
    after,
    created,
    deleted,
    forced,
    base_ref: null,
    compare,
    commits,
    head_commit: head,
    pusher,
    ...common(world, sender),
  });
}

/** What is new: the commits that neither the old head nor, for a new branch, any other branch has. */
async function rangeOf(world: World, change: RefChange): Promise<string[]> {
  if (change.before !== ZERO) return [`${change.before}..${change.after}`];
  const branches = await world.repository.branches();
  const others = [...branches].filter(([branch]) => `refs/heads/${branch}` !== change.ref).map(([, sha]) => `^${sha}`);
  return [change.after, ...others];
}

async function pushedCommit(world: World, info: CommitInfo): Promise<Json> {
  const { owner, name } = world.settings.repository;
  const [parent] = info.parents;
  const files = parent === undefined ? [] : await changedFiles(world.repository, parent, info.sha);
  const paths = (status: string) => files.filter((file) => file.status === status).map((file) => file.path);
  return {
    id: info.sha,
    tree_id: info.tree,
    distinct: true,
    message: info.message,
    timestamp: info.committer.date,
    url: `${world.urls.page}/${owner}/${name}/commit/${info.sha}`,
    author: { name: info.author.name, email: info.author.email },
    committer: { name: info.committer.name, email: info.committer.email },
    added: paths('added'),
    removed: paths('removed'),
    modified: [...paths('modified'), ...paths('renamed'), ...paths('changed')],
  };
}
