import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { keptBefore, verdictAt } from '#domain/health.ts';
import { keys } from '#domain/names.ts';
import { noteReached } from '#facts/version-move.ts';
import type { TakenBackup } from '#model/backup.ts';
import type { BackupIndex } from '#model/backup-records.ts';
import type { ClusterRecord, Reached } from '#model/records.ts';
import { beginUpdate } from '../../../functions/control/begin-update.ts';
import { canMove } from '../../../functions/control/can-move.ts';
import { judgeBackup } from '../../../functions/control/judge-backup.ts';
import { lock } from '../../../functions/control/lock.ts';
import { planWaves } from '../../../functions/control/plan-waves.ts';
import { readWhatRuns } from '../../../functions/control/read-what-runs.ts';
import { record } from '../../../functions/control/record.ts';
import { unlock } from '../../../functions/control/unlock.ts';
import {
  AT,
  type ControlWorld,
  createControlWorld,
  NEW,
  OLD,
  putFleet,
  refOf,
  resolved,
  runStep,
  SETTINGS_COMMIT,
} from '../../support/control-world.ts';
import { channelFile, gitId } from '../../support/fleet.ts';

const cluster = refOf(channelFile('beta', 1), 0);
let world: ControlWorld;
beforeEach(() => {
  world = createControlWorld();
});

function render(kubernetes: string, hash = 'f', etcd = '3.6.16') {
  return { hash: hash.repeat(64), versions: { kubernetes, etcd, osImage: 'ami-1' } };
}

interface Target {
  readonly revision: string;
  readonly kubernetes: string;
  readonly hash?: string;
  readonly etcd?: string;
}

/** What the machine does under its lock, up to the first change; answers what the later steps get. */
async function begin(execution: string, { revision, kubernetes, hash, etcd }: Target, reachable = false, backup?: TakenBackup) {
  const held = await runStep(lock, { cluster }, world, execution);
  const input = {
    cluster,
    revision,
    render: render(kubernetes, hash, etcd),
    lock: held,
    rolloutId: null,
    checkMove: { reachable },
    backup,
  };
  const runs = await runStep(readWhatRuns, input, world, execution);
  if (runs.upToDate) return undefined;
  await runStep(canMove, input, world, execution);
  await runStep(beginUpdate, input, world, execution);
  return input;
}

async function update(execution: string, target: Target): Promise<void> {
  const input = await begin(execution, target);
  if (input !== undefined) await runStep(record, input, world, execution);
  await runStep(unlock, { cluster }, world, execution);
}

async function failHalfWay(execution: string, target: Target, reached: readonly (keyof Reached)[] = ['etcd', 'kubernetes']): Promise<void> {
  await begin(execution, target);
  for (const phase of reached) await noteReached(world.objects, cluster.name, execution, phase);
  await runStep(unlock, { cluster }, world, execution);
}

describe('nodes that were left for later', () => {
  const later = { nodes: 2, reason: 'a freeze' };
  const both = (issues: number) => ({ trusted: [1, 2], issues });
  const to = (identity: object) => {
    const target = render('1.35.4');
    return { cluster, revision: NEW, render: { ...target, versions: { ...target.versions, identity } } };
  };
  const leave = async () => {
    await update('update-a', { revision: OLD, kubernetes: '1.35.4' });
    const known = world.read(keys.cluster(cluster.name)) as ClusterRecord;
    const versions = { ...known.versions, identity: { clusterCa: both(1) } };
    await world.objects.put(keys.cluster(cluster.name), JSON.stringify({ ...known, versions, nodesLater: later }));
  };

  test('hold a rotation of the authority that they trust', async () => {
    await leave();

    await expect(runStep(canMove, to({ clusterCa: both(2) }), world)).rejects.toThrow(
      /2 of its nodes are of a revision before \(a freeze\)/,
    );
    await expect(runStep(canMove, to({}), world)).rejects.toThrow(/cut off/);
  });

  test('hold nothing else', async () => {
    await leave();

    expect(await runStep(canMove, to({ clusterCa: both(1), encryption: both(1) }), world)).toEqual({ movable: true });
  });
});

