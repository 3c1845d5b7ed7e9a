import { expect, it } from 'vitest';
import { RefusedError } from '#model/errors.ts';
import type { RepositoryRef } from '#model/primitives.ts';
import type { CheckRunRequest, GitHub } from '#ports/github.ts';

/** What the suite needs besides the port. Every test uses branches of its own. */
export interface GitHubWorld {
  readonly github: GitHub;
  readonly repository: RepositoryRef;
  /** Commits files (null deletes) on a branch, made from `from` when it is new; answers the commit. */
  push(branch: string, files: Readonly<Record<string, string | null>>, from?: string): Promise<string>;
  /** Merges a pull request as the operator `operator`, with a merge commit; answers it. */
  merge(number: number): Promise<string>;
  /** Opens a pull request from another repository; answers its number. */
  openFromFork(files: Readonly<Record<string, string | null>>, base: string): Promise<number>;
}

/** GitHub makes test merges in its own time. */
const PATIENCE = { timeout: 60_000 };

function checkRun(headSha: string, change: Partial<CheckRunRequest> = {}): CheckRunRequest {
  return { name: 'sluice', headSha, status: 'in_progress', title: 'Planning', summary: 'Reads both trees', ...change };
}

/** The behaviour that every implementation of port GitHub has. */
export function githubContract(world: () => GitHubWorld): void {
  branchesAndObjects(world);
  pullRequests(world);
  checkRuns(world);
}

