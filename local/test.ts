import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { join, resolve } from 'node:path';
import { createTerminal } from './terminal.ts';
import { linkBinaries } from './test-binaries.ts';
import { describeProduct } from './toolchain/describe.ts';
import { openToolchain } from './toolchain/open.ts';
import { BUILD_ORDER, TEST_PRODUCTS, trimGoCache } from './toolchain/recipes.ts';

/**
 * What runs. The unit tests are a matter of computing and run beside builds; the others one after another, once they have
 * ended: on two cores both would only be late, and what is late fails.
 */
const PROJECTS = ['unit', 'contract', 'e2e'] as const;

type Project = (typeof PROJECTS)[number];

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Where the tests run and what may end them. */
interface Run {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** How far the unit tests stand back behind what people see meanwhile (nice), as builds do. */
const UNIT_PRIORITY = 10;

/** How much of what a project says last is kept: its closing lines. */
const KEPT_CHARACTERS = 20_000;

/**
 * `npm test [-- unit contract e2e]`: gets what the tests run, then runs all of them, or the named parts; ends with the
 * plain line `N passed, N failed`.
 */
async function main(named: readonly string[]): Promise<number> {
  const unknown = named.find((name) => !PROJECTS.some((project) => project === name));
  if (unknown !== undefined) throw new Error(`there are no tests ${unknown}; there are ${PROJECTS.join(', ')}`);
  const projects = PROJECTS.filter((project) => named.length === 0 || named.includes(project));
  const root = resolve(import.meta.dirname, '..');
  const terminal = createTerminal(process.stdout, new Date(Number(process.env['SLUICE_STARTED_AT'] ?? Date.now())));
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => abort.abort(new Error(`ended by ${signal}`)));
  const toolchain = openToolchain({
    log: (line) => terminal.line(line),
    signal: abort.signal,
    afterBuilds: () => trimGoCache(process.env),
  });
  toolchain.subscribe((state) => terminal.status(state.state === 'ready' ? '' : describeProduct(state, new Date())));
  const unit = projects.includes('unit') ? runProject('unit', { root, env: process.env, signal: abort.signal }, 'when ended') : undefined;
  // Told where it is awaited.
  unit?.catch(() => undefined);
  terminal.headline(`Getting what the tests run${unit === undefined ? '' : '; the unit tests run beside it'}`);
  const ministack = await toolchain.ensure('ministack');
  await toolchain.ensureAll([...BUILD_ORDER, ...TEST_PRODUCTS]);
  const binaries = join(root, '.world', 'test-binaries');
  await linkBinaries(toolchain, binaries, { all: true, realNodes: false });
  terminal.status('');
  const env = { ...process.env, SLUICE_TEST_BINARIES: binaries, SLUICE_TEST_MINISTACK: join(ministack, 'bin', 'ministack') };
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  const times: string[] = [];
  const failures: string[] = [];
  const sum = (project: Project, { counts, failed, seconds }: Outcome): void => {
    failures.push(...failed.map((name) => `  ${project}  ${name}`));
    times.push(`  ${seconds.toFixed(0).padStart(5)} s  ${project}: ${counts.passed} passed, ${counts.failed} failed`);
    for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += counts[key];
  };
  if (unit !== undefined) sum('unit', await unit);
  for (const project of projects) {
    if (abort.signal.aborted) break;
    if (project === 'unit') continue;
    terminal.headline(`Tests: ${project}`);
    sum(project, await runProject(project, { root, env, signal: abort.signal }, 'at once'));
  }
  process.stdout.write(`\nTimes\n${times.join('\n')}\n  ${terminal.elapsedSeconds().toFixed(0).padStart(5)} s  in all\n\n`);
  if (failures.length > 0) process.stdout.write(`Failed\n${failures.join('\n')}\n\n`);
  process.stdout.write(`${total.passed} passed, ${total.failed} failed${total.skipped === 0 ? '' : `, ${total.skipped} skipped`}\n`);
  return total.failed === 0 && total.passed > 0 && !abort.signal.aborted ? 0 : 1;
}

interface Outcome {
  readonly counts: Counts;
  /** `<file> > <test>` of each that failed, as many as there is room for. */
  readonly failed: readonly string[];
  readonly seconds: number;
}

/** Runs one project of the tests, and shows what it says at once or as a whole; a run without a closing line counts as one failure. */
async function runProject(project: Project, { root, env, signal }: Run, show: 'at once' | 'when ended'): Promise<Outcome> {
  const from = Date.now();
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const child = spawn(process.execPath, [vitest, 'run', '--project', project], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  if (project === 'unit' && child.pid !== undefined) setPriority(child.pid, UNIT_PRIORITY);
  const onAbort = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', onAbort, { once: true });
  // What fails beside it, such as a build, ends this process.
  process.once('exit', onAbort);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      if (show === 'at once') process.stdout.write(chunk);
      text = show === 'at once' ? (text + chunk).slice(-KEPT_CHARACTERS) : text + chunk;
    });
  }
  const code = await new Promise<number | null>((done, reject) => {
    child.once('error', reject);
    child.once('close', done);
  });
  signal.removeEventListener('abort', onAbort);
  process.off('exit', onAbort);
  if (show === 'when ended') process.stdout.write(`\nTests: ${project}\n${text}`);
  const failed = [...text.matchAll(/^failed: (?<name>.*)$/gm)].map((match) => match.groups?.['name'] ?? '');
  return { counts: countsOf(text, code), failed, seconds: (Date.now() - from) / 1000 };
}

function countsOf(text: string, code: number | null): Counts {
  const found = [...text.matchAll(/^(?<passed>\d+) passed, (?<failed>\d+) failed, (?<skipped>\d+) skipped$/gm)].at(-1)?.groups;
  if (found === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const failed = Number(found['failed']);
  return { passed: Number(found['passed']), failed: code === 0 || failed > 0 ? failed : 1, skipped: Number(found['skipped']) };
}

process.exitCode = await main(process.argv.slice(2));
