import { describe, expect, it } from 'vitest';
import { parseSettings } from '#domain/settings.ts';
import { settingsChangeFindings } from '#domain/settings-change.ts';
import type { Finding } from '#model/checks.ts';
import { referenceSettings } from '../../support/reference-fleet.ts';

const texts = Object.fromEntries(referenceSettings().files.map((file) => [file.path.slice('channels/'.length), file.content]));

function changed(name: string, part: string, replacement: string): Record<string, string> {
  const text = texts[name] ?? '';
  if (!text.includes(part)) throw new Error(`${name} has no "${part}"`);
  return { [name]: text.replace(part, () => replacement) };
}

function findings(files: Readonly<Record<string, string>>): Finding[] {
  return [...parseSettings(referenceSettings(files)).findings];
}

function settingsOf(files: Readonly<Record<string, string>> = {}) {
  const { value, findings: found } = parseSettings(referenceSettings(files));
  if (value === undefined) throw new Error(JSON.stringify(found));
  return value;
}

describe('parseSettings', () => {
  it('finds a channel file of another ending, which nobody would read', () => {
    const { commit, files } = referenceSettings();

    const { findings: found } = parseSettings({ commit, files: [...files, { path: 'channels/gamma.yml', content: 'channel: gamma\n' }] });

    expect(found).toMatchObject([
      { rule: 'unknown-file', message: 'Nothing reads the file channels/gamma.yml. Did you mean channels/gamma.yaml?' },
    ]);
  });

  it('reads the reference fleet, the first channel first', () => {
    const { settings } = settingsOf();

    expect(settings.channels.map((channel) => [channel.channel, channel.clusters.length])).toEqual([
      ['dev', 1],
      ['alpha', 1],
      ['beta', 2],
    ]);
  });

  it.each([
    ['a key unknown', changed('dev.yaml', 'soak: 10m', 'soack: 10m'), 'There is no key soack. Did you mean soak?', 8],
    [
      'an account without quotes',
      changed('dev.yaml', "account: '200000000001'", 'account: 200000000001'),
      'clusters[0].account must be a string, received number.',
      18,
    ],
    [
      'the branch of the settings',
      changed('dev.yaml', 'branch: dev', 'branch: main'),
      'main holds the settings, so no channel can follow it. Give dev a branch of its own.',
      3,
    ],
    [
      'a day for a time',
      { 'dev.yaml': `${texts['dev.yaml'] ?? ''}hold: { revision: ${'a'.repeat(40)}, reason: x, owner: y, until: 2026-12-31 }\n` },
      'hold.until must be a time in UTC, for example 2026-12-20T00:00:00Z.',
      (texts['dev.yaml'] ?? '').split('\n').length,
    ],
    [
      'a cluster called as waivers call all',
      changed('dev.yaml', 'name: dev-1', 'name: all'),
      'clusters[0].name means every cluster in a waiver; take another.',
      17,
    ],
    [
      'a second document',
      { 'dev.yaml': `${texts['dev.yaml'] ?? ''}---\nwaivers: []\n` },
      'The file has a second document, which nobody reads. Remove it, or the line ---.',
      (texts['dev.yaml'] ?? '').split('\n').length + 1,
    ],
    ['a duration', changed('dev.yaml', 'soak: 10m', 'soak: 10 minutes'), 'soak must be a number and s, m, h or d, for example 15m.', 8],
    [
      'a network',
      changed('dev.yaml', '10.1.0.0/16', '10.1.0.0/20'),
      'clusters[0].network must be an IPv4 network of /16, for example 10.20.0.0/16.',
      21,
    ],
    [
      'a network of the services',
      changed('dev.yaml', '10.1.0.0/16', '10.96.0.0/16'),
      '10.96.0.0/16 is the service network inside each cluster. Take another.',
      21,
    ],
    [
      'a suite unknown',
      changed('dev.yaml', '[conformance, load]', '[conformance, loads]'),
      'e2e.suites[1] must be one of conformance, load. Did you mean load?',
      10,
    ],
    [
      'suites that test nothing',
      changed('dev.yaml', '[conformance, load]', '[load]'),
      'e2e.suites must have conformance: a run that tests nothing proves nothing.',
      10,
    ],
    ['a name twice', changed('beta.yaml', 'name: beta-2', 'name: dev-1'), undefined, undefined],
    [
      'a channel to follow',
      changed('alpha.yaml', 'follows: dev', 'follows: devv'),
      'There is no channel devv to follow. Did you mean dev?',
      4,
    ],
    [
      'waves that leave some out',
      changed('dev.yaml', 'percent: 100', 'percent: 50'),
      'The last wave must have percent: 100, or some clusters would never be updated.',
      6,
    ],
    [
      'a file of another name',
      changed('dev.yaml', 'channel: dev', 'channel: develop'),
      'The channel develop must stand in channels/develop.yaml.',
      2,
    ],
  ])('finds %s', (_what, files, message, line) => {
    const found = findings(files);

    expect(found.length).toBeGreaterThan(0);
    if (message !== undefined) expect(found.map((finding) => [finding.message, finding.line])).toContainEqual([message, line]);
  });

  it('says where the first stands when something stands twice', () => {
    const found = findings({
      'beta.yaml': (texts['beta.yaml'] ?? '').replace('10.4.0.0/16', '10.91.0.0/16').replace('200000000004', '200000000001'),
    });

    expect(found.map((finding) => [finding.rule, finding.path, finding.message])).toEqual([
      ['duplicate-account', 'channels/dev.yaml', 'The account 200000000001 is taken already, in channels/beta.yaml line 20.'],
      ['duplicate-network', 'channels/dev.yaml', 'The network 10.91.0.0/16 is taken already, in channels/beta.yaml line 23.'],
    ]);
  });

  it('finds two first channels', () => {
    const found = findings(changed('alpha.yaml', 'follows: dev\n', ''));

    expect(found.map((finding) => finding.message)).toEqual([
      'dev follows no channel, and neither does alpha. Only one channel may be the first.',
    ]);
  });

  it('finds a circle', () => {
    const found = findings({ ...changed('dev.yaml', 'branch: dev', 'branch: dev\nfollows: beta') });

    expect(found.map((finding) => finding.rule)).toEqual(['follows', 'follows', 'follows']);
  });

  it('finds that there is no channel at all', () => {
    expect(parseSettings({ commit: 'c'.repeat(40), files: [] }).findings).toMatchObject([{ rule: 'missing-file' }]);
  });
});

