import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Pull } from '../../local/operator.ts';
import { createOperator } from '../../local/operator.ts';
import { playStory, type StoryResult, waitForCheck } from '../../local/story.ts';
import { until } from '../support/e2e/condition.ts';
import { allListeners, listenersOf, processesNaming, processTree, type Seen, stillRunning } from '../support/e2e/processes.ts';
import { DIRECTORY, ROOT, type Scene, startScene } from '../support/e2e/scene.ts';
import { type FailingRuns, failingRunsSuite, openFailingRuns } from './suites/e2e-failures.ts';
import { openOwnChange, ownChangeSuite } from './suites/own-change.ts';
import { refusalsSuite } from './suites/refusals.ts';
import { restoreSuite } from './suites/restore.ts';
import { expectNoLockHeld, storySuite } from './suites/story.ts';
import { webhookSuite } from './suites/webhook.ts';

/** Everything is built by then; the fleet and the story take about seven minutes. */
const STORY_MINUTES = 20;

test('Ctrl-C in the middle of a start ends every process and frees every address within 30 s', async () => {
  await rm(DIRECTORY, { recursive: true, force: true });
  const child = spawn(process.execPath, [join(ROOT, 'local', 'main.ts'), 'start', '--no-story'], {
    cwd: ROOT,
    env: { ...process.env, SLUICE_WORLD: DIRECTORY, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((done) => child.once('exit', done));
  try {
    // Clusters are being made, some with etcd already: the most to end.
    const middle = /update-cluster \S+ +roll-etcd-members/;
    await until(
      'the first clusters of the fleet',
      180,
      () => middle.test(output) || child.exitCode !== null || undefined,
      () => output.slice(-2000),
    );
    expect(output).toMatch(middle);
    const tree = processTree(child.pid ?? 0);
    const addresses = listenersOf(tree.map(({ pid }) => pid));
    const page = /local GitHub: http:\/\/(\S+)\//.exec(output)?.[1];
    expect(addresses).toContain(page);
    expect(tree.some(({ command }) => command.includes('etcd'))).toBe(true);

    child.kill('SIGINT');
    await until(
      'the program to end',
      30,
      () => child.exitCode ?? child.signalCode ?? undefined,
      () => output.slice(-2000),
    );

    expect(await ended).toBe(130);
    expect(await leftovers(tree, addresses)).toEqual({ processes: [], naming: [], addresses: [] });
  } finally {
    child.kill('SIGKILL');
  }
});

describe('a world started anew after that', () => {
  let scene: Scene | undefined;
  let story: StoryResult | undefined;
  let failing: Promise<FailingRuns> = Promise.reject(new Error('the story did not come as far'));
  let own: Promise<Pull> = Promise.reject(new Error('the story did not come as far'));
  const listenersBefore = listenersOf([process.pid]);
  for (const promise of [failing, own]) promise.catch(() => undefined);

  beforeAll(async () => {
    scene = await startScene();
    const { world, terminal, signal } = scene;
    const settings = await world.raiseFleet();
    const context = { world, terminal, signal };
    const fleetReady = waitForCheck(context, createOperator(world), settings, 'sluice / rollout').then(() => undefined);
    // The e2e account is free while the story is in alpha and beta; they take it one after another.
    failing = inDev(scene).then((there) => openFailingRuns(there));
    own = failing.then(() => openOwnChange(theScene()));
    for (const promise of [failing, own]) promise.catch(() => undefined);
    story = await playStory(context, fleetReady);
  }, STORY_MINUTES * 60_000);

  afterAll(() => scene?.close(), 60_000);

  const theScene = (): Scene => {
    if (scene === undefined) throw new Error('the world is not there');
    return scene;
  };
  const theStory = (): StoryResult => {
    if (story === undefined) throw new Error('the story was not played to its end');
    return story;
  };

  storySuite(theScene, theStory);
  webhookSuite(theScene);
  refusalsSuite(theScene);
  failingRunsSuite(theScene, () => failing);
  ownChangeSuite(theScene, () => own);
  restoreSuite(theScene);

  test('nothing holds a lock when everything has ended', async () => {
    await expectNoLockHeld(theScene());
  });

  test('GitHub has refused no request about a check, of all that were made until here', () => {
    const { made, refused } = theScene().world.github.checkRequests();

    expect(made).toBeGreaterThan(20);
    expect(refused).toEqual([]);
  });

  test('closing it leaves no process and no address', async () => {
    const trees = theScene()
      .world.room.processes()
      .flatMap(({ pid }) => processTree(pid));
    const own = listenersOf([process.pid]).filter((address) => !listenersBefore.includes(address));
    const addresses = [...own, ...listenersOf(trees.map(({ pid }) => pid))];
    expect(trees.length).toBeGreaterThan(10);
    expect(addresses).toContain(new URL(theScene().world.github.pageUrl).host);

    await theScene().close();

    expect(await leftovers(trees, addresses)).toEqual({ processes: [], naming: [], addresses: [] });
  });
});

/** Resolves when the story's first pull request is merged to dev and rolled out there. */
async function inDev(scene: Scene): Promise<Scene> {
  await until('the promotion to alpha', STORY_MINUTES * 60, async () => {
    scene.signal.throwIfAborted();
    const promotions = await scene.operator.listPullRequests('alpha');
    return promotions.length > 0 ? true : undefined;
  });
  return scene;
}

/** What is still there of what was, and what else names the world's folder. The kernel takes a moment to reap. */
async function leftovers(tree: readonly Seen[], addresses: readonly string[]) {
  const look = () => ({
    processes: stillRunning(tree),
    naming: stillRunning(processesNaming(DIRECTORY)),
    addresses: allListeners().filter((address) => addresses.includes(address)),
  });
  await until('everything to be gone', 5, () => (Object.values(look()).every((list) => list.length === 0) ? true : undefined)).catch(
    () => undefined,
  );
  return look();
}
