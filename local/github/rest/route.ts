import type { Actor } from '../domain/actor.ts';
import type { Caller } from '../domain/tokens.ts';
import type { World } from '../domain/world.ts';

/** One request as its route sees it, checked against GitHub's description. */
export interface Call {
  readonly world: World;
  readonly caller: Caller;
  readonly actor: Actor;
  readonly params: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  readonly url: URL;
}

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  readonly method: string;
  /** As in GitHub's description. */
  readonly path: string;
  /** Who may call: by default a person and the installation. */
  readonly access?: readonly Caller[];
  /** Answers for other repositories than the fleet's, which the route itself looks at. */
  readonly elsewhere?: boolean;
  run(call: Call): Promise<Answer> | Answer;
}

export function ok(body: unknown, status = 200): Answer {
  return { status, body };
}

/** One page of a list with GitHub's Link header. */
export function page<T>(call: Call, items: readonly T[], wrap: (items: readonly T[]) => unknown = (list) => list): Answer {
  const size = Math.min(100, Math.max(1, Number(call.query['per_page'] ?? 30)));
  const number = Math.max(1, Number(call.query['page'] ?? 1));
  const last = Math.max(1, Math.ceil(items.length / size));
  const link = (target: number, rel: string): string => {
    const url = new URL(call.url);
    url.searchParams.set('page', String(target));
    return `<${url.href}>; rel="${rel}"`;
  };
  const links = [
    ...(number > 1 ? [link(number - 1, 'prev'), link(1, 'first')] : []),
    ...(number < last ? [link(number + 1, 'next'), link(last, 'last')] : []),
  ];
  const body = wrap(items.slice((number - 1) * size, number * size));
  return { status: 200, body, ...(links.length === 0 ? {} : { headers: { link: links.join(', ') } }) };
}
