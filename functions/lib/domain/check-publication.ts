import type { Finding, WantedCheck } from '#model/checks.ts';
import type { CheckAnnotation, CheckRunRequest } from '#ports/github.ts';
import { cutText } from './plan-text.ts';
import { progressTable } from './progress-table.ts';

/** GitHub's limits of a check run: characters of summary and of text, annotations a request, of title and message. */
export const SUMMARY_LIMIT = 65_535;
export const ANNOTATIONS_PER_REQUEST = 50;
const ANNOTATION_MESSAGE_LIMIT_BYTES = 64 * 1024;
const TITLE_LIMIT = 255;

/**
 * The requests that bring a wanted check to GitHub: the first with everything but the annotations past 50, each further
 * one with the next 50. @param link address for people; @param now for durations in the progress table
 */
export function publicationOf(wanted: WantedCheck, link: string | undefined, now: Date): CheckRunRequest[] {
  const annotations = [...wanted.findings].sort(bySeverity).map(annotationOf);
  const text = [progressTable(wanted.progress, now), wanted.text ?? ''].filter((part) => part !== '').join('\n\n');
  const base: CheckRunRequest = {
    name: wanted.ref.name,
    headSha: wanted.ref.sha,
    status: wanted.status,
    ...(wanted.conclusion === undefined ? {} : { conclusion: wanted.conclusion }),
    ...(link === undefined ? {} : { detailsUrl: link }),
    ...(wanted.execution === undefined ? {} : { externalId: wanted.execution }),
    title: cutText(wanted.title, TITLE_LIMIT),
    summary: cutText(wanted.summary, SUMMARY_LIMIT),
    ...(text === '' ? {} : { text: cutText(text, SUMMARY_LIMIT) }),
  };
  const requests: CheckRunRequest[] = [];
  for (let start = 0; start < annotations.length; start += ANNOTATIONS_PER_REQUEST) {
    requests.push({ ...base, annotations: annotations.slice(start, start + ANNOTATIONS_PER_REQUEST) });
  }
  return requests.length === 0 ? [base] : requests;
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