describe('an update that is left half-way', () => {
  test('makes the way back to the recorded revision work to do', async () => {
    await update('update-a', { revision: OLD, kubernetes: '1.35.4' });
    await failHalfWay('update-b', { revision: NEW, kubernetes: '1.35.4' });

    const back = await begin('update-c', { revision: OLD, kubernetes: '1.35.4' });

    expect(back).toBeDefined();
    expect(world.read(keys.cluster(cluster.name))).toMatchObject({
      revision: OLD,
      execution: 'update-a',
      updating: { execution: 'update-c', revision: OLD },
    });
  });

  test('is done again by a rollout of the revision that is recorded', async () => {
    const beta = await putFleet(world, 1);
    const [entry] = beta.clusters;
    if (entry === undefined) throw new Error('beta has a cluster');
    const plan = (rolloutId: string) =>
      runStep(planWaves, { resolveRevision: resolved({ rolloutId, revision: OLD, basis: 'proven-here' }) }, world);
    expect(await plan('rollout-1')).toMatchObject({ clusters: 0 });

    await failHalfWay('update-b', { revision: NEW, kubernetes: '1.35.4' });

    expect(await plan('rollout-2')).toMatchObject({ clusters: 1 });
  });

  test('is over with the next update that ends', async () => {
    await update('update-a', { revision: OLD, kubernetes: '1.35.4' });
    await failHalfWay('update-b', { revision: NEW, kubernetes: '1.35.4' });
    await update('update-c', { revision: OLD, kubernetes: '1.35.4' });

    expect(world.read(keys.cluster(cluster.name))).not.toHaveProperty('updating');
    expect(await begin('update-d', { revision: OLD, kubernetes: '1.35.4' })).toBeUndefined();
  });

  test('of a creation leaves a cluster that does not exist yet, and is created by the next', async () => {
    await failHalfWay('update-a', { revision: OLD, kubernetes: '1.35.4' });

    expect(world.read(keys.cluster(cluster.name))).toMatchObject({ creating: true, updating: { execution: 'update-a', revision: OLD } });
    expect(await runStep(readWhatRuns, { cluster, revision: OLD }, world)).toMatchObject({
      exists: false,
      creation: true,
      upToDate: false,
    });
    await update('update-b', { revision: OLD, kubernetes: '1.35.4' });
    expect(await runStep(readWhatRuns, { cluster, revision: OLD }, world)).toMatchObject({ exists: true, creation: false, upToDate: true });
  });

  test('of a creation is deleted without a revision', async () => {
    await failHalfWay('update-a', { revision: OLD, kubernetes: '1.35.4' });
    const held = await runStep(lock, { cluster }, world, 'delete-a');

    expect(await runStep(record, { cluster, lock: held, deleted: true }, world, 'delete-a')).toEqual({ written: true });

    expect(world.read(keys.cluster(cluster.name))).toMatchObject({ deleted: true, revision: null, execution: 'delete-a' });
  });
});

