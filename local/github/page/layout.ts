import type { World } from '../domain/world.ts';
import { type Html, html, type Part } from './html.ts';

/** Where people find things; the repository is the only one. */
export function links(world: World) {
  const { owner, name } = world.settings.repository;
  const repository = `/${owner}/${name}`;
  return {
    pulls: '/',
    pull: (number: number) => `${repository}/pull/${number}`,
    comment: (number: number) => `${repository}/pull/${number}/comment`,
    branches: `${repository}/branches`,
    compare: `${repository}/compare`,
    deliveries: `${repository}/settings/deliveries`,
    run: (id: number) => `${repository}/runs/${id}`,
    commit: (sha: string) => `${repository}/commit/${sha}`,
    act: `${repository}/act`,
  };
}

export interface Page {
  readonly title: string;
  readonly body: Part;
  /** Seconds after which the browser reads the page again; only while something is going on. */
  readonly refresh?: number;
}

export function layout(world: World, page: Page): Html {
  const { owner, name } = world.settings.repository;
  const to = links(world);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${page.title} · ${owner}/${name}</title>
<link rel="stylesheet" href="/assets/style.css">
</head>
<body>
<header><div class="inner">
<span class="name"><a href="/">${owner} / <strong>${name}</strong></a></span>
<a href="${to.pulls}">Pull requests</a>
<a href="${to.branches}">Branches</a>
<a href="${to.deliveries}">Webhook deliveries</a>
${world.urls.fleet !== undefined && html`<a href="${world.urls.fleet}">Fleet</a>`}
<span class="grow"></span>
<span class="dim small">local GitHub, as <strong>${world.settings.operator.login}</strong></span>
</div></header>
<main>${page.body}</main>
</body>
</html>
`;
}

/** A form with one button that does something, protected by the token that only this page knows. */
export function actionForm(world: World, fields: Readonly<Record<string, string>>, content: Part): Html {
  const hidden = Object.entries({ csrf: world.store.state.csrf, ...fields });
  return html`<form class="inline" method="post" action="${links(world).act}">${hidden.map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )}${content}</form>`;
}

/** A time as people read it, in UTC. */
export function timeText(iso: string): Html {
  return html`<time datetime="${iso}">${iso.replace('T', ' ').replace(/:\d\d(\.\d+)?Z$/, ' UTC')}</time>`;
}
