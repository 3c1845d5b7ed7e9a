import * as z from 'zod';
import { type Actor, personOf } from '../domain/actor.ts';
import { gitCommitJson } from '../domain/payloads.ts';
import { branchMoved } from '../domain/refs.ts';
import type { World } from '../domain/world.ts';
import { makeTree, readBlob, readTree } from '../git/objects.ts';
import { ZERO } from '../git/repository.ts';
import { invalid, notFound, Refusal } from '../refusal.ts';
import { type Call, ok, type Route } from './route.ts';

const GIT = '/repos/{owner}/{repo}/git';

const NewTree = z.object({
  base_tree: z.string().optional(),
  tree: z.array(
    z.object({
      path: z.string(),
      mode: z.string().default('100644'),
      type: z.string().default('blob'),
      sha: z.string().nullish(),
      content: z.string().optional(),
    }),
  ),
});
const NewCommit = z.object({
  message: z.string(),
  tree: z.string(),
  parents: z.array(z.string()).default([]),
  author: z.object({ name: z.string(), email: z.string() }).optional(),
});

export const gitRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: `${GIT}/ref/{ref}`,
    async run({ world, params }) {
      const sha = await refHead(world, String(params['ref']));
      if (sha === undefined) throw notFound();
      return ok(refJson(world, String(params['ref']), sha));
    },
  },
  { method: 'POST', path: `${GIT}/refs`, run: createRef },
  { method: 'PATCH', path: `${GIT}/refs/{ref}`, run: moveRef },
  {
    method: 'DELETE',
    path: `${GIT}/refs/{ref}`,
    async run({ world, params, actor }) {
      const before = await refHead(world, String(params['ref']));
      if (before === undefined) throw invalid('Reference does not exist');
      await move(world, `refs/${String(params['ref'])}`, before, ZERO, actor);
      return { status: 204 };
    },
  },
  { method: 'GET', path: `${GIT}/trees/{tree_sha}`, run: tree },
  {
    method: 'POST',
    path: `${GIT}/trees`,
    async run({ world, body }) {
      const sha = await makeTree(world.repository, ...(await treeArguments(world, body)));
      return ok(await treeJson(world, sha, false), 201);
    },
  },
  {
    method: 'GET',
    path: `${GIT}/blobs/{file_sha}`,
    async run({ world, params }) {
      const sha = await world.repository.resolve(String(params['file_sha']), 'blob');
      if (sha === undefined) throw notFound();
      const content = await readBlob(world.repository, sha);
      // GitHub breaks base64 into lines of 60.
      const lines = content.toString('base64').replaceAll(/.{60}/g, '$&\n');
      return ok({ sha, node_id: `B_${sha}`, size: content.length, url: `${api(world)}/blobs/${sha}`, content: lines, encoding: 'base64' });
    },
  },
  {
    method: 'POST',
    path: `${GIT}/blobs`,
    async run({ world, body }) {
      const blob = z.object({ content: z.string(), encoding: z.enum(['utf-8', 'base64']).default('utf-8') }).parse(body);
      const stdin = Buffer.from(blob.content, blob.encoding);
      const sha = (await world.repository.run(['hash-object', '-w', '--stdin'], { stdin })).trim();
      return ok({ sha, url: `${api(world)}/blobs/${sha}` }, 201);
    },
  },
  {
    method: 'GET',
    path: `${GIT}/commits/{commit_sha}`,
    async run({ world, params }) {
      const sha = String(params['commit_sha']);
      if (!/^[0-9a-f]{40}$/.test(sha) || (await world.repository.resolve(sha)) !== sha) throw notFound();
      return ok(gitCommitJson(world, await world.repository.commit(sha)));
    },
  },
  { method: 'POST', path: `${GIT}/commits`, run: createCommit },
];

function api(world: World): string {
  const { owner, name } = world.settings.repository;
  return `${world.urls.api}/repos/${owner}/${name}/git`;
}

async function refHead(world: World, ref: string): Promise<string | undefined> {
  return /^(heads|tags|pull)\//.test(ref) ? world.repository.resolve(`refs/${ref}`) : undefined;
}

function refJson(world: World, ref: string, sha: string) {
  const object = { type: 'commit', sha, url: `${api(world)}/commits/${sha}` };
  return { ref: `refs/${ref}`, node_id: `REF_${ref}`, url: `${api(world)}/refs/${ref}`, object };
}

