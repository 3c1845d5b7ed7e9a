import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { focusOf } from '#domain/junit.ts';
import { kubeconfigOf } from '#domain/kubeconfig.ts';
import { API_PORT, clusterAddresses } from '#domain/network.ts';
import type { ClientIdentity } from '#model/identity.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { Conformance, ConformanceRequest } from '#ports/conformance.ts';
import { startGuarded, tailOf } from '../process/guarded.ts';

/** After its time limit Ginkgo lets a spec clean up for 30 s, then writes its report. */
const REPORT_SECONDS = 45;
/**
 * Each process of Ginkgo loads all 7,579 specs first, which costs more than a few quick specs do: 12 specs took 47 s in
 * one process and 58 s in two, on a busy machine.
 */
const PARALLEL_FROM = 24;
const PROCESSES = 2;
const TAIL_BYTES = 4_000;

export interface ConformanceOptions {
  readonly mint: (cluster: ClusterRef) => Promise<ClientIdentity>;
  /** Where the API is; by default at the cluster's address. */
  readonly serverOf?: (cluster: ClusterRef) => string;
}

/** Runs upstream's e2e.test. */
export function createConformance({ mint, serverOf = defaultServer }: ConformanceOptions): Conformance {
  return {
    async run(request) {
      const { directory, timeLimitSeconds } = request;
      const kubeconfig = join(directory, 'kubeconfig');
      const text = kubeconfigOf(serverOf(request.cluster), 'kubernetes', await mint(request.cluster));
      await writeFile(kubeconfig, text, { mode: 0o600 });
      const log = join(directory, 'runner.log');
      const started = Date.now();
      const limit = new AbortController();
      const runner = startGuarded({ ...commandOf(request, kubeconfig), directory, log });
      try {
        const late = delay((timeLimitSeconds + REPORT_SECONDS) * 1000, 'late' as const, { signal: limit.signal });
        const code = await Promise.race([runner.exited, late]);
        const durationSeconds = (Date.now() - started) / 1000;
        return {
          junit: await readReport(join(directory, 'report', 'junit_01.xml')),
          exitCode: code === 'late' ? undefined : code,
          timedOut: durationSeconds >= timeLimitSeconds,
          tail: await tailOf(log, TAIL_BYTES),
          durationSeconds,
        };
      } finally {
        limit.abort();
        await runner.end();
      }
    },
  };
}

/** A few specs run in one process of e2e.test itself, many in processes that Ginkgo starts. */
function commandOf(request: ConformanceRequest, kubeconfig: string): { command: string; args: string[] } {
  const { e2eTest, ginkgo, kubectl, specs, timeLimitSeconds, directory } = request;
  const parallel = specs.length >= PARALLEL_FROM;
  const flag = parallel ? '--' : '--ginkgo.';
  const limits = [`timeout=${timeLimitSeconds}s`, `focus=${focusOf(specs)}`, 'no-color', 'succinct', 'silence-skips'];
  const selection = limits.map((name) => `${flag}${name}`);
  const report = `--report-dir=${join(directory, 'report')}`;
  const rest = [`--kubeconfig=${kubeconfig}`, '--provider=skeleton', `--kubectl-path=${kubectl}`, report];
  if (!parallel) return { command: e2eTest, args: [...selection, ...rest] };
  return { command: ginkgo, args: [`--procs=${PROCESSES}`, ...selection, e2eTest, '--', ...rest] };
}

async function readReport(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
}

function defaultServer(cluster: ClusterRef): string {
  return `https://${clusterAddresses(cluster.network).api}:${API_PORT}`;
}
