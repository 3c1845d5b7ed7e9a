import { latestRuns } from '../domain/gate.ts';
import { isFork, type World } from '../domain/world.ts';
import { changedFiles } from '../git/diff.ts';
import type { Pull } from '../state.ts';
import { checkBox, checkLine } from './checks.ts';
import { fileBox } from './diff.ts';
import { html } from './html.ts';
import { links, type Page, timeText } from './layout.ts';
import { markdown } from './markdown.ts';
import { branchText, stateName } from './pull.ts';

/** Deliveries that are shown. */
const SHOWN_DELIVERIES = 100;

export function pullsPage(world: World): Page {
  const pulls = [...world.store.state.pulls].reverse();
  const open = pulls.filter((pull) => pull.state === 'open');
  const closed = pulls.filter((pull) => pull.state === 'closed');
  const to = links(world);
  const { owner, name } = world.settings.repository;
  const body = html`
<div class="actions"><h1>Pull requests</h1><a class="button" href="${to.compare}">Open a pull request</a></div>
<p class="dim">git clone <code>${world.urls.page}/${owner}/${name}.git</code></p>
<h2>Open (${open.length})</h2>
<div class="box">${open.length === 0 ? html`<div class="row dim">None.</div>` : open.map((pull) => row(world, pull))}</div>
<h2>Closed (${closed.length})</h2>
<div class="box">${closed.length === 0 ? html`<div class="row dim">None.</div>` : closed.map((pull) => row(world, pull))}</div>`;
  return { title: 'Pull requests', body };
}

function row(world: World, pull: Pull) {
  return html`<div class="row"><span class="pill ${stateName(pull)}">${stateName(pull)}</span>
<span class="grow"><a class="title" href="${links(world).pull(pull.number)}">${pull.title}</a><br>
<span class="dim small">#${pull.number} by ${pull.author}, ${timeText(pull.updatedAt)}</span> <span class="small">${branchText(world, pull)}</span></span>
${isFork(world, pull) && html`<span class="dot yellow">fork</span>`}
<span class="actions small">${latestRuns(world, pull.headSha).map(checkLine)}</span></div>`;
}

export async function branchesPage(world: World): Promise<Page> {
  const branches = [...(await world.repository.branches())].sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = await Promise.all(
    branches.map(async ([name, sha]) => {
      const commit = await world.repository.commit(sha);
      return html`<div class="row"><code class="branch">${name}</code><span class="grow">${commit.message.split('\n')[0]}</span>
<span class="dim small">${commit.author.name}, ${timeText(commit.committer.date)}</span><a href="${links(world).commit(sha)}"><code>${sha.slice(0, 8)}</code></a></div>`;
    }),
  );
  const empty = html`<div class="row dim">The repository is empty: push to it.</div>`;
  return { title: 'Branches', body: html`<h1>Branches</h1><div class="box">${rows.length === 0 ? empty : rows}</div>` };
}

/** The form for a new pull request, filled with what was written before. */
export async function comparePage(world: World, written: Readonly<Record<string, string>>, message?: string): Promise<Page> {
  const branches = [...(await world.repository.branches()).keys()].sort();
  const base = written['base'] ?? world.settings.defaultBranch;
  const body = html`<h1>Open a pull request</h1>
${message !== undefined && html`<p class="notice-box">${message}</p>`}
<form method="post" action="${links(world).act}">
<input type="hidden" name="csrf" value="${world.store.state.csrf}"><input type="hidden" name="action" value="open">
<div class="pair">
<label>Base: where it goes<select name="base">${branches.map((name) => html`<option${name === base && { html: ' selected' }}>${name}</option>`)}</select></label>
<label>Head: what is to go there<input name="head" list="branches" required value="${written['head']}" placeholder="branch, or owner:branch of a fork"></label>
</div>
<datalist id="branches">${branches.map((name) => html`<option value="${name}"></option>`)}</datalist>
<label>Title<input name="title" required maxlength="256" value="${written['title']}"></label>
<label>Description<textarea name="body">${written['body']}</textarea></label>
<button class="primary">Create pull request</button>
</form>`;
  return { title: 'Open a pull request', body };
}

export function runPage(world: World, id: number): Page | undefined {
  const run = world.store.state.runs.find((candidate) => candidate.id === id);
  if (run === undefined) return undefined;
  const pulls = world.store.state.pulls.filter((pull) => pull.headSha === run.headSha);
  const body = html`<h1>${run.name}</h1>
<p>of <a href="${links(world).commit(run.headSha)}"><code>${run.headSha}</code></a>${pulls.map((pull) => html` · <a href="${links(world).pull(pull.number)}">#${pull.number} ${pull.title}</a>`)}</p>
${checkBox(world, run, true)}`;
  return { title: run.name, body, ...(run.status === 'completed' ? {} : { refresh: 5 }) };
}

export async function commitPage(world: World, sha: string): Promise<Page | undefined> {
  if (!/^[0-9a-f]{40}$/.test(sha) || (await world.repository.resolve(sha)) !== sha) return undefined;
  const commit = await world.repository.commit(sha);
  const [parent] = commit.parents;
  const files = parent === undefined ? [] : await changedFiles(world.repository, parent, sha);
  const runs = latestRuns(world, sha);
  const [first = '', ...rest] = commit.message.split('\n');
  const body = html`<h1>${first}</h1>${markdown(rest.join('\n'))}
<p class="dim">${commit.author.name}, ${timeText(commit.author.date)} · <code>${sha}</code> · parents ${commit.parents.map((id) => html`<a href="${links(world).commit(id)}"><code>${id.slice(0, 8)}</code></a> `)}</p>
<p class="actions">${runs.map(checkLine)}</p>
${files.map((file) => fileBox(file, []))}`;
  return { title: first, body };
}

export function deliveriesPage(world: World): Page {
  const deliveries = [...world.store.state.deliveries].reverse().slice(0, SHOWN_DELIVERIES);
  const rows = deliveries.map((delivery) => {
    const fine = delivery.statusCode >= 200 && delivery.statusCode < 300;
    const what = delivery.action === null ? delivery.event : `${delivery.event}.${delivery.action}`;
    return html`<div class="row"><span class="dot ${fine ? 'green' : 'red'}">${fine ? '✓' : '✗'} ${delivery.statusCode}</span>
<span class="grow"><strong>${what}</strong> <span class="dim small">${delivery.guid}${delivery.redelivery && ', sent again'}</span></span>
<span class="dim small">${delivery.status}, ${delivery.duration} s, ${timeText(delivery.deliveredAt)}</span></div>`;
  });
  const empty = html`<div class="row dim">None.</div>`;
  const body = html`<h1>Webhook deliveries</h1><p class="dim">The newest ${SHOWN_DELIVERIES}. GitHub sends each once; what failed can be asked for again with the App's key.</p><div class="box">${rows.length === 0 ? empty : rows}</div>`;
  return { title: 'Webhook deliveries', body };
}
