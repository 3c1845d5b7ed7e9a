import { spawn } from 'node:child_process';

/** The parts of `npm run check`. The unit tests fill both cores when alone; the others run one after another beside them. */
const BESIDE = ['lint', 'dead', 'generated', 'build', 'types', 'templates'] as const;
const TESTS = 'test:unit';

interface Outcome {
  readonly part: string;
  readonly passed: boolean;
  readonly seconds: number;
  readonly output: string;
}

/** Runs one script of package.json; what it says is kept, and told when it failed. */
async function runPart(part: string): Promise<Outcome> {
  const from = Date.now();
  const child = spawn('npm', ['run', '-s', part], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise<number | null>((done, reject) => {
    child.once('error', reject);
    child.once('close', done);
  });
  const outcome = { part, passed: code === 0, seconds: (Date.now() - from) / 1000, output };
  process.stdout.write(`${outcome.passed ? 'ok    ' : 'FAILED'} ${outcome.seconds.toFixed(0).padStart(4)} s  ${part}\n`);
  return outcome;
}

/** One after another; all are run, whatever fails, so that one run tells everything. */
async function runInTurn(parts: readonly string[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const part of parts) outcomes.push(await runPart(part));
  return outcomes;
}

const from = Date.now();
const outcomes = (await Promise.all([runInTurn(BESIDE), runInTurn([TESTS])])).flat();
for (const { part, passed, output } of outcomes) if (!passed) process.stdout.write(`\n--- ${part}\n${output}`);
const tests = outcomes
  .find(({ part }) => part === TESTS)
  ?.output.trim()
  .split('\n')
  .at(-1);
process.stdout.write(`\n${tests ?? ''}\n${((Date.now() - from) / 1000).toFixed(0)} s in all\n`);
process.exitCode = outcomes.every(({ passed }) => passed) ? 0 : 1;
