import { beforeEach, describe, expect, test } from 'vitest';
import { emptyIndex } from '#domain/backup-index.ts';
import { keys } from '#domain/names.ts';
import { rehearsalHash } from '#domain/rehearsal.ts';
import { RehearsalFailedError } from '#model/errors.ts';
import type { ReadPullRequest } from '#model/pull-request.ts';
import { type RehearsalRecord, RehearsalSubject } from '#model/rehearsal.ts';
import { beginRehearsal } from '../../../functions/control/begin-rehearsal.ts';
import { concludeRehearsal } from '../../../functions/control/conclude-rehearsal.ts';
import { recordRehearsal } from '../../../functions/control/record-rehearsal.ts';
import {
  COMMIT,
  type ControlWorld,
  createControlWorld,
  putFleet,
  REPOSITORY,
  runStep,
  SETTINGS_COMMIT,
} from '../../support/control-world.ts';
import { channelFile, gitId } from '../../support/fleet.ts';

const check = { repository: REPOSITORY, sha: COMMIT, name: 'sluice' };
const readPullRequest: ReadPullRequest = {
  ...{ repository: REPOSITORY, number: 7, title: 'Kubernetes 1.36.3', author: 'ann', baseRef: 'beta', baseSha: gitId('1') },
  ...{ headSha: COMMIT, mergeSha: gitId('2'), kind: 'configuration', channel: 'beta', check, e2eCheck: check, names: { e2e: 'e2e-7' } },
};
const to = { kubernetes: '1.36.3', etcd: '3.6.5' };
const plan = { title: '3 clusters, 1 change', versions: to };
const input = { readPullRequest, snapshotConfiguration: { headSettingsCommit: SETTINGS_COMMIT }, plan };
const backup = { id: '20260105T060000Z-422a689b6051', takenAt: '2026-01-05T06:00:00.000Z' };
const RESULT = { outcome: 'passed', reason: 'all of it is served', orphans: [], orphanedResources: 0, seconds: 12 };

let world: ControlWorld;
beforeEach(async () => {
  world = createControlWorld();
  await putFleet(world);
});

async function backedUp(...clusters: readonly string[]): Promise<void> {
  for (const name of clusters)
    await world.put(keys.backupIndex(name), { ...emptyIndex(name), newestProven: backup, newestDrilled: backup });
}

async function begun() {
  await backedUp('beta-2');
  const told = await runStep(beginRehearsal, input, world, 'pr-7');
  return { told, subject: RehearsalSubject.parse(told.subject), execution: told.execution ?? '' };
}

