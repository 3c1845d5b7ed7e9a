import { type ChildProcess, spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { until } from '../support/e2e/condition.ts';
import { allListeners, listenersOf, processesNaming, processTree, type Seen, stillRunning } from '../support/e2e/processes.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const DIRECTORY = join(ROOT, '.world', 'two-stories');
const STORY_MINUTES = 20;
const END_SECONDS = 30;

/**
 * The story, then a start that is ended by Ctrl-C in its middle, then the story again, all in one folder: each story ends
 * with exit code 0, and after each of the three no process and no address is left.
 */
export async function twoStories(tell: (line: string) => void): Promise<void> {
  await rm(DIRECTORY, { recursive: true, force: true });
  tell(`first story: ${await story()} s`);
  tell(`Ctrl-C: everything had ended after ${await interrupted()} s`);
  tell(`second story: ${await story()} s`);
}

interface Run {
  readonly child: ChildProcess;
  output(): string;
  /** What the world had while it was at work. */
  readonly seen: { processes: Seen[]; addresses: string[] };
}

/** Starts the program and waits until clusters are being made: then there is the most to end. */
async function begin(args: readonly string[]): Promise<Run> {
  const child = spawn(process.execPath, [join(ROOT, 'local', 'main.ts'), 'start', ...args], {
    cwd: ROOT,
    env: { ...process.env, SLUICE_WORLD: DIRECTORY, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const tail = (): string => output.slice(-2000);
  const middle = /update-cluster \S+ +roll-etcd-members/;
  await until('the first clusters of the fleet', 300, () => middle.test(output) || ended(child) || undefined, tail);
  if (!middle.test(output)) throw new Error(`the program ended before its fleet began:\n${tail()}`);
  const processes = processTree(child.pid ?? 0);
  const addresses = listenersOf(processes.map(({ pid }) => pid));
  if (processes.length < 10 || addresses.length < 5)
    throw new Error(`only ${processes.length} processes and ${addresses.length} addresses`);
  return { child, output: tail, seen: { processes, addresses } };
}

async function story(): Promise<number> {
  const from = Date.now();
  const run = await begin(['--exit']);
  try {
    await until('the story to end', STORY_MINUTES * 60, () => ended(run.child) || undefined, run.output);
    if (run.child.exitCode !== 0) throw new Error(`the story ended with ${run.child.exitCode ?? run.child.signalCode}:\n${run.output()}`);
    await nothingLeft(run);
  } finally {
    run.child.kill('SIGKILL');
  }
  return Math.round((Date.now() - from) / 1000);
}

async function interrupted(): Promise<number> {
  const run = await begin(['--no-story']);
  const from = Date.now();
  try {
    run.child.kill('SIGINT');
    await until('the program to end', END_SECONDS, () => ended(run.child) || undefined, run.output);
    if (run.child.exitCode !== 130) throw new Error(`Ctrl-C ended it with ${run.child.exitCode ?? run.child.signalCode}:\n${run.output()}`);
    await nothingLeft(run);
  } finally {
    run.child.kill('SIGKILL');
  }
  return Math.round((Date.now() - from) / 1000);
}

/** The kernel takes a moment to reap. @throws Error naming what is left */
async function nothingLeft({ seen }: Run): Promise<void> {
  const left = (): string[] => [
    ...[...stillRunning(seen.processes), ...stillRunning(processesNaming(DIRECTORY))].map(
      ({ pid, command }) => `process ${pid} ${command}`,
    ),
    ...allListeners()
      .filter((address) => seen.addresses.includes(address))
      .map((address) => `address ${address}`),
  ];
  await until(
    'everything to be gone',
    5,
    () => left().length === 0 || undefined,
    () => left().join('\n'),
  );
}

function ended(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
