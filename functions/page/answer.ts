import { keys } from '#domain/names.ts';
import { PAGE_POLICY, pageHtml } from '#domain/page-html.ts';
import { planPageHtml } from '#domain/page-plan-html.ts';
import { pageView } from '#domain/page-view.ts';
import { planOfPath } from '#domain/plan-address.ts';
import { PageView } from '#model/page.ts';
import { type PagePorts, readFacts } from './read-facts.ts';

/** What is asked for, headers with lower-case names. */
export interface PageRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export interface PageAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const HEADERS = {
  'content-security-policy': PAGE_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};
/** Seconds after which a browser asks again. */
const REFRESH_SECONDS = '30';

/**
 * Answers GET / with the page, or with the same as JSON, and GET /plans/<hash> with a plan; it changes nothing. 503 when the
 * settings can't be read: the answer says why.
 */
export async function answerPage({ method, path, query, headers }: PageRequest, ports: PagePorts): Promise<PageAnswer> {
  if (method !== 'GET' && method !== 'HEAD') return plain(405, 'The page is read-only: GET it.', { allow: 'GET, HEAD' });
  const plan = planOfPath(path);
  if (plan !== undefined) return answerPlan(plan, ports);
  if (path !== '/') return plain(404, 'There is one page, /, and the plans that checks link to.');
  const view = PageView.parse(pageView(await readFacts(ports)));
  const statusCode = view.state === 'unreadable' ? 503 : 200;
  if (wantsJson(query['format'], headers['accept'])) {
    return { statusCode, headers: { ...HEADERS, 'content-type': 'application/json' }, body: `${JSON.stringify(view, null, 2)}\n` };
  }
  const type = { 'content-type': 'text/html; charset=utf-8', refresh: REFRESH_SECONDS };
  return { statusCode, headers: { ...HEADERS, ...type }, body: pageHtml(view) };
}

async function answerPlan(hash: string, { objects }: PagePorts): Promise<PageAnswer> {
  const stored = await objects.get(keys.plan(hash));
  if (stored === undefined) return plain(404, 'There is no such plan: what it was made for may be too long ago.');
  return { statusCode: 200, headers: { ...HEADERS, 'content-type': 'text/html; charset=utf-8' }, body: planPageHtml(hash, stored.body) };
}

/** A browser names HTML among what it takes, a program asks for JSON. */
function wantsJson(format: string | undefined, accept = ''): boolean {
  if (format !== undefined) return format === 'json';
  return accept.includes('application/json') && !accept.includes('text/html');
}

function plain(statusCode: number, text: string, more: Readonly<Record<string, string>> = {}): PageAnswer {
  return { statusCode, headers: { ...HEADERS, ...more, 'content-type': 'text/plain; charset=utf-8' }, body: `${text}\n` };
}
