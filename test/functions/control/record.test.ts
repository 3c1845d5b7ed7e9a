import { beforeEach, describe, expect, test } from 'vitest';
import { keys } from '#domain/names.ts';
import { partHashes } from '#domain/part-hashes.ts';
import { lock } from '../../../functions/control/lock.ts';
import { readWhatRuns } from '../../../functions/control/read-what-runs.ts';
import { record } from '../../../functions/control/record.ts';
import { aRender } from '../../support/cluster-world.ts';
import { type ControlWorld, createControlWorld, NEW, OLD, refOf, runStep } from '../../support/control-world.ts';
import { channelFile } from '../../support/fleet.ts';

const file = channelFile('dev', 1);
const cluster = refOf(file, 0);
const render = { hash: 'f'.repeat(64), versions: { kubernetes: '1.36.3', etcd: '3.6.5', osImage: 'ami-2' } };
let world: ControlWorld;
let input: object;
beforeEach(async () => {
  world = createControlWorld();
  const held = await runStep(lock, { cluster }, world, 'update-a');
  input = { cluster, revision: NEW, render, rolloutId: 'rollout-1', backup: { id: 'backup-1' }, lock: held };
});

describe('read-what-runs', () => {
  test('a cluster without a record is created', async () => {
    expect(await runStep(readWhatRuns, { cluster, revision: NEW }, world)).toMatchObject({
      exists: false,
      creation: true,
      current: null,
      upToDate: false,
    });
  });

  test('a cluster at this revision with these settings is up to date', async () => {
    await runStep(record, input, world, 'update-a');

    expect(await runStep(readWhatRuns, { cluster, revision: NEW }, world)).toMatchObject({
      exists: true,
      creation: false,
      upToDate: true,
      current: { revision: NEW, versions: render.versions },
    });
    expect(await runStep(readWhatRuns, { cluster, revision: OLD }, world)).toMatchObject({ upToDate: false });
    expect(await runStep(readWhatRuns, { cluster: { ...cluster, environment: 'production' }, revision: NEW }, world)).toMatchObject({
      upToDate: false,
    });
  });

  test('a record that can not be read stops the update', async () => {
    await world.objects.put(keys.cluster('dev-1'), '{"cluster":');

    await expect(runStep(readWhatRuns, { cluster, revision: NEW }, world)).rejects.toMatchObject({ name: 'InputError' });
  });
});

