import { stableId } from '../domain/actor.ts';
import { appJson, PERMISSIONS } from '../domain/check-payloads.ts';
import { ownerJson, repositoryJson } from '../domain/payloads.ts';
import { issueToken } from '../domain/tokens.ts';
import type { World } from '../domain/world.ts';
import { notFound } from '../refusal.ts';
import type { Delivery } from '../state.ts';
import { type Call, ok, type Route } from './route.ts';

const BY_APP = { access: ['app'] } as const;

/** Calls that take the App's own JSON web token. */
export const appRoutes: readonly Route[] = [
  { method: 'GET', path: '/app', ...BY_APP, run: ({ world }) => ok(appJson(world)) },
  { method: 'GET', path: '/repos/{owner}/{repo}/installation', ...BY_APP, run: ({ world }) => ok(installationJson(world)) },
  { method: 'GET', path: '/app/installations', ...BY_APP, run: ({ world }) => ok([installationJson(world)]) },
  {
    method: 'GET',
    path: '/app/installations/{installation_id}',
    ...BY_APP,
    run({ world, params }) {
      if (params['installation_id'] !== world.settings.app.installationId) throw notFound();
      return ok(installationJson(world));
    },
  },
  {
    method: 'POST',
    path: '/app/installations/{installation_id}/access_tokens',
    ...BY_APP,
    run({ world, params }) {
      if (params['installation_id'] !== world.settings.app.installationId) throw notFound();
      const { token, expiresAt } = issueToken(world);
      const answer = { token, expires_at: expiresAt, permissions: PERMISSIONS, repository_selection: 'selected' };
      return ok({ ...answer, repositories: [repositoryJson(world)] }, 201);
    },
  },
  { method: 'GET', path: '/app/hook/deliveries', ...BY_APP, run: deliveries },
  {
    method: 'GET',
    path: '/app/hook/deliveries/{delivery_id}',
    ...BY_APP,
    run({ world, params }) {
      const delivery = deliveryOf(world, params);
      const request = {
        headers: { 'X-GitHub-Event': delivery.event, 'X-GitHub-Delivery': delivery.guid },
        payload: JSON.parse(delivery.payload),
      };
      return ok({ ...deliveryJson(world, delivery), url: delivery.url, request, response: { headers: {}, payload: delivery.answer } });
    },
  },
  {
    method: 'POST',
    path: '/app/hook/deliveries/{delivery_id}/attempts',
    ...BY_APP,
    run({ world, params }) {
      world.hooks.redeliver(deliveryOf(world, params));
      return ok({}, 202);
    },
  },
];

function installationJson(world: World) {
  const { app, repository } = world.settings;
  return {
    id: app.installationId,
    account: ownerJson(world, repository.owner),
    repository_selection: 'selected',
    app_id: app.id,
    app_slug: app.slug,
    target_id: stableId(repository.owner),
    target_type: 'Organization',
    permissions: PERMISSIONS,
    events: appJson(world)['events'],
    access_tokens_url: `${world.urls.api}/app/installations/${app.installationId}/access_tokens`,
    repositories_url: `${world.urls.api}/installation/repositories`,
    html_url: world.urls.page,
    created_at: '2024-01-01T00:00:00Z',
    updated_at: '2024-01-01T00:00:00Z',
    single_file_name: null,
    suspended_at: null,
    suspended_by: null,
  };
}

/** @throws Refusal 404 */
function deliveryOf(world: World, params: Call['params']): Delivery {
  const delivery = world.store.state.deliveries.find((candidate) => candidate.id === params['delivery_id']);
  if (delivery === undefined) throw notFound();
  return delivery;
}

function deliveryJson(world: World, delivery: Delivery) {
  return {
    id: delivery.id,
    guid: delivery.guid,
    delivered_at: delivery.deliveredAt,
    redelivery: delivery.redelivery,
    duration: delivery.duration,
    status: delivery.status,
    status_code: delivery.statusCode,
    event: delivery.event,
    action: delivery.action,
    installation_id: world.settings.app.installationId,
    repository_id: repositoryJson(world)['id'],
    throttled_at: null,
  };
}

/** Newest first, by cursor; `status=failure` means answers of 400 to 599, so not the ones that never answered. */
function deliveries(call: Call) {
  const { world, query } = call;
  const size = Math.min(100, Number(query['per_page'] ?? 30));
  const cursor = query['cursor'] === undefined ? Number.POSITIVE_INFINITY : Number(query['cursor']);
  const all = world.store.state.deliveries
    .filter((delivery) => delivery.id < cursor)
    .filter((delivery) => matches(delivery, query['status']))
    .reverse();
  const items = all.slice(0, size);
  const last = items.at(-1);
  const body = items.map((delivery) => deliveryJson(world, delivery));
  if (last === undefined || all.length <= size) return ok(body);
  const next = new URL(call.url);
  next.searchParams.set('cursor', String(last.id));
  return { status: 200, body, headers: { link: `<${next.href}>; rel="next"` } };
}

function matches(delivery: Delivery, status: unknown): boolean {
  if (status === 'success') return delivery.statusCode >= 200 && delivery.statusCode < 400;
  if (status === 'failure') return delivery.statusCode >= 400;
  return true;
}
