import { describe, expect, it } from 'vitest';
import { restoreFindings, restoreNotes, restoresAsked, usedRestoreFindings } from '#domain/restore-change.ts';
import { parseSettings } from '#domain/settings.ts';
import type { RestoreRecord } from '#model/restore.ts';
import type { Settings } from '#model/settings.ts';

const HEAD = `channel: dev
branch: dev
waves: [{ name: all, percent: 100 }]
maxConcurrentClusters: 1
soak: 1m
clusters:
`;
const entry = (name: string, more = '', digit = '1'): string =>
  `  - { name: ${name}, account: '20000000000${digit}', region: eu-central-1, environment: test, network: 10.${digit}.0.0/16${more} }\n`;
const restore = (id: string, more = ''): string =>
  `, restore: { id: ${id}, backup: 20260105T060000Z-422a689b6051, reason: "a | b"${more} }`;

function read(clusters: string) {
  const parsed = parseSettings({ commit: 'c'.repeat(40), files: [{ path: 'channels/dev.yaml', content: HEAD + clusters }] });
  if (parsed.value === undefined) throw new Error(JSON.stringify(parsed.findings));
  return parsed.value;
}
const base = (clusters: string): Settings => read(clusters).settings;

describe('a restore that is asked for', () => {
  it('is told at the head of the plan: what is lost', () => {
    const [note, ...more] = restoreNotes(base(entry('dev-1')), base(entry('dev-1', restore('r1'))));

    expect(more).toEqual([]);
    expect(note).toContain('**dev-1** is restored to the backup `20260105T060000Z-422a689b6051`');
    expect(note).toContain('All changes in the cluster since that backup are lost');
    expect(note).toContain('because: a &#124; b');
  });

  it('is told as a dry run when it is one', () => {
    const [note] = restoreNotes(base(entry('dev-1')), base(entry('dev-1', restore('r1', ', dryRun: true'))));

    expect(note).toContain('stays as it is');
  });

  it('is not told again while its line stays', () => {
    const there = entry('dev-1', restore('r1'));

    expect(restoreNotes(base(there), base(there))).toEqual([]);
    expect(restoreFindings(base(there), read(there))).toEqual([]);
  });

  it('is no finding alone, and one more with another id neither', () => {
    expect(restoreFindings(base(entry('dev-1')), read(entry('dev-1', restore('r1'))))).toEqual([]);
    expect(restoreFindings(base(entry('dev-1', restore('r1'))), read(entry('dev-1', restore('r2'))))).toEqual([]);
  });

  it.each([
    ['of a new cluster', '', entry('dev-1', restore('r1')), /is new: there is no etcd/],
    ['of one to be deleted', entry('dev-1'), entry('dev-1', `${restore('r1')}, state: decommission`), /to be deleted/],
    ['with an id that was merged', entry('dev-1', restore('r1')), entry('dev-1', restore('r1', ', dryRun: true')), /each id is done once/],
    ['with other changes of its entry', entry('dev-1'), entry('dev-1', `${restore('r1')}, owner: team-x`), /Other settings of dev-1/],
  ])('is a finding at its line when it is %s', (_, before, after, message) => {
    const there = entry('dev-2', '', '2');

    const findings = restoreFindings(base(there + before), read(there + after));

    expect(findings).toEqual([
      expect.objectContaining({ rule: 'restore', path: 'channels/dev.yaml', line: 8, message: expect.stringMatching(message) }),
    ]);
  });
});

describe('an id that was used', () => {
  const record = (over: Partial<RestoreRecord> = {}): RestoreRecord => ({
    ...{
      cluster: 'dev-1',
      id: 'r1',
      backup: '20260105T060000Z-422a689b6051',
      reason: 'lost',
      dryRun: false,
      execution: 'restore-dev-1-r1',
    },
    ...{ commit: 'd'.repeat(40), state: 'restored', claimedAt: '2026-01-05T08:00:00.000Z' },
    ...over,
  });

  it('is a finding at its place when it comes again after its line was gone', () => {
    const [without, again] = [base(entry('dev-1')), read(entry('dev-1', restore('r1')))];

    expect(restoresAsked(without, again.settings)).toEqual([{ cluster: 'dev-1', id: 'r1' }]);
    expect(usedRestoreFindings(without, again, [record()])).toEqual([
      expect.objectContaining({
        ...{ rule: 'restore', level: 'failure', path: 'channels/dev.yaml', line: 7 },
        message: 'The id r1 was used on 2026-01-05 for dev-1 (it was done: restore-dev-1-r1), and each is done once. Take another id.',
      }),
    ]);
  });

  it.each([
    ['another id', record({ id: 'r2' })],
    ['another cluster', record({ cluster: 'dev-2' })],
  ])('is none for %s', (_, used) => {
    expect(usedRestoreFindings(base(entry('dev-1')), read(entry('dev-1', restore('r1'))), [used])).toEqual([]);
  });

  it('is none while its line stays', () => {
    const there = entry('dev-1', restore('r1'));

    expect(restoresAsked(base(there), base(there))).toEqual([]);
    expect(usedRestoreFindings(base(there), read(there), [record()])).toEqual([]);
  });
});
