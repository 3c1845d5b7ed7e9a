import type { PageRollout, PageView, PageWave } from '#model/page.ts';
import { durationText } from './duration.ts';
import { short } from './evidence.ts';
import { ageText, moment, stateLabel, type Tone } from './page-parts.ts';
import { type Html, html, type Part } from './page-template.ts';

const TONES: Readonly<Record<PageRollout['state'], Tone>> = {
  'under way': 'work',
  succeeded: 'good',
  failed: 'bad',
  superseded: 'plain',
  "can't be read": 'bad',
};
const WAVE_TONES: Readonly<Record<PageWave['state'], Tone>> = {
  'to come': 'plain',
  running: 'work',
  soaking: 'work',
  done: 'good',
  'not reached': 'plain',
};
const MARKS = { waits: '·', started: '▶', succeeded: '✔', failed: '✖', 'left out': '–' } as const;
const MARK_WORDS = { waits: 'waits', started: 'under way', succeeded: 'done', failed: 'failed', 'left out': 'left out' } as const;

/** Rollouts that are under way or failed with their waves; of the others one line each. */
export function rolloutsHtml(view: PageView): Html {
  const { rollouts } = view;
  if (rollouts.length === 0) return html`<h2>Rollouts</h2><p class="dim">None was planned yet.</p>`;
  return html`<h2>Rollouts</h2>${rollouts.map((rollout) => rolloutHtml(rollout, view))}`;
}

function rolloutHtml(rollout: PageRollout, { at, repository: { url } }: PageView): Html {
  const { id, channel, revision, commit, state, title, plannedAt, mergedBy, pullRequest, problems } = rollout;
  const commitText = html`<code title="${commit}">${short(commit)}</code>`;
  const origin: Part =
    pullRequest === null
      ? null
      : [
          ' · ',
          url === null ? `#${pullRequest}` : html`<a href="${url}/pull/${pullRequest}">#${pullRequest}</a>`,
          mergedBy !== null && ` merged by ${mergedBy}`,
        ];
  const isOpen = state !== 'succeeded' && state !== 'superseded';
  return html`<section class="rollout"><p>${stateLabel(state, TONES[state])} <strong>${channel ?? 'settings'}</strong>${revision !== null && html` to <code title="${revision}">${short(revision)}</code>`} ${title}</p>
<p class="dim">commit ${url === null ? commitText : html`<a href="${url}/commit/${commit}">${commitText}</a>`}${origin}${plannedAt !== null && html` · planned ${moment(plannedAt)} ${ageText(plannedAt, at)}`} · execution <code>${id}</code></p>
${problems.map((problem) => html`<p>${stateLabel("can't be read", 'bad')} ${problem}</p>`)}
${isOpen && [waitsHtml(rollout, at), wavesHtml(rollout), failedHtml(rollout)]}</section>`;
}

function waitsHtml({ waits }: PageRollout, at: string): Part {
  return waits.map(
    ({ reason, since }) =>
      html`<p>${reason}${since !== null && html` <span class="age">since ${moment(since)}, ${ageText(since, at)}</span>`}</p>`,
  );
}

function wavesHtml({ waves }: PageRollout): Part {
  if (waves.length === 0) return null;
  return html`<ol class="waves">${waves.map(
    ({ name, state, clusters, soak }) =>
      html`<li>${stateLabel(state, WAVE_TONES[state])} <strong>${name}</strong>, ${doneText(clusters)}${
        soak !== null && soak.seconds > 0 && `; soak: healthy for ${durationText(soak.healthySeconds)} of ${durationText(soak.seconds)}`
      }<br>${clusters.map((cluster) => html`<span class="cell" title="${MARK_WORDS[cluster.state]}">${MARKS[cluster.state]} ${cluster.name} <span class="age">${MARK_WORDS[cluster.state]}</span></span> `)}</li>`,
  )}</ol>`;
}

function doneText(clusters: PageWave['clusters']): string {
  return `${clusters.filter(({ state }) => state === 'succeeded').length} of ${clusters.length} done`;
}

function failedHtml({ failed }: PageRollout): Part {
  return failed.map(
    ({ cluster, cause, execution }) =>
      html`<p>${stateLabel('failed', 'bad')} <strong>${cluster}</strong>: ${cause} <span class="dim">(<code>${execution}</code>)</span></p>`,
  );
}