function branchesAndObjects(world: () => GitHubWorld): void {
  it('answers the head of a branch, and undefined for none', async () => {
    const { github, repository, push } = world();
    const head = await push('heads/with-slash', { 'a.txt': 'a' });

    expect(await github.getBranchHead(repository, 'heads/with-slash')).toBe(head);
    expect(await github.getBranchHead(repository, 'no-such-branch')).toBeUndefined();
  });

  it('reads a commit, all entries of its tree, and a blob byte for byte', async () => {
    const { github, repository, push } = world();
    const head = await push('reads', { 'channels/cluster/versions.yaml': 'kubernetes: 1.36.3\n', 'ü.txt': 'ä\0' });

    const commit = await github.getCommit(repository, head);
    const tree = await github.getTree(repository, commit.treeSha);
    const entry = tree.find((candidate) => candidate.path === 'ü.txt');
    const blob = await github.getBlob(repository, entry?.sha ?? '');

    expect(commit.sha).toBe(head);
    expect(commit.parents).toEqual([]);
    expect(tree.map((candidate) => [candidate.path, candidate.type])).toEqual([
      ['channels', 'tree'],
      ['channels/cluster', 'tree'],
      ['channels/cluster/versions.yaml', 'blob'],
      ['ü.txt', 'blob'],
    ]);
    expect(entry).toMatchObject({ mode: '100644', size: 3 });
    expect(new TextDecoder().decode(blob)).toBe('ä\0');
  });

  it('knows who may write', async () => {
    const { github, repository } = world();

    expect(await github.getPermission(repository, 'operator')).toBe('admin');
    expect(await github.getPermission(repository, 'stranger')).toBe('read');
  });

  it('finds the run of an attempt on a commit', async () => {
    const { github, repository, push } = world();
    const headSha = await push('find-run', { 'a.txt': '1' });
    const annotation = { path: 'a.txt', startLine: 1, endLine: 1, level: 'notice' as const, message: 'one' };
    const request = { headSha, status: 'in_progress' as const, title: 'One', summary: '', annotations: [annotation] };
    const id = await github.createCheckRun(repository, { ...request, name: 'find me', externalId: 'attempt-1' });
    await github.createCheckRun(repository, { ...request, name: 'find me', externalId: 'attempt-2' });
    await github.createCheckRun(repository, { ...request, name: 'another', externalId: 'attempt-1' });

    expect(await github.findCheckRun(repository, headSha, 'find me', 'attempt-1')).toEqual({ id, annotations: 1 });
    expect(await github.findCheckRun(repository, headSha, 'find me', 'attempt-3')).toBeUndefined();
  });

  it('refuses to read what is not there', async () => {
    const { github, repository } = world();
    const missing = 'f'.repeat(40);

    await expect(github.getCommit(repository, missing)).rejects.toThrow(RefusedError);
    await expect(github.getTree(repository, missing)).rejects.toThrow(RefusedError);
    await expect(github.getBlob(repository, missing)).rejects.toThrow(RefusedError);
    await expect(github.getPullRequest(repository, 999_999)).rejects.toThrow(/404/);
    await expect(github.getBranchHead(repository, 'nobodys-branch')).resolves.toBeUndefined();
  });

  it('makes a tree with one file changed or new, all others as they were', async () => {
    const { github, repository, push } = world();
    const { treeSha } = await github.getCommit(repository, await push('write-file', { 'a/b.yaml': 'old\n', 'a/c.yaml': 'c', d: 'd' }));

    const changed = await github.writeFile(repository, treeSha, 'a/b.yaml', 'new ä\n');
    const added = await github.writeFile(repository, changed, 'e/f.yaml', 'f');

    const entries = await github.getTree(repository, added);
    const before = await github.getTree(repository, treeSha);
    const shaOf = (list: typeof entries, path: string): string => list.find((entry) => entry.path === path)?.sha ?? '';
    expect(entries.filter(({ type }) => type === 'blob').map(({ path, mode }) => [path, mode])).toEqual(
      ['a/b.yaml', 'a/c.yaml', 'd', 'e/f.yaml'].map((path) => [path, '100644']),
    );
    expect(new TextDecoder().decode(await github.getBlob(repository, shaOf(entries, 'a/b.yaml')))).toBe('new ä\n');
    for (const path of ['a/c.yaml', 'd']) expect(shaOf(entries, path)).toBe(shaOf(before, path));
    await expect(github.writeFile(repository, 'f'.repeat(40), 'a', 'a')).rejects.toThrow(RefusedError);
  });

  it('makes a tree that has exactly the subtree at its path, and a commit of it on a branch', async () => {
    const { github, repository, push } = world();
    const source = await github.getCommit(
      repository,
      await push('promote-source', { 'channels/cluster/a.yaml': 'new', 'readme.md': 'source' }),
    );
    const target = await github.getCommit(
      repository,
      await push('promote-target', { 'channels/cluster/a.yaml': 'old', 'channels/cluster/gone.yaml': 'x', 'readme.md': 'target' }),
    );
    const entries = await github.getTree(repository, source.treeSha);
    const subtree = entries.find((entry) => entry.path === 'channels/cluster')?.sha ?? '';

    const tree = await github.createTree(repository, target.treeSha, 'channels/cluster', subtree);
    const sha = await github.createCommit(repository, { message: 'Promote', tree, parents: [target.sha, source.sha] });
    await github.setBranch(repository, 'promotion', sha);
    const made = await github.getTree(repository, tree);

    expect(made.filter((entry) => entry.type === 'blob').map((entry) => entry.path)).toEqual(['channels/cluster/a.yaml', 'readme.md']);
    expect(made.find((entry) => entry.path === 'channels/cluster')?.sha).toBe(subtree);
    expect(await github.getCommit(repository, sha)).toEqual({ sha, treeSha: tree, parents: [target.sha, source.sha], message: 'Promote' });
    expect(await github.getBranchHead(repository, 'promotion')).toBe(sha);
  });

  it('moves a branch that is there, backwards too, and repeating it changes nothing', async () => {
    const { github, repository, push } = world();
    const first = await push('moves', { 'a.txt': '1' });
    await push('moves', { 'a.txt': '2' });

    await github.setBranch(repository, 'moves', first);
    await github.setBranch(repository, 'moves', first);

    expect(await github.getBranchHead(repository, 'moves')).toBe(first);
    await expect(github.setBranch(repository, 'moves', 'f'.repeat(40))).rejects.toThrow(RefusedError);
  });
}

