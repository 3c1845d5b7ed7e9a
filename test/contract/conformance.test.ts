import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createConformance } from '#adapters/conformance/conformance.ts';
import { createScratch } from '#adapters/files/scratch.ts';
import { TestsFailedError } from '#model/errors.ts';
import { runTests } from '../../functions/drill/run-tests.ts';
import { binary } from '../support/binaries.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { createFakeBlobs } from '../support/fakes/blobs.ts';
import { createFakeObjects } from '../support/fakes/objects.ts';
import { startWholeControlPlane } from '../support/whole-control-plane.ts';

const VERSION = '1.36.3';
const RENDER = 'a'.repeat(64);
/** Each takes less than three seconds, and together they need every part of a control plane. */
const SPECS = [
  '[sig-apps] ReplicaSet should adopt matching pods on creation and release no longer matching pods [Conformance]',
  '[sig-auth] ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview [Conformance]',
  '[sig-network] EndpointSlice should create and delete EndpointSlices for a Service with a selector that matches no pods [Conformance]',
  '[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition creating/deleting custom resource definition objects works [Conformance]',
  '[sig-node] Node Lifecycle should run through the lifecycle of a node [Conformance]',
  '[sig-architecture] Conformance Tests should have at least two untainted nodes [Conformance]',
];
/** kwok runs no containers: nothing ever writes what this spec reads. */
const FAILING = "[sig-node] Variable Expansion should allow substituting values in a container's command [NodeConformance] [Conformance]";

describe('upstream conformance specs on a real control plane', () => {
  let plane: ControlPlane;
  const root = mkdtempSync(join(tmpdir(), 'sluice-conformance-'));
  beforeAll(async () => {
    plane = await startWholeControlPlane(VERSION);
  }, 120_000);
  afterAll(async () => {
    await plane.stop();
    rmSync(root, { recursive: true });
  });

  it('pass, all that were asked for', async () => {
    const output = await run(SPECS);

    expect(output).toMatchObject({ passed: SPECS.length, failed: 0, failures: [] });
    expect(output.durationSeconds).toBeGreaterThan(1);
    expect(readdirSync(root)).toEqual([]);
  });

  it('do not pass for a name that no spec has', async () => {
    await expect(run([...SPECS.slice(0, 1), '[sig-x] no such spec [Conformance]'])).rejects.toThrow(
      /1 of 2 specs did not run.*no such spec/s,
    );
  });

  it('end at the time limit, with no process left', async () => {
    // The spec is reported as interrupted, or, on a busy machine, did not start at all.
    const passed = await run([FAILING], 5).then(
      (output) => output.passed,
      (error: unknown) => error,
    );

    expect([0, expect.any(TestsFailedError)]).toContainEqual(passed);
    expect(processesWith(root)).toEqual([]);
    expect(readdirSync(root)).toEqual([]);
  });

  async function run(specs: readonly string[], timeLimitSeconds?: number) {
    const objects = createFakeObjects();
    await objects.put(`manifests/${RENDER}.json`, JSON.stringify(render(plane.cluster.name, specs)));
    const files = ['e2e.test', 'ginkgo', 'kubectl'].map((file) => ({ file, sha256: RENDER, bytes: 1 }));
    await objects.put(`artifacts/e2e/${VERSION}.json`, JSON.stringify({ name: 'e2e', version: VERSION, state: 'ready', files }));
    const real = createConformance({ mint: () => plane.client('kubernetes') });
    const conformance =
      timeLimitSeconds === undefined
        ? real
        : { run: (request: Parameters<typeof real.run>[0]) => real.run({ ...request, timeLimitSeconds }) };
    const ports = {
      objects,
      blobs: createFakeBlobs(),
      scratch: createScratch(root),
      binaries: { provide: async (file: string) => binary(file, VERSION) },
      conformance,
    };
    return runTests.run({ cluster: plane.cluster, head: { render: { hash: RENDER } } }, ports, { execution: 'e2e-1' });
  }
});

function render(cluster: string, conformance: readonly string[]) {
  const stack = { role: 'network', stackName: `sluice-${cluster}-network`, template: '', parameters: {} };
  const versions = { kubernetes: VERSION, etcd: '3.6.16', osImage: 'image' };
  const rest = { pools: [], stacks: [stack], components: [], deletions: { before: [], after: [] }, tests: { conformance } };
  return { cluster, revision: 'b'.repeat(40), versions, ...rest };
}

/** Ids of processes that have this text in their command line. */
function processesWith(text: string): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && existsSync(`/proc/${pid}/cmdline`) && commandOf(pid).includes(text));
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It has ended since.
    return '';
  }
}
