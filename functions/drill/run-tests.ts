import * as z from 'zod';
import { judge, parseJunit } from '#domain/junit.ts';
import { accountKeys } from '#domain/names.ts';
import { type ArtifactPorts, openArtifact } from '#facts/artifacts.ts';
import { NotFoundError, TestsFailedError } from '#model/errors.ts';
import { Sha256 } from '#model/primitives.ts';
import { Render } from '#model/render.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Conformance, ConformanceRun } from '#ports/conformance.ts';
import type { Scratch } from '#ports/files.ts';
import { defineStep } from '#ports/step.ts';

export interface RunTestsPorts extends ArtifactPorts {
  readonly scratch: Scratch;
  readonly conformance: Conformance;
}

/** Two minutes before the Lambda's own end, for the report. */
const TIME_LIMIT_SECONDS = 13 * 60;
/** A state's data stays small; the whole report lies in S3. */
const SHOWN_FAILURES = 10;
const SHOWN_MESSAGE = 500;

const Input = z.object({
  cluster: ClusterRef,
  /** What `update-cluster` to the merge result came to. */
  head: z.object({ render: z.object({ hash: Sha256 }) }),
});

const Output = z.object({
  passed: z.int(),
  failed: z.int(),
  failures: z.array(z.object({ name: z.string(), message: z.string() })),
  durationSeconds: z.number(),
  reportKey: z.string(),
});

/**
 * Runs the upstream conformance specs that the configuration lists, with the e2e.test of the cluster's version. Failed
 * specs are a result; collect-results judges them.
 * @throws TestsFailedError when specs are missing from the report, none at all included; NotFoundError without e2e.test
 */
export const runTests = defineStep({
  name: 'run-tests',
  input: Input,
  output: Output,
  async run({ cluster, head }, ports: RunTestsPorts, { execution }) {
    const render = await readRender(head.render.hash, ports);
    const specs = render.tests?.conformance ?? [];
    if (specs.length === 0) throw new TestsFailedError('the configuration lists no conformance spec, so nothing would be tested: add some');
    const artifact = await openArtifact(ports, 'e2e', render.versions.e2eTests ?? render.versions.kubernetes);
    const tools = {
      e2eTest: await artifact.provide('e2e.test'),
      ginkgo: await artifact.provide('ginkgo'),
      kubectl: await artifact.provide('kubectl'),
    };
    const run = await ports.scratch.withDirectory((directory) =>
      ports.conformance.run({ cluster, ...tools, specs, timeLimitSeconds: TIME_LIMIT_SECONDS, directory }),
    );
    const reportKey = accountKeys.testReport(execution, 'junit.xml');
    if (run.junit !== undefined) await ports.objects.put(reportKey, run.junit);
    return { ...resultOf(specs, run), durationSeconds: run.durationSeconds, reportKey };
  },
});

async function readRender(hash: string, { objects }: RunTestsPorts): Promise<Render> {
  const key = accountKeys.manifests(hash);
  const stored = await objects.get(key);
  if (stored === undefined) throw new NotFoundError(`there is no render ${key} in the account's bucket: deliver-render must run first`);
  return Render.parse(JSON.parse(stored.body));
}

function resultOf(specs: readonly string[], run: ConformanceRun) {
  const { passed, failures, missing } = judge(specs, run.junit === undefined ? [] : parseJunit(run.junit));
  if (missing.length > 0) {
    const why = run.timedOut
      ? `the time limit of ${TIME_LIMIT_SECONDS} s was reached`
      : `the runner ended with ${run.exitCode ?? 'a signal'}`;
    const first = missing.slice(0, SHOWN_FAILURES).join('; ');
    throw new TestsFailedError(
      `${missing.length} of ${specs.length} specs did not run (${why}): ${first}. ${run.tail.slice(-SHOWN_MESSAGE)}`,
    );
  }
  if (failures.length === 0 && run.exitCode !== 0) {
    throw new TestsFailedError(`no spec failed but the runner ended with ${run.exitCode ?? 'a signal'}: ${run.tail.slice(-SHOWN_MESSAGE)}`);
  }
  const shown = failures.slice(0, SHOWN_FAILURES).map(({ name, message }) => ({ name, message: message.slice(0, SHOWN_MESSAGE) }));
  return { passed, failed: failures.length, failures: shown };
}
