import { beforeEach, describe, expect, test } from 'vitest';
import { keys } from '#domain/names.ts';
import { isUpToDate } from '#domain/waves.ts';
import { BackupNotProvenError, ConflictError, GateClosedError, InputError, LockHeldError } from '#model/errors.ts';
import { ClusterRecord } from '#model/records.ts';
import { beginRestore } from '../../../functions/control/begin-restore.ts';
import { claimRestore } from '../../../functions/control/claim-restore.ts';
import { concludeRestore } from '../../../functions/control/conclude-restore.ts';
import { lock } from '../../../functions/control/lock.ts';
import { onExecutionEnded } from '../../../functions/control/on-execution-ended.ts';
import { startRestores } from '../../../functions/control/start-restores.ts';
import {
  COMMIT,
  type ControlWorld,
  createControlWorld,
  putFleet,
  REPOSITORY,
  refOf,
  resolved,
  runStep,
} from '../../support/control-world.ts';
import { channelFile, gitId } from '../../support/fleet.ts';

const channel = channelFile('dev', 1);
const cluster = refOf(channel, 0);
const restore = { id: 'r1', backup: '20260105T060000Z-422a689b6051', reason: 'lost' };
const KEY = keys.restore(cluster.name, 'r1');
const check = { repository: REPOSITORY, sha: COMMIT, name: `sluice / restore ${cluster.name}` };
const TAKEN = { takeSnapshot: { takenAt: '2026-01-05T06:00:00.000Z' } };
const holds = (layer: string) => ({ layer, verdict: 'holds', reason: 'equal', seconds: 1 });
const PROVEN = { proveSnapshot: { verdicts: [holds('L4'), holds('L5')] }, proveApi: { verdicts: [holds('L6')] } };

let world: ControlWorld;
let input: Record<string, unknown>;
beforeEach(async () => {
  world = createControlWorld();
  await putFleet(world);
  const held = await runStep(lock, { cluster }, world, 'restore-a');
  input = { cluster, restore, commit: COMMIT, repository: REPOSITORY, progress: check, lock: held, checkBackup: TAKEN, ...PROVEN };
});

describe('claim-restore', () => {
  test('is had by the first, for good; repeated it answers the same', async () => {
    const first = await runStep(claimRestore, input, world, 'restore-a');
    world.clock.advance(60);
    const again = await runStep(claimRestore, input, world, 'restore-a');

    expect(again).toEqual(first);
    await expect(runStep(claimRestore, input, world, 'restore-b')).rejects.toThrow(/was begun by restore-a .* each is done once/);
    expect(world.read(KEY)).toMatchObject({ execution: 'restore-a', state: 'claimed', dryRun: false });
  });

  test('goes by what an update that was left half-way has begun', async () => {
    const stored = world.read(keys.cluster(cluster.name)) as Record<string, unknown>;
    const versions = { ...(stored['versions'] as object), kubernetes: '1.99.0', etcd: '3.99.0' };
    const updating = {
      execution: 'u',
      revision: 'b'.repeat(40),
      settingsHash: 'a'.repeat(64),
      renderHash: 'a'.repeat(64),
      since: '2026-01-05T07:00:00Z',
      versions,
    };
    await world.put(keys.cluster(cluster.name), { ...stored, updating: { ...updating, reached: { etcd: '3.99.0' } } });

    const { render } = await runStep(claimRestore, input, world, 'restore-a');

    expect(render.versions).toMatchObject({ etcd: '3.99.0', kubernetes: (stored['versions'] as { kubernetes: string }).kubernetes });
  });

  test('means no when it cannot be read', async () => {
    await world.objects.put(KEY, '{"half');

    await expect(runStep(claimRestore, input, world, 'restore-a')).rejects.toBeInstanceOf(InputError);
  });

  test.each([
    ['was never there', undefined, /never whole or is deleted/],
    ['is being deleted', { deleting: { execution: 'd', since: '2026-01-05T07:00:00Z', backup: null } }, /deletion of .* has begun/],
  ])('is refused for a cluster that %s', async (_, change, message) => {
    const stored = world.read(keys.cluster(cluster.name)) as object;
    if (change === undefined) world.objects.remove(keys.cluster(cluster.name));
    else await world.put(keys.cluster(cluster.name), { ...stored, ...change });

    const refused = runStep(claimRestore, input, world, 'restore-a');

    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toBeInstanceOf(GateClosedError);
    expect(world.read(KEY)).toBeUndefined();
  });
});

