import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { World } from '../domain/world.ts';
import { readBody } from '../http.ts';
import { Refusal } from '../refusal.ts';
import { act, type Form } from './actions.ts';
import { html } from './html.ts';
import { layout, type Page } from './layout.ts';
import { branchesPage, commitPage, comparePage, deliveriesPage, pullsPage, runPage } from './lists.ts';
import { commentPage, pullPage } from './pull.ts';
import { STYLE } from './style.ts';

/** Nothing runs and nothing is loaded but the page's own style; forms go nowhere else. */
const HEADERS = {
  'content-security-policy': "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** Answers a browser. The page acts as the operator, so it listens to this machine's own addresses only. */
export async function servePage(world: World, request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  // Another site's name may point to 127.0.0.1: its pages must not reach this one.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? '')) {
    response.writeHead(421, HEADERS).end('Unknown host\n');
    return;
  }
  if (url.pathname === '/assets/style.css') {
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/css; charset=utf-8' }).end(STYLE);
    return;
  }
  if (request.method === 'POST') {
    await servePost(world, request, response, url);
    return;
  }
  const page = await pageOf(world, url);
  send(world, response, page === undefined ? 404 : 200, page ?? missing());
}

async function servePost(world: World, request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  const form: Form = Object.fromEntries(new URLSearchParams((await readBody(request)).toString('utf8')));
  if (!sameText(form['csrf'] ?? '', world.store.state.csrf)) {
    send(world, response, 403, {
      title: 'Refused',
      body: html`<h1>Refused</h1><p>The form is not from this page. Go back, reload and try again.</p>`,
    });
    return;
  }
  try {
    if (url.pathname !== actPath(world)) throw new Refusal(404, 'Not Found');
    response.writeHead(303, { ...HEADERS, location: await act(world, form) }).end();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    send(world, response, error.status, await refusedPage(world, form, reasonOf(error)));
  }
}

/** The page that the form was on, with the reason on top. */
async function refusedPage(world: World, form: Form, reason: string): Promise<Page> {
  if (form['action'] === 'open') return comparePage(world, form, reason);
  const pull = world.store.state.pulls.find((candidate) => candidate.number === Number(form['number']));
  if (pull !== undefined && form['action'] === 'comment') return commentPage(world, pull, form['body'], reason);
  if (pull !== undefined) {
    const { refresh: _refresh, ...page } = await pullPage(world, pull, reason);
    return page;
  }
  return { title: 'Refused', body: html`<h1>Refused</h1><p>${reason}</p>` };
}

function reasonOf(error: Refusal): string {
  const details = error.errors.flatMap((item) => {
    if (item === null || typeof item !== 'object') return [];
    if ('message' in item) return [String(item.message)];
    return 'field' in item && 'code' in item ? [`${String(item.field)}: ${String(item.code)}`] : [];
  });
  return [error.message, ...details].join(' · ');
}

async function pageOf(world: World, url: URL): Promise<Page | undefined> {
  if (url.pathname === '/') return pullsPage(world);
  const { owner, name } = world.settings.repository;
  const prefix = `/${owner}/${name}`;
  if (url.pathname !== prefix && !url.pathname.startsWith(`${prefix}/`)) return undefined;
  const [section = 'pulls', id = '', part] = url.pathname.slice(prefix.length).split('/').filter(Boolean);
  if (section === 'pulls') return pullsPage(world);
  if (section === 'pull') {
    const pull = world.store.state.pulls.find((candidate) => candidate.number === Number(id));
    if (pull === undefined) return undefined;
    return part === 'comment' ? commentPage(world, pull) : pullPage(world, pull);
  }
  if (section === 'branches') return branchesPage(world);
  if (section === 'compare') return comparePage(world, Object.fromEntries(url.searchParams));
  if (section === 'runs') return runPage(world, Number(id));
  if (section === 'commit') return commitPage(world, id);
  return section === 'settings' ? deliveriesPage(world) : undefined;
}

function send(world: World, response: ServerResponse, status: number, page: Page): void {
  const refresh = page.refresh === undefined ? {} : { refresh: String(page.refresh) };
  response.writeHead(status, { ...HEADERS, ...refresh, 'content-type': 'text/html; charset=utf-8' });
  response.end(layout(world, page).html);
}

function missing(): Page {
  return { title: 'Not found', body: html`<h1>Not found</h1><p>There is no such page. <a href="/">Pull requests</a></p>` };
}

function actPath(world: World): string {
  return `/${world.settings.repository.owner}/${world.settings.repository.name}/act`;
}

function sameText(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
