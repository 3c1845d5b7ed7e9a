import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anomalyGate, DEFAULT_LIMITS, judgeAnomaly, openSuspicion, withJudged, withoutComparison } from '#domain/backup-anomaly.ts';
import { emptyIndex } from '#domain/backup-index.ts';
import { known, unknown } from '#domain/may-start.ts';
import type { BackupContent, BackupIndex } from '#model/backup-records.ts';
import type { Acknowledged } from '#model/settings.ts';

const NOW = new Date('2026-01-10T00:00:00Z');
const START = Date.UTC(2026, 0, 5);
const MB = 1024 * 1024;

function content(hour: number, more: Partial<BackupContent> = {}): BackupContent {
  const takenAt = new Date(START + hour * 3_600_000).toISOString();
  const id = `${takenAt.replaceAll(/[-:]|\.\d+/g, '')}-0123456789ab`;
  return { id, takenAt, revision: 1000 + hour, clusterId: 'c1', usedBytes: 100 * MB, counts: { configmaps: 100, secrets: 50 }, ...more };
}

function acknowledge(backup: BackupContent, more: Partial<Acknowledged> = {}): Acknowledged {
  return { cluster: 'alpha-1', backup: backup.id, owner: 'ann', reason: 'right', until: '2026-02-01T00:00:00Z', ...more };
}

const judge = (index: BackupIndex, backup: BackupContent, acknowledged: readonly Acknowledged[] = []): BackupIndex =>
  withJudged(index, backup, { limits: DEFAULT_LIMITS, acknowledged, now: NOW });
const seen = (...backups: readonly BackupContent[]): BackupIndex =>
  backups.reduce((index, one) => judge(index, one), emptyIndex('alpha-1'));

describe('what a backup lacks', () => {
  it.each<[string, Partial<BackupContent>, string[]]>([
    ['nothing', {}, []],
    ['a third of a resource', { counts: { configmaps: 66, secrets: 50 } }, ['configmaps: 66 objects instead of 100 (34 % less)']],
    ['just the limit', { counts: { configmaps: 70, secrets: 50 } }, ['configmaps: 70 objects instead of 100 (30 % less)']],
    ['just less than the limit', { counts: { configmaps: 71, secrets: 50 } }, []],
    ['a resource', { counts: { configmaps: 100 } }, ['secrets: 0 objects instead of 50 (100 % less)']],
    ['half of its size', { usedBytes: 49 * MB }, ['51.4 MB in use instead of 104.9 MB (51 % less)']],
    ['nothing where its size was not told', { usedBytes: null }, []],
    ['revisions', { revision: 999 }, ['its revision went back from 1000 to 999']],
    ['its etcd', { clusterId: 'c2' }, ['it is of the etcd cluster c2, the one before of c1, and no restore is known']],
  ])('%s', (_, more, findings) => {
    expect(judgeAnomaly(content(0), content(1, more.revision === undefined ? more : { ...more }))).toEqual(findings);
  });

  it('is told of the eight greatest losses, and how many there are beside', () => {
    const counts = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`kind-${index}`, 100 + index]));

    const findings = judgeAnomaly(content(0, { counts }), content(1, { counts: {} }));

    expect(findings).toHaveLength(9);
    expect(findings[0]).toBe('kind-9: 0 objects instead of 109 (100 % less)');
    expect(findings.at(-1)).toBe('and 2 more resources');
  });

  it('says nothing of few objects, of what comes and goes, of a small database, and of a resource that may be summed up', () => {
    const counts = { pods: 500, events: 9000, minions: 60, leases: 80, jobs: 30, rare: 19, others: 25, big: 400 };
    const before = content(0, { counts, usedBytes: 7 * MB });
    const after = content(1, { counts: { big: 390, common: 24, '(others)': 300 }, usedBytes: MB });

    expect(judgeAnomaly(before, after)).toEqual([]);
  });
});

const counts = fc.dictionary(
  fc.constantFrom('configmaps', 'secrets', 'deployments', 'services/specs'),
  fc.integer({ min: 1, max: 10_000 }),
);
const backups = fc.record({ counts, usedBytes: fc.option(fc.integer({ min: 0, max: 1e9 })), revision: fc.integer({ min: 1, max: 1e9 }) });
const limits = fc.record({ sizeDrop: fc.integer({ min: 1, max: 100 }), countDrop: fc.integer({ min: 1, max: 100 }) });

