import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { commitOnBranch } from './fleet.ts';
import { git } from './git.ts';
import { type CheckRun, createOperator, type Operator, type Pull } from './operator.ts';
import type { Terminal } from './terminal.ts';
import type { World } from './world.ts';

/** The upgrade that the story makes. */
export const STORY = { from: '1.35.4', to: '1.36.3', branch: 'upgrade-to-1.36.3' } as const;

/** What the story measured; every field is there when the story succeeded. */
export interface StoryResult {
  readonly firstCheckSeconds: number;
  readonly pullRequests: readonly { readonly number: number; readonly base: string; readonly mergeCommit: string }[];
  readonly finishedSeconds: number;
}

const DEADLINE_MINUTES = 60;
const LOOK_MS = 1000;

export interface StoryOptions {
  readonly world: World;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/**
 * Plays the operator: opens the pull request, merges when the check is green, merges each promotion when its check is
 * green. Nothing else acts for Sluice. @throws Error when a check turns red or nothing moves any more
 */
export async function playStory(options: StoryOptions, fleetReady: Promise<void>): Promise<StoryResult> {
  const { world, terminal } = options;
  const operator = createOperator(world);
  await changeConfiguration(world);
  const pull = await operator.openPullRequest({
    title: `Kubernetes ${STORY.to}, a new ingress image, and a new generation of the general pool`,
    body: `Raises Kubernetes from ${STORY.from} to ${STORY.to}.`,
    head: STORY.branch,
    base: 'dev',
  });
  terminal.headline(`Pull request #${pull.number} is open: ${world.github.pageUrl}`);
  await waitForCheck(options, operator, pull.head.sha, 'sluice / plan');
  const firstCheckSeconds = terminal.elapsedSeconds();
  terminal.line('its plan is on the pull request');
  await fleetReady;
  const merged: { number: number; base: string; mergeCommit: string }[] = [];
  let current = pull;
  for (const next of ['alpha', 'beta', undefined]) {
    await waitForCheck(options, operator, current.head.sha, 'sluice');
    const mergeCommit = await operator.merge(current);
    merged.push({ number: current.number, base: current.base.ref, mergeCommit });
    terminal.headline(`#${current.number} is merged to ${current.base.ref}`);
    await waitForCheck(options, operator, mergeCommit, 'sluice / rollout');
    if (next === undefined) break;
    current = await waitForPromotion(options, operator, next);
    terminal.headline(`Sluice proposes the proven revision to ${next}: #${current.number} ${current.title}`);
  }
  return { firstCheckSeconds, pullRequests: merged, finishedSeconds: terminal.elapsedSeconds() };
}

/** Clones, changes three files as a person would, pushes a branch. */
async function changeConfiguration(world: World): Promise<void> {
  const clone = join(world.directory, 'clone');
  await rm(clone, { recursive: true, force: true });
  const url = world.github.gitUrl.replace('://', `://${world.operator.login}:${world.operator.token}@`);
  await git(world.directory, 'clone', '-q', '-b', 'dev', url, clone);
  const folder = join(clone, 'channels/cluster');
  await edit(join(folder, 'versions.yaml'), /^kubernetes: .*$/m, `kubernetes: ${STORY.to}`);
  await edit(join(folder, 'pools.yaml'), /generation: 1/, 'generation: 2');
  await edit(
    join(folder, 'components/ingress/deployment.yaml'),
    /(image: \S+:v?\d+\.\d+\.)(\d+)/,
    (_, head: string, patch: string) => `${head}${Number(patch) + 1}`,
  );
  await commitOnBranch(clone, STORY.branch, `Kubernetes ${STORY.to}`);
  await git(clone, 'push', '-q', 'origin', STORY.branch);
}

async function edit(path: string, pattern: RegExp, replacement: string | ((...groups: string[]) => string)): Promise<void> {
  const before = await readFile(path, 'utf8');
  const after = typeof replacement === 'string' ? before.replace(pattern, replacement) : before.replace(pattern, replacement);
  if (after === before) throw new Error(`${path} has nothing that matches ${pattern}`);
  await writeFile(path, after);
}

/** Waits until the check of a commit is green. @throws Error with the check's own words when it is red */
export async function waitForCheck({ signal }: StoryOptions, operator: Operator, sha: string, name: string): Promise<CheckRun> {
  return until(signal, `the check "${name}" of ${sha.slice(0, 12)}`, async () => {
    const run = (await operator.checks(sha)).filter((candidate) => candidate.name === name).sort((left, right) => right.id - left.id)[0];
    if (run?.status !== 'completed') return undefined;
    if (run.conclusion === 'success') return run;
    throw new Error(`the check "${name}" ended ${run.conclusion}: ${run.output.title ?? ''}\n${run.output.summary ?? ''}`);
  });
}

async function waitForPromotion({ signal }: StoryOptions, operator: Operator, branch: string): Promise<Pull> {
  return until(signal, `the promotion to ${branch}`, async () =>
    (await operator.listPullRequests(branch)).find((pull) => pull.head.ref.startsWith('sluice/promote-')),
  );
}

async function until<T>(signal: AbortSignal, what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + DEADLINE_MINUTES * 60_000;
  while (Date.now() < deadline) {
    signal.throwIfAborted();
    const found = await look();
    if (found !== undefined) return found;
    await delay(LOOK_MS, undefined, { signal });
  }
  throw new Error(`${what} did not come within ${DEADLINE_MINUTES} minutes`);
}
