import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { keys } from '#domain/names.ts';
import type { BackupIndex } from '#model/backup-records.ts';
import type { Metric } from '#ports/metrics.ts';
import { findDueBackups } from '../../../functions/control/find-due-backups.ts';
import { record } from '../../../functions/control/record.ts';
import { recordBackup } from '../../../functions/control/record-backup.ts';
import { recordCopy } from '../../../functions/control/record-copy.ts';
import { recordRemoval } from '../../../functions/control/record-removal.ts';
import { reportBackups } from '../../../functions/control/report-backups.ts';
import { AT, type ControlWorld, createControlWorld, NEW, refOf, runStep, SETTINGS_COMMIT } from '../../support/control-world.ts';
import { channelFile } from '../../support/fleet.ts';

const DEV = channelFile('dev', 2);
const BETA = channelFile('beta', 100, { follows: 'dev', backup: { ...DEV.backup, interval: '4h' } });
const ID = '20260105T075000Z-0123456789ab';
const TAKEN = '2026-01-05T07:50:00.000Z';

let world: ControlWorld;
let told: { readonly dimensions: Readonly<Record<string, string>>; readonly metrics: Record<string, number> }[];
beforeEach(async () => {
  world = createControlWorld();
  told = [];
  await world.settings([DEV, BETA]);
  await world.put(keys.newestSettings(), { commit: SETTINGS_COMMIT, seenAt: AT });
});

function ports() {
  const put = (dimensions: Readonly<Record<string, string>>, metrics: readonly Metric[]): void => {
    told.push({ dimensions, metrics: Object.fromEntries(metrics.map(({ name, value }) => [name, value])) });
  };
  return { ...world, metrics: { put } };
}

/** Clusters that were made an hour ago, or before. */
async function exist(channel: typeof DEV, count: number, startedAt = AT): Promise<void> {
  for (const entry of channel.clusters.slice(0, count)) await world.record(entry, channel.channel, NEW, { startedAt });
}

function indexOf(cluster: string): BackupIndex {
  return world.read(keys.backupIndex(cluster)) as BackupIndex;
}

const name = 'scheduled-dev-1-490000-0';
/** As a machine keeps it. */
const taken = (id: string, more: object = {}) => ({
  id,
  bytes: 5,
  seconds: 2,
  revision: 100,
  clusterId: 'c1',
  file: { hash: 1, compactRevision: 50, counts: { configmaps: 100 }, usedBytes: 4096 },
  ...more,
});
const ended = (more: object) => ({ cluster: refOf(DEV, 0), drill: false, executionName: name, ...more });

describe('find-due-backups', () => {
  it('finds the clusters that are there and have none, with a drill', async () => {
    await exist(DEV, 1);

    const found = await runStep(findDueBackups, {}, world);

    expect(found).toMatchObject({
      found: 1,
      clusters: 1,
      unreadable: [],
      items: [{ drill: true, cluster: { name: 'dev-1', channel: 'dev' } }],
    });
    expect(found.items[0]?.executionName).toMatch(/^scheduled-dev-1-\d+-0$/);
  });

  it('finds none before the first rollout', async () => {
    world.objects.remove(keys.newestSettings());

    expect(await runStep(findDueBackups, {}, world)).toEqual({ items: [], found: 0, clusters: 0, unreadable: [] });
  });

  it('leaves a cluster alone that is being deleted, and one that was backed up by its own interval', async () => {
    const [first, second] = DEV.clusters;
    if (first === undefined || second === undefined) throw new Error('dev has two clusters');
    await world.record(first, 'dev', NEW, { deleting: { execution: 'delete-1', since: AT, backup: null } });
    await world.record(second, 'dev', NEW);
    await runStep(
      recordBackup,
      {
        ...ended({ outcome: 'proven', drill: true }),
        cluster: refOf(DEV, 1),
        backup: taken('20260105T075959Z-0123456789ab'),
      },
      world,
    );
    world.clock.advance(1);

    expect(await runStep(findDueBackups, {}, world)).toMatchObject({ clusters: 1 });
  });

  it('names a cluster whose index can not be read, and backs it up', async () => {
    await exist(DEV, 2);
    await world.objects.put(keys.backupIndex('dev-1'), '{');

    const found = await runStep(findDueBackups, {}, world);

    expect(found).toMatchObject({ found: 2, unreadable: ['dev-1'] });
  });

  it('takes so many that a state can hold them, those first that wait longest', async () => {
    await exist(BETA, 100, '2026-01-01T00:00:00.000Z');
    await runStep(
      recordBackup,
      { ...ended({ outcome: 'proven' }), cluster: refOf(BETA, 0), backup: taken('20260101T000000Z-0123456789ab') },
      world,
    );

    const found = await runStep(findDueBackups, {}, world);

    expect(found).toMatchObject({ found: 90, clusters: 100 });
    expect(found.items).toHaveLength(90);
    expect(JSON.stringify(found).length).toBeLessThan(32 * 1024);
    expect(found.items.map(({ cluster }) => cluster.name)).not.toContain('beta-1');
  });

  it('gives no place to backups that are under way', async () => {
    await exist(BETA, 100, '2026-01-01T00:00:00.000Z');
    const first = await runStep(findDueBackups, {}, world);
    for (const { executionName } of first.items) world.executions.set('backup-etcd', executionName, { status: 'RUNNING' });

    const second = await runStep(findDueBackups, {}, world);

    const names = new Set([...first.items, ...second.items].map(({ cluster }) => cluster.name));
    expect(second.items).toHaveLength(10);
    expect(names.size).toBe(100);
  });
});

