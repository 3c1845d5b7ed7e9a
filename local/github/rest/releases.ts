import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { stableId } from '../domain/actor.ts';
import type { Json } from '../domain/payloads.ts';
import { userJson } from '../domain/payloads.ts';
import type { World } from '../domain/world.ts';
import { notFound } from '../refusal.ts';
import { type Call, page, type Route } from './route.ts';

const Recorded = z.record(z.string(), z.array(z.object({ tag: z.string(), at: z.iso.datetime() })));

/** Tags and times of releases of other repositories, newest first, as the Go module proxy has them of the same tags. */
const RECORDED = Recorded.parse(JSON.parse(readFileSync(join(import.meta.dirname, '../releases.json'), 'utf8')));

export const releaseRoutes: readonly Route[] = [{ method: 'GET', path: '/repos/{owner}/{repo}/releases', elsewhere: true, run: releases }];

function releases(call: Call) {
  const { owner, name } = call.world.settings.repository;
  const asked = `${String(call.params['owner'])}/${String(call.params['repo'])}`;
  const found = asked === `${owner}/${name}` ? [] : RECORDED[asked];
  if (found === undefined) throw notFound();
  return page(
    call,
    found.map(({ tag, at }) => releaseJson(call.world, asked, tag, at)),
  );
}

function releaseJson(world: World, repository: string, tag: string, at: string): Json {
  const id = stableId(`${repository} ${tag}`);
  const api = `${world.urls.api}/repos/${repository}/releases/${id}`;
  return {
    url: api,
    html_url: `https://github.com/${repository}/releases/tag/${tag}`,
    assets_url: `${api}/assets`,
    upload_url: `${api}/assets{?name,label}`,
    tarball_url: `${world.urls.api}/repos/${repository}/tarball/${tag}`,
    zipball_url: `${world.urls.api}/repos/${repository}/zipball/${tag}`,
    id,
    node_id: `RE_${id}`,
    tag_name: tag,
    target_commitish: 'master',
    name: tag,
    body: '',
    draft: false,
    prerelease: tag.includes('-'),
    created_at: at,
    published_at: at,
    author: authorJson(world),
    assets: [],
  };
}

/** Whole, as GitHub has it in a release: elsewhere clients read only a part of it. */
function authorJson(world: World): Json {
  const user = userJson(world, { login: 'releases', kind: 'User' });
  const url = String(user['url']);
  return {
    ...user,
    avatar_url: `${String(user['html_url'])}.png`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
  };
}