describe('begin-update', () => {
  test('repeated, it writes nothing', async () => {
    const input = await begin('update-a', { revision: OLD, kubernetes: '1.35.4' });
    const before = world.read(keys.cluster(cluster.name));
    world.clock.advance(60);

    expect(await runStep(beginUpdate, input, world, 'update-a')).toEqual({ written: false, notWell: null });
    expect(world.read(keys.cluster(cluster.name))).toEqual(before);
  });

  test('keeps what was not well before the first try of a render, and looks anew for another one', async () => {
    await update('update-a', { revision: OLD, kubernetes: '1.35.4' });
    const sick = (...subjects: string[]) => ({
      before: { problems: subjects.map((subject) => ({ subject, reason: 'r' })), nodes: 1, workloads: 1, apiMilliseconds: 5 },
    });
    const attempt = async (execution: string, revision: string, hash: string, ...subjects: string[]) => {
      const held = await runStep(lock, { cluster }, world, execution);
      const checkHealth = sick(...subjects);
      const input = { cluster, revision, render: render('1.35.4', hash), lock: held, checkMove: { reachable: true }, checkHealth };
      const begun = await runStep(beginUpdate, input, world, execution);
      expect(await runStep(beginUpdate, input, world, execution)).toEqual({ ...begun, written: false });
      await unlockAs(execution);
      return begun;
    };
    const unlockAs = (execution: string) => runStep(unlock, { cluster }, world, execution);

    expect(await attempt('update-b', NEW, 'e', 'DNS')).toEqual({ written: true, notWell: ['DNS'] });
    expect(await attempt('update-c', NEW, 'e', 'DNS', 'DaemonSet kube-system/network')).toEqual({ written: true, notWell: ['DNS'] });
    expect(await attempt('update-d', NEW, 'd', 'DNS', 'DaemonSet kube-system/network')).toEqual({
      written: true,
      notWell: ['DNS', 'DaemonSet kube-system/network'],
    });
  });

  test('notes what was not shown of the look before it too, and no nodes', async () => {
    const held = await runStep(lock, { cluster }, world, 'update-a');
    const problem = (subject: string) => ({ subject, reason: 'r' });
    const workloads = Array.from({ length: 25 }, (_, index) => `Deployment kube-system/a-${index}`);
    const look = { nodes: 40, workloads: 25, apiMilliseconds: 1100 };
    const nodes = Array.from({ length: 40 }, (_, index) => `node i-${index}`);
    const before = keptBefore({ ...look, problems: [...nodes, ...workloads].map(problem) });
    const input = { cluster, revision: NEW, render: render('1.35.4'), lock: held, checkMove: { reachable: true }, checkHealth: { before } };

    const { notWell } = await runStep(beginUpdate, input, world, 'update-a');
    const again = { ...look, problems: [...workloads, 'Deployment kube-system/new'].map(problem) };
    const { problems, asBefore } = verdictAt(again, 'before-nodes', keptBefore(again), notWell ?? undefined);

    expect(notWell).toHaveLength(1 + workloads.length);
    expect(asBefore.map(({ subject }) => subject)).toEqual([...workloads, 'the speed of the API']);
    expect(problems.map(({ subject }) => subject)).toEqual(['Deployment kube-system/new']);
  });

  test('an execution that lost its lock notes nothing', async () => {
    const held = await runStep(lock, { cluster }, world, 'update-a');
    world.objects.advance(3600);
    await runStep(lock, { cluster }, world, 'update-b');

    const input = { cluster, revision: OLD, render: render('1.35.4'), lock: held, checkMove: { reachable: false } };
    const late = runStep(beginUpdate, input, world, 'update-a');

    await expect(late).rejects.toMatchObject({ name: 'LockHeldError', message: expect.stringContaining('update-b') });
    expect(world.read(keys.cluster(cluster.name))).toBeUndefined();
  });
});