describe('record-backup', () => {
  it('writes down a proven backup, and a drilled one apart', async () => {
    await runStep(recordBackup, ended({ outcome: 'proven', drill: true, backup: taken(ID) }), world);

    expect(indexOf('dev-1')).toMatchObject({
      newestProven: { id: ID, takenAt: TAKEN },
      newestDrilled: { id: ID, takenAt: TAKEN },
      bytes: 5,
      seconds: 2,
      failures: 0,
    });
  });

  it('counts a failure once, with its reason', async () => {
    const failed = ended({
      outcome: 'failed',
      error: { Error: 'BackupNotProvenError', Cause: JSON.stringify({ errorType: 'BackupNotProvenError', errorMessage: 'L0 fails' }) },
    });
    await runStep(recordBackup, failed, world);

    const again = await runStep(recordBackup, failed, world);

    expect(again).toEqual({ failures: 1, reason: 'BackupNotProvenError: L0 fails', removalDue: false });
    expect(indexOf('dev-1')).toMatchObject({
      newestProven: null,
      failures: 1,
      lastFailure: { execution: name, reason: 'BackupNotProvenError: L0 fails' },
    });
  });

  it('leaves what another look does to that one, and counts what ended and was never written down', async () => {
    const doubled = ended({ outcome: 'failed', error: { Error: 'StepFunctions.ExecutionAlreadyExistsException', Cause: '' } });
    world.executions.set('backup-etcd', name, { status: 'RUNNING' });
    await runStep(recordBackup, doubled, world);
    expect(indexOf('dev-1')).toBeUndefined();

    world.executions.set('backup-etcd', name, { status: 'SUCCEEDED' });
    await runStep(recordBackup, doubled, world);

    expect(indexOf('dev-1')).toMatchObject({ failures: 1 });
  });

  it('refuses an id that is none', async () => {
    await expect(runStep(recordBackup, ended({ outcome: 'proven', backup: taken('x') }), world)).rejects.toMatchObject({
      name: 'InputError',
    });
  });
});

describe('record', () => {
  it('notes the backup that an update began with', async () => {
    await world.put(keys.lock('dev-1'), { subject: 'dev-1', fence: 1, holder: 'update-1', expiresAt: '2027-01-01T00:00:00.000Z' });
    const input = {
      cluster: refOf(DEV, 0),
      revision: NEW,
      render: { hash: 'f'.repeat(64), versions: { kubernetes: '1.35.4', etcd: '3.6.5', osImage: 'ami-1' } },
      backup: { id: ID },
      lock: { fence: 1 },
      deleted: false,
    };

    await runStep(record, input, world, 'update-1');

    expect(indexOf('dev-1')).toMatchObject({ newestProven: { id: ID, takenAt: TAKEN }, newestDrilled: { id: ID }, bytes: null });
  });
});

