import type { ProgressLine } from '#model/checks.ts';
import { durationText } from './duration.ts';

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

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ').slice(0, 300);
}
