import * as z from 'zod';
import type { World } from './world.ts';
import { REPOSITORY } from './world.ts';

export const Pull = z.object({
  number: z.int(),
  title: z.string(),
  state: z.string(),
  merged_at: z.string().nullable().optional(),
  merge_commit_sha: z.string().nullable().optional(),
  head: z.object({ ref: z.string(), sha: z.string() }),
  base: z.object({ ref: z.string() }),
});
export type Pull = z.infer<typeof Pull>;

const CheckRun = z.object({
  id: z.int(),
  name: z.string(),
  status: z.string(),
  conclusion: z.string().nullable(),
  output: z.object({ title: z.string().nullable(), summary: z.string().nullable() }),
});
export type CheckRun = z.infer<typeof CheckRun>;
const CheckRuns = z.object({ check_runs: z.array(CheckRun) });

/** What an operator does on GitHub, by its REST API and nothing else. */
export interface Operator {
  openPullRequest(request: { title: string; body: string; head: string; base: string }): Promise<Pull>;
  getPullRequest(number: number): Promise<Pull>;
  listPullRequests(base: string): Promise<Pull[]>;
  checks(sha: string): Promise<CheckRun[]>;
  /** Merges what was checked: refused when the head has moved. */
  merge(pull: Pull): Promise<string>;
  /** Closes it without merging. */
  close(pull: Pull): Promise<void>;
}

export function createOperator(world: Pick<World, 'github' | 'operator'>): Operator {
  const base = `${world.github.apiUrl}/repos/${REPOSITORY.owner}/${REPOSITORY.name}`;
  async function call<S extends z.ZodType>(schema: S, method: string, path: string, body?: unknown): Promise<z.infer<S>> {
    const answer = await fetch(`${base}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${world.operator.token}`,
        accept: 'application/vnd.github+json',
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`GitHub refused ${method} ${path}: ${answer.status} ${text.slice(0, 500)}`);
    return schema.parse(JSON.parse(text));
  }
  return {
    openPullRequest: (request) => call(Pull, 'POST', '/pulls', request),
    getPullRequest: (number) => call(Pull, 'GET', `/pulls/${number}`),
    listPullRequests: (branch) => call(z.array(Pull), 'GET', `/pulls?state=open&base=${encodeURIComponent(branch)}`),
    checks: async (sha) => (await call(CheckRuns, 'GET', `/commits/${sha}/check-runs`)).check_runs,
    merge: async (pull) =>
      (await call(z.object({ sha: z.string() }), 'PUT', `/pulls/${pull.number}/merge`, { sha: pull.head.sha, merge_method: 'merge' })).sha,
    close: async (pull) => void (await call(Pull, 'PATCH', `/pulls/${pull.number}`, { state: 'closed' })),
  };
}