describe('begin-restore', () => {
  beforeEach(() => runStep(claimRestore, input, world, 'restore-a'));

  test('notes when what was before ends, once', async () => {
    const first = await runStep(beginRestore, { ...input, backup: { id: 'b-now' } }, world, 'restore-a');
    world.clock.advance(300);
    const again = await runStep(beginRestore, input, world, 'restore-a');

    expect(again).toEqual(first);
    expect(world.read(KEY)).toMatchObject({ state: 'begun', begunAt: first.begunAt, before: 'b-now' });
  });

  test.each([
    ['L4', { proveSnapshot: { verdicts: [holds('L5')] } }],
    ['L5', { proveSnapshot: { verdicts: [holds('L4'), { ...holds('L5'), verdict: 'fails' }] } }],
    ['L6', { proveApi: { verdicts: [{ ...holds('L6'), verdict: 'not-run' }] } }],
  ])('refuses when %s does not hold', async (layer, change) => {
    const refused = runStep(beginRestore, { ...input, ...change }, world, 'restore-a');

    await expect(refused).rejects.toBeInstanceOf(BackupNotProvenError);
    await expect(refused).rejects.toThrow(layer);
    expect(world.read(KEY)).toMatchObject({ state: 'claimed' });
  });

  test('refuses without the lock, and for a restore that is not its own', async () => {
    await expect(runStep(beginRestore, { ...input, lock: { fence: 99 } }, world, 'restore-a')).rejects.toBeInstanceOf(LockHeldError);
    await expect(runStep(beginRestore, input, world, 'restore-b')).rejects.toBeInstanceOf(ConflictError);
  });

  test('begins nothing in a dry run', async () => {
    await runStep(beginRestore, { ...input, restore: { ...restore, dryRun: true } }, world, 'restore-a');

    expect(world.read(KEY)).toMatchObject({ state: 'claimed' });
  });
});

