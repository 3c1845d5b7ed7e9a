import type { CommitInfo } from '../git/repository.ts';
import type { Comment, Pull } from '../state.ts';
import { type Actor, botOf, stableId } from './actor.ts';
import { isFork, type World } from './world.ts';

/** JSON as GitHub answers and sends it: the fields that clients read, in GitHub's names. */
export type Json = Readonly<Record<string, unknown>>;

export function actorOf(world: World, login: string): Actor {
  return { login, kind: login === botOf(world.settings).login ? 'Bot' : 'User' };
}

export function userJson(world: World, actor: Actor): Json {
  const id = stableId(actor.login);
  const url = `${world.urls.api}/users/${encodeURIComponent(actor.login)}`;
  return {
    login: actor.login,
    id,
    node_id: `U_${id}`,
    avatar_url: '',
    gravatar_id: '',
    url,
    html_url: `${world.urls.page}/${encodeURIComponent(actor.login)}`,
    type: actor.kind,
    site_admin: false,
  };
}

export function ownerJson(world: World, login: string): Json {
  return { ...userJson(world, { login, kind: 'User' }), type: 'Organization' };
}

export function repositoryJson(world: World, owner = world.settings.repository.owner): Json {
  const { name } = world.settings.repository;
  const fullName = `${owner}/${name}`;
  const id = stableId(fullName);
  const api = `${world.urls.api}/repos/${fullName}`;
  const html = `${world.urls.page}/${fullName}`;
  return {
    id,
    node_id: `R_${id}`,
    name,
    full_name: fullName,
    owner: ownerJson(world, owner),
    private: false,
    visibility: 'public',
    html_url: html,
    description: 'The fleet',
    fork: owner !== world.settings.repository.owner,
    url: api,
    pulls_url: `${api}/pulls{/number}`,
    commits_url: `${api}/commits{/sha}`,
    git_refs_url: `${api}/git/refs{/sha}`,
    trees_url: `${api}/git/trees{/sha}`,
    branches_url: `${api}/branches{/branch}`,
    clone_url: `${html}.git`,
    git_url: `${html}.git`,
    default_branch: world.settings.defaultBranch,
    archived: false,
    disabled: false,
    allow_merge_commit: true,
    allow_squash_merge: true,
    allow_rebase_merge: true,
  };
}

function endJson(world: World, owner: string, ref: string, sha: string): Json {
  return { label: `${owner}:${ref}`, ref, sha, user: ownerJson(world, owner), repo: repositoryJson(world, owner) };
}

/** A pull request as in a list: without what is computed for it. */
export function pullJson(world: World, pull: Pull): Json {
  const { owner, name } = world.settings.repository;
  const api = `${world.urls.api}/repos/${owner}/${name}`;
  const html = pullUrl(world, pull.number);
  const self = `${api}/pulls/${pull.number}`;
  return {
    url: self,
    id: pull.id,
    node_id: `PR_${pull.id}`,
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    issue_url: `${api}/issues/${pull.number}`,
    commits_url: `${self}/commits`,
    comments_url: `${api}/issues/${pull.number}/comments`,
    statuses_url: `${api}/statuses/${pull.headSha}`,
    number: pull.number,
    state: pull.state,
    locked: false,
    title: pull.title,
    user: userJson(world, actorOf(world, pull.author)),
    body: pull.body,
    created_at: pull.createdAt,
    updated_at: pull.updatedAt,
    closed_at: pull.closedAt,
    merged_at: pull.merged ? pull.closedAt : null,
    merge_commit_sha: pull.mergeCommitSha,
    assignee: null,
    assignees: [],
    requested_reviewers: [],
    requested_teams: [],
    labels: [],
    milestone: null,
    draft: false,
    head: endJson(world, pull.headOwner, pull.headRef, pull.headSha),
    base: endJson(world, owner, pull.baseRef, pull.baseSha),
    _links: { self: { href: self }, html: { href: html } },
    author_association: isFork(world, pull) ? 'CONTRIBUTOR' : 'MEMBER',
    auto_merge: null,
    active_lock_reason: null,
  };
}

export interface PullNumbers {
  readonly commits: number;
  readonly additions: number;
  readonly deletions: number;
  readonly changedFiles: number;
  readonly comments: number;
  readonly mergeableState: string;
}

export function fullPullJson(world: World, pull: Pull, numbers: PullNumbers): Json {
  return {
    ...pullJson(world, pull),
    merged: pull.merged,
    mergeable: pull.state === 'open' ? pull.mergeable : null,
    rebaseable: pull.state === 'open' ? pull.mergeable : null,
    mergeable_state: numbers.mergeableState,
    merged_by: pull.mergedBy === null ? null : userJson(world, actorOf(world, pull.mergedBy)),
    comments: numbers.comments,
    review_comments: 0,
    maintainer_can_modify: false,
    commits: numbers.commits,
    additions: numbers.additions,
    deletions: numbers.deletions,
    changed_files: numbers.changedFiles,
  };
}

export function pullUrl(world: World, number: number): string {
  const { owner, name } = world.settings.repository;
  return `${world.urls.page}/${owner}/${name}/pull/${number}`;
}

/** A commit of the Git database API. */
export function gitCommitJson(world: World, commit: CommitInfo): Json {
  const { owner, name } = world.settings.repository;
  const api = `${world.urls.api}/repos/${owner}/${name}/git`;
  const html = `${world.urls.page}/${owner}/${name}/commit/`;
  return {
    sha: commit.sha,
    node_id: `C_${commit.sha}`,
    url: `${api}/commits/${commit.sha}`,
    html_url: `${html}${commit.sha}`,
    author: commit.author,
    committer: commit.committer,
    tree: { sha: commit.tree, url: `${api}/trees/${commit.tree}` },
    message: commit.message,
    parents: commit.parents.map((sha) => ({ sha, url: `${api}/commits/${sha}`, html_url: `${html}${sha}` })),
    verification: { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null },
  };
}

/** A commit of the repository API: the Git commit inside, the accounts outside. */
export function commitJson(world: World, commit: CommitInfo): Json {
  const { sha, node_id, html_url, parents, ...inner } = gitCommitJson(world, commit);
  const { owner, name } = world.settings.repository;
  const url = `${world.urls.api}/repos/${owner}/${name}/commits/${commit.sha}`;
  return {
    sha,
    node_id,
    html_url,
    url,
    comments_url: `${url}/comments`,
    commit: { ...inner, comment_count: 0 },
    author: null,
    committer: null,
    parents,
  };
}

export function commentJson(world: World, comment: Comment): Json {
  const { owner, name } = world.settings.repository;
  const issue = `${world.urls.api}/repos/${owner}/${name}/issues/${comment.number}`;
  return {
    id: comment.id,
    node_id: `IC_${comment.id}`,
    url: `${world.urls.api}/repos/${owner}/${name}/issues/comments/${comment.id}`,
    html_url: `${pullUrl(world, comment.number)}#issuecomment-${comment.id}`,
    issue_url: issue,
    user: userJson(world, actorOf(world, comment.author)),
    author_association: 'MEMBER',
    body: comment.body,
    created_at: comment.createdAt,
    updated_at: comment.createdAt,
  };
}