describe('etcdMembers', () => {
  const of = (environment: string, members: string) =>
    findings(changed('dev.yaml', 'environment: development', `environment: ${environment}\n    etcdMembers: ${members}`)).map(
      ({ rule, line }) => ({ rule, line }),
    );

  it.each(['1', '3', '5'])('may be %s outside production', (members) => {
    expect(of('test', members)).toEqual([]);
  });

  it('must be three or five in production', () => {
    expect([of('production', '3'), of('production', '5')]).toEqual([[], []]);
    expect(of('production', '1')).toEqual([{ rule: 'member-count', line: 21 }]);
  });

  it.each(['2', '4', '7', '"3"'])('is never %s', (members) => {
    expect(of('production', members)).toHaveLength(1);
  });
});

describe('settingsChangeFindings', () => {
  const base = settingsOf().settings;

  it('finds nothing when nothing changed', () => {
    expect(settingsChangeFindings(base, settingsOf())).toEqual([]);
  });

  it('refuses to lose a live cluster', () => {
    const head = settingsOf({ 'beta.yaml': (texts['beta.yaml'] ?? '').slice(0, (texts['beta.yaml'] ?? '').indexOf('  - name: beta-2')) });

    expect(settingsChangeFindings(base, head).map((finding) => finding.message)).toEqual([
      'The live cluster beta-2 is gone from the file. A live cluster is deleted by state: decommission, then its entry may go.',
    ]);
  });

  it('refuses to rename a live cluster', () => {
    const head = settingsOf(changed('beta.yaml', 'name: beta-2', 'name: beta-3'));

    expect(settingsChangeFindings(base, head).map((finding) => finding.message)).toEqual([
      "The live cluster beta-2 is gone from the file. It can't be renamed to beta-3: a name is a cluster's identity.",
    ]);
  });

  it('refuses to move a live cluster to another network', () => {
    const head = settingsOf(changed('beta.yaml', '10.4.0.0/16', '10.5.0.0/16'));

    expect(settingsChangeFindings(base, head)).toMatchObject([{ rule: 'fixed-field', path: 'channels/beta.yaml', line: 23 }]);
  });

  it('refuses an environment with which etcd would get or lose members, and no other', () => {
    const of = (from: string, to: string) =>
      settingsChangeFindings(
        settingsOf(changed('dev.yaml', 'environment: development', `environment: ${from}`)).settings,
        settingsOf(changed('dev.yaml', 'environment: development', `environment: ${to}`)),
      );

    expect(of('development', 'test')).toEqual([]);
    expect(of('test', 'production')).toMatchObject([
      {
        rule: 'fixed-field',
        path: 'channels/dev.yaml',
        line: 20,
        message:
          "The environment of the live cluster dev-1 can't change (test to production): etcd would go from 1 to 3 members. Create another cluster, then decommission this one.",
      },
    ]);
    expect(of('production', 'test')).toHaveLength(1);
    expect(of('test\n    etcdMembers: 3', 'production')).toMatchObject([{ rule: 'fixed-field' }]);
  });

  it('refuses another number of members for a live cluster, however it comes about', () => {
    const of = (from: string, to: string) =>
      settingsChangeFindings(
        settingsOf(changed('dev.yaml', 'environment: development', `environment: ${from}`)).settings,
        settingsOf(changed('dev.yaml', 'environment: development', `environment: ${to}`)),
      ).map(({ message }) => message);

    expect(of('production', 'production\n    etcdMembers: 3')).toEqual([]);
    expect(of('production', 'production\n    etcdMembers: 5')).toEqual([
      "The etcdMembers of the live cluster dev-1 can't change (none to 5): etcd would go from 3 to 5 members. Create another cluster, then decommission this one.",
    ]);
    expect(of('production\n    etcdMembers: 5', 'production')).toEqual([
      "The etcdMembers of the live cluster dev-1 can't change (5 to none): etcd would go from 5 to 3 members. Create another cluster, then decommission this one.",
    ]);
    expect(of('test', 'development\n    etcdMembers: 3')).toHaveLength(1);
  });
});
