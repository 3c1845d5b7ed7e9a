import { createHash } from 'node:crypto';
import type { PageChannel, PageCluster, PageState, PageView, PageWait } from '#model/page.ts';
import { short } from './evidence.ts';
import { ageText, moment, stateLabel, type Tone, untilText } from './page-parts.ts';
import { rolloutsHtml } from './page-rollout-html.ts';
import { PAGE_STYLE } from './page-style.ts';
import { type Html, html, type Part } from './page-template.ts';

/** Nothing runs, nothing is loaded, nothing is sent; the one style is let in by its hash. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(PAGE_STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const TONES: Readonly<Record<PageState, Tone>> = {
  current: 'good',
  behind: 'late',
  updating: 'work',
  'partly updated': 'bad',
  creating: 'work',
  'partly created': 'bad',
  'never created': 'late',
  deleted: 'plain',
  "can't be read": 'bad',
};

/** The whole page. Values of the view come from Git, GitHub and records: all are escaped. */
export function pageHtml(view: PageView): string {
  const { owner, name } = view.repository;
  const title = `${owner}/${name}: fleet`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${trusted(PAGE_STYLE)}</style>
</head>
<body>
${headHtml(view)}
<main>
${banners(view)}
${view.state === 'running' && [countsHtml(view), rolloutsHtml(view), fleetHtml(view), petHtml(view), slotsHtml(view)]}
${pullRequestsHtml(view)}
</main>
<footer><p>Read-only, of the records in the hub's bucket. <a href="?format=json">The same as JSON</a>.</p></footer>
</body>
</html>
`;
  return page.html;
}

/** Text of ours that is no value. */
function trusted(text: string): Html {
  return { html: text };
}

function headHtml({ repository: { owner, name, url }, settings, at }: PageView): Html {
  const title = `${owner}/${name}`;
  return html`<header><h1>${url === null ? title : html`<a href="${url}">${title}</a>`}</h1>
<span>as of ${moment(at)}</span>
${settings !== null && html`<span class="dim">settings <code title="${settings.commit}">${short(settings.commit)}</code>, seen ${moment(settings.seenAt)} ${ageText(settings.seenAt, at)}</span>`}
</header>`;
}

function banners(view: PageView): Part {
  const { halt, problems, state, first, at } = view;
  return [
    halt &&
      html`<p class="banner bad"><strong>The fleet is halted</strong> by ${halt.by} since ${moment(halt.at)} ${ageText(halt.at, at)}: ${halt.reason}. No cluster is admitted; what runs ends.</p>`,
    problems.map((problem) => html`<p class="banner bad"><strong>Can't be read:</strong> ${problem}</p>`),
    state === 'unreadable' &&
      html`<p class="banner bad">Without the settings nothing is known of channels and clusters; nothing starts meanwhile.</p>`,
    state === 'empty' &&
      html`<p class="banner work"><strong>No settings apply yet: there is no fleet to show.</strong> First: ${first}</p>`,
  ];
}

function countsHtml({ channels }: PageView): Html {
  const states = channels.flatMap(({ clusters }) => clusters.map(({ state }) => state));
  const found = Object.keys(TONES).flatMap((state) => {
    const count = states.filter((one) => one === state).length;
    return count === 0 ? [] : [html`<li>${stateLabel(`${count} ${state}`, toneOf(state))}</li>`];
  });
  return html`<ul class="counts"><li><strong>${states.length} cluster${states.length === 1 ? '' : 's'}</strong></li>${found}</ul>`;
}

function toneOf(state: string): Tone {
  return Object.entries(TONES).find(([name]) => name === state)?.[1] ?? 'plain';
}

function fleetHtml({ channels, at }: PageView): Html {
  return html`<h2>Clusters</h2>
<div class="scroll"><table>
<thead><tr><th>cluster</th><th>state</th><th>revision</th><th>Kubernetes</th><th>etcd</th><th>why, and until when</th><th>updated</th><th>certificates until</th><th>last proven backup</th></tr></thead>
${channels.map(
  (
    channel,
  ) => html`<tbody>${channelRow(channel, at)}${channel.clusters.map((cluster) => clusterRow(cluster, at))}${channel.clusters.length === 0 && html`<tr><td colspan="9" class="dim">No cluster follows this channel.</td></tr>`}</tbody>
`,
)}</table></div>
<p class="dim">The backup is the newest proven one, taken by an update or by schedule, by its id. Those taken by hand are listed in the bucket of the cluster's account only: backups/&lt;cluster&gt;/.</p>`;
}

function channelRow({ channel, branch, follows, target, proven, hold, freezes, problems }: PageChannel, at: string): Html {
  return html`<tr class="channel"><th colspan="9" scope="rowgroup"><strong>${channel}</strong> branch ${branch}${follows !== null && `, follows ${follows}`}
 · ${target === null ? 'no target' : html`target ${revision(target.revision)} (${target.basis})`} · ${proven === null ? 'nothing proven yet' : html`proven ${revision(proven.revision)} ${ageText(proven.at, at)}`}
${hold && html`<br>${stateLabel('held', 'late')} at ${revision(hold.revision)} by ${hold.owner}: ${hold.reason}; ${untilText(hold.until, at)}`}
${freezes.map((window) => html`<br>${stateLabel(window.active ? 'frozen' : 'freeze to come', window.active ? 'late' : 'plain')} ${window.scope === 'nodes' && 'for what rolls nodes '}from ${moment(window.from)} to ${moment(window.until)}: ${window.reason}`)}
${problems.map((problem) => html`<br>${stateLabel("can't be read", 'bad')} ${problem}`)}</th></tr>`;
}

