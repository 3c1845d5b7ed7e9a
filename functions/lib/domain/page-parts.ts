import { durationText, timeText } from './duration.ts';
import { type Html, html } from './page-template.ts';

/** Colour of a word; the word says it too. */
export type Tone = 'good' | 'bad' | 'work' | 'late' | 'plain';

export function stateLabel(text: string, tone: Tone): Html {
  return html`<span class="state ${tone}">${text}</span>`;
}

/** A point in time, in UTC. */
export function moment(iso: string): Html {
  return html`<time datetime="${iso}">${timeText(iso)}</time>`;
}

/** How long ago, or in how long. */
export function ageText(iso: string, now: string): Html {
  const seconds = (Date.parse(now) - Date.parse(iso)) / 1000;
  const text = seconds >= 0 ? `${durationText(seconds)} ago` : `in ${durationText(-seconds)}`;
  return html`<span class="age">${text}</span>`;
}

/** An end, or that it has passed. */
export function untilText(iso: string, now: string): Html {
  const isPast = Date.parse(iso) <= Date.parse(now);
  return html`${isPast ? 'ended' : 'until'} ${moment(iso)}, ${ageText(iso, now)}`;
}
