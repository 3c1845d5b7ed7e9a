import { operatorOf } from '../domain/actor.ts';
import { appJson } from '../domain/check-payloads.ts';
import { commitJson, type Json, ownerJson, pullJson, repositoryJson, userJson } from '../domain/payloads.ts';
import { changedFiles } from '../git/diff.ts';
import { notFound, Refusal } from '../refusal.ts';
import { type Call, ok, page, type Route } from './route.ts';

const REPOSITORY = '/repos/{owner}/{repo}';

export const repositoryRoutes: readonly Route[] = [
  { method: 'GET', path: '/user', access: ['operator'], run: ({ world, actor }) => ok(userJson(world, actor)) },
  {
    method: 'GET',
    path: REPOSITORY,
    run: ({ world, caller }) => ok({ ...repositoryJson(world), permissions: rights(caller === 'operator') }),
  },
  { method: 'GET', path: `${REPOSITORY}/branches`, run: branches },
  { method: 'GET', path: `${REPOSITORY}/branches/{branch}`, run: branch },
  { method: 'GET', path: `${REPOSITORY}/commits/{ref}`, run: commit },
  { method: 'GET', path: `${REPOSITORY}/commits/{commit_sha}/pulls`, run: pullsOfCommit },
  { method: 'GET', path: `${REPOSITORY}/compare/{basehead}`, run: compare },
  { method: 'GET', path: `${REPOSITORY}/collaborators/{username}/permission`, run: permission },
];

function rights(push: boolean): Json {
  return { admin: push, maintain: push, push, triage: push, pull: true };
}

async function branches(call: Call) {
  const heads = [...(await call.world.repository.branches())].sort(([a], [b]) => (a < b ? -1 : 1));
  return page(
    call,
    heads.map(([name, sha]) => ({ name, commit: { sha, url: commitUrl(call, sha) }, protected: false })),
  );
}

function commitUrl(call: Call, sha: string): string {
  const { owner, name } = call.world.settings.repository;
  return `${call.world.urls.api}/repos/${owner}/${name}/commits/${sha}`;
}

async function branch({ world, params }: Call) {
  const name = String(params['branch']);
  const sha = await world.repository.resolve(`refs/heads/${name}`);
  if (sha === undefined) throw notFound();
  return ok({ name, commit: commitJson(world, await world.repository.commit(sha)), protected: false });
}

async function commit({ world, params }: Call) {
  const sha = await world.repository.resolve(String(params['ref']));
  if (sha === undefined) throw notFound();
  return ok(commitJson(world, await world.repository.commit(sha)));
}

/** Pull requests that brought a commit, or would bring it. */
async function pullsOfCommit(call: Call) {
  const { world } = call;
  const sha = await world.repository.resolve(String(call.params['commit_sha']));
  if (sha === undefined) throw notFound();
  const found = [];
  for (const pull of world.store.state.pulls) {
    const range = await world.repository.tryRun(['rev-list', `${pull.baseSha}..${pull.headSha}`]);
    if (pull.merged && pull.mergeCommitSha === sha) found.push(pull);
    else if (range.stdout.toString().split('\n').includes(sha)) found.push(pull);
  }
  return page(
    call,
    found.reverse().map((pull) => pullJson(world, pull)),
  );
}

async function compare({ world, params }: Call) {
  const [baseName = '', headName = ''] = String(params['basehead']).split('...');
  const base = await world.repository.resolve(baseName);
  const head = await world.repository.resolve(headName);
  if (base === undefined || head === undefined) throw notFound();
  const result = await world.repository.tryRun(['merge-base', base, head]);
  if (result.code !== 0) throw new Refusal(404, `No common ancestor between ${baseName} and ${headName}.`);
  const mergeBase = result.stdout.toString().trim();
  const [behind = '0', ahead = '0'] = (await world.repository.run(['rev-list', '--left-right', '--count', `${base}...${head}`]))
    .trim()
    .split('\t');
  const commits = await world.repository.commits([`${base}..${head}`]);
  const files = await changedFiles(world.repository, mergeBase, head);
  return ok({
    status: ahead === '0' ? (behind === '0' ? 'identical' : 'behind') : behind === '0' ? 'ahead' : 'diverged',
    ahead_by: Number(ahead),
    behind_by: Number(behind),
    total_commits: Number(ahead),
    base_commit: commitJson(world, await world.repository.commit(base)),
    merge_base_commit: commitJson(world, await world.repository.commit(mergeBase)),
    commits: commits.map((one) => commitJson(world, one)),
    files: files.map(({ path, previousPath, ...file }) => ({
      filename: path,
      ...(previousPath === undefined ? {} : { previous_filename: previousPath }),
      ...file,
      changes: file.additions + file.deletions,
    })),
  });
}

/** The operator administers; everyone else reads. */
function permission({ world, params }: Call) {
  const login = String(params['username']);
  const admin = login === operatorOf(world.settings).login || login === appJson(world)['slug'];
  const name = admin ? 'admin' : 'read';
  return ok({ permission: name, role_name: name, user: { ...ownerJson(world, login), type: 'User', permissions: rights(admin) } });
}
