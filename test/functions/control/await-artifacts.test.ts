import { beforeEach, expect, test } from 'vitest';
import { keys } from '#domain/names.ts';
import { awaitArtifacts } from '../../../functions/control/await-artifacts.ts';
import { type ControlWorld, createControlWorld, runStep } from '../../support/control-world.ts';

const versions = { kubernetes: '1.36.3', etcd: '3.6.5', osImage: 'ami-1' };
const input = { of: 'cluster', render: { versions }, startedAt: '2026-01-05T08:00:00.000Z' };
const ofTests = { of: 'tests', head: { render: { versions } }, startedAt: '2026-01-05T08:00:00.000Z' };
let world: ControlWorld;
beforeEach(async () => {
  world = createControlWorld();
  for (const [name, version] of [
    ['etcd', '3.6.5'],
    ['kubernetes', '1.36.3'],
    ['e2e', '1.36.3'],
  ] as const) {
    await publish(name, version, { state: 'ready' });
  }
});

function publish(name: string, version: string, change: object): Promise<void> {
  return world.put(keys.artifact(name, version), { name, version, files: [], ...change });
}

test('goes on when all binaries are there', async () => {
  expect(await runStep(awaitArtifacts, input, world)).toMatchObject({ done: true, waitSeconds: 0 });
});

test('says what is built and how long it should still take', async () => {
  await publish('kubernetes', '1.36.3', { state: 'building', readyAt: '2026-01-05T08:04:00Z' });

  expect(await runStep(awaitArtifacts, input, world)).toEqual({
    done: false,
    waitSeconds: 60,
    reason: 'building Kubernetes 1.36.3, 4 min left',
  });
});

test.each([
  ['etcd', '3.6.5', input],
  ['kubernetes', '1.36.3', input],
  ['e2e', '1.36.3', ofTests],
] as const)('says that %s is not published, and gives up an hour after the start', async (name, version, waits) => {
  world.objects.remove(keys.artifact(name, version));

  expect(await runStep(awaitArtifacts, waits, world)).toMatchObject({
    done: false,
    reason: `artifact ${name} ${version} is not published`,
  });
  world.clock.advance(3600);
  await expect(runStep(awaitArtifacts, waits, world)).rejects.toMatchObject({
    name: 'GateClosedError',
    message: expect.stringContaining(`artifact ${name} ${version} is not published; waited 1 h`),
  });
});

test('needs no tests for a cluster, and nothing else for the tests', async () => {
  world.objects.remove(keys.artifact('e2e', '1.36.3'));
  expect(await runStep(awaitArtifacts, input, world)).toMatchObject({ done: true });

  await publish('e2e', '1.36.3', { state: 'ready' });
  world.objects.remove(keys.artifact('kubernetes', '1.36.3'));
  expect(await runStep(awaitArtifacts, ofTests, world)).toMatchObject({ done: true });
});

test('takes the tests of the version that is wanted, when none is named', async () => {
  const named = { ...ofTests, head: { render: { versions: { ...versions, e2eTests: '1.36.9' } } } };

  expect(await runStep(awaitArtifacts, named, world)).toMatchObject({ done: false, reason: 'artifact e2e 1.36.9 is not published' });
});
