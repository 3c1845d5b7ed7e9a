import type { World } from '../domain/world.ts';
import type { Annotation, CheckRun } from '../state.ts';
import { type Html, html } from './html.ts';
import { actionForm, links, timeText } from './layout.ts';
import { markdown } from './markdown.ts';

/** Sign, colour and words of a check's state. */
export function checkState(run: CheckRun): { sign: string; colour: string; words: string } {
  if (run.status === 'queued') return { sign: '○', colour: 'yellow', words: 'queued' };
  if (run.status === 'in_progress') return { sign: '◐', colour: 'yellow', words: 'in progress' };
  if (run.conclusion === 'success') return { sign: '✓', colour: 'green', words: 'success' };
  const words = (run.conclusion ?? 'completed').replaceAll('_', ' ');
  if (run.conclusion === 'neutral' || run.conclusion === 'skipped' || run.conclusion === 'cancelled')
    return { sign: '■', colour: 'grey', words };
  return { sign: '✗', colour: 'red', words };
}

export function checkLine(run: CheckRun): Html {
  const { sign, colour, words } = checkState(run);
  return html`<span class="dot ${colour}" title="${run.name}: ${words}">${sign} ${run.name}</span>`;
}

/** A check with everything that it says. */
export function checkBox(world: World, run: CheckRun, open: boolean): Html {
  const { sign, colour, words } = checkState(run);
  const rerun = actionForm(
    world,
    { action: 'rerequest-run', run: String(run.id) },
    html`<button${disabled(run.status !== 'completed')}>Re-run</button>`,
  );
  const buttons = run.status !== 'completed' ? [] : run.actions;
  return html`<div class="box" id="run-${run.id}">
<div class="head"><span class="dot ${colour}">${sign} ${run.name}</span><span class="grow"><strong>${run.title}</strong> <span class="dim small">${words}, ${duration(run)}</span></span>
${buttons.map((button) =>
  actionForm(
    world,
    { action: 'requested-action', run: String(run.id), identifier: button.identifier },
    html`<button title="${button.description}">${button.label}</button>`,
  ),
)}
${run.detailsUrl !== null && /^https?:/.test(run.detailsUrl) ? html`<a class="small" href="${run.detailsUrl}" rel="noreferrer">Details</a>` : ''}
<a class="small" href="${links(world).run(run.id)}">Permalink</a>
${rerun}</div>
<div class="body">
${run.summary === null ? '' : markdown(run.summary)}
${run.text === null || run.text === '' ? '' : html`<details${(open || run.status !== 'completed') && ' open'}><summary class="dim">Full text</summary>${markdown(run.text)}</details>`}
${run.annotations.length === 0 ? '' : html`<h5>Annotations (${run.annotations.length})</h5>${run.annotations.map(annotationNote)}`}
</div></div>`;
}

export function annotationNote(annotation: Annotation): Html {
  const { start_line: start, end_line: end, start_column: column } = annotation;
  const place = `${annotation.path}:${start}${end === start ? (column === undefined ? '' : `:${column}`) : `-${end}`}`;
  const name = annotation.title === undefined ? '' : html`<strong>${annotation.title}</strong> `;
  return html`<div class="note ${annotation.annotation_level}">${name}<code>${place}</code> <span class="dim small">${annotation.annotation_level}</span><br>${annotation.message
    .split('\n')
    .map((line, index) => (index === 0 ? html`${line}` : html`<br>${line}`))}</div>`;
}

export function disabled(when: boolean): Html {
  return { html: when ? ' disabled' : '' };
}

function duration(run: CheckRun): Html {
  if (run.completedAt === null) return html`since ${timeText(run.startedAt)}`;
  const seconds = Math.max(0, Math.round((Date.parse(run.completedAt) - Date.parse(run.startedAt)) / 1000));
  return html`in ${seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`}`;
}
