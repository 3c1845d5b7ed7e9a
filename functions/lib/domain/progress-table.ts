import type { ProgressLine } from '#model/checks.ts';
import { BLOCKED } from './drain/blocked.ts';
import { FORCED } from './drain/forced.ts';
import { durationText } from './duration.ts';
import { cutText } from './plan-text.ts';

/** A cell's characters; more where it names who blocks, whose that is and until when, which is what the reader came for. */
const LONGEST = 300;
const LONGEST_BLOCKED = 2000;
const MARK = { running: '▶', waiting: '⏳', done: '✔', failed: '✖' } as const;

/** Live progress as a Markdown table: one row a step, with what it waits for and since when. Empty text for no lines. */
export function progressTable(lines: readonly ProgressLine[], now: Date): string {
  if (lines.length === 0) return '';
  const rows = lines.map((line) => {
    const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(line.at)) / 1000));
    const since =
      line.state === 'done' || line.state === 'failed' ? line.at.slice(11, 19) : `${line.at.slice(11, 19)} (${durationText(seconds)})`;
    return `| ${MARK[line.state]} | ${line.cluster ?? ''} | ${line.step} | ${cell(line.reason ?? '')} | ${since} |`;
  });
  return ['| | cluster | step | | since (UTC) |', '|---|---|---|---|---|', ...rows].join('\n');
}

/** Cut before it is escaped, so that no half of an escape is left. */
function cell(text: string): string {
  const limit = text.includes(BLOCKED) || text.includes(FORCED) ? LONGEST_BLOCKED : LONGEST;
  return cutText(text.replace(/\s+/g, ' '), limit).replaceAll('|', '\\|');
}