describe('conclude-restore', () => {
  test('tells what was lost and how long it took, and has the next update bring everything anew', async () => {
    await runStep(claimRestore, input, world, 'restore-a');
    const from = world.clock.now().getTime();
    world.clock.advance(100);
    await runStep(beginRestore, { ...input, backup: { id: 'b-now' } }, world, 'restore-a');
    world.clock.advance(200);
    const drift = { missing: 1, changed: 0, named: ['apps/v1 Deployment a/b is missing'] };

    const told = await runStep(
      concludeRestore,
      { ...input, outcome: 'restored', restoreMembers: { done: true, reason: '3 members' }, reportDrift: drift },
      world,
      'restore-a',
    );

    const rpo = (from + 100_000 - Date.parse(TAKEN.takeSnapshot.takenAt)) / 1000;
    expect(told).toMatchObject({ outcome: 'restored', rpoSeconds: rpo, rtoSeconds: 300 });
    const record = ClusterRecord.parse(world.read(keys.cluster(cluster.name)));
    expect(record.restored).toMatchObject({ id: 'r1' });
    expect(isUpToDate(record, record.revision, record.settingsHash)).toBe(false);
    const shown = await world.checks.wanted(check);
    expect(shown).toMatchObject({ conclusion: 'success', title: expect.stringContaining('in 5 min') });
    expect(shown?.summary).toContain('apps/v1 Deployment a/b is missing');
    expect(shown?.summary).toContain('b-now');
  });

  test.each([
    ['before anything was changed', false, /was not restored; nothing was changed/],
    ['in its midst', true, /stopped in its midst/],
  ])('says that it stopped %s, and what to do', async (_, begun, title) => {
    await runStep(claimRestore, input, world, 'restore-a');
    if (begun) await runStep(beginRestore, input, world, 'restore-a');
    const error = { Error: 'DeadlineError', Cause: JSON.stringify({ errorType: 'DeadlineError', errorMessage: 'member c is away' }) };

    await runStep(concludeRestore, { ...input, outcome: 'failed', error }, world, 'restore-a');

    const shown = await world.checks.wanted(check);
    expect(shown).toMatchObject({ conclusion: 'failure', title: expect.stringMatching(title) });
    expect(shown?.summary).toContain('member c is away');
    expect(shown?.summary).toContain('another id');
    expect(world.read(KEY)).toMatchObject({ state: 'failed' });
    expect('restored' in (world.read(keys.cluster(cluster.name)) as object)).toBe(begun);
  });

  test('uses the id up where it stopped before it had the claim', async () => {
    await runStep(concludeRestore, { ...input, outcome: 'failed' }, world, 'restore-a');

    expect(world.read(KEY)).toMatchObject({ execution: 'restore-a', state: 'failed' });
    await expect(runStep(claimRestore, input, world, 'restore-b')).rejects.toBeInstanceOf(GateClosedError);
  });

  test('warns of a second restore where etcd is restored and something after it is not well', async () => {
    await runStep(claimRestore, input, world, 'restore-a');
    await runStep(beginRestore, input, world, 'restore-a');
    const error = { Error: 'DeadlineError', Cause: JSON.stringify({ errorType: 'DeadlineError', errorMessage: 'no nodes' }) };

    await runStep(
      concludeRestore,
      { ...input, outcome: 'failed', error, restoreMembers: { done: true, reason: '3 members' } },
      world,
      'restore-a',
    );

    const shown = await world.checks.wanted(check);
    expect(shown?.title).toContain('is restored to');
    expect(shown?.summary).toContain("Don't restore again");
    expect(ClusterRecord.parse(world.read(keys.cluster(cluster.name))).restored).toBeDefined();
  });

  test('is done for a restore that was stopped from outside', async () => {
    await runStep(claimRestore, input, world, 'restore-a');
    await runStep(beginRestore, input, world, 'restore-a');
    world.executions.set('restore-cluster', 'restore-a', { status: 'ABORTED', input: JSON.stringify(input) });
    const detail = { stateMachineArn: 'arn:aws:states:r:1:stateMachine:sluice-restore-cluster', name: 'restore-a', status: 'ABORTED' };

    const first = await runStep(onExecutionEnded, { detail }, world, 'event-1');
    await runStep(onExecutionEnded, { detail }, world, 'event-2');

    expect(first.did).toContain(`ended the restore r1 of ${cluster.name}`);
    expect(world.read(KEY)).toMatchObject({ state: 'failed' });
    expect(ClusterRecord.parse(world.read(keys.cluster(cluster.name))).restored).toBeDefined();
    expect(await world.checks.wanted(check)).toMatchObject({ conclusion: 'failure', title: expect.stringContaining('in its midst') });
  });

  test('leaves the claim of another alone', async () => {
    await runStep(claimRestore, input, world, 'restore-a');

    await runStep(concludeRestore, { ...input, outcome: 'failed' }, world, 'restore-b');

    expect(world.read(KEY)).toMatchObject({ execution: 'restore-a', state: 'claimed' });
  });
});

