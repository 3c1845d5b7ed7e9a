// `npm run bench -- NAME [--json]`: measures and tells each number with its goal, a line a measure; exit code 1 when one
// is short of its goal. NAME `all` runs every bench and writes docs/benchmarks.md.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { applyBench } from './apply.ts';
import { etcdBench } from './etcd.ts';
import { type Bench, isMet, lineOf, type Measure, valueText } from './measure.ts';
import { phasesBench } from './phases.ts';
import { planBench } from './plan.ts';
import { webhookBench } from './webhook.ts';

const BENCHES: readonly Bench[] = [webhookBench, planBench, applyBench, phasesBench, etcdBench];
const NAMES = ['all', ...BENCHES.map(({ name }) => name)].join(', ');
const ROOT = resolve(import.meta.dirname, '../..');

interface Result {
  readonly bench: Bench;
  readonly measures: readonly Measure[];
}

async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: { json: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [name] = positionals;
  const chosen = name === 'all' ? BENCHES : BENCHES.filter((bench) => bench.name === name);
  if (chosen.length === 0 || positionals.length !== 1) throw new Error(`usage: npm run bench -- NAME [--json]; NAME is one of ${NAMES}`);
  const results: Result[] = [];
  for (const bench of chosen) {
    const measures = await run(bench);
    results.push({ bench, measures });
    if (!values.json) for (const measure of measures) process.stdout.write(`${lineOf(measure)}\n`);
  }
  const measures = results.flatMap((result) => result.measures);
  if (values.json)
    process.stdout.write(
      `${JSON.stringify(
        measures.map((measure) => ({ ...measure, ok: isMet(measure) })),
        null,
        2,
      )}\n`,
    );
  if (name === 'all') await writeDocument(results);
  return measures.every(isMet) ? 0 : 1;
}

async function run(bench: Bench): Promise<Measure[]> {
  const directory = await mkdtemp(join(tmpdir(), `sluice-bench-${bench.name}-`));
  try {
    return await bench.run({ root: ROOT, directory, log: (line) => void process.stderr.write(`${bench.name}: ${line}\n`) });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function writeDocument(results: readonly Result[]): Promise<void> {
  const parts = results.flatMap(({ bench, measures }) => [
    `## ${bench.name}`,
    '',
    bench.what,
    '',
    '| measure | value | goal | |',
    '|---|---|---|---|',
    ...measures.map(
      (one) =>
        `| \`${one.name}\` | ${valueText(one.value)} ${one.unit} | ${one.goal.op} ${one.goal.number} ${one.unit} | ${isMet(one) ? 'ok' : 'short'} |`,
    ),
    '',
  ]);
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}, load ${loadavg()[0]?.toFixed(1)} at the end, Node ${process.versions.node}, ${process.platform}`;
  const head = ['# Benchmarks', '', 'Written by `npm run bench -- all`, which ends with exit code 1 when a goal is missed.', ''];
  const text = [...head, `Last run: ${new Date().toISOString().slice(0, 10)} on ${machine}.`, '', ...parts].join('\n');
  await mkdir(join(ROOT, 'docs'), { recursive: true });
  await writeFile(join(ROOT, 'docs/benchmarks.md'), text);
}

process.exitCode = await main(process.argv.slice(2));