describe('when old backups are to be removed', () => {
  // The world begins an hour after AT.
  const later = (hours: number): string => new Date(Date.parse(AT) + (1 + hours) * 3600_000).toISOString();
  const drilled = (hoursAgo: number) => ({
    cluster: 'dev-1',
    newestProven: null,
    newestDrilled: { id: ID, takenAt: later(-hoursAgo) },
    bytes: null,
    seconds: null,
    failures: 0,
    lastFailure: null,
  });
  const removal = (hoursAgo: number) => ({ at: later(-hoursAgo), execution: 'run', result: null, failures: 1, reason: 'x' });
  const proven = ended({ outcome: 'proven', backup: taken(ID, {}) });
  const due = async (index: object, work = proven): Promise<boolean> => {
    await world.put(keys.backupIndex('dev-1'), index);
    return (await runStep(recordBackup, work, world)).removalDue;
  };

  it.each([
    ['a day after the last, one was restored yesterday', drilled(25), removal(23), true],
    ['the first time', drilled(1), undefined, true],
    ['an hour after the last', drilled(1), removal(1), false],
    ['a day after the last, none was restored for two days', drilled(48), removal(30), false],
  ])('%s', async (_, index, last, expected) => {
    expect(await due({ ...index, ...(last && { removal: last }) })).toBe(expected);
  });

  it('never after one that failed, nor where none was restored', async () => {
    expect(await due(drilled(1), ended({ outcome: 'failed' }))).toBe(false);
    expect(await due({ ...drilled(1), newestDrilled: null })).toBe(false);
  });
});

describe('record-removal', () => {
  const RESULT = {
    removed: 2,
    removedBytes: 9,
    kept: 3,
    keptBytes: 30,
    left: 0,
    locked: 1,
    unclear: 0,
    objectLock: true,
    newest: ID,
    told: [],
  };
  const removal = (more: object) => ({ cluster: refOf(DEV, 0), startedAt: AT, ...more });
  const run = (more: object, execution: string) => recordRemoval.run(recordRemoval.input.parse(removal(more)), world, { execution });

  it('writes down what a removal came to, beside what is known', async () => {
    await runStep(recordBackup, ended({ outcome: 'proven', backup: taken(ID, {}) }), world);

    const output = await run({ outcome: 'done', removeBackups: RESULT }, 'one');

    expect(output).toEqual({ failures: 0, reason: null });
    expect(indexOf('dev-1')).toMatchObject({
      newestProven: { id: ID },
      removal: { at: AT, execution: 'one', result: RESULT, failures: 0, reason: null },
    });
  });

  it('counts those that fail once each, keeps what the last good one found, and begins anew after one', async () => {
    const error = { Error: 'RefusedError', Cause: JSON.stringify({ errorMessage: 'backup x is no longer there' }) };
    const later = (hour: number): string => new Date(Date.parse(AT) + hour * 3600_000).toISOString();
    await run({ outcome: 'done', removeBackups: RESULT }, 'one');

    await run({ outcome: 'failed', error, startedAt: later(24) }, 'two');
    await run({ outcome: 'failed', error, startedAt: later(24) }, 'two');
    // Late.
    await run({ outcome: 'done', removeBackups: { ...RESULT, kept: 99 }, startedAt: later(1) }, 'lost');

    expect(indexOf('dev-1').removal).toMatchObject({ failures: 1, result: RESULT, reason: expect.stringContaining('no longer there') });
    await run({ outcome: 'failed', error, startedAt: later(48) }, 'three');
    expect(indexOf('dev-1').removal?.failures).toBe(2);
    await run({ outcome: 'done', removeBackups: RESULT, startedAt: later(72) }, 'four');
    expect(indexOf('dev-1').removal).toMatchObject({ failures: 0, reason: null });
  });

  it('is told by metrics: how many and how large, and who needs a look', async () => {
    await exist(DEV, 2);
    await run({ outcome: 'done', removeBackups: { ...RESULT, unclear: 1 } }, 'one');

    await runStep(reportBackups, {}, ports());

    expect(told[0]?.metrics).toMatchObject({ StoredBackups: 3, StoredBackupBytes: 30, UnclearBackups: 1, BackupRemovalFailures: 0 });
    expect(told.at(-1)?.metrics).toMatchObject({ ClustersWithUnclearBackups: 1 });
    await run({ outcome: 'failed', startedAt: new Date(Date.parse(AT) + 1).toISOString() }, 'two');
    await run({ outcome: 'done', removeBackups: RESULT, startedAt: new Date(Date.parse(AT) + 2).toISOString() }, 'three');
    await runStep(reportBackups, {}, ports());
    expect(told.at(-1)?.metrics).toMatchObject({ ClustersWithUnclearBackups: 0 });
  });
});

