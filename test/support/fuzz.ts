import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { BOMBS, TARGETS, type Target } from './hostile.ts';

/** A text to validate in the place of a file: a bomb by its name, or nonsense by its seed. */
export const FuzzCase = z.object({
  target: z.custom<Target>((value) => typeof value === 'string' && Object.hasOwn(TARGETS, value)),
  bomb: z.string().optional(),
  seed: z.int().optional(),
});
export type FuzzCase = z.infer<typeof FuzzCase>;

const Told = z.object({
  /** The case's own line, to run it again. */
  case: z.string(),
  findings: z.int(),
  /** Of the longest message. */
  longest: z.int(),
  /** Seconds of processor time, so that a busy machine does not count. */
  cpuSeconds: z.number(),
  polluted: z.boolean(),
});
export type FuzzTold = z.infer<typeof Told>;

export interface FuzzRun {
  readonly told: readonly FuzzTold[];
  /** Largest resident set of the processes that ran the cases, what Node takes by itself included. */
  readonly maxRssMegabytes: number;
}

/** What any text may cost: design's numbers. */
export const MOST_CPU_SECONDS = 2;
export const MOST_RSS_MEGABYTES = 300;
/** Longer messages would not fit beside fifty others. */
const LONGEST_MESSAGE = 1001;

export const ALL_TARGETS = Object.keys(TARGETS).filter((name): name is Target => Object.hasOwn(TARGETS, name));

/** Each bomb for as many targets, beginning at another one for each bomb. */
export function bombCases(targetsEach: number): FuzzCase[] {
  return Object.keys(BOMBS).flatMap((bomb, index) =>
    Array.from({ length: targetsEach }, (_, turn) => ({ bomb, target: ALL_TARGETS[(index + turn) % ALL_TARGETS.length] ?? 'manifest' })),
  );
}

/** Nonsense by seeds from `first` on, over all targets. */
export function nonsenseCases(first: number, count: number): FuzzCase[] {
  return Array.from({ length: count }, (_, index) => ({
    seed: first + index,
    target: ALL_TARGETS[(first + index) % ALL_TARGETS.length] ?? 'manifest',
  }));
}

/** Cases of one process: memory is measured by process. */
const BATCH = 20;

/** Runs cases, some to a process. @throws Error when a process ends before it told of all, with the case that ended it */
export async function runFuzz(cases: readonly FuzzCase[], batchSeconds: number): Promise<FuzzRun> {
  const told: FuzzTold[] = [];
  let maxRssMegabytes = 0;
  for (let start = 0; start < cases.length; start += BATCH) {
    const run = await runBatch(cases.slice(start, start + BATCH), batchSeconds);
    told.push(...run.told);
    maxRssMegabytes = Math.max(maxRssMegabytes, run.maxRssMegabytes);
  }
  return { told, maxRssMegabytes };
}

async function runBatch(cases: readonly FuzzCase[], timeoutSeconds: number): Promise<FuzzRun> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-fuzz-'));
  try {
    const file = join(directory, 'cases');
    writeFileSync(file, cases.map((one) => JSON.stringify(one)).join('\n'));
    const { output, error, ended } = await outputOf(join(import.meta.dirname, 'fuzz-child.ts'), file, timeoutSeconds);
    const lines = output.split('\n').filter((line) => line !== '');
    if (ended !== 0) throw new Error(`${JSON.stringify(cases[lines.length])} ended the process (${ended}): ${error.slice(-2000)}`);
    const { maxRssMegabytes } = z.object({ maxRssMegabytes: z.number() }).parse(JSON.parse(lines.at(-1) ?? ''));
    return { told: lines.slice(0, -1).map((line) => Told.parse(JSON.parse(line))), maxRssMegabytes };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What is wrong with a run, in words; nothing when all is well. */
export function wrongOf({ told, maxRssMegabytes }: FuzzRun): string[] {
  return [
    ...told.filter(({ cpuSeconds }) => cpuSeconds > MOST_CPU_SECONDS).map((one) => `${one.case} took ${one.cpuSeconds.toFixed(2)} s`),
    ...told.filter(({ polluted }) => polluted).map((one) => `${one.case} changed a prototype`),
    ...told.filter(({ longest }) => longest > LONGEST_MESSAGE).map((one) => `${one.case} has a message of ${one.longest}`),
    ...(maxRssMegabytes > MOST_RSS_MEGABYTES ? [`a process had ${maxRssMegabytes.toFixed(0)} MB`] : []),
  ];
}

function outputOf(
  script: string,
  file: string,
  timeoutSeconds: number,
): Promise<{ output: string; error: string; ended: number | string }> {
  return new Promise((resolve, reject) => {
    // V8 keeps what it has as long as it may; told to collect earlier it needs no more than this.
    const child = spawn(process.execPath, ['--max-old-space-size=140', '--max-semi-space-size=8', script, file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutSeconds * 1000,
      killSignal: 'SIGKILL',
    });
    let [output, error] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      error += chunk;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ output, error, ended: code ?? signal ?? 'unknown' }));
  });
}