describe('can-move', () => {
  test('a hold at a lower minor is refused before anything is written', async () => {
    await update('update-a', { revision: NEW, kubernetes: '1.36.3' });
    const before = world.objects.contents();

    const back = runStep(canMove, { cluster, revision: OLD, render: render('1.35.4') }, world, 'update-b');

    await expect(back).rejects.toMatchObject({
      name: 'GateClosedError',
      message:
        "beta-1 can't move to aaaaaaaaaaaa: kubernetes can't go back from 1.36.3 to 1.35.4: what it stores is of the newer minor. Nothing was changed. Roll out a revision that it can move to; to go back, restore a backup (docs/recover.md).",
    });
    expect(world.objects.contents()).toEqual(before);
  });

  test('a way back from an update that was left half-way counts what that update may have made', async () => {
    await update('update-a', { revision: OLD, kubernetes: '1.35.4' });
    await failHalfWay('update-b', { revision: NEW, kubernetes: '1.36.3' });

    await expect(begin('update-c', { revision: OLD, kubernetes: '1.35.4' })).rejects.toMatchObject({
      name: 'GateClosedError',
      message: expect.stringContaining('The update update-b to it was left half-way, so it may run already.'),
    });
  });

  test('an update that failed before it reached the control plane can be taken back, and one before etcd too', async () => {
    await update('update-a', { revision: OLD, kubernetes: '1.35.4', etcd: '3.6.16' });
    await failHalfWay('update-b', { revision: NEW, kubernetes: '1.36.3', etcd: '3.7.1' }, []);
    expect(await begin('update-c', { revision: OLD, kubernetes: '1.35.4', etcd: '3.6.16' })).toBeDefined();
    await runStep(unlock, { cluster }, world, 'update-c');

    await failHalfWay('update-d', { revision: NEW, kubernetes: '1.36.3', etcd: '3.6.16' }, ['etcd']);

    expect(await begin('update-e', { revision: OLD, kubernetes: '1.35.4', etcd: '3.6.16' })).toBeDefined();
  });

  test('what one half-done update had begun with counts after the next one too', async () => {
    await update('update-a', { revision: OLD, kubernetes: '1.35.4' });
    await failHalfWay('update-b', { revision: NEW, kubernetes: '1.36.3' }, ['kubernetes']);
    await failHalfWay('update-c', { revision: NEW, kubernetes: '1.36.3', hash: 'e' }, []);

    await expect(begin('update-d', { revision: OLD, kubernetes: '1.35.4' })).rejects.toMatchObject({ name: 'GateClosedError' });
  });

  test('a note of an older version, which does not say how far it came, counts as having reached all', async () => {
    await update('update-a', { revision: OLD, kubernetes: '1.35.4' });
    await failHalfWay('update-b', { revision: NEW, kubernetes: '1.36.3' }, []);
    const { updating, ...known } = world.read(keys.cluster(cluster.name)) as ClusterRecord;
    const { reached: _, ...old } = updating ?? {};
    await world.put(keys.cluster(cluster.name), { ...known, updating: old });

    await expect(begin('update-c', { revision: OLD, kubernetes: '1.35.4' })).rejects.toMatchObject({ name: 'GateClosedError' });
    await runStep(unlock, { cluster }, world, 'update-c');
    await begin('update-d', { revision: NEW, kubernetes: '1.36.3' });
    expect(world.read(keys.cluster(cluster.name))).toMatchObject({
      updating: { execution: 'update-d', reached: { kubernetes: '1.36.3', etcd: '3.6.16' } },
    });
  });

  test('only the update that is under way notes how far it came', async () => {
    await failHalfWay('update-a', { revision: OLD, kubernetes: '1.35.4' }, []);

    await expect(noteReached(world.objects, cluster.name, 'update-b', 'etcd')).rejects.toMatchObject({ name: 'LockHeldError' });
    await noteReached(world.objects, cluster.name, 'update-a', 'etcd');
    await noteReached(world.objects, cluster.name, 'update-a', 'etcd');
    expect(world.read(keys.cluster(cluster.name))).toMatchObject({ updating: { reached: { etcd: '3.6.16' } } });
  });

  test('a definition without the version in which objects are stored is refused', async () => {
    const definition = (versions: string[], storage: string) => ({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.example.org' },
      spec: { versions: versions.map((name) => ({ name, storage: name === storage })) },
    });
    const put = (hash: string, object: object) =>
      world.put(keys.render(hash.repeat(64)), {
        cluster: cluster.name,
        revision: OLD,
        versions: render('1.35.4').versions,
        pools: [],
        stacks: [{ role: 'network', stackName: 's', template: '', parameters: {} }],
        components: [{ name: 'widgets', phase: 'workloads', objects: [object] }],
        deletions: { before: [], after: [] },
      });
    await put('1', definition(['v1beta1', 'v1'], 'v1'));
    await put('2', definition(['v1beta1'], 'v1beta1'));
    await update('update-a', { revision: OLD, kubernetes: '1.35.4', hash: '1' });

    await expect(begin('update-b', { revision: NEW, kubernetes: '1.35.4', hash: '2' })).rejects.toThrow(
      'Objects of widgets.example.org are stored as v1',
    );
    await put('3', definition(['v2'], 'v2'));
    await runStep(unlock, { cluster }, world, 'update-b');
    const back = { revision: NEW, kubernetes: '1.35.4', hash: '1' };
    await put('4', definition(['v1', 'v2'], 'v2'));
    await failHalfWay('update-c', { revision: NEW, kubernetes: '1.35.4', hash: '4' });
    await expect(begin('update-d', back)).rejects.toThrow('stored as v2');
    await runStep(unlock, { cluster }, world, 'update-d');
    expect(await begin('update-e', back, true), 'the cluster itself was asked and has stored none').toBeDefined();
  });

  test('whatever updates end, fail and go back, no API server gets data of a newer minor', async () => {
    const step = fc.record({
      minor: fc.integer({ min: 34, max: 37 }),
      ends: fc.boolean(),
      reaches: fc.boolean(),
      digit: fc.constantFrom('1', '2', '3', '4'),
    });
    let refused = 0;
    let halves = 0;
    let early = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 10 }), async (steps) => {
        world = createControlWorld();
        // What lies in etcd, as only the test knows it: half an update may have stored in its version already.
        let stored = 0;
        let whole: string | undefined;
        for (const [index, { minor, ends, reaches, digit }] of steps.entries()) {
          const target = { revision: gitId(digit), kubernetes: `1.${minor}.1` };
          const input = await begin(`update-${index}`, target).catch((error: { name: string }) => {
            expect(error.name).toBe('GateClosedError');
            refused += 1;
            return 'refused' as const;
          });
          if (input === undefined) expect(whole, 'only a whole cluster is up to date').toBe(target.revision);
          if (input !== undefined && input !== 'refused') {
            expect(minor).toBeGreaterThanOrEqual(stored);
            expect(stored === 0 || minor <= stored + 1).toBe(true);
            if (ends || reaches) {
              await noteReached(world.objects, cluster.name, `update-${index}`, 'kubernetes');
              stored = minor;
            } else early += 1;
            whole = ends ? target.revision : undefined;
            halves += ends ? 0 : 1;
            if (ends) await runStep(record, input, world, `update-${index}`);
          }
          await runStep(unlock, { cluster }, world, `update-${index}`);
        }
      }),
      { seed: 20_260_105, numRuns: 300 },
    );
    expect(Math.min(refused, halves, early)).toBeGreaterThan(50);
  });
});

