import { beforeEach, describe, expect, test } from 'vitest';
import { keys } from '#domain/names.ts';
import { Lock } from '#model/records.ts';
import { chooseShape } from '../../../functions/control/choose-shape.ts';
import { claimSlot } from '../../../functions/control/claim-slot.ts';
import { collectResults } from '../../../functions/control/collect-results.ts';
import { releaseSlot } from '../../../functions/control/release-slot.ts';
import {
  COMMIT,
  type ControlWorld,
  createControlWorld,
  NEW,
  OLD,
  putFleet,
  REPOSITORY,
  runStep,
  SETTINGS_COMMIT,
} from '../../support/control-world.ts';
import { channelFile } from '../../support/fleet.ts';

const e2eCheck = { repository: REPOSITORY, sha: COMMIT, name: 'sluice / e2e' };
const input = {
  readPullRequest: { number: 7, channel: 'dev', e2eCheck },
  snapshotConfiguration: { baseRevision: OLD, headRevision: NEW, headSettingsCommit: SETTINGS_COMMIT },
};
let world: ControlWorld;
beforeEach(async () => {
  world = createControlWorld();
  await putFleet(world);
});

describe('claim-slot', () => {
  test('claims an account and names the cluster and its executions', async () => {
    const claim = await runStep(claimSlot, input, world, 'e2e-7');

    expect(claim).toMatchObject({
      claimed: true,
      done: true,
      slot: 'e2e-200000000091',
      cluster: { account: '200000000091', environment: 'e2e', channel: 'e2e' },
      suites: ['conformance'],
    });
    expect(claim.cluster?.name).toMatch(/^e2e-[0-9a-f]{12}$/);
    const names = Object.values(claim.names ?? {});
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(name.length).toBeLessThanOrEqual(64);
    expect(await world.checks.wanted(e2eCheck)).toMatchObject({ status: 'in_progress', execution: 'e2e-7' });
  });

  test('the same execution gets the same account again', async () => {
    const first = await runStep(claimSlot, input, world, 'e2e-7');

    expect(await runStep(claimSlot, input, world, 'e2e-7')).toEqual(first);
    expect(world.read(keys.lock('e2e-200000000092'))).toBeUndefined();
  });

  test('says by whom the accounts are taken, and waits', async () => {
    await runStep(claimSlot, input, world, 'e2e-7');
    await runStep(claimSlot, input, world, 'e2e-8');

    const third = await runStep(claimSlot, input, world, 'e2e-9');
    world.clock.advance(2 * 3600);
    expect(await runStep(claimSlot, input, world, 'e2e-9'), 'looks less often after an hour').toMatchObject({ waitSeconds: 300 });

    expect(third).toMatchObject({
      claimed: false,
      done: false,
      waitSeconds: 30,
      cluster: null,
      reason: 'all e2e accounts are taken: 200000000091 by e2e-7, 200000000092 by e2e-8',
    });
  });

  test('an account whose deletion has succeeded is free again', async () => {
    await runStep(claimSlot, input, world, 'e2e-8');
    await world.put(keys.lock('e2e-200000000091'), lockOf('delete-x'));
    world.executions.set('delete-cluster', 'delete-x', { status: 'RUNNING' });
    expect(await runStep(claimSlot, input, world, 'e2e-9')).toMatchObject({ slot: 'e2e-200000000092' });
    world.executions.set('delete-cluster', 'delete-x', { status: 'SUCCEEDED' });

    const claim = await runStep(claimSlot, input, world, 'e2e-10');

    expect(claim).toMatchObject({ claimed: true, slot: 'e2e-200000000091' });
  });

  test('a channel without accounts uses those of the first that has some; none at all is an error', async () => {
    expect(
      await runStep(claimSlot, { ...input, readPullRequest: { ...input.readPullRequest, channel: 'beta' } }, world, 'e2e-7'),
    ).toMatchObject({ claimed: true });
    await world.settings([channelFile('dev', 1)]);

    await expect(runStep(claimSlot, input, world)).rejects.toMatchObject({
      name: 'InputError',
      message: expect.stringContaining('e2e.slots'),
    });
  });
});

describe('release-slot', () => {
  test('frees what this execution holds, although the claim was never heard of; repeated, nothing', async () => {
    await runStep(claimSlot, input, world, 'e2e-7');

    expect(await runStep(releaseSlot, input, world, 'e2e-8')).toEqual({ released: false });
    expect(await runStep(releaseSlot, input, world, 'e2e-7')).toEqual({ released: true });
    expect(await runStep(releaseSlot, input, world, 'e2e-7')).toEqual({ released: false });
    expect(world.read(keys.lock('e2e-200000000091'))).toMatchObject({ holder: null });
  });
});

describe('choose-shape', () => {
  test.each([
    [OLD, false],
    [null, true],
  ])('base %s: from scratch is %s', async (baseRevision, fromScratch) => {
    const shape = await runStep(chooseShape, { snapshotConfiguration: { baseRevision, headRevision: NEW } }, {});

    expect(shape).toEqual({ baseRevision, headRevision: NEW, fromScratch });
  });

  test('refuses a merge result without configuration', async () => {
    await expect(runStep(chooseShape, { snapshotConfiguration: { baseRevision: OLD, headRevision: null } }, {})).rejects.toMatchObject({
      name: 'InputError',
    });
  });
});

describe('collect-results', () => {
  const failures = Array.from({ length: 12 }, (_, index) => ({ name: `spec ${index}`, message: 'no' }));

  test('answers the numbers of a passed run', async () => {
    const runTests = { passed: 12, failed: 0, durationSeconds: 90, failures: [] };

    expect(await runStep(collectResults, { runTests }, {})).toEqual({ passed: 12, failed: 0, durationSeconds: 90, failures: [] });
  });

  test('names the first ten failures and the report', async () => {
    const runTests = { passed: 3, failed: 12, durationSeconds: 90, failures, reportKey: 'e2e/x/junit.xml' };

    const failed = runStep(collectResults, { runTests }, {});

    await expect(failed).rejects.toMatchObject({
      name: 'TestsFailedError',
      message: expect.stringMatching(/^12 of 15 tests failed: spec 0; .*spec 9\nReport: e2e\/x\/junit.xml$/),
    });
  });

  test('no test at all is a failure', async () => {
    await expect(runStep(collectResults, { runTests: { passed: 0, failed: 0, durationSeconds: 1 } }, {})).rejects.toMatchObject({
      name: 'TestsFailedError',
    });
  });
});

function lockOf(holder: string): Lock {
  return Lock.parse({ subject: 'e2e-200000000091', fence: 4, holder, expiresAt: '2027-01-01T00:00:00Z' });
}