describe('begin-rehearsal', () => {
  test('starts one on the first cluster of the channel that has a drilled backup, and says so on the check', async () => {
    await backedUp('beta-2', 'beta-3', 'alpha-1');

    const told = await runStep(beginRehearsal, input, world, 'pr-7');

    expect(told).toMatchObject({ decision: 'started', subject: { cluster: { name: 'beta-2', channel: 'beta' }, backup, to } });
    expect(world.executions.started).toEqual([
      { machine: 'rehearse-upgrade', name: told.execution, input: { ...told.subject, progress: null } },
    ]);
    const shown = await world.checks.wanted(check);
    expect(shown).toMatchObject({ status: 'in_progress', title: plan.title });
    expect(shown?.summary).toContain(
      'Rehearses Kubernetes 1.35.4 to 1.36.3, etcd 3.6.5 as before on backup `20260105T060000Z-422a689b6051` of beta-2',
    );
  });

  test('started twice is one; asked by another run it is another', async () => {
    const { execution } = await begun();
    await runStep(beginRehearsal, input, world, 'pr-7');
    expect(world.executions.started).toHaveLength(1);

    const other = await runStep(beginRehearsal, input, world, 'pr-8');

    expect(other.execution).not.toBe(execution);
  });

  test('starts nothing without a backup, before any cluster, or for a branch of no channel', async () => {
    const asked = [
      input,
      { ...input, plan: { ...plan, versions: { kubernetes: '1.35.4', etcd: '3.6.5' } } },
      { ...input, plan: { ...plan, versions: null } },
      { ...input, readPullRequest: { ...readPullRequest, baseRef: 'gone' } },
    ];
    const told = await Promise.all(asked.map((one) => runStep(beginRehearsal, one, world, 'pr-7')));

    expect(told.map(({ decision }) => decision)).toEqual(['none', 'none', 'none', 'none']);
    expect(told[0]?.reason).toBe('no proven backup yet of beta-1, beta-2, beta-3');
    expect(world.executions.started).toEqual([]);
  });

  test('passes over a cluster that is to go', async () => {
    const leaving = channelFile('beta', 3);
    const [first, ...others] = leaving.clusters;
    if (first === undefined) throw new Error('beta has no cluster');
    await world.settings([{ ...leaving, clusters: [{ ...first, state: 'decommission' }, ...others] }]);
    await backedUp('beta-1');

    expect((await begun()).subject.cluster.name).toBe('beta-2');
  });

  test('goes on to the next cluster when an index can’t be read', async () => {
    await world.objects.put(keys.backupIndex('beta-1'), '{"half');

    const { told, subject } = await begun();

    expect(subject.cluster.name).toBe('beta-2');
    expect(told.passedOver).toMatch(/^the backups of beta-1 \(.*\) can't be read$/);
    expect((await world.checks.wanted(check))?.summary).toContain('Not on clusters that come before: the backups of beta-1 (');
  });

  test('starts nothing on a backup of more than a week; one that failed on it stays so', async () => {
    const { subject, execution } = await begun();
    world.clock.advance(8 * 86_400);

    expect(await runStep(beginRehearsal, input, world, 'pr-8')).toMatchObject({
      decision: 'none',
      reason: expect.stringMatching(
        /^the newest restored backup is 8 days old \(`.*` of beta-2\); beta-1 has no proven backup yet, beta-3/,
      ),
    });
    await runStep(recordRehearsal, { ...subject, proveUpgrade: { ...RESULT, outcome: 'failed' } }, world, execution);
    const known = await runStep(beginRehearsal, input, world, 'pr-8');

    expect(known).toMatchObject({ decision: 'known', execution: null });
    await expect(runStep(concludeRehearsal, { beginRehearsal: known }, world, 'pr-8')).rejects.toThrow(/8 days old/);
    expect(world.executions.started).toHaveLength(1);
  });

  test.each([
    ['passed', 'known'],
    ['failed', 'started'],
    ['not-rehearsed', 'started'],
  ])('after one of the same that %s it is %s', async (outcome, decision) => {
    const { subject, execution } = await begun();
    await runStep(recordRehearsal, { ...subject, proveUpgrade: { ...RESULT, outcome } }, world, execution);

    const again = await runStep(beginRehearsal, input, world, 'pr-8');

    expect(again.decision).toBe(decision);
    expect(again.execution === null).toBe(decision === 'known');
  });
});

describe('record-rehearsal', () => {
  test('keeps it by backup and versions, once', async () => {
    const { subject, execution } = await begun();
    const first = await runStep(recordRehearsal, { ...subject, proveUpgrade: RESULT }, world, execution);
    world.clock.advance(60);

    const again = await runStep(recordRehearsal, { ...subject, proveUpgrade: RESULT }, world, execution);

    expect(again).toEqual(first);
    expect(first.key).toBe(keys.rehearsal(rehearsalHash(subject)));
    expect(world.read(first.key)).toMatchObject({ ...RESULT, cluster: 'beta-2', backup, to, execution, at: '2026-01-05T08:00:00.000Z' });
  });

  test.each(['passed', 'failed'])('what %s is not undone by what nobody could try', async (outcome) => {
    const { subject, execution } = await begun();
    const { key } = await runStep(recordRehearsal, { ...subject, proveUpgrade: { ...RESULT, outcome } }, world, execution);

    await runStep(recordRehearsal, { ...subject, proveUpgrade: { ...RESULT, outcome: 'not-rehearsed' } }, world, 'rehearse-b');

    expect(world.read(key)).toMatchObject({ outcome, execution });
  });

  test('what passed is undone by what failed', async () => {
    const { subject, execution } = await begun();
    const { key } = await runStep(recordRehearsal, { ...subject, proveUpgrade: RESULT }, world, execution);

    await runStep(recordRehearsal, { ...subject, proveUpgrade: { ...RESULT, outcome: 'failed' } }, world, 'rehearse-c');

    expect(world.read(key)).toMatchObject({ outcome: 'failed', execution: 'rehearse-c' });
  });
});

describe('conclude-rehearsal', () => {
  test('waits while it is under way, then says what came of it', async () => {
    const { told, subject, execution } = await begun();

    expect(await runStep(concludeRehearsal, { beginRehearsal: told }, world, 'pr-7')).toMatchObject({
      done: false,
      waitSeconds: 5,
      outcome: null,
    });
    await runStep(recordRehearsal, { ...subject, proveUpgrade: RESULT }, world, execution);
    world.executions.set('rehearse-upgrade', execution, { status: 'SUCCEEDED' });
    const done = await runStep(concludeRehearsal, { beginRehearsal: told }, world, 'pr-7');

    expect(done).toMatchObject({ done: true, outcome: 'passed' });
    expect(done.line).toMatch(
      /^Rehearsed Kubernetes 1\.35\.4 to 1\.36\.3, .* of beta-2, taken 2026-01-05 06:00 UTC \(2 h ago\), in 12 s: all of it is served\. Not on clusters that come before: beta-1 has no proven backup yet\.$/,
    );
  });

  test('tells an earlier one as that', async () => {
    const { subject, execution } = await begun();
    await runStep(recordRehearsal, { ...subject, proveUpgrade: RESULT }, world, execution);
    const known = await runStep(beginRehearsal, input, world, 'pr-8');

    const { line } = await runStep(concludeRehearsal, { beginRehearsal: known }, world, 'pr-8');

    expect(line).toContain(`at 2026-01-05 08:00 UTC by \`${execution}\``);
  });

  test('throws what was found', async () => {
    const { told, subject, execution } = await begun();
    const failed: Partial<RehearsalRecord> = {
      outcome: 'failed',
      reason: 'lost',
      orphans: [{ resource: 'widgets', objects: 2 }],
      orphanedResources: 1,
    };
    await runStep(recordRehearsal, { ...subject, proveUpgrade: { ...RESULT, ...failed } }, world, execution);
    world.executions.set('rehearse-upgrade', execution, { status: 'SUCCEEDED' });

    const thrown = runStep(concludeRehearsal, { beginRehearsal: told }, world, 'pr-7');

    await expect(thrown).rejects.toBeInstanceOf(RehearsalFailedError);
    await expect(thrown).rejects.toThrow(/failed: lost\. It ran on backup .* of beta-2[\s\S]*- 2 of `widgets`/);
  });

  test.each([
    ['fails', { status: 'FAILED', error: 'RefusedError', cause: '{"errorType":"RefusedError","errorMessage":"no role"}' }, /no role/],
    ['runs too long', { status: 'TIMED_OUT' }, /past its time limit/],
    ['was not rehearsed', { status: 'SUCCEEDED' }, /nothing newer/],
  ] as const)('throws what was found before when its re-run %s', async (_, status, why) => {
    const { subject, execution } = await begun();
    await runStep(recordRehearsal, { ...subject, proveUpgrade: { ...RESULT, outcome: 'failed', reason: 'lost' } }, world, execution);
    const again = await runStep(beginRehearsal, input, world, 'pr-8');
    await runStep(recordRehearsal, { ...subject, proveUpgrade: { ...RESULT, outcome: 'not-rehearsed' } }, world, again.execution ?? '');
    world.executions.set('rehearse-upgrade', again.execution ?? '', status);

    const thrown = runStep(concludeRehearsal, { beginRehearsal: again }, world, 'pr-8');

    await expect(thrown).rejects.toBeInstanceOf(RehearsalFailedError);
    await expect(thrown).rejects.toThrow(/failed: lost/);
    await expect(thrown).rejects.toThrow(`Found at 2026-01-05 08:00 UTC by \`${execution}\``);
    await expect(thrown).rejects.toThrow(why);
    await expect(thrown).rejects.toThrow(/Not on clusters that come before: beta-1/);
  });

  test.each([
    [
      'failed',
      { status: 'FAILED', error: 'RefusedError', cause: '{"errorType":"RefusedError","errorMessage":"the role is not there"}' },
      /failed: the role is not there/,
    ],
    ['ran too long', { status: 'TIMED_OUT' }, /past its time limit/],
    ['was stopped', { status: 'ABORTED' }, /stopped from outside/],
    ['left no record', { status: 'SUCCEEDED' }, /is not there/],
  ] as const)('is neither good nor bad when it %s', async (_, status, reason) => {
    const { told, execution } = await begun();
    world.executions.set('rehearse-upgrade', execution, status);

    const done = await runStep(concludeRehearsal, { beginRehearsal: told }, world, 'pr-7');

    expect(done).toMatchObject({ done: true, outcome: 'not-rehearsed' });
    expect(done.line).toMatch(/^\*\*Not rehearsed\*\* \(Kubernetes 1\.35\.4 to 1\.36\.3/);
    expect(done.line).toMatch(reason);
  });

  test('is neither good nor bad without a backup, or when its record can’t be read', async () => {
    const none = await runStep(beginRehearsal, input, world, 'pr-7');
    const { told, subject, execution } = await begun();
    world.executions.set('rehearse-upgrade', execution, { status: 'SUCCEEDED' });
    await world.objects.put(keys.rehearsal(rehearsalHash(subject)), '{"half');

    const lines = await Promise.all([none, told].map((one) => runStep(concludeRehearsal, { beginRehearsal: one }, world, 'pr-7')));

    expect(lines.map(({ outcome }) => outcome)).toEqual(['not-rehearsed', 'not-rehearsed']);
    expect(lines[0]?.line).toMatch(/^\*\*Not rehearsed\*\*: no proven backup yet of beta-1/);
    expect(lines[1]?.line).toContain("can't be read");
  });
});