function clusterRow(cluster: PageCluster, at: string): Html {
  const { name, environment, account, region, state, kubernetes, etcd, updatedAt, identityExpires, waits } = cluster;
  return html`<tr><th scope="row" title="${account} ${region}">${name}<br><span class="age">${environment}</span></th>
<td>${stateLabel(state, TONES[state])}${cluster.updating !== null && html`<br><span class="age">since ${moment(cluster.updating.since)}</span>`}</td>
<td class="runs">${runs(cluster)}</td><td>${kubernetes ?? '–'}</td><td>${etcd ?? '–'}</td>
<td class="why">${waits.length > 0 && html`<ul>${waits.map((wait) => waitHtml(wait, at))}</ul>`}</td>
<td>${updatedAt === null ? '–' : [moment(updatedAt), html`<br>`, ageText(updatedAt, at)]}</td>
<td>${identityExpires === null ? html`<span class="dim">not recorded</span>` : moment(identityExpires)}</td>
<td class="backup">${backupHtml(cluster, at)}</td></tr>
`;
}

/** Of 10^9 bytes, as disks are sold. */
function gigabytes(bytes: number): string {
  return bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

function backupHtml({ backup, drilledAt, stored, backupProblems, suspicious }: PageCluster, at: string): Html {
  return html`${backup === null ? html`<span class="dim">none recorded</span>` : html`<code title="${backup.id}">${backup.id.slice(0, 16)}</code>${backup.takenAt !== null && [html`<br>`, ageText(backup.takenAt, at)]}`}
${drilledAt !== null && html`<br><span class="age">restored: the one of </span>${ageText(drilledAt, at)}`}
${stored !== null && html`<br><span class="age">${stored.backups} stored, ${gigabytes(stored.bytes)}, about ${stored.usdMonth.toFixed(2)} USD a month</span>`}
${backupProblems.map((problem) => html`<br>${stateLabel('backup', 'bad')} ${problem}`)}${suspicious !== null && suspiciousHtml(suspicious)}`;
}

function suspiciousHtml({ backup, comparedWith, findings }: NonNullable<PageCluster['suspicious']>): Html {
  return html`<br>${stateLabel('suspicious', 'bad')} <code>${backup}</code> against <code>${comparedWith}</code>, so no change begins:
<ul>${findings.map((finding) => html`<li>${finding}</li>`)}</ul>If it is right: <code>backup.acknowledged</code> of the channel file`;
}

/** What runs, and what is on its way. */
function runs({ revision: now, target, updating }: PageCluster): Part {
  const next = updating?.revision ?? target;
  const current = now === null ? '–' : revision(now);
  return next === null || next === now ? current : [current, html`<br><span class="dim">to ${revision(next)}</span>`];
}

function revision(id: string): Html {
  return html`<code title="${id}">${short(id)}</code>`;
}

function waitHtml({ reason, until, since }: PageWait, at: string): Html {
  return html`<li>${reason}${since !== null && html` <span class="age">since ${moment(since)}, ${ageText(since, at)}</span>`}${until !== null && html` <span class="age">${untilText(until, at)}</span>`}</li>`;
}

function petHtml({ petScore }: PageView): Part {
  if (petScore === null) return null;
  const { score, fields, waivers, holds, parts } = petScore;
  if (score === 0) return html`<h2>Pet score 0</h2><p>No cluster is treated in a way of its own.</p>`;
  return html`<h2>Pet score ${score}</h2><p>What makes the fleet differ from one configuration: ${fields} fields of single clusters, ${waivers} waivers, ${holds} holds.</p>
<details><summary>Each of them</summary><ul>${parts.map((part) => html`<li>${part}</li>`)}</ul></details>`;
}

function slotsHtml({ slots, at }: PageView): Part {
  if (slots.length === 0) return null;
  return html`<h2>e2e accounts</h2><div class="scroll"><table><thead><tr><th>account</th><th>channel</th><th>taken by</th><th>lease</th></tr></thead><tbody>
${slots.map(
  ({
    account,
    channel,
    holder,
    until,
  }) => html`<tr><th scope="row">${account}</th><td>${channel}</td><td>${holder ?? html`<span class="dim">free</span>`}</td><td>${until !== null && untilText(until, at)}</td></tr>
`,
)}</tbody></table></div>`;
}

function pullRequestsHtml({ pullRequests, repository: { url }, at }: PageView): Part {
  if (pullRequests.length === 0) return null;
  const tone = (state: string): Tone =>
    state === 'success' ? 'good' : state === 'under way' ? 'work' : state === 'failure' || state === "can't be read" ? 'bad' : 'plain';
  return html`<h2>Newest pull requests</h2><p class="dim">As Sluice last looked at them; whether they are open still is for GitHub to say.</p>
<div class="scroll"><table><thead><tr><th>number</th><th>check sluice</th><th>it says</th><th>since</th></tr></thead><tbody>
${pullRequests.map(
  (
    pull,
  ) => html`<tr><th scope="row">${url === null ? `#${pull.number}` : html`<a href="${url}/pull/${pull.number}">#${pull.number}</a>`}</th><td>${stateLabel(pull.state, tone(pull.state))}</td><td class="why">${pull.title}</td><td>${pull.at !== null && [moment(pull.at), ' ', ageText(pull.at, at)]}</td></tr>
`,
)}</tbody></table></div>`;
}
