import * as z from 'zod';
import { createObjects } from '#adapters/s3/objects.ts';
import { repositoryUrl } from '#domain/repository-url.ts';
import { readEnvironment, required } from '#runtime/environment.ts';
import { createLog } from '#runtime/log.ts';
import { answerPage, type PageAnswer } from './answer.ts';
import type { PagePorts } from './read-facts.ts';

/** A Lambda function URL's event, payload format 2.0: what is used of it. */
const UrlEvent = z.object({
  rawPath: z.string().default('/'),
  queryStringParameters: z.record(z.string(), z.string()).default({}),
  headers: z.record(z.string(), z.string()).default({}),
  requestContext: z.object({ http: z.object({ method: z.string() }) }),
});

let connected: PagePorts | undefined;

export async function handler(event: unknown): Promise<PageAnswer> {
  const parsed = UrlEvent.safeParse(event);
  if (!parsed.success) return { statusCode: 400, headers: { 'content-type': 'text/plain' }, body: 'not an HTTP request\n' };
  const { rawPath, queryStringParameters, headers, requestContext } = parsed.data;
  connected ??= connect();
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const request = { method: requestContext.http.method, path: rawPath, query: queryStringParameters, headers: lower };
  const answer = await answerPage(request, connected);
  createLog({ function: 'page' }).info('page answered', { status: answer.statusCode, bytes: answer.body.length });
  return answer;
}

function connect(): PagePorts {
  const environment = readEnvironment();
  const repository = required(environment, 'SLUICE_REPOSITORY');
  return {
    objects: createObjects(environment.SLUICE_BUCKET, { region: environment.AWS_REGION }),
    clock: { now: () => new Date() },
    repository,
    url: repositoryUrl(environment.GITHUB_API_URL, repository),
  };
}
