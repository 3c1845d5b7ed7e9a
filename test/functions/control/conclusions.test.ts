import { beforeEach, describe, expect, test } from 'vitest';
import { keys } from '#domain/names.ts';
import type { ReadPullRequest } from '#model/pull-request.ts';
import { concludeE2e } from '../../../functions/control/conclude-e2e.ts';
import { concludePullRequest } from '../../../functions/control/conclude-pull-request.ts';
import { failPullRequest } from '../../../functions/control/fail-pull-request.ts';
import {
  COMMIT,
  type ControlWorld,
  createControlWorld,
  NEW,
  OLD,
  REPOSITORY,
  runStep,
  SETTINGS_COMMIT,
} from '../../support/control-world.ts';
import { channelFile, gitId } from '../../support/fleet.ts';

const check = { repository: REPOSITORY, sha: COMMIT, name: 'sluice' };
const e2eCheck = { ...check, name: 'sluice / e2e' };
const readPullRequest: ReadPullRequest = {
  repository: REPOSITORY,
  number: 7,
  title: 'Raise DNS',
  author: 'ann',
  baseRef: 'dev',
  baseSha: gitId('1'),
  headSha: COMMIT,
  mergeSha: gitId('2'),
  kind: 'configuration',
  channel: 'dev',
  check,
  e2eCheck,
  names: { e2e: 'e2e-7' },
};
const snapshotConfiguration = {
  baseRevision: OLD,
  branchRevision: OLD,
  headRevision: NEW,
  baseSettingsCommit: SETTINGS_COMMIT,
  headSettingsCommit: SETTINGS_COMMIT,
  e2eNeeded: true,
};
const input = {
  readPullRequest,
  snapshotConfiguration,
  plan: { title: '3 clusters, 1 change', affectsClusters: true },
  e2e: { collectResults: { passed: 12, failed: 0, durationSeconds: 300 }, execution: 'e2e-7' },
};
let world: ControlWorld;
beforeEach(() => {
  world = createControlWorld();
});

describe('conclude-pull-request', () => {
  test('keeps the evidence by the tree, then ends the check in green', async () => {
    const written: string[] = [];
    world.objects.beforeEach = (operation, key) => {
      if (operation.startsWith('put')) written.push(key);
    };

    await runStep(concludePullRequest, input, world, 'pr-7');

    expect(world.read(keys.evidence(NEW))).toMatchObject({
      check: { pullRequest: 7, execution: 'pr-7', channel: 'dev', baseRevision: OLD },
      equalIn: {},
      e2e: { channel: 'dev', passed: 12, baseRevision: OLD, execution: 'e2e-7' },
    });
    expect(await world.checks.wanted(check)).toMatchObject({
      conclusion: 'success',
      title: '3 clusters, 1 change',
      summary: 'e2e: 12 passed, 0 failed in 5 min.',
    });
    expect(written.indexOf(keys.evidence(NEW))).toBeLessThan(written.indexOf(keys.check(COMMIT, 'sluice')));
  });

  test('says what came of the rehearsal, and is as green without one', async () => {
    await runStep(
      concludePullRequest,
      { ...input, concludeRehearsal: { line: '**Not rehearsed**: no proven backup yet of dev-1.' } },
      world,
    );

    expect(await world.checks.wanted(check)).toMatchObject({
      conclusion: 'success',
      title: '3 clusters, 1 change',
      summary: 'e2e: 12 passed, 0 failed in 5 min.\n\n**Not rehearsed**: no proven backup yet of dev-1.',
    });
  });

  test('equal content keeps its first evidence; a run on another base is added', async () => {
    await runStep(concludePullRequest, input, world, 'pr-7');
    const first = world.read(keys.evidence(NEW));
    const other = { ...input, readPullRequest: { ...readPullRequest, number: 8 } };

    await runStep(concludePullRequest, other, world, 'pr-8');
    await runStep(
      concludePullRequest,
      { ...other, e2e: undefined, snapshotConfiguration: { ...snapshotConfiguration, e2eNeeded: false } },
      world,
      'pr-8',
    );
    expect(world.read(keys.evidence(NEW))).toEqual(first);

    await runStep(
      concludePullRequest,
      { ...other, snapshotConfiguration: { ...snapshotConfiguration, baseRevision: gitId('9') } },
      world,
      'pr-9',
    );
    expect(world.read(keys.evidence(NEW))).toMatchObject({ e2e: { baseRevision: gitId('9') } });
  });

  test('what changes nothing is noted for its channel only, and adds to what is known', async () => {
    const nothing = { ...input, e2e: undefined, plan: { title: 'No cluster changes', affectsClusters: false } };
    await runStep(concludePullRequest, nothing, world, 'pr-7');
    expect(world.read(keys.evidence(NEW))).toMatchObject({ equalIn: { dev: OLD }, e2e: null });

    await runStep(concludePullRequest, { ...nothing, readPullRequest: { ...readPullRequest, channel: 'alpha' } }, world, 'pr-8');
    await runStep(concludePullRequest, input, world, 'pr-9');

    expect(world.read(keys.evidence(NEW))).toMatchObject({ equalIn: { dev: OLD, alpha: OLD }, e2e: { passed: 12 } });
  });

  test('settings have evidence by their files, whatever commit holds them', async () => {
    const settings = {
      ...input,
      e2e: undefined,
      plan: { title: 'Clusters: 1 created', affectsClusters: false },
      readPullRequest: { ...readPullRequest, kind: 'settings', channel: null },
      snapshotConfiguration: { ...snapshotConfiguration, baseRevision: null, headRevision: null, e2eNeeded: false },
    };

    await expect(runStep(concludePullRequest, settings, world)).rejects.toMatchObject({ name: 'NotFoundError' });
    expect(await world.checks.wanted(check)).toBeUndefined();
    await world.settings([channelFile('dev', 1)]);
    await runStep(concludePullRequest, settings, world, 'pr-7');
    await world.settings([channelFile('dev', 1)], gitId('6'));
    const again = { ...settings, snapshotConfiguration: { ...settings.snapshotConfiguration, headSettingsCommit: gitId('6') } };
    await runStep(concludePullRequest, again, world, 'pr-8');

    const kept = Object.keys(world.objects.contents()).filter((key) => key.startsWith('evidence/'));
    expect(kept).toHaveLength(1);
    expect(world.read(kept[0] ?? '')).toMatchObject({ check: { pullRequest: 7, headSha: COMMIT, execution: 'pr-7' } });
    expect(await world.checks.wanted(check)).toMatchObject({ conclusion: 'success', summary: 'e2e not needed: no cluster is affected.' });
  });

  test.each([
    undefined,
    { ...input.e2e, collectResults: { passed: 11, failed: 1, durationSeconds: 1 } },
    { ...input.e2e, collectResults: { passed: 0, failed: 0, durationSeconds: 1 } },
  ])('nothing is proven by %o where e2e was needed', async (e2e) => {
    await expect(runStep(concludePullRequest, { ...input, e2e }, world)).rejects.toMatchObject({ name: 'GateClosedError' });
    expect(world.objects.contents()).toEqual({});
  });
});