async function createRef({ world, body, actor }: Call) {
  const { ref, sha } = z.object({ ref: z.string(), sha: z.string() }).parse(body);
  await checkRefName(world, ref);
  if ((await refHead(world, ref.slice(5))) !== undefined) throw invalid('Reference already exists');
  await checkCommit(world, sha);
  await move(world, ref, ZERO, sha, actor);
  return ok(refJson(world, ref.slice(5), sha), 201);
}

async function moveRef({ world, params, body, actor }: Call) {
  const ref = String(params['ref']);
  const { sha, force } = z.object({ sha: z.string(), force: z.boolean().default(false) }).parse(body);
  const before = await refHead(world, ref);
  if (before === undefined) throw invalid('Reference does not exist');
  await checkRefName(world, `refs/${ref}`);
  await checkCommit(world, sha);
  const forward = (await world.repository.tryRun(['merge-base', '--is-ancestor', before, sha])).code === 0;
  if (!forward && !force) throw invalid('Update is not a fast forward');
  await move(world, `refs/${ref}`, before, sha, actor);
  return ok(refJson(world, ref, sha));
}

async function checkRefName(world: World, ref: string): Promise<void> {
  const wellFormed = /^refs\/(heads|tags)\/[^-]/.test(ref) && (await world.repository.tryRun(['check-ref-format', ref])).code === 0;
  if (!wellFormed) throw invalid(`${ref} is not a valid ref name.`);
}

async function checkCommit(world: World, sha: string): Promise<void> {
  if (!/^[0-9a-f]{40}$/.test(sha) || (await world.repository.resolve(sha)) !== sha) throw invalid('Object does not exist');
}

async function move(world: World, ref: string, before: string, after: string, by: Actor): Promise<void> {
  if (before === after) return;
  await world.repository.updateRef(ref, after, before);
  if (ref.startsWith('refs/heads/')) await branchMoved(world, world.settings.repository.owner, { ref, before, after }, by);
}

async function tree({ world, params, query }: Call) {
  const sha = await world.repository.resolve(String(params['tree_sha']), 'tree');
  if (sha === undefined) throw notFound();
  // Any value means recursive, "0" and "false" too (GitHub's description).
  return ok(await treeJson(world, sha, query['recursive'] !== undefined));
}

async function treeJson(world: World, sha: string, recursive: boolean) {
  const entries = await readTree(world.repository, sha, recursive);
  const url = (type: string, id: string) => `${api(world)}/${type === 'tree' ? 'trees' : 'blobs'}/${id}`;
  const list = entries.map(({ size, ...entry }) => ({
    ...entry,
    ...(size === undefined ? {} : { size }),
    url: url(entry.type, entry.sha),
  }));
  return { sha, url: url('tree', sha), tree: list, truncated: false };
}

async function treeArguments(world: World, body: unknown): Promise<[string | undefined, Parameters<typeof makeTree>[2]]> {
  const request = NewTree.parse(body);
  const base = request.base_tree === undefined ? undefined : await world.repository.resolve(request.base_tree, 'tree');
  if (request.base_tree !== undefined && base === undefined) throw invalid('base_tree is not a valid tree oid');
  const changes = [];
  for (const entry of request.tree) {
    if (entry.path.startsWith('/') || entry.path === '') throw new Refusal(422, 'tree.path cannot start with a slash');
    if (entry.content !== undefined && entry.sha !== undefined) throw new Refusal(422, 'Must supply either tree.sha or tree.content');
    const content = entry.content ?? '';
    const sha =
      entry.sha === undefined ? (await world.repository.run(['hash-object', '-w', '--stdin'], { stdin: content })).trim() : entry.sha;
    changes.push({ path: entry.path, mode: entry.mode, type: entry.type, sha });
  }
  return [base, changes];
}

async function createCommit({ world, body, actor }: Call) {
  const request = NewCommit.parse(body);
  const tree = await world.repository.resolve(request.tree, 'tree');
  if (tree === undefined || tree !== request.tree) throw invalid(`Tree SHA does not exist`);
  for (const parent of request.parents) {
    if ((await world.repository.resolve(parent)) !== parent) throw invalid('Parent SHA does not exist or is not a commit object');
  }
  const sha = await world.repository.commitTree(tree, request.parents, request.message, request.author ?? personOf(actor));
  return ok(gitCommitJson(world, await world.repository.commit(sha)), 201);
}
