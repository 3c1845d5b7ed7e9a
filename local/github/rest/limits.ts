import type { CheckRunBody } from '../domain/checks.ts';
import { invalid } from '../refusal.ts';
import type { Annotation } from '../state.ts';

/** "The maximum size is 64 KB" of messages and raw details (prose of GitHub's description). */
const ANNOTATION_BYTES = 64 * 1024;
const ANNOTATION_TITLE = 255;
/** Known from refusals, in no description: body of a comment or pull request, title of a pull request. */
const BODY_CHARACTERS = 65_536;
const TITLE_CHARACTERS = 256;

/** What GitHub says of a check run in prose only. @throws Refusal 422 with every problem */
export function checkRunLimits(body: CheckRunBody): void {
  const problems: string[] = [];
  if (body.name?.trim() === '') problems.push('name must not be empty');
  if (body.conclusion === undefined && (body.status === 'completed' || body.completed_at !== undefined)) {
    problems.push('conclusion is required when the status is completed or completed_at is given');
  }
  if (body.conclusion === 'stale') problems.push('conclusion stale can only be set by GitHub');
  if (body.details_url !== undefined && !/^https?:\/\//.test(body.details_url))
    problems.push('details_url must use the http or https scheme');
  for (const [index, annotation] of (body.output?.annotations ?? []).entries()) {
    problems.push(...annotationProblems(annotation).map((problem) => `output.annotations.${index}: ${problem}`));
  }
  refuse(problems);
}

function annotationProblems(annotation: Annotation): string[] {
  const problems: string[] = [];
  const { start_line: startLine, end_line: endLine, start_column: startColumn, end_column: endColumn } = annotation;
  if (annotation.path === '' || annotation.path.startsWith('/')) problems.push('path must be relative to the repository');
  if (startLine < 1) problems.push('line numbers start at 1');
  if (endLine < startLine) problems.push('end_line must not be before start_line');
  if (startLine !== endLine && (startColumn !== undefined || endColumn !== undefined)) {
    problems.push('start_column and end_column are only allowed when start_line and end_line are equal');
  }
  if ((startColumn ?? 1) < 1 || (endColumn ?? 1) < 1) problems.push('column numbers start at 1');
  if (startColumn !== undefined && endColumn !== undefined && endColumn < startColumn)
    problems.push('end_column must not be before start_column');
  if (annotation.message === '') problems.push('message must not be empty');
  if (Buffer.byteLength(annotation.message) > ANNOTATION_BYTES) problems.push('message is longer than 64 KB');
  if ((annotation.title ?? '').length > ANNOTATION_TITLE) problems.push('title is longer than 255 characters');
  if (Buffer.byteLength(annotation.raw_details ?? '') > ANNOTATION_BYTES) problems.push('raw_details is longer than 64 KB');
  return problems;
}

/** Length of the texts of a pull request or comment. @throws Refusal 422 */
export function textLimits(text: { title?: string | undefined; body?: string | undefined }): void {
  const problems: string[] = [];
  if (text.title?.trim() === '') problems.push("title can't be blank");
  if ((text.title ?? '').length > TITLE_CHARACTERS) problems.push(`title is too long (maximum is ${TITLE_CHARACTERS} characters)`);
  if ((text.body ?? '').length > BODY_CHARACTERS) problems.push(`body is too long (maximum is ${BODY_CHARACTERS} characters)`);
  refuse(problems);
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw invalid(`Invalid request.\n\n${problems.join('\n')}`, problems);
}