describe('record', () => {
  test('keeps revision, versions, backup and execution; repeated, it writes nothing', async () => {
    expect(await runStep(record, input, world, 'update-a')).toEqual({ written: true });
    const first = world.read(keys.cluster('dev-1'));
    world.clock.advance(60);

    expect(await runStep(record, input, world, 'update-a')).toEqual({ written: false });
    expect(world.read(keys.cluster('dev-1'))).toEqual(first);
    expect(first).toMatchObject({
      revision: NEW,
      versions: render.versions,
      backup: 'backup-1',
      execution: 'update-a',
      rollout: 'rollout-1',
    });
  });

  test('keeps a hash of each part, when it began and which merge led to it', async () => {
    const rendered = aRender({ components: [{ name: 'dns', phase: 'system', objects: [] }] });
    await world.objects.put(keys.render(render.hash), JSON.stringify(rendered));
    const resolved = { commit: 'c'.repeat(40), mergedPullRequest: 7, mergedBy: 'anna' };
    await world.objects.put(keys.rollout('rollout-1', 'inputs'), JSON.stringify(rolloutInputs(resolved)));

    await runStep(record, { ...input, startedAt: '2026-01-01T00:00:00Z' }, world, 'update-a');

    expect(world.read(keys.cluster('dev-1'))).toMatchObject({
      startedAt: '2026-01-01T00:00:00Z',
      cause: { commit: 'c'.repeat(40), pullRequest: 7, mergedBy: 'anna' },
      parts: partHashes(rendered),
    });
    expect(Object.keys(partHashes(rendered)).sort()).toEqual(['component dns', 'deletions', 'pools', 'stack network', 'versions']);
  });

  test('nodes that were left for later make the cluster one that is not up to date, until an update leaves none', async () => {
    const left = { ...input, rollNodePools: { deferred: { nodes: 3, reason: 'frozen' } } };
    await runStep(record, left, world, 'update-a');
    const before = await runStep(readWhatRuns, { cluster, revision: NEW }, world);
    const next = await takeAs('update-b');
    await runStep(record, { ...input, lock: next, rollNodePools: { deferred: null } }, world, 'update-b');
    const after = await runStep(readWhatRuns, { cluster, revision: NEW }, world);

    expect(before).toMatchObject({ exists: true, upToDate: false, current: { revision: NEW } });
    expect(after).toMatchObject({ upToDate: true });
    expect(world.read(keys.cluster('dev-1'))).not.toHaveProperty('nodesLater');
  });

  test('pods that were deleted by force stay in the record with their reason', async () => {
    const forced = [
      { pod: 'shop/db-1', node: 'n1', owner: 'team shop', reason: 'needs 2; the drain is 6 h old', at: '2026-01-01T00:00:00.000Z' },
    ];
    await runStep(record, { ...input, rollNodePools: { deferred: null, forced } }, world, 'update-a');
    expect(world.read(keys.cluster('dev-1'))).toMatchObject({ forced });

    const next = await takeAs('update-b');
    await runStep(record, { ...input, lock: next, rollNodePools: { forced: [] } }, world, 'update-b');

    expect(world.read(keys.cluster('dev-1'))).not.toHaveProperty('forced');
  });

  test('an execution that lost its lock records nothing', async () => {
    world.objects.advance(3600);
    await runStep(lock, { cluster }, world, 'update-b');

    await expect(runStep(record, input, world, 'update-a')).rejects.toMatchObject({
      name: 'LockHeldError',
      message: expect.stringContaining('update-b'),
    });
    expect(world.read(keys.cluster('dev-1'))).toBeUndefined();
  });

  test('a deleted cluster leaves its name behind and is created anew', async () => {
    await runStep(record, input, world, 'update-a');
    const next = await takeAs('delete-a');

    expect(await runStep(record, { cluster, lock: next, deleted: true }, world, 'delete-a')).toEqual({ written: true });
    expect(await runStep(record, { cluster, lock: next, deleted: true }, world, 'delete-a')).toEqual({ written: false });
    expect(world.read(keys.cluster('dev-1'))).toMatchObject({ deleted: true, name: 'dev-1', revision: NEW });
    expect(await runStep(readWhatRuns, { cluster, revision: NEW }, world)).toMatchObject({ creation: true });
  });

  test('another writer in between is read again', async () => {
    let raced = false;
    world.objects.beforeEach = async (operation, key) => {
      if (operation !== 'putIfAbsent' || key !== keys.cluster('dev-1') || raced) return;
      raced = true;
      await world.record(file.clusters[0] ?? never(), 'dev', OLD);
    };

    expect(await runStep(record, input, world, 'update-a')).toEqual({ written: true });
    expect(world.read(keys.cluster('dev-1'))).toMatchObject({ revision: NEW });
  });
});

function rolloutInputs(resolved: object): object {
  const about = { decision: 'start', reason: '', waitSeconds: 0, rolloutId: 'rollout-1', kind: 'channel', channel: 'dev', revision: NEW };
  const check = { repository: { owner: 'o', name: 'r' }, sha: 'c'.repeat(40), name: 'sluice / rollout' };
  const rest = { basis: 'pull-request', settingsCommit: 'd'.repeat(40), heads: {}, check };
  return { rolloutId: 'rollout-1', plannedAt: '2026-01-01T00:00:00Z', resolved: { ...about, ...rest, ...resolved }, waves: [] };
}

async function takeAs(execution: string): Promise<{ fence: number }> {
  world.objects.advance(3600);
  return runStep(lock, { cluster }, world, execution);
}

function never(): never {
  throw new Error('the channel has a cluster');
}