describe('start-restores', () => {
  const asking = (change = {}) => ({
    ...channel,
    clusters: channel.clusters.map((entry) => ({ ...entry, restore: { ...restore, ...change } })),
  });
  const rollout = { repository: REPOSITORY, resolveRevision: resolved({ kind: 'settings', channel: null }) };

  test('starts what merged settings ask for, with a check on the merge; twice it is the same execution', async () => {
    await world.settings([asking()]);

    const first = await runStep(startRestores, rollout, world, 'rollout-a');
    const again = await runStep(startRestores, rollout, world, 'rollout-b');

    expect([first, again]).toEqual([{ started: [cluster.name] }, { started: [cluster.name] }]);
    expect(world.executions.started).toHaveLength(1);
    expect(world.executions.started[0]).toMatchObject({
      machine: 'restore-cluster',
      input: { restore, commit: rollout.resolveRevision.commit },
    });
    expect(await world.checks.wanted({ ...check, sha: rollout.resolveRevision.commit })).toMatchObject({ status: 'in_progress' });
  });

  test('starts none that was claimed, none without the line, and none for a rollout of a channel', async () => {
    await world.settings([asking()]);
    await runStep(claimRestore, input, world, 'restore-a');
    expect(await runStep(startRestores, rollout, world, 'rollout-a')).toEqual({ started: [] });
    await world.settings([channel]);
    expect(await runStep(startRestores, rollout, world, 'rollout-a')).toEqual({ started: [] });
    await world.settings([asking({ id: 'r2' })]);
    expect(await runStep(startRestores, { ...rollout, resolveRevision: resolved() }, world, 'rollout-a')).toEqual({ started: [] });
    expect(world.executions.started).toEqual([]);
  });

  test('tells on a later merge that the id was used, by whom and what to do, and nothing on the one that began it', async () => {
    await world.settings([asking()]);
    await runStep(claimRestore, input, world, 'restore-a');
    const again = { ...rollout, resolveRevision: resolved({ kind: 'settings', channel: null, commit: gitId('e') }) };
    const wanted = (sha: string) => world.checks.wanted({ ...check, sha });
    expect(again.resolveRevision.commit).not.toBe(COMMIT);

    await runStep(startRestores, { ...rollout, resolveRevision: { ...rollout.resolveRevision, commit: COMMIT } }, world, 'rollout-a');
    expect(await wanted(COMMIT)).toBeUndefined();
    expect(await runStep(startRestores, again, world, 'rollout-b')).toEqual({ started: [] });

    expect(await wanted(again.resolveRevision.commit)).toMatchObject({
      status: 'completed',
      conclusion: 'neutral',
      title: `${cluster.name} is not restored by this merge: the id ${restore.id} was used on 2026-01-05`,
      summary: expect.stringContaining(
        `for ${cluster.name} (it is under way: restore-a), and each is done once. Nothing is restored for it.`,
      ),
    });
    expect(world.executions.started).toEqual([]);
  });

  test('refuses it for good while the fleet is halted, or it would begin with somebody else’s merge', async () => {
    await world.settings([asking()]);
    await world.put(keys.halt(), { halted: true, reason: 'drill', by: 'ann', at: '2026-01-05T07:00:00Z' });

    expect(await runStep(startRestores, rollout, world, 'rollout-a')).toEqual({ started: [] });
    await world.put(keys.halt(), { halted: false, reason: 'over', by: 'ann', at: '2026-01-05T07:10:00Z' });
    expect(await runStep(startRestores, rollout, world, 'rollout-b')).toEqual({ started: [] });

    expect(world.executions.started).toEqual([]);
    expect(world.read(KEY)).toMatchObject({ state: 'failed', outcome: 'the fleet is halted by ann: drill' });
    expect(await world.checks.wanted({ ...check, sha: rollout.resolveRevision.commit })).toMatchObject({
      conclusion: 'failure',
      title: expect.stringContaining('nothing was changed'),
    });
  });

  test('starts nothing when a claim cannot be read', async () => {
    await world.settings([asking()]);
    await world.objects.put(KEY, '{"half');

    await expect(runStep(startRestores, rollout, world, 'rollout-a')).rejects.toBeInstanceOf(InputError);
    expect(world.executions.started).toEqual([]);
  });
});