describe('a backup that lacks what was there', () => {
  const ID = (hour: number): string => `20260105T0${hour}0000Z-0123456789ab`;
  const backup = (hour: number, configmaps: number): TakenBackup => ({
    id: ID(hour),
    bytes: 20_000,
    revision: hour * 100,
    clusterId: 'c1',
    file: { hash: 1, compactRevision: 50, counts: { configmaps } },
  });
  const next = { revision: NEW, kubernetes: '1.35.4' };
  const index = () => world.read(keys.backupIndex(cluster.name)) as BackupIndex;
  const recordOf = () => world.read(keys.cluster(cluster.name)) as ClusterRecord;
  const acknowledge = async (id: string, until = '2026-02-01T00:00:00Z') => {
    const file = channelFile('beta', 1);
    const acknowledged = [{ cluster: cluster.name, backup: id, owner: 'ann', reason: 'a team left', until }];
    await world.settings([{ ...file, backup: { ...file.backup, acknowledged } }]);
    await world.put(keys.newestSettings(), { commit: SETTINGS_COMMIT, seenAt: AT });
  };
  beforeEach(async () => {
    await update('update-a', { revision: OLD, kubernetes: '1.35.4' });
  });

  test('lets nothing begin, and is told with its numbers and what to do', async () => {
    await begin('update-b', next, true, backup(5, 100));
    await runStep(unlock, { cluster }, world, 'update-b');

    const second = begin('update-c', next, true, backup(6, 60));

    await expect(second).rejects.toMatchObject({
      name: 'GateClosedError',
      message: expect.stringMatching(
        /^beta-1 is not changed: the backup 20260105T060000Z-\S+ is suspicious against 20260105T050000Z-\S+: configmaps: 60 objects instead of 100 \(40 % less\)\. .*backup\.acknowledged.* pull request$/,
      ),
    });
    expect(recordOf().updating?.execution).toBe('update-b');
    expect(index()).toMatchObject({ newestProven: { id: ID(6) }, suspicious: { content: { id: ID(6) }, comparedWith: ID(5) } });
  });

  test('goes no further by a second one that lacks what the first had', async () => {
    await begin('update-b', next, true, backup(5, 100));

    const judged = runStep(judgeBackup, { cluster, backup: backup(6, 60) }, world, 'update-b');

    await expect(judged).rejects.toMatchObject({ name: 'GateClosedError', message: expect.stringContaining('60 objects instead of 100') });
    expect(index()).toMatchObject({ newestProven: { id: ID(6) }, suspicious: { content: { id: ID(6) }, comparedWith: ID(5) } });
    expect(await runStep(judgeBackup, { cluster, backup: backup(7, 90) }, world, 'update-b')).toEqual({ judged: ID(7) });
    expect(index()).toMatchObject({ compared: { id: ID(7) }, suspicious: null });
  });

  test('lets it begin once the first of them is acknowledged, and is the measure from then on', async () => {
    await begin('update-b', next, true, backup(5, 100));
    await runStep(unlock, { cluster }, world, 'update-b');
    await expect(begin('update-c', next, true, backup(6, 60))).rejects.toThrow('suspicious');
    await runStep(unlock, { cluster }, world, 'update-c');
    await acknowledge(ID(6));

    await begin('update-d', next, true, backup(7, 60));

    expect(recordOf().updating?.execution).toBe('update-d');
    expect(index()).toMatchObject({ compared: { id: ID(7) }, suspicious: null });
  });

  test('counts an acknowledgement no more once it has ended', async () => {
    await begin('update-b', next, true, backup(5, 100));
    await runStep(unlock, { cluster }, world, 'update-b');
    await acknowledge(ID(6), '2026-01-05T08:00:00Z');

    await expect(begin('update-c', next, true, backup(6, 60))).rejects.toThrow('suspicious');
  });

  test('lets nothing begin where the index can not be read', async () => {
    await world.objects.put(keys.backupIndex(cluster.name), '{');

    const update = begin('update-b', next, true, backup(5, 100));

    await expect(update).rejects.toMatchObject({ name: 'GateClosedError', message: expect.stringContaining("can't be read") });
    expect(recordOf().updating).toBeUndefined();
  });

  test('is judged by the limits of the channel', async () => {
    const file = channelFile('beta', 1);
    await world.settings([{ ...file, backup: { ...file.backup, anomaly: { sizeDrop: 30, countDrop: 50 } } }]);
    await world.put(keys.newestSettings(), { commit: SETTINGS_COMMIT, seenAt: AT });
    await begin('update-b', next, true, backup(5, 100));
    await runStep(unlock, { cluster }, world, 'update-b');

    await begin('update-c', next, true, backup(6, 60));

    expect(index().suspicious).toBeNull();
  });
});