describe('record-copy', () => {
  const RESULT = { wanted: true, copied: 1, there: 3, missing: 2, newest: ID, told: [] };
  const run = (more: object, execution: string) =>
    recordCopy.run(recordCopy.input.parse({ cluster: refOf(DEV, 0), startedAt: AT, ...more }), world, { execution });

  it('writes down what is in the second bucket, and counts failures apart from those of removals', async () => {
    await exist(DEV, 2);
    await run({ outcome: 'done', copyBackups: RESULT }, 'one');
    await runStep(reportBackups, {}, ports());
    expect(told[0]?.metrics).toMatchObject({ BackupsNotCopied: 2, BackupRemovalFailures: 0 });
    expect(told.at(-1)?.metrics).toMatchObject({ ClustersWithFailedCopies: 0, ClustersWithUnclearBackups: 0 });

    const later = new Date(Date.parse(AT) + 1000).toISOString();
    await run({ outcome: 'failed', error: { Error: 'RefusedError', Cause: 'no such bucket' }, startedAt: later }, 'two');

    expect(indexOf('dev-1')).toMatchObject({ copy: { failures: 1, result: RESULT, reason: expect.stringContaining('no such bucket') } });
    expect(indexOf('dev-1').removal).toBeUndefined();
    await runStep(reportBackups, {}, ports());
    expect(told.at(-1)?.metrics).toMatchObject({ ClustersWithFailedCopies: 1, ClustersWithUnclearBackups: 0 });
  });

  it('has a copy that is not what it should be counted as a failed one', async () => {
    await exist(DEV, 1);
    await run({ outcome: 'done', copyBackups: { ...RESULT, told: [`${ID}: its copy has 1 bytes`] } }, 'one');

    await runStep(reportBackups, {}, ports());

    expect(told.at(-1)?.metrics).toMatchObject({ ClustersWithFailedCopies: 1 });
  });
});

describe('a suspicious backup', () => {
  const later = (hour: number, more: object) => taken(`20260105T0${hour}0000Z-0123456789ab`, more);
  const lost = { file: { hash: 1, compactRevision: 50, counts: { configmaps: 10 }, usedBytes: 4096 } };
  const write = (backup: object) => runStep(recordBackup, ended({ outcome: 'proven', backup }), world);

  it('is written down with its numbers; those after it that are no worse leave it to be acknowledged', async () => {
    await write(later(1, {}));
    const output = await write(later(2, lost));

    await write(later(3, lost));

    expect(output.reason).toContain('configmaps: 10 objects instead of 100 (90 % less)');
    expect(indexOf('dev-1')).toMatchObject({
      newestProven: { id: later(3, {}).id },
      compared: { id: later(1, {}).id },
      suspicious: { content: { id: later(2, {}).id }, comparedWith: later(1, {}).id },
    });
  });

  it('is one no more when what it lacked is back', async () => {
    await write(later(1, {}));
    await write(later(2, lost));

    await write(later(3, {}));

    expect(indexOf('dev-1')).toMatchObject({ compared: { id: later(3, {}).id }, suspicious: null });
  });

  it('is counted by the metrics until it is acknowledged', async () => {
    await exist(DEV, 1);
    await write(later(1, {}));
    await write(later(2, lost));
    await runStep(reportBackups, {}, ports());
    const acknowledged = [{ cluster: 'dev-1', backup: later(2, {}).id, owner: 'ann', reason: 'right', until: '2026-02-01T00:00:00Z' }];
    await world.settings([{ ...DEV, backup: { ...DEV.backup, acknowledged } }, BETA]);

    await runStep(reportBackups, {}, ports());

    expect(told.map(({ metrics }) => metrics['ClustersWithSuspiciousBackups'] ?? metrics['BackupSuspicious'])).toEqual([1, 1, 0, 0]);
  });
});

