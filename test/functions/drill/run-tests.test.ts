import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScratch } from '#adapters/files/scratch.ts';
import { sha256 } from '#domain/hash.ts';
import { NotFoundError, TestsFailedError } from '#model/errors.ts';
import type { ConformanceRequest, ConformanceRun } from '#ports/conformance.ts';
import { runTests } from '../../../functions/drill/run-tests.ts';
import { CLUSTER } from '../../support/cluster-ref.ts';
import { createFakeBlobs } from '../../support/fakes/blobs.ts';
import { createFakeObjects, type FakeObjects } from '../../support/fakes/objects.ts';

const RENDER = 'a'.repeat(64);
const SPECS = ['[sig-a] one [Conformance]', '[sig-b] two [Conformance]'];

let root: string;
let objects: FakeObjects;
let outcome: Partial<ConformanceRun>;
let asked: ConformanceRequest | undefined;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'sluice-tests-'));
  objects = createFakeObjects();
  outcome = { junit: report([]), exitCode: 0 };
  asked = undefined;
  await deliver(SPECS);
  const files = ['e2e.test', 'ginkgo', 'kubectl'].map((file) => ({ file, sha256: sha256(file), bytes: 1 }));
  await objects.put('artifacts/e2e/1.36.3.json', JSON.stringify({ name: 'e2e', version: '1.36.3', state: 'ready', files }));
});
afterEach(() => rmSync(root, { recursive: true }));

describe('run-tests', () => {
  it('runs the listed specs with the tools of the cluster version and keeps the report', async () => {
    const output = await run();

    expect(output).toEqual({ passed: 2, failed: 0, failures: [], durationSeconds: 9, reportKey: 'e2e/e2e-1/junit.xml' });
    expect(asked).toMatchObject({ specs: SPECS, e2eTest: '/e2e.test', ginkgo: '/ginkgo', kubectl: '/kubectl' });
    expect((await objects.get('e2e/e2e-1/junit.xml'))?.body).toBe(report([]));
  });

  it('tells which failed, and why', async () => {
    outcome = { junit: report([SPECS[1] ?? '']), exitCode: 1 };

    const output = await run();

    expect(output).toMatchObject({ passed: 1, failed: 1, failures: [{ name: SPECS[1], message: 'no' }] });
  });

  it.each([
    ['no report came', { junit: undefined, exitCode: undefined }, '2 of 2 specs did not run (the runner ended with a signal)'],
    ['no spec ran', { junit: '<testsuites></testsuites>', exitCode: 0 }, '2 of 2 specs did not run'],
    ['the report is cut off', { junit: report([]).slice(0, -60), exitCode: 0 }, '1 of 2 specs did not run'],
    [
      'the time was over',
      { junit: report([]).replace(/two/, 'other'), exitCode: 1, timedOut: true },
      'the time limit of 780 s was reached',
    ],
    ['the runner failed although no spec did', { junit: report([]), exitCode: 197 }, 'ended with 197'],
  ])('never passes when %s', async (_, run_, text) => {
    outcome = run_;

    const result = run();

    await expect(result).rejects.toBeInstanceOf(TestsFailedError);
    await expect(result).rejects.toThrow(text);
  });

  it('refuses a configuration that lists nothing to test', async () => {
    await deliver([]);

    await expect(run()).rejects.toBeInstanceOf(TestsFailedError);
    expect(asked).toBeUndefined();
  });

  it('refuses without render or tools', async () => {
    objects.remove('artifacts/e2e/1.36.3.json');
    await expect(run()).rejects.toBeInstanceOf(NotFoundError);

    objects.remove(`manifests/${RENDER}.json`);

    await expect(run()).rejects.toBeInstanceOf(NotFoundError);
  });
});

function run() {
  const ports = {
    objects,
    blobs: createFakeBlobs(),
    scratch: createScratch(root),
    binaries: { provide: async (file: string) => `/${file}` },
    conformance: {
      run: async (request: ConformanceRequest): Promise<ConformanceRun> => {
        asked = request;
        return { junit: undefined, exitCode: 0, timedOut: false, tail: 'the end of the log', durationSeconds: 9, ...outcome };
      },
    },
  };
  const input = runTests.input.parse({ cluster: CLUSTER, head: { render: { hash: RENDER } } });
  return runTests.run(input, ports, { execution: 'e2e-1' });
}

async function deliver(conformance: readonly string[]): Promise<void> {
  const stack = { role: 'network', stackName: 'sluice-alpha-1-network', template: '', parameters: {} };
  const render = {
    cluster: 'alpha-1',
    revision: 'b'.repeat(40),
    versions: { kubernetes: '1.36.3', etcd: '3.6.16', osImage: 'image' },
    pools: [],
    stacks: [stack],
    components: [],
    deletions: { before: [], after: [] },
    tests: { conformance },
  };
  await objects.put(`manifests/${RENDER}.json`, JSON.stringify(render));
}

function report(failing: readonly string[]): string {
  const cases = SPECS.map((name) => {
    const failure = failing.includes(name) ? '<failure message="no"></failure>' : '';
    return `<testcase name="[It] ${name}" time="1">${failure}</testcase>`;
  });
  return `<testsuites><testsuite>${cases.join('')}</testsuite></testsuites>`;
}
