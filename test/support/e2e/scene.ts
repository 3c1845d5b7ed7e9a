import { createWriteStream, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { type AuditedExecution, readAudit } from '../../../local/audit.ts';
import { accountClients } from '../../../local/aws/clients.ts';
import { DEFAULT_CLUSTERS } from '../../../local/fleet.ts';
import { type CheckRun, createOperator, type Operator, type Pull } from '../../../local/operator.ts';
import { createTerminal, type Terminal } from '../../../local/terminal.ts';
import { createTimeline } from '../../../local/timeline.ts';
import { openToolchain } from '../../../local/toolchain/open.ts';
import { REPOSITORY, startWorld, type World } from '../../../local/world.ts';
import { type Clone, cloneOf } from '../local-github.ts';
import { until } from './condition.ts';

export const ROOT = resolve(import.meta.dirname, '../../..');
/** Where the worlds of these tests keep their files; they stay for a look after a failure. */
export const DIRECTORY = join(ROOT, '.world', 'e2e');

/** What the tests need of a world. */
export interface Scene {
  readonly world: World;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly startedAt: Date;
  readonly operator: Operator;
  readonly clone: Clone;
  close(): Promise<void>;
}

/** Brings up a world of the default shape; its timeline goes to `terminal.log` in its folder. */
export async function startScene(): Promise<Scene> {
  const startedAt = new Date();
  mkdirSync(DIRECTORY, { recursive: true });
  const abort = new AbortController();
  const log = createWriteStream(join(DIRECTORY, 'terminal.log'));
  const terminal = createTerminal(log as unknown as NodeJS.WriteStream, startedAt);
  const toolchain = openToolchain({
    log: (line) => terminal.line(line),
    signal: abort.signal,
  });
  const shape = { clusters: { ...DEFAULT_CLUSTERS }, e2eSlots: 1, region: 'eu-central-1' };
  const world = await startWorld({ root: ROOT, directory: DIRECTORY, shape, toolchain, terminal });
  const following = follow(world, terminal, abort.signal);
  const close = async (): Promise<void> => {
    abort.abort();
    await world.close();
    await following;
    await new Promise<void>((done) => log.end(done));
  };
  try {
    const directory = join(DIRECTORY, 'own-clone');
    await rm(directory, { recursive: true, force: true });
    const clone = await cloneOf(world.github.gitUrl, directory, world.operator.token);
    return { world, terminal, signal: abort.signal, startedAt, operator: createOperator(world), clone, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function follow(world: World, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const timeline = createTimeline(world.hub.stepFunctions, (line) => terminal.timeline(line));
  while (!signal.aborted) {
    // The emulator may be busy or just ended: the next look tells, and tests look by themselves.
    await timeline.look().catch(() => undefined);
    await delay(1500, undefined, { signal }).catch(() => undefined);
  }
}

/** Commits files (null deletes) on a branch of their own and opens a pull request, as a person would. */
export async function propose(
  scene: Pick<Scene, 'clone' | 'operator'>,
  branch: string,
  base: string,
  files: Readonly<Record<string, string | null>>,
): Promise<Pull> {
  await scene.clone.push(branch, files, base);
  return scene.operator.openPullRequest({ title: branch, body: '', head: branch, base });
}

/** A file of a branch as it is on GitHub now. */
export async function fileOf({ clone }: Pick<Scene, 'clone'>, branch: string, path: string): Promise<string> {
  await clone.git('fetch', '--quiet', 'origin');
  return `${await clone.git('show', `origin/${branch}:${path}`)}\n`;
}

/** The newest run of a check of a commit once it is completed, whatever its conclusion. */
export async function completedCheck(
  scene: Pick<Scene, 'operator'>,
  sha: string,
  name: string,
  seconds: number,
): Promise<CheckRun & { said: string }> {
  let state = 'no such check';
  return until(
    `the check "${name}" of ${sha.slice(0, 12)} to end`,
    seconds,
    async () => {
      const runs = (await scene.operator.checks(sha)).filter((run) => run.name === name);
      const run = runs.sort((left, right) => right.id - left.id)[0];
      state = run === undefined ? state : `${run.status}: ${run.output.title ?? ''}`;
      return run?.status === 'completed' ? { ...run, said: `${run.output.title ?? ''}\n${run.output.summary ?? ''}` } : undefined;
    },
    () => state,
  );
}

const Annotation = z.object({ path: z.string(), start_line: z.int(), annotation_level: z.string(), message: z.string() });

export async function annotationsOf({ world }: Pick<Scene, 'world'>, run: CheckRun): Promise<z.infer<typeof Annotation>[]> {
  const url = `${world.github.apiUrl}/repos/${REPOSITORY.owner}/${REPOSITORY.name}/check-runs/${run.id}/annotations`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${world.operator.token}` } });
  return z.array(Annotation).parse(await answer.json());
}

/** Executions about a subject: a cluster's name, `#7`, or a branch. */
export async function executionsAbout({ world, startedAt }: Scene, subject: string): Promise<AuditedExecution[]> {
  const all = await readAudit(world.hub.stepFunctions, startedAt);
  if (all.length === 0) throw new Error('there is no execution at all: nothing can be told from the absence of one');
  return all.filter((execution) => execution.subject === subject);
}

/** An object of a bucket, parsed; undefined when it is not there. */
export async function stored<S extends z.ZodType>(
  { world }: Pick<Scene, 'world'>,
  account: string,
  key: string,
  schema: S,
): Promise<z.infer<S> | undefined> {
  const found = await accountClients(world.site, account).objects.get(key);
  return found === undefined ? undefined : schema.parse(JSON.parse(found.body));
}