describe('report-backups', () => {
  it('tells in how many days the first certificate of each cluster ends, and of the fleet; what is not recorded is not made up', async () => {
    const inDays = (days: number): string => new Date(world.clock.now().getTime() + days * 86_400_000).toISOString();
    const [first, second] = DEV.clusters;
    if (first === undefined || second === undefined) throw new Error('dev has two clusters');
    await world.record(first, 'dev', NEW, { startedAt: AT, identityExpires: inDays(200) });
    await world.record(second, 'dev', NEW, { startedAt: AT, identityExpires: inDays(-2) });
    await exist(BETA, 1);

    await runStep(reportBackups, {}, ports());

    const days = told.map(({ dimensions, metrics }) => [
      dimensions['Cluster'],
      metrics['IdentityDaysLeft'] ?? metrics['FirstIdentityDaysLeft'],
    ]);
    expect(days).toEqual([
      ['dev-1', 200],
      ['dev-2', -2],
      ['beta-1', undefined],
      [undefined, -2],
    ]);
  });

  it('has an alarm while there is still time to renew them', () => {
    const alarm = /IdentityExpiresAlarm:[\s\S]*?AlarmActions: \[!Ref Alarms\]/.exec(readFileSync('serverless.yml', 'utf8'))?.[0];

    expect(alarm).toContain('MetricName: FirstIdentityDaysLeft');
    expect(alarm).toMatch(/Threshold: 30\n\s+ComparisonOperator: LessThanThreshold/);
  });

  it('tells the age of each, counts one without any from its creation, and says that it ran', async () => {
    await exist(DEV, 2);
    await runStep(recordBackup, ended({ outcome: 'proven', drill: true, backup: taken(ID) }), world);

    const output = await runStep(reportBackups, {}, ports());

    expect(told).toMatchObject([
      {
        dimensions: { Cluster: 'dev-1', Channel: 'dev' },
        metrics: { ProvenBackupAge: 600, DrilledBackupAge: 600, BackupFailures: 0, BackupBytes: 5, BackupSeconds: 2 },
      },
      { dimensions: { Cluster: 'dev-2', Channel: 'dev' }, metrics: { ProvenBackupAge: 3600, BackupFailures: 0 } },
      {
        dimensions: {},
        metrics: { BackupRuns: 1, OldestProvenBackupIntervals: 1, ClustersWithFailedBackups: 0, ClustersWithSuspiciousBackups: 0 },
      },
    ]);
    expect(output).toEqual({ clusters: 2, oldestIntervals: 1, overdue: [] });
  });

  it('names who is overdue, and counts who fails', async () => {
    await exist(DEV, 2);
    world.clock.advance(3 * 3600);
    await runStep(recordBackup, ended({ outcome: 'failed' }), world);

    const output = await runStep(reportBackups, {}, ports());

    expect(output).toEqual({ clusters: 2, oldestIntervals: 4, overdue: ['dev-1', 'dev-2'] });
    expect(told.at(-1)?.metrics).toMatchObject({ ClustersWithFailedBackups: 1 });
  });

  it('is heard of also where there is no cluster', async () => {
    world.objects.remove(keys.newestSettings());

    await runStep(reportBackups, {}, ports());

    expect(told).toEqual([
      {
        dimensions: {},
        metrics: {
          BackupRuns: 1,
          OldestProvenBackupIntervals: 0,
          ClustersWithUnclearBackups: 0,
          ClustersWithFailedCopies: 0,
          ClustersWithFailedBackups: 0,
          ClustersWithSuspiciousBackups: 0,
        },
      },
    ]);
  });
});
