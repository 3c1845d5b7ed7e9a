import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import type { Snapshot } from '#model/configuration.ts';
import { type Bench, type BenchContext, type Measure, percentile } from './measure.ts';
import { peerKubectl } from './peer.ts';
import { benchSnapshots, CHANGED_OBJECTS, type Size } from './plan-configuration.ts';

const run = promisify(execFile);

const CLUSTERS = 94;
const MANY = 1000;
const RUNS = 3;
/** Clusters for which the peer is measured; each is a process of its own there, so that all take as many times as long. */
const PEER_CLUSTERS = 6;
const KUBECTL = '1.36.3';
/** Heap of a function with 1 GB of memory; the rest is for code, buffers and the runtime. */
const HEAP_MB = 700;
const BUFFER_BYTES = 16 * 1024 * 1024;

const Outcome = z.object({
  seconds: z.number(),
  cpuSeconds: z.number(),
  megabytes: z.number(),
  groups: z.int(),
  changes: z.array(z.int()),
  title: z.string(),
});
type Outcome = z.infer<typeof Outcome>;

/** The whole step in a process of its own, and what an operator has without it: kustomize and diff, cluster by cluster. */
export const planBench: Bench = {
  name: 'plan',
  what: [
    `Step \`plan\` (read, parse, render both sides, compare, fold, tell, write; objects in memory) for a change of ${CHANGED_OBJECTS} objects, in a process of its own with a heap of ${HEAP_MB} MB as in a function of 1 GB: \`reference\` is the reference configuration, \`large\` it with generated components up to the size of the original's (48 components, 221 files, 373 objects, 2.25 MB a cluster).`,
    `Times are the median and memory (the process's largest resident set) the most of ${RUNS} runs, for ${CLUSTERS} and ${MANY} clusters.`,
    `\`-cpu-ratio\`: CPU seconds against those of \`kubectl kustomize\` ${KUBECTL} of base and head and \`diff -u\` of both, for the same manifests in overlays, measured in the same run on ${PEER_CLUSTERS} clusters and taken ${CLUSTERS}/${PEER_CLUSTERS} times.`,
  ].join(' '),
  async run(context) {
    const measures: Measure[] = [];
    for (const size of ['reference', 'large'] as const) {
      const some = await runs(context, size, CLUSTERS);
      const many = await runs(context, size, MANY);
      const peer = (await peerCpuSeconds(context, size)) * (CLUSTERS / PEER_CLUSTERS);
      const cpu = median(some.map((one) => one.cpuSeconds));
      context.log(`${size}: ${cpu.toFixed(2)} CPU s, kustomize and diff ${peer.toFixed(2)} CPU s for ${CLUSTERS} clusters`);
      measures.push(
        { name: `plan.${size}-${CLUSTERS}`, value: median(some.map((one) => one.seconds)), unit: 's', goal: { op: '<=', number: 10 } },
        {
          name: `plan.${size}-${CLUSTERS}-memory`,
          value: Math.max(...some.map((one) => one.megabytes)),
          unit: 'MB',
          goal: { op: '<=', number: 500 },
        },
        { name: `plan.${size}-${MANY}`, value: median(many.map((one) => one.seconds)), unit: 's', goal: { op: '<=', number: 60 } },
        {
          name: `plan.${size}-${MANY}-memory`,
          value: Math.max(...many.map((one) => one.megabytes)),
          unit: 'MB',
          goal: { op: '<=', number: 500 },
        },
        { name: `plan.${size}-${CLUSTERS}-cpu-ratio`, value: cpu / peer, unit: 'x', goal: { op: '<=', number: 0.1 } },
      );
    }
    return measures;
  },
};

async function runs({ root, log }: BenchContext, size: Size, clusters: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let count = 1; count <= RUNS; count += 1) {
    const child = join(root, 'test/bench/plan-child.ts');
    const { stdout } = await run(process.execPath, [`--max-old-space-size=${HEAP_MB}`, child, size, String(clusters)], {
      cwd: root,
      maxBuffer: BUFFER_BYTES,
    });
    const outcome = Outcome.parse(JSON.parse(stdout));
    // A plan that leaves something out would be fast.
    const changes = outcome.changes.reduce((sum, one) => sum + one, 0);
    if (outcome.groups !== 1 || changes !== CHANGED_OBJECTS)
      throw new Error(`${outcome.groups} groups with ${changes} changes were planned: ${outcome.title}`);
    log(
      `${size}, ${clusters} clusters, ${count} of ${RUNS}: ${outcome.seconds.toFixed(2)} s, ${outcome.cpuSeconds.toFixed(2)} CPU s, ${outcome.megabytes.toFixed(0)} MB`,
    );
    outcomes.push(outcome);
  }
  return outcomes;
}

/** CPU seconds of kustomize and diff, children of one shell that tells what they used. */
async function peerCpuSeconds({ directory }: BenchContext, size: Size): Promise<number> {
  const folder = join(directory, size);
  const [base, head] = benchSnapshots(size, ['a'.repeat(40), 'b'.repeat(40)]);
  await writeOverlays(join(folder, 'base'), base);
  await writeOverlays(join(folder, 'head'), head);
  const each = Array.from({ length: PEER_CLUSTERS }, (_, index) => {
    const rendered = (side: string): string => `"$1" kustomize ${side}/overlays/cluster-${index} > ${side}-${index}.yaml`;
    // diff ends with 1 when it finds what it is to find.
    return `${rendered('base')} && ${rendered('head')} && { diff -u base-${index}.yaml head-${index}.yaml > ${index}.diff; test $? -eq 1; } || exit 1`;
  });
  const script = `set -e; cd ${JSON.stringify(folder)}; ${each.join('; ')}; times`;
  const { stdout } = await run('bash', ['-c', script, 'bash', await peerKubectl()], { maxBuffer: BUFFER_BYTES });
  const [user, system] = [...(stdout.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
  );
  if (user === undefined || system === undefined || user === 0) throw new Error(`the shell did not tell what kustomize used: ${stdout}`);
  return user + system;
}

/** One base of all manifests, and an overlay for each cluster that names it in every object. */
async function writeOverlays(folder: string, snapshot: Snapshot): Promise<void> {
  const manifests = snapshot.files.filter(({ path }) => /^components\/[^/]+\/(?!component\.yaml)/.test(path));
  const files = new Map(manifests.map(({ path, content }) => [`base/${path}`, content]));
  files.set('base/kustomization.yaml', `resources:\n${manifests.map(({ path }) => `- ${path}\n`).join('')}`);
  for (let index = 0; index < PEER_CLUSTERS; index += 1) {
    files.set(
      `overlays/cluster-${index}/kustomization.yaml`,
      `resources: [../../base]\ncommonAnnotations: { cluster: cluster-${index} }\n`,
    );
  }
  for (const [path, content] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

function median(values: readonly number[]): number {
  return percentile(values, 50);
}
