import { latestRuns, requiredState } from '../domain/gate.ts';
import { mergeObstacle } from '../domain/merging.ts';
import { commitsOf, filesOf } from '../domain/pull-numbers.ts';
import { isFork, type World } from '../domain/world.ts';
import type { Pull } from '../state.ts';
import { checkBox, checkLine, disabled } from './checks.ts';
import { fileBox } from './diff.ts';
import { type Html, html } from './html.ts';
import { actionForm, links, type Page, timeText } from './layout.ts';
import { markdown } from './markdown.ts';

/** How often a page with a running check is read again. */
const REFRESH_SECONDS = 5;

export function stateName(pull: Pull): 'open' | 'closed' | 'merged' {
  return pull.merged ? 'merged' : pull.state;
}

export function branchText(world: World, pull: Pull): Html {
  const head = isFork(world, pull) ? `${pull.headOwner}:${pull.headRef}` : pull.headRef;
  return html`<code class="branch">${pull.baseRef}</code> ← <code class="branch">${head}</code>`;
}

/** The page of one pull request; `message` tells why the last button did not do what it says. */
export async function pullPage(world: World, pull: Pull, message?: string): Promise<Page> {
  const runs = latestRuns(world, pull.headSha);
  const files = await filesOf(world, pull);
  const commits = await commitsOf(world, pull);
  const annotations = runs.flatMap((run) => run.annotations);
  const running = pull.state === 'open' && (pull.mergeable === null || runs.some((run) => run.status !== 'completed'));
  const comments = world.store.state.comments.filter((comment) => comment.number === pull.number);
  const body = html`
${message !== undefined && html`<p class="notice-box">${message}</p>`}
<h1>${pull.title} <span class="dim">#${pull.number}</span></h1>
<p><span class="pill ${stateName(pull)}">${stateName(pull)}</span> <strong>${pull.author}</strong> <span class="dim">${verb(pull)} ${commits.length} commit${commits.length === 1 ? '' : 's'}</span> ${branchText(world, pull)}
${isFork(world, pull) && html` <span class="dot yellow">from a fork</span>`}</p>
<div class="box"><div class="head"><strong>${pull.author}</strong> <span class="dim small">${timeText(pull.createdAt)}</span></div>
<div class="body">${pull.body.trim() === '' ? html`<p class="dim">No description.</p>` : markdown(pull.body)}</div></div>
${comments.map(
  (
    comment,
  ) => html`<div class="box" id="issuecomment-${comment.id}"><div class="head"><strong>${comment.author}</strong> <span class="dim small">${timeText(comment.createdAt)}</span></div>
<div class="body">${markdown(comment.body)}</div></div>`,
)}
${mergeBox(world, pull)}
<h2>Checks</h2>
${runs.length === 0 ? html`<p class="dim">None yet.</p>` : html`<p class="actions">${runs.map(checkLine)}</p>`}
${runs.map((run) => checkBox(world, run, false))}
<h2>Commits (${commits.length})</h2>
<div class="box">${commits.map(
    (commit) =>
      html`<div class="row"><span class="grow">${commit.message.split('\n')[0]}</span><span class="dim small">${commit.author.name}</span><a href="${links(world).commit(commit.sha)}"><code>${commit.sha.slice(0, 8)}</code></a></div>`,
  )}</div>
<h2>Changed files (${files.length})</h2>
${files.map((file) => fileBox(file, annotations))}
<p><a class="button" href="${links(world).comment(pull.number)}">Add a comment</a></p>`;
  return { title: `${pull.title} #${pull.number}`, body, ...(running ? { refresh: REFRESH_SECONDS } : {}) };
}

function verb(pull: Pull): string {
  if (pull.merged) return `${pull.mergedBy ?? 'nobody'} merged`;
  return pull.state === 'open' ? 'wants to merge' : 'wanted to merge';
}

function mergeBox(world: World, pull: Pull): Html {
  const number = String(pull.number);
  const suite = world.store.state.suites.find((candidate) => candidate.headSha === pull.headSha);
  const rerun =
    suite === undefined
      ? ''
      : actionForm(world, { action: 'rerequest-suite', suite: String(suite.id), number }, html`<button>Re-run all checks</button>`);
  if (pull.merged) {
    return html`<div class="box"><div class="head"><span class="pill merged">merged</span><span class="grow">as <a href="${links(world).commit(pull.mergeCommitSha ?? '')}"><code>${pull.mergeCommitSha?.slice(0, 8)}</code></a> into <code class="branch">${pull.baseRef}</code> by <strong>${pull.mergedBy}</strong>, ${pull.closedAt === null ? '' : timeText(pull.closedAt)}</span>${rerun}</div></div>`;
  }
  if (pull.state === 'closed') {
    return html`<div class="box"><div class="head"><span class="grow">Closed without merging.</span>${actionForm(world, { action: 'reopen', number }, html`<button>Reopen</button>`)}</div></div>`;
  }
  const obstacle = mergeObstacle(world, pull);
  const blocked = pull.mergeable === false || requiredState(world, pull.headSha) === 'red';
  const sign =
    obstacle === undefined
      ? html`<span class="dot green">✓</span>`
      : html`<span class="dot ${blocked ? 'red' : 'yellow'}">${blocked ? '✗' : '◐'}</span>`;
  const methods = html`<select name="method" aria-label="Way of merging"><option value="merge">Merge commit</option><option value="squash">Squash</option><option value="rebase">Rebase</option></select>`;
  return html`<div class="box"><div class="head">${sign}<span class="grow">${obstacle ?? 'This can be merged: the required check is green.'}</span></div>
<div class="row"><div class="actions">
${actionForm(world, { action: 'merge', number, sha: pull.headSha }, html`<span class="actions">${methods}<button class="primary"${disabled(obstacle !== undefined)}>Merge pull request</button></span>`)}
${rerun}
${actionForm(world, { action: 'close', number }, html`<button class="danger">Close</button>`)}
</div></div></div>`;
}

/** The form for a comment: a page of its own, because a pull request's page may be read again while one writes. */
export function commentPage(world: World, pull: Pull, written = '', message?: string): Page {
  const fields = html`<label>Comment<textarea name="body" required>${written}</textarea></label><button class="primary">Comment</button>`;
  const body = html`<h1>Comment on <a href="${links(world).pull(pull.number)}">#${pull.number} ${pull.title}</a></h1>
${message !== undefined && html`<p class="notice-box">${message}</p>`}
${actionForm(world, { action: 'comment', number: String(pull.number) }, fields)}`;
  return { title: `Comment on #${pull.number}`, body };
}
