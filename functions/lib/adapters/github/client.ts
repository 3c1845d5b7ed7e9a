import { createAppAuth } from '@octokit/auth-app';
import { Octokit } from '@octokit/core';
import type * as z from 'zod';
import { RefusedError } from '#model/errors.ts';
import type { RepositoryRef } from '#model/primitives.ts';
import { mapGitHubError, statusOf } from './errors.ts';

/** GitHub sends nothing for 10 s only when something is wrong; its own limit on a request is 10 s. */
const REQUEST_TIMEOUT_MS = 20_000;

/** Pages of 100 that are read at most: GitHub's own end of a pull request's files is 3,000. */
const MAX_PAGES = 30;

export interface GitHubApp {
  readonly appId: number;
  readonly installationId: number;
  /** PEM, PKCS #1 or #8. */
  readonly privateKey: string;
}

/** A GitHub, and as whom it is asked; absent: as nobody. */
export interface GitHubAccess {
  /** REST API without a slash at the end, for example https://api.github.com. */
  readonly baseUrl: string;
  readonly app?: GitHubApp | undefined;
  readonly fetch?: typeof globalThis.fetch;
}

export interface GitHubConnection extends Omit<GitHubAccess, 'app'>, GitHubApp {
  /** The only repository that is read and written, whatever the installation may reach. */
  readonly repository: RepositoryRef;
}

export type Parameters = Readonly<Record<string, unknown>>;

export interface Client {
  /** One call, its answer parsed. @throws TransientError, RefusedError */
  call<S extends z.ZodType>(route: string, parameters: Parameters, answer: S): Promise<z.infer<S>>;
  /** As call; undefined when GitHub answers one of `absent`. */
  find<S extends z.ZodType>(route: string, parameters: Parameters, answer: S, absent: readonly number[]): Promise<z.infer<S> | undefined>;
  /** All pages of a list of 100 a page. @throws RefusedError when it is longer than 3,000 */
  list<S extends z.ZodType>(route: string, parameters: Parameters, item: S): Promise<z.infer<S>[]>;
}

/** Connects, as the installation where there is one; its token is made at the first call and kept until it is about to end (auth-app). */
export function createClient(connection: GitHubAccess & Pick<GitHubConnection, 'repository'>): Client {
  const { app } = connection;
  const octokit = new Octokit({
    baseUrl: connection.baseUrl,
    userAgent: 'sluice',
    ...(app === undefined
      ? {}
      : { authStrategy: createAppAuth, auth: { appId: app.appId, installationId: app.installationId, privateKey: app.privateKey } }),
    request: connection.fetch === undefined ? {} : { fetch: connection.fetch },
  });
  const send = async (route: string, parameters: Parameters): Promise<unknown> => {
    refuseOthers(route, parameters, connection.repository);
    const request = () => octokit.request(route, { ...parameters, request: { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) } });
    const answer = await request().catch((error: unknown) => {
      // One repeat, at once, of reads only: a second write could do the thing twice, and longer waits are the state machine's.
      if (!route.startsWith('GET ') || (statusOf(error) ?? 500) < 500) throw error;
      return request();
    });
    return answer.data;
  };
  const call: Client['call'] = async (route, parameters, answer) => {
    const data = await send(route, parameters).catch((error: unknown) => {
      throw mapGitHubError(error, name(route, parameters));
    });
    return parse(data, answer, name(route, parameters));
  };
  return {
    call,
    async find(route, parameters, answer, absent) {
      const found = await send(route, parameters).catch((error: unknown) => {
        if (absent.includes(statusOf(error) ?? 0)) return undefined;
        throw mapGitHubError(error, name(route, parameters));
      });
      return found === undefined ? undefined : parse(found, answer, name(route, parameters));
    },
    async list(route, parameters, item) {
      const all: z.infer<typeof item>[] = [];
      for (let page = 1; page <= MAX_PAGES; page += 1) {
        const items = await call(route, { ...parameters, per_page: 100, page }, item.array());
        all.push(...items);
        if (items.length < 100) return all;
      }
      throw new RefusedError(`${name(route, parameters)} has 3,000 entries or more and GitHub may have cut it; split the change`);
    },
  };
}

/** @throws RefusedError for a call about another repository; GitHub's names have no case */
function refuseOthers(route: string, parameters: Parameters, { owner, name: repo }: RepositoryRef): void {
  if (!route.includes('{repo}')) return;
  const asked = `${String(parameters['owner'])}/${String(parameters['repo'])}`;
  if (asked.toLowerCase() === `${owner}/${repo}`.toLowerCase()) return;
  throw new RefusedError(`${asked} is not the fleet repository ${owner}/${repo} (SLUICE_REPOSITORY); nothing was sent`);
}

function parse<S extends z.ZodType>(data: unknown, schema: S, call: string): z.infer<S> {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new RefusedError(`GitHub's answer to ${call} has an unknown shape: ${parsed.error.message}`, { cause: parsed.error });
}

/** `GET /repos/zalando/fleet/pulls/7`: the route with its own parameters, never the body. */
function name(route: string, parameters: Parameters): string {
  return route.replaceAll(/\{(\w+)\}/g, (whole, key: string) => (parameters[key] === undefined ? whole : String(parameters[key])));
}