function pullRequests(world: () => GitHubWorld): void {
  it('opens a pull request and computes its test merge', async () => {
    const { github, repository, push } = world();
    const base = await push('open-base', { 'a.txt': '1', 'gone.txt': 'x' });
    const head = await push('open-head', { 'b.txt': '2', 'gone.txt': null }, 'open-base');

    const opened = await github.createPullRequest(repository, { title: 'Add b', body: 'Why', head: 'open-head', base: 'open-base' });
    const read = () => github.getPullRequest(repository, opened.number);
    await expect.poll(async () => (await read()).mergeable, PATIENCE).toBe(true);
    const { mergeCommitSha, ...pull } = await read();
    const merge = await github.getCommit(repository, mergeCommitSha ?? '');

    expect(pull).toEqual({
      number: opened.number,
      title: 'Add b',
      state: 'open',
      merged: false,
      mergedBy: null,
      author: 'sluice[bot]',
      baseRef: 'open-base',
      baseSha: base,
      headRef: 'open-head',
      headSha: head,
      fork: false,
      mergeable: true,
    });
    expect(merge.parents).toEqual([base, head]);
    expect(await github.listChangedFiles(repository, opened.number)).toEqual(['b.txt', 'gone.txt']);
    const again = github.createPullRequest(repository, { title: 'Twice', body: '', head: 'open-head', base: 'open-base' });
    await expect(again).rejects.toThrow(/already exists/);
  });

  it('makes the test merge anew when the base moves, and tells a conflict', async () => {
    const { github, repository, push } = world();
    await push('conflict-base', { 'a.txt': '1', 'b.txt': '1' });
    await push('conflict-head', { 'a.txt': '2' }, 'conflict-base');
    const { number } = await github.createPullRequest(repository, { title: 't', body: '', head: 'conflict-head', base: 'conflict-base' });
    const parent = async () => {
      const { mergeCommitSha } = await github.getPullRequest(repository, number);
      return mergeCommitSha === null ? undefined : (await github.getCommit(repository, mergeCommitSha)).parents[0];
    };
    const moved = await push('conflict-base', { 'b.txt': '2' });
    await expect.poll(parent, PATIENCE).toBe(moved);

    await push('conflict-base', { 'a.txt': '3' });

    await expect.poll(async () => (await github.getPullRequest(repository, number)).mergeable, PATIENCE).toBe(false);
    expect((await github.getPullRequest(repository, number)).mergeCommitSha).toBeNull();
  });

  it('lists the pull requests of a branch, open and closed', async () => {
    const { github, repository, push } = world();
    await push('of-branch-base', { 'a.txt': '1' });
    await push('of-branch-head', { 'b.txt': '2' }, 'of-branch-base');
    const pull = { title: 't', body: '', head: 'of-branch-head', base: 'of-branch-base' };
    const first = await github.createPullRequest(repository, pull);
    await github.updatePullRequest(repository, first.number, { state: 'closed' });
    const second = await github.createPullRequest(repository, pull);

    const found = await github.pullRequestsOfBranch(repository, 'of-branch-head');

    expect(found.map(({ number, state }) => [number, state]).sort()).toEqual([
      [first.number, 'closed'],
      [second.number, 'open'],
    ]);
    expect(await github.pullRequestsOfBranch(repository, 'no-such-branch')).toEqual([]);
  });

  it('follows the head and lists open pull requests by base and head', async () => {
    const { github, repository, push } = world();
    await push('list-base', { 'a.txt': '1' });
    await push('list-one', { 'b.txt': '1' }, 'list-base');
    await push('list-two', { 'c.txt': '1' }, 'list-base');
    const one = await github.createPullRequest(repository, { title: 'one', body: '', head: 'list-one', base: 'list-base' });
    const two = await github.createPullRequest(repository, { title: 'two', body: '', head: 'list-two', base: 'list-base' });
    const head = await push('list-one', { 'b.txt': '2' });

    const numbers = async (filter: { base?: string; head?: string }) =>
      (await github.listOpenPullRequests(repository, filter)).map((pull) => pull.number).sort((a, b) => a - b);

    expect((await github.getPullRequest(repository, one.number)).headSha).toBe(head);
    expect(await numbers({ base: 'list-base' })).toEqual([one.number, two.number]);
    expect(await numbers({ base: 'list-base', head: 'list-two' })).toEqual([two.number]);
    expect(await numbers({ base: 'no-such-base' })).toEqual([]);
  });

  it('knows who merged and which pull request brought a commit', async () => {
    const { github, repository, push, merge } = world();
    await push('merge-base', { 'a.txt': '1' });
    const head = await push('merge-head', { 'b.txt': '1' }, 'merge-base');
    const { number } = await github.createPullRequest(repository, { title: 't', body: '', head: 'merge-head', base: 'merge-base' });

    const commit = await merge(number);
    const byMerge = await github.pullRequestsOfCommit(repository, commit);
    const byHead = await github.pullRequestsOfCommit(repository, head);

    expect(byMerge).toEqual(byHead);
    expect(byMerge).toMatchObject([{ number, state: 'closed', merged: true, mergedBy: 'operator', mergeCommitSha: commit, headSha: head }]);
    expect(await github.getBranchHead(repository, 'merge-base')).toBe(commit);
    expect((await github.getCommit(repository, commit)).parents).toContain(head);
  });

  it('changes the title and closes without merging', async () => {
    const { github, repository, push } = world();
    await push('close-base', { 'a.txt': '1' });
    await push('close-head', { 'b.txt': '1' }, 'close-base');
    const { number } = await github.createPullRequest(repository, { title: 'before', body: '', head: 'close-head', base: 'close-base' });

    await github.updatePullRequest(repository, number, { title: 'after', body: 'new' });
    await github.updatePullRequest(repository, number, { state: 'closed' });

    const pull = await github.getPullRequest(repository, number);
    expect(pull).toMatchObject({ title: 'after', state: 'closed', merged: false, mergedBy: null });
    expect(await github.listOpenPullRequests(repository, { base: 'close-base' })).toEqual([]);
  });

  it('tells a pull request from a fork', async () => {
    const { github, repository, push, openFromFork } = world();
    await push('fork-base', { 'a.txt': '1' });

    const number = await openFromFork({ 'evil.txt': '1' }, 'fork-base');

    const pull = await github.getPullRequest(repository, number);
    expect(pull).toMatchObject({ fork: true, state: 'open', baseRef: 'fork-base' });
    expect(await github.listChangedFiles(repository, number)).toEqual(['evil.txt']);
    expect((await github.getCommit(repository, pull.headSha)).sha).toBe(pull.headSha);
  });

  it('refuses a pull request without commits or branch', async () => {
    const { github, repository, push } = world();
    await push('empty-base', { 'a.txt': '1' });
    const head = await github.getBranchHead(repository, 'empty-base');
    await github.setBranch(repository, 'empty-head', head ?? '');
    const open = (name: string) => github.createPullRequest(repository, { title: 't', body: '', head: name, base: 'empty-base' });

    await expect(open('empty-head')).rejects.toThrow(/No commits between/);
    await expect(open('no-such-branch')).rejects.toThrow(RefusedError);
  });
}

