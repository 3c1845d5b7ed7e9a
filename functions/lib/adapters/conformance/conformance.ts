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

/** How long Ginkgo may take to write its report after its own time limit. */
const REPORT_SECONDS = 15;
/** A Lambda of 1.8 GB has one CPU; the specs mostly wait. */
const PROCESSES = 2;
const TAIL_BYTES = 4_000;

export interface ConformanceOptions {
  readonly mint: (cluster: ClusterRef) => Promise<ClientIdentity>;
  /** Where the API is; by default at the cluster's address. */
  readonly serverOf?: (cluster: ClusterRef) => string;
}

/** Runs upstream's e2e.test by Ginkgo. */
export function createConformance({ mint, serverOf = defaultServer }: ConformanceOptions): Conformance {
  return {
    async run(request) {
      const { directory, timeLimitSeconds } = request;
      const kubeconfig = join(directory, 'kubeconfig');
      const text = kubeconfigOf(serverOf(request.cluster), 'kubernetes', await mint(request.cluster));
      await writeFile(kubeconfig, text, { mode: 0o600 });
      const log = join(directory, 'ginkgo.log');
      const started = Date.now();
      const limit = new AbortController();
      const ginkgo = startGuarded({ command: request.ginkgo, args: argumentsOf(request, kubeconfig), directory, log });
      try {
        const late = delay((timeLimitSeconds + REPORT_SECONDS) * 1000, 'late' as const, { signal: limit.signal });
        const code = await Promise.race([ginkgo.exited, late]);
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
        await ginkgo.end();
      }
    },
  };
}

function argumentsOf({ e2eTest, kubectl, specs, timeLimitSeconds, directory }: ConformanceRequest, kubeconfig: string): string[] {
  return [
    ...[
      `--procs=${PROCESSES}`,
      '--no-color',
      '--succinct',
      '--silence-skips',
      `--timeout=${timeLimitSeconds}s`,
      `--focus=${focusOf(specs)}`,
      e2eTest,
      '--',
    ],
    ...[`--kubeconfig=${kubeconfig}`, '--provider=skeleton', `--kubectl-path=${kubectl}`, `--report-dir=${join(directory, 'report')}`],
  ];
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
