import { describe, expect, it } from 'vitest';
import { emptyIndex } from '#domain/backup-index.ts';
import { known, unknown } from '#domain/may-start.ts';
import {
  type ChosenRehearsal,
  changesDataVersions,
  chooseRehearsal,
  judgeRehearsal,
  type Rehearsable,
  rehearsalHash,
} from '#domain/rehearsal.ts';
import { backupText, notRehearsedLine, rehearsalFailure, rehearsalLine, versionsText } from '#domain/rehearsal-text.ts';
import { clusterRef } from '#domain/waves.ts';
import type { RehearsalRecord, RehearsalSubject } from '#model/rehearsal.ts';
import type { Served } from '#ports/api-drill.ts';
import { channelFile, clusterRecord } from '../../support/fleet.ts';

const TO = { kubernetes: '1.36.3', etcd: '3.6.5' };
const TODAY = { kubernetes: '1.35.4', etcd: '3.6.5', osImage: 'ami-1' };
const BACKUP = { id: '20260105T060000Z-422a689b6051', takenAt: '2026-01-05T06:00:00.000Z' };
const NOW = new Date('2026-01-05T20:00:00Z');

const channel = channelFile('dev', 3);

function rehearsable(index: number, drilled: typeof BACKUP | null, versions = TODAY): Rehearsable {
  const entry = channel.clusters[index] ?? channelFile('dev', 1).clusters[0];
  if (entry === undefined) throw new Error('no cluster');
  return {
    cluster: clusterRef(entry, channel),
    record: clusterRecord(entry, 'dev', 'a'.repeat(40), { versions }),
    backups: known({ ...emptyIndex(entry.name), newestDrilled: drilled }),
  };
}

describe('what a rehearsal is made on', () => {
  it('is the first cluster of the file whose versions change and that has a drilled backup', () => {
    const clusters = [rehearsable(0, BACKUP, { ...TODAY, kubernetes: '1.36.3' }), rehearsable(1, null), rehearsable(2, BACKUP)];

    expect(chooseRehearsal(clusters, TO, NOW)).toEqual({
      subject: { cluster: clusters[2]?.cluster, backup: BACKUP, from: { kubernetes: '1.35.4', etcd: '3.6.5' }, to: TO },
      stale: undefined,
      passedOver: 'dev-2 has no proven backup yet',
    });
  });

  it('is nothing without one, and says of which clusters', () => {
    expect(chooseRehearsal([rehearsable(0, null), rehearsable(1, null)], TO, NOW)).toBe('no proven backup yet of dev-1, dev-2');
    expect(chooseRehearsal([{ ...rehearsable(0, null), backups: known(null) }], TO, NOW)).toBe('no proven backup yet of dev-1');
    expect(chooseRehearsal([], TO, NOW)).toMatch(/^no cluster that is there/);
  });

  it('is another cluster where the first one’s backups can’t be read; else that is told', () => {
    const unread = { ...rehearsable(0, null), backups: unknown('the backups of dev-1 (no JSON)') };

    expect(chooseRehearsal([unread, rehearsable(1, BACKUP)], TO, NOW)).toMatchObject({
      subject: { cluster: { name: 'dev-2' } },
      passedOver: "the backups of dev-1 (no JSON) can't be read",
    });
    expect(chooseRehearsal([unread], TO, NOW)).toBe("no proven backup yet of dev-1; can't be read: the backups of dev-1 (no JSON)");
  });

  it('is no backup of more than a week, while another cluster has a newer one', () => {
    const old = { id: '20251228T180000Z-422a689b6051', takenAt: '2025-12-28T18:00:00.000Z' };
    const week = { id: '20251229T200000Z-422a689b6051', takenAt: '2025-12-29T20:00:00.000Z' };

    expect(chooseRehearsal([rehearsable(0, week)], TO, NOW)).toMatchObject({ subject: { backup: week }, stale: undefined });
    expect(chooseRehearsal([rehearsable(0, old), rehearsable(1, week)], TO, NOW)).toMatchObject({
      subject: { cluster: { name: 'dev-2' } },
      stale: undefined,
      passedOver: 'the newest restored backup of dev-1 is 8 days old',
    });
    expect(chooseRehearsal([rehearsable(0, null), rehearsable(1, old)], TO, NOW)).toMatchObject({
      subject: { cluster: { name: 'dev-2' }, backup: old },
      stale: `the newest restored backup is 8 days old (\`${old.id}\` of dev-2)`,
      passedOver: 'dev-1 has no proven backup yet',
    });
  });

  it('concerns etcd as well, and no cluster that is being deleted', () => {
    const { record } = rehearsable(0, null);
    const deleting = { execution: 'd', since: BACKUP.takenAt, backup: null };

    expect(changesDataVersions(record, { kubernetes: '1.35.4', etcd: '3.6.5' })).toBe(false);
    expect(changesDataVersions(record, { kubernetes: '1.35.4', etcd: '3.7.3' })).toBe(true);
    expect(changesDataVersions({ ...record, deleting }, TO)).toBe(false);
  });

  it('has one name for the same backup and versions, whatever ran before', () => {
    const { subject } = chooseRehearsal([rehearsable(0, BACKUP)], TO, NOW) as ChosenRehearsal;
    const others: RehearsalSubject[] = [
      { ...subject, backup: { ...BACKUP, id: '20260105T070000Z-422a689b6051' } },
      { ...subject, to: { ...TO, etcd: '3.7.3' } },
      { ...subject, cluster: { ...subject.cluster, name: 'dev-2' } },
      { ...subject, cluster: { ...subject.cluster, account: '999999999999' } },
    ];

    expect(rehearsalHash({ ...subject, from: TO } as RehearsalSubject)).toBe(rehearsalHash(subject));
    expect(new Set([subject, ...others].map(rehearsalHash)).size).toBe(others.length + 1);
  });
});

