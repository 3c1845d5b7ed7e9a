import type * as z from 'zod';
import type { PullAnswer } from '#model/github-api.ts';
import type { CheckRunRequest, PullRequest } from '#ports/github.ts';

/** The port's pull request from GitHub's. In a list GitHub leaves out `mergeable` and who merged: both are null then. */
export function pullRequestOf(answer: z.infer<typeof PullAnswer>): PullRequest {
  return {
    number: answer.number,
    title: answer.title,
    state: answer.state,
    merged: typeof answer.merged_at === 'string',
    mergedBy: answer.merged_by?.login ?? null,
    // GitHub's own name for a deleted account.
    author: answer.user?.login ?? 'ghost',
    baseRef: answer.base.ref,
    baseSha: answer.base.sha,
    headRef: answer.head.ref,
    headSha: answer.head.sha,
    // A deleted fork has no repository any more.
    fork: answer.head.repo?.full_name !== answer.base.repo.full_name,
    mergeable: answer.mergeable ?? null,
    mergeCommitSha: answer.merge_commit_sha ?? null,
  };
}

/** Body of "create" and "update a check run". */
export function checkRunBody(request: CheckRunRequest): Record<string, unknown> {
  const annotations = request.annotations?.map((annotation) => ({
    path: annotation.path,
    start_line: annotation.startLine,
    end_line: annotation.endLine,
    annotation_level: annotation.level,
    message: annotation.message,
    ...(annotation.startColumn === undefined ? {} : { start_column: annotation.startColumn }),
    ...(annotation.endColumn === undefined ? {} : { end_column: annotation.endColumn }),
    ...(annotation.title === undefined ? {} : { title: annotation.title }),
  }));
  return {
    name: request.name,
    status: request.status,
    ...(request.conclusion === undefined ? {} : { conclusion: request.conclusion }),
    ...(request.detailsUrl === undefined ? {} : { details_url: request.detailsUrl }),
    ...(request.externalId === undefined ? {} : { external_id: request.externalId }),
    output: {
      title: request.title,
      summary: request.summary,
      ...(request.text === undefined ? {} : { text: request.text }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    ...(request.actions === undefined ? {} : { actions: request.actions }),
  };
}
