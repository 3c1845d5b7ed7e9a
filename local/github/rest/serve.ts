import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod';
import { botOf, operatorOf } from '../domain/actor.ts';
import { type Caller, callerOfToken, verifyAppToken } from '../domain/tokens.ts';
import type { World } from '../domain/world.ts';
import { credentialOf, readBody } from '../http.ts';
import { invalid, notFound, Refusal } from '../refusal.ts';
import { appRoutes } from './app.ts';
import { checkRoutes } from './checks.ts';
import { gitRoutes } from './git.ts';
import { operation } from './openapi.ts';
import { pullRoutes } from './pulls.ts';
import { releaseRoutes } from './releases.ts';
import { repositoryRoutes } from './repository.ts';
import type { Answer, Route } from './route.ts';

/** Parameters that may hold slashes, written plainly or as %2F. */
const WITH_SLASHES = new Set(['ref', 'branch', 'basehead']);

const ROUTES = [...repositoryRoutes, ...pullRoutes, ...checkRoutes, ...gitRoutes, ...releaseRoutes, ...appRoutes].map((route) => ({
  route,
  pattern: patternOf(route.path),
}));

function patternOf(path: string): RegExp {
  const pattern = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => (WITH_SLASHES.has(name) ? `(?<${name}>.+)` : `(?<${name}>[^/]+)`));
  return new RegExp(`^${pattern}$`);
}

/** Answers one REST request. @param path without the API's prefix */
export async function serveRest(world: World, request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  const answer = await answerOf(world, request, path).catch((error: unknown) => refusalOf(error, `${request.method} ${path}`));
  countCheckRequest(world, request.method, path, answer);
  const text = answer.body === undefined ? '' : JSON.stringify(answer.body);
  response.writeHead(answer.status, {
    'content-type': 'application/json; charset=utf-8',
    'x-github-media-type': 'github.v3; format=json',
    'x-github-request-id': crypto.randomUUID(),
    'x-ratelimit-limit': '5000',
    'x-ratelimit-remaining': '4999',
    'cache-control': 'private, max-age=0',
    ...answer.headers,
  });
  response.end(text);
}

/** None of what writes a check run should ever be refused: whoever runs a world can ask for those that were. */
function countCheckRequest({ checkRequests }: World, method: string | undefined, path: string, { status, body }: Answer): void {
  if (!(method === 'POST' || method === 'PATCH') || !/\/check-runs(\/\d+)?$/.test(path)) return;
  checkRequests.made += 1;
  if (status >= 400 && status < 500) checkRequests.refused.push(`${method} ${path}: ${status} ${JSON.stringify(body)}`);
}

async function answerOf(world: World, request: IncomingMessage, path: string): Promise<Answer> {
  const method = request.method ?? 'GET';
  const url = new URL(request.url ?? '/', world.urls.page);
  const found = find(method, path);
  if (found === undefined) throw new Refusal(404, `Not Found: the local GitHub does not serve ${method} ${path}`);
  const { route, params } = found;
  const caller = callerOf(world, request);
  admit(route, caller);
  const body = method === 'GET' ? undefined : parseJson(await readBody(request));
  const query: Record<string, unknown> = Object.fromEntries(url.searchParams);
  const checks = operation(method, route.path);
  const problems = [...checks.path(params), ...checks.query(query), ...checks.body(body)];
  if (problems.length > 0) throw invalid(`Invalid request.\n\n${problems.join('\n')}`, problems);
  if (route.elsewhere !== true) checkRepository(world, params);
  const actor = caller === 'operator' ? operatorOf(world.settings) : botOf(world.settings);
  const call = { world, caller, actor, params, query, body, url };
  // Writes come one after another, so that events tell of them in order.
  return method === 'GET' ? route.run(call) : world.serial(async () => route.run(call));
}

/** The most specific route: the one whose own words make up most of it. */
function find(method: string, path: string): { route: Route; params: Record<string, unknown> } | undefined {
  const matches = ROUTES.filter(({ route }) => route.method === method).flatMap(({ route, pattern }) => {
    const groups = pattern.exec(path)?.groups;
    if (groups === undefined && !pattern.test(path)) return [];
    const params = Object.fromEntries(Object.entries(groups ?? {}).map(([name, value]) => [name, decode(value)]));
    return [{ route, params, fixed: route.path.replaceAll(/\{\w+\}/g, '').length }];
  });
  return matches.sort((a, b) => b.fixed - a.fixed)[0];
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new Refusal(400, 'Bad Request');
  }
}

function callerOf(world: World, request: IncomingMessage): Caller {
  const token = credentialOf(request);
  if (token === undefined) throw new Refusal(401, 'Requires authentication');
  if (token.split('.').length === 3) {
    verifyAppToken(world, token);
    return 'app';
  }
  const caller = callerOfToken(world, token);
  if (caller === undefined) throw new Refusal(401, 'Bad credentials');
  return caller;
}

function admit(route: Route, caller: Caller): void {
  const access = route.access ?? ['operator', 'installation'];
  if (access.includes(caller)) return;
  if (access.includes('app')) throw new Refusal(401, 'A JSON web token could not be decoded');
  if (caller === 'app') throw new Refusal(401, 'Bad credentials');
  throw new Refusal(403, caller === 'operator' ? 'You must authenticate via a GitHub App.' : 'Resource not accessible by integration');
}

function checkRepository(world: World, params: Readonly<Record<string, unknown>>): void {
  const { owner, name } = world.settings.repository;
  if (params['owner'] === undefined) return;
  if (`${String(params['owner'])}/${String(params['repo'])}`.toLowerCase() !== `${owner}/${name}`.toLowerCase()) throw notFound();
}

function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new Refusal(400, 'Problems parsing JSON');
  }
}

function refusalOf(error: unknown, call: string): Answer {
  const documentation = { documentation_url: 'https://docs.github.com/rest' };
  if (error instanceof Refusal) {
    const errors = error.errors.length === 0 ? {} : { errors: error.errors };
    return { status: error.status, body: { message: error.message, ...errors, ...documentation, status: String(error.status) } };
  }
  if (error instanceof z.ZodError) {
    return { status: 422, body: { message: `Invalid request.\n\n${z.prettifyError(error)}`, ...documentation, status: '422' } };
  }
  console.error(`local GitHub: ${call} failed:`, error);
  return { status: 500, body: { message: 'Server Error', ...documentation, status: '500' } };
}