function checkRuns(world: () => GitHubWorld): void {
  it('creates a check run and updates it', async () => {
    const { github, repository, push } = world();
    const head = await push('checks', { 'a.txt': '1' });
    const annotation = { path: 'a.txt', startLine: 1, endLine: 1, startColumn: 1, endColumn: 2, level: 'failure' as const, message: 'no' };

    const id = await github.createCheckRun(
      repository,
      checkRun(head, { detailsUrl: 'https://example.com/x', externalId: 'x', text: 'more' }),
    );
    const completed = checkRun(head, { status: 'completed', conclusion: 'failure', annotations: [{ ...annotation, title: 'Rule' }] });

    await expect(github.updateCheckRun(repository, id, completed)).resolves.toBeUndefined();
    expect(await github.createCheckRun(repository, checkRun(head))).not.toBe(id);
    await expect(github.updateCheckRun(repository, 999_999_999, completed)).rejects.toThrow(RefusedError);
  });

  it("refuses what is over GitHub's limits", async () => {
    const { github, repository, push } = world();
    const head = await push('limits', { 'a.txt': '1' });
    const annotations = Array.from({ length: 51 }, () => ({
      path: 'a.txt',
      startLine: 1,
      endLine: 1,
      level: 'notice' as const,
      message: 'm',
    }));
    const create = (change: Partial<CheckRunRequest>) => github.createCheckRun(repository, checkRun(head, change));

    await expect(create({ annotations })).rejects.toThrow(RefusedError);
    await expect(create({ summary: 'x'.repeat(65_536) })).rejects.toThrow(RefusedError);
    await expect(create({ status: 'completed' })).rejects.toThrow(RefusedError);
    await expect(create({ headSha: 'f'.repeat(40) })).rejects.toThrow(RefusedError);
    await expect(create({ annotations: annotations.slice(1), summary: 'x'.repeat(65_535) })).resolves.toBeTypeOf('number');
  });
}