describe('fail-pull-request', () => {
  test.each([
    ['TestsFailedError', '2 of 14 tests failed: a; b', 'failure', '2 of 14 tests failed: a; b', 'First: Read the failed tests'],
    ['CancelledError', 'cancelled by ann: newer', 'cancelled', 'Cancelled', 'Cancelled by ann: newer.'],
    ['ValidationFailedError', '', 'failure', 'ValidationFailedError', 'First: Fix the annotated lines'],
  ])('%s ends the check', async (name, message, conclusion, title, summary) => {
    const error = { Error: name, Cause: JSON.stringify({ errorType: name, errorMessage: message }) };

    await runStep(failPullRequest, { readPullRequest: { check }, error }, world);

    const wanted = await world.checks.wanted(check);
    expect(wanted).toMatchObject({ status: 'completed', conclusion });
    expect(wanted?.title).toContain(title === 'ValidationFailedError' ? '' : title);
    expect(wanted?.summary).toContain(summary);
  });

  test('finds the check of an execution that failed while it read the pull request', async () => {
    await world.checks.want({ ref: check, status: 'in_progress', title: 'Reading', summary: '', execution: 'pr-7' });

    await runStep(failPullRequest, { error: { Error: 'ValidationFailedError', Cause: 'it conflicts with dev' } }, world, 'pr-7');

    expect(await world.checks.wanted(check)).toMatchObject({ conclusion: 'failure', title: 'it conflicts with dev' });
  });

  test('without any check it fails itself, for the history', async () => {
    await expect(runStep(failPullRequest, { error: { Error: 'TransientError', Cause: '' } }, world)).rejects.toMatchObject({
      name: 'NotFoundError',
    });
  });
});

describe('conclude-e2e', () => {
  const base = { readPullRequest: { e2eCheck }, claimSlot: { cluster: { name: 'e2e-0123456789ab' } } };
  const collectResults = { passed: 12, failed: 0, durationSeconds: 300 };
  const error = { Error: 'DeadlineError', Cause: 'nodes not ready' };

  test.each([
    ['passed', { collectResults }, 'success', '12 passed, 0 failed in 5 min'],
    ['failed', { error }, 'failure', 'nodes not ready'],
    ['passed, but not deleted', { collectResults, cleanupError: error }, 'failure', 'Cluster e2e-0123456789ab could not be deleted'],
    [
      'failed and not deleted',
      { error: { Error: 'TestsFailedError', Cause: '1 of 2 tests failed: a' }, cleanupError: error },
      'failure',
      '1 of 2 tests failed: a',
    ],
    ['ended without a result', {}, 'failure', 'the run ended without a result'],
  ])('%s', async (_, change, conclusion, title) => {
    await runStep(concludeE2e, { ...base, ...change }, world);

    expect(await world.checks.wanted(e2eCheck)).toMatchObject({ status: 'completed', conclusion, title });
  });

  test('a leak is named beside the failure', async () => {
    await runStep(concludeE2e, { ...base, error: { Error: 'TestsFailedError', Cause: 'a failed' }, cleanupError: error }, world);

    expect((await world.checks.wanted(e2eCheck))?.summary).toContain('sluice-e2e-0123456789ab-*');
  });
});