const POD = { name: 'pods', prefix: 'pods', stored: 2, listed: 2, missing: [], missingCount: 0, added: [], addedCount: 0 };
const SECRET = { ...POD, name: 'secrets', prefix: 'secrets', stored: 1, listed: 1 };
const FACTS = { revision: 100, counts: { pods: 2, secrets: 1 }, today: '1.35.4', target: TO, seconds: 12 };

function served(over: Partial<Served> = {}): Served {
  return { revision: 1100, bump: 1000, resources: [POD, SECRET], unserved: {}, aggregated: [], oldWatch: 410, ...over };
}

describe('what a rehearsal comes to', () => {
  it('passes when all of it is served', () => {
    expect(judgeRehearsal(served(), undefined, FACTS)).toEqual({
      outcome: 'passed',
      reason:
        'etcd 3.6.5 and kube-apiserver 1.36.3 serves 2 resources with 3 objects, each by its key, 1 Secrets decrypted; an old watch is told to list anew',
      orphans: [],
      orphanedResources: 0,
      seconds: 12,
    });
  });

  it.each([
    ['a Secret that is not listed', { resources: [POD, { ...SECRET, missingCount: 1, missing: ['a/b'] }] }, /1 secrets of the snapshot/],
    ['another count than was proven', { resources: [POD, { ...SECRET, stored: 2 }] }, /etcd boots with 2 secrets instead of 1/],
    ['a resource that was never counted', { unserved: { new: 3 } }, /etcd boots with 3 new instead of 0/],
    ['another revision', { revision: 1 }, /boots at revision 1/],
    ['nothing', { resources: [] }, /no resource is served/],
  ])('fails for %s', (_, over, reason) => {
    const result = judgeRehearsal(served(over), served({ unserved: { new: 3 } }), FACTS);

    expect(result).toMatchObject({ outcome: 'failed', reason: expect.stringMatching(reason) });
  });

  it('fails for what is served today and by nobody then, with counts, the most first', () => {
    const counts = { ...FACTS.counts, few: 1, many: 9, both: 4 };

    const result = judgeRehearsal(served({ unserved: { few: 1, both: 4, many: 9 } }), served({ unserved: { both: 4 } }), {
      ...FACTS,
      counts,
    });

    expect(result).toMatchObject({
      outcome: 'failed',
      reason: 'of what is served today nobody serves 9 of many, 1 of few',
      orphans: [
        { resource: 'many', objects: 9 },
        { resource: 'few', objects: 1 },
      ],
      orphanedResources: 2,
    });
  });

  it('keeps the first few of many resources and how many there are', () => {
    const unserved = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`r${index}`, 1]));

    const result = judgeRehearsal(served({ unserved }), served(), { ...FACTS, counts: { ...FACTS.counts, ...unserved } });

    expect(result).toMatchObject({ outcome: 'failed', orphanedResources: 12 });
    expect(result.orphans).toHaveLength(5);
    expect(result.reason).toContain('and 7 more');
  });

  it('passes with what nobody serves today either', () => {
    const counts = { ...FACTS.counts, both: 4 };
    const same = served({ unserved: { both: 4 } });

    expect(judgeRehearsal(same, same, { ...FACTS, counts })).toMatchObject({
      outcome: 'passed',
      orphans: [],
      reason: expect.stringContaining('4 of both are served neither today nor then'),
    });
  });

  it('does not know without an answer of today’s server, and never passes then', () => {
    const counts = { ...FACTS.counts, both: 4 };

    const result = judgeRehearsal(served({ unserved: { both: 4 } }), undefined, { ...FACTS, counts }, 'there is no artifact');

    expect(result).toMatchObject({ outcome: 'not-rehearsed', reason: expect.stringContaining("can't be told: there is no artifact") });
  });

  it('does not know when time ran out for a list, and fails for what was found beside it', () => {
    const problem = 'not all resources were read within 200 s';
    const late = { ...SECRET, problem, late: true, listed: 0, missingCount: 1, missing: ['a/b'] };

    expect(judgeRehearsal(served({ resources: [POD, late] }), undefined, FACTS)).toMatchObject({
      outcome: 'not-rehearsed',
      reason: `kube-apiserver 1.36.3 was too slow for secrets: ${problem}`,
    });
    expect(judgeRehearsal(served({ resources: [{ ...POD, problem: 'no answer' }, late] }), undefined, FACTS)).toMatchObject({
      outcome: 'failed',
      reason: "kube-apiserver 1.36.3: pods can't be listed: no answer",
    });
  });

  it('counts neither the API server’s own keys nor what was only summed up', () => {
    const counts = { pods: 2, secrets: 1, masterleases: 3, '(others)': 7 };

    expect(judgeRehearsal(served({ unserved: { rare: 7 } }), served({ unserved: { rare: 7 } }), { ...FACTS, counts }).outcome).toBe(
      'passed',
    );
    expect(judgeRehearsal(served(), undefined, { ...FACTS, counts: { ...counts, gone: 1 } })).toMatchObject({
      outcome: 'failed',
      reason: 'etcd boots with 0 gone instead of 1',
    });
  });
});

