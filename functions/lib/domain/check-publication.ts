import type { Finding, WantedCheck } from '#model/checks.ts';
import type { CheckAnnotation, CheckRunRequest } from '#ports/github.ts';
import { actionsOf } from './check-actions.ts';
import { cutText } from './plan-text.ts';
import { progressTable } from './progress-table.ts';

/** GitHub's limits of a check run: characters of summary and of text, annotations a request, of title and message. */
export const SUMMARY_LIMIT = 65_535;
export const ANNOTATIONS_PER_REQUEST = 50;
const ANNOTATION_MESSAGE_LIMIT_BYTES = 64 * 1024;
const TITLE_LIMIT = 255;
/** More than anybody reads, in 20 requests: a check must not use up what GitHub lets us write in a minute (80). */
export const ANNOTATIONS_SHOWN = 1000;

export interface Publication {
  /** Everything but annotations. */
  readonly request: CheckRunRequest;
  /** Worst first, without those that are not shown. */
  readonly annotations: readonly CheckAnnotation[];
}

/** What GitHub is to show of a wanted check. @param link address for people; @param now for durations in the progress table */
export function publicationOf(wanted: WantedCheck, link: string | undefined, now: Date): Publication {
  const shown = [...wanted.findings].sort(bySeverity).slice(0, ANNOTATIONS_SHOWN);
  const text = [progressTable(wanted.progress, now), wanted.text ?? ''].filter((part) => part !== '').join('\n\n');
  const missing = wanted.findings.length - shown.length;
  const note = missing === 0 ? '' : `\n\n**${shown.length} of ${wanted.findings.length} findings are annotated, the worst first.**`;
  const request: CheckRunRequest = {
    name: wanted.ref.name,
    headSha: wanted.ref.sha,
    status: wanted.status,
    ...(wanted.conclusion === undefined ? {} : { conclusion: wanted.conclusion }),
    ...(link === undefined ? {} : { detailsUrl: link }),
    ...(wanted.execution === undefined ? {} : { externalId: wanted.execution }),
    title: cutText(wanted.title, TITLE_LIMIT),
    summary: `${cutBytes(wanted.summary, SUMMARY_LIMIT - note.length)}${note}`,
    ...(text === '' ? {} : { text: cutBytes(text, SUMMARY_LIMIT) }),
    ...(wanted.status === 'completed' ? { actions: actionsOf(wanted.ref.name, wanted.conclusion) } : {}),
  };
  return { request, annotations: shown.map(annotationOf) };
}

/** What is left when GitHub refuses a check for its content: that it ended, how, and where the rest is. */
export function plainPublication({ request }: Publication, refusal: string, where: string): CheckRunRequest {
  const { text: _text, ...rest } = request;
  const said = cutText(refusal.replaceAll('`', "'"), 500);
  return { ...rest, summary: `GitHub refused the text of this check; it is kept as \`${where}\`. GitHub's words: ${said}` };
}

/** GitHub's description counts characters; whoever stores them may count bytes: both are kept. */
function cutBytes(text: string, limit: number): string {
  let room = limit;
  let cut = cutText(text, room);
  while (bytesOf(cut) > limit) {
    room = Math.floor(room * 0.8);
    cut = cutText(text, room);
  }
  return cut;
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

function annotationOf(finding: Finding): CheckAnnotation {
  return {
    path: finding.path,
    startLine: finding.line,
    endLine: finding.line,
    ...(finding.column === undefined ? {} : { startColumn: finding.column, endColumn: finding.column }),
    level: finding.level,
    title: finding.rule,
    message: cutText(finding.message, ANNOTATION_MESSAGE_LIMIT_BYTES / 4),
  };
}

function bySeverity(left: Finding, right: Finding): number {
  const rank = { failure: 0, warning: 1, notice: 2 } as const;
  return rank[left.level] - rank[right.level] || (left.path < right.path ? -1 : left.path > right.path ? 1 : left.line - right.line);
}