describe('for any backups', () => {
  it('growth is no loss', () => {
    fc.assert(
      fc.property(backups, limits, fc.integer({ min: 0, max: 1000 }), (before, limit, more) => {
        const grown = Object.fromEntries(Object.entries(before.counts).map(([name, count]) => [name, count + more]));
        const after = { counts: grown, usedBytes: before.usedBytes && before.usedBytes + more, revision: before.revision + more };
        expect(judgeAnomaly(content(0, before), content(1, after), limit)).toEqual([]);
      }),
    );
  });

  it('what is gone altogether is told by every limit, and a stricter limit tells no less', () => {
    fc.assert(
      fc.property(backups, backups, limits, (before, after, limit) => {
        const gone = Object.values(before.counts).filter((count) => count >= 20).length;
        const empty = judgeAnomaly(content(0, { counts: before.counts }), content(1, { counts: {} }), limit);
        const [loose, strict] = [limit, { sizeDrop: Math.ceil(limit.sizeDrop / 2), countDrop: Math.ceil(limit.countDrop / 2) }].map((one) =>
          judgeAnomaly(content(0, before), content(1, after), one),
        );
        expect(empty).toHaveLength(gone);
        expect(strict).toEqual(expect.arrayContaining(loose ?? ['nothing was judged']));
      }),
    );
  });
});

describe('an index', () => {
  const LOST = { counts: { configmaps: 100 } };

  it('begins with the first, and moves on with what is as expected', () => {
    const index = seen(content(0), content(1));

    expect(index).toMatchObject({ compared: { id: content(1).id }, suspicious: null });
  });

  it('keeps the measure from before a loss, and the first that is to be acknowledged', () => {
    const index = seen(content(0), content(1, LOST), content(2, LOST), content(3, LOST));

    expect(index).toMatchObject({ compared: { id: content(0).id }, suspicious: { content: { id: content(1).id } } });
  });

  it('asks anew for one that lacks still more, also after the first was acknowledged', () => {
    const worse = content(2, { counts: {} });

    expect(judge(seen(content(0), content(1, LOST)), worse).suspicious).toMatchObject({
      content: { id: worse.id },
      comparedWith: content(0).id,
    });
    expect(judge(seen(content(0), content(1, LOST)), worse, [acknowledge(content(1))]).suspicious).toMatchObject({
      content: { id: worse.id },
      comparedWith: content(1).id,
    });
  });

  it('takes the measure of an acknowledged one, and forgets it after a restore', () => {
    const index = judge(seen(content(0), content(1, LOST)), content(2, LOST), [acknowledge(content(1))]);

    expect(index).toMatchObject({ compared: { id: content(2).id }, suspicious: null });
    expect(judge(withoutComparison(index), content(3, { clusterId: 'c9', counts: {} })).suspicious).toBeNull();
  });

  it('is left alone by what comes late or again', () => {
    const index = seen(content(0), content(2), content(3, LOST));

    expect(judge(index, content(1))).toEqual(index);
    expect(judge(index, content(3, LOST))).toEqual(index);
  });

  it('never opens the gate by itself while the loss lasts, however many backups follow', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 70 }), { minLength: 1, maxLength: 30 }), (left) => {
        const index = seen(content(0), ...left.map((configmaps, hour) => content(hour + 1, { counts: { configmaps, secrets: 50 } })));
        expect(anomalyGate(known(index), [], NOW).open).toBe(false);
      }),
    );
  });
});

describe('the gate', () => {
  const index = seen(content(0), content(1, { counts: {} }));

  it('is shut by a suspicious backup, and says what to do', () => {
    const { open, reason } = anomalyGate(known(index), [], NOW);

    expect(open).toBe(false);
    expect(reason).toMatch(/configmaps: 0 objects instead of 100 .*backup\.acknowledged/);
  });

  it('is opened by an acknowledgement of just this backup of this cluster that has not ended', () => {
    expect(anomalyGate(known(index), [acknowledge(content(1))], NOW)).toEqual({ open: true, reason: '' });
    expect(openSuspicion(index, [acknowledge(content(1))], NOW)).toBeUndefined();
    for (const other of [
      acknowledge(content(0)),
      acknowledge(content(1), { cluster: 'alpha-2' }),
      acknowledge(content(1), { until: NOW.toISOString() }),
    ]) {
      expect(anomalyGate(known(index), [other], NOW).open).toBe(false);
    }
  });

  it('is open where nothing is known yet, and shut where it can not be read', () => {
    expect(anomalyGate(known(null), [], NOW).open).toBe(true);
    expect(anomalyGate(unknown('S3 says no'), [], NOW)).toMatchObject({ open: false, reason: expect.stringContaining('S3 says no') });
  });
});