describe('what is shown', () => {
  const record: RehearsalRecord = {
    ...{ outcome: 'passed', reason: 'all of it is served', orphans: [], orphanedResources: 0, seconds: 12, at: '2026-01-05T07:00:00.000Z' },
    ...{ execution: 'rehearse-1', cluster: 'dev-1', backup: BACKUP, from: { kubernetes: '1.35.4', etcd: '3.6.5' }, to: TO },
  };
  const WHAT = `Kubernetes 1.35.4 to 1.36.3, etcd 3.6.5 as before on backup \`${BACKUP.id}\` of dev-1, taken 2026-01-05 06:00 UTC (14 h ago)`;

  it('says which versions, which backup, from when, how long it took and what was found', () => {
    expect(rehearsalLine(record, false, NOW)).toBe(`Rehearsed ${WHAT}, in 12 s: all of it is served.`);
    expect(rehearsalLine(record, true, NOW)).toContain(', in 12 s, at 2026-01-05 07:00 UTC by `rehearse-1`:');
    expect(versionsText({ kubernetes: '1.36.3', etcd: '3.6.5' }, { kubernetes: '1.36.3', etcd: '3.7.3' })).toBe(
      'Kubernetes 1.36.3 as before, etcd 3.6.5 to 3.7.3',
    );
    expect(backupText({ cluster: 'dev-1', backup: BACKUP }, new Date('2026-01-05T05:00:00Z'))).toContain('(1 s ago)');
  });

  it('never tells what was not rehearsed as a success', () => {
    const line = rehearsalLine({ ...record, outcome: 'not-rehearsed', reason: 'there is no artifact' }, false, NOW);

    expect(line).toContain(`**Not rehearsed** (${WHAT}): there is no artifact.`);
    expect(notRehearsedLine('no proven backup yet of dev-1')).toMatch(
      /^\*\*Not rehearsed\*\*: no proven backup yet of dev-1\. .* not known/,
    );
    for (const text of [line, notRehearsedLine('x')]) expect(text).not.toMatch(/passed|^Rehearsed/);
  });

  it('names what is served by nobody', () => {
    const orphans = [{ resource: 'leasecandidates', objects: 2 }];
    const failed = {
      ...record,
      outcome: 'failed' as const,
      reason: 'of what is served today nobody serves 2',
      orphans,
      orphanedResources: 3,
    };

    expect(rehearsalFailure(failed, NOW)).toBe(
      [
        'the rehearsal of Kubernetes 1.35.4 to 1.36.3, etcd 3.6.5 as before failed: of what is served today nobody serves 2. ' +
          `It ran on ${WHAT.split(' on ')[1]}, for 12 s`,
        '',
        'Served today and by nobody then:',
        '- 2 of `leasecandidates`',
        '- and 2 more resources',
      ].join('\n'),
    );
    expect(rehearsalFailure({ ...failed, orphans: [], orphanedResources: 0 }, NOW)).not.toContain('nobody then');
  });
});
