import { describe, expect, it } from 'vitest';
import { policyFindings } from '#domain/policies/findings.ts';
import { POLICY_IDS } from '#domain/policies/registry.ts';
import { type ParsedSettings, parseSettings } from '#domain/settings.ts';
import { validateConfiguration, validateSettings } from '#domain/validation.ts';
import type { Finding } from '#model/checks.ts';
import { shippedSchemas } from '../../../../functions/plan/kubernetes-schemas.ts';
import { configurationWith, NOW } from '../../../support/policies.ts';
import { edited, referenceSettings, referenceSnapshot } from '../../../support/reference-fleet.ts';

const POOLS = 'pools:\n  - { name: a, instanceType: m6i.large, size: 2, maxSize: 6 }\n';
const MESSAGE = 'pool a: 2 nodes do not fill 3 zones.';

function clusters(...environments: string[]): string {
  return environments
    .map((environment, index) => {
      const number = index + 3;
      return `  - { name: beta-${index + 1}, account: '2000000001${String(number).padStart(2, '0')}', region: eu-central-1, environment: ${environment}, network: 10.${number + 100}.0.0/16, owner: team-platform }\n`;
    })
    .join('');
}

function beta(list: string, more = ''): Record<string, string> {
  const head = 'channel: beta\nbranch: beta\nfollows: alpha\nwaves: [{ name: rest, percent: 100 }]\nmaxConcurrentClusters: 10\nsoak: 1h\n';
  return { 'beta.yaml': `${head}${more}clusters:${list === '' ? ' []\n' : `\n${list}`}` };
}

function settingsOf(files: Record<string, string>): ParsedSettings {
  const { value, findings } = parseSettings(referenceSettings(files));
  expect(findings).toEqual([]);
  if (value === undefined) throw new Error('the settings are not valid');
  return value;
}

/** What the policies say of pools that do not fill the zones, for these clusters of beta. */
function found(list: string, waivers = ''): Finding[] {
  const settings = settingsOf(beta(list, waivers));
  const channel = settings.settings.channels.find((file) => file.channel === 'beta');
  if (channel === undefined) throw new Error('there is no beta');
  const { files } = referenceSnapshot({ 'pools.yaml': POOLS });
  const all = policyFindings({ configuration: configurationWith({ 'pools.yaml': POOLS }), files, settings, channel, today: NOW });
  return all.filter(({ rule }) => rule === 'several-zones');
}

function finding(level: Finding['level'], tail: string): Finding {
  return { rule: 'several-zones', level, path: 'channels/cluster/pools.yaml', line: 2, column: 41, message: `${MESSAGE} ${tail}` };
}

describe('policyFindings of a configuration', () => {
  it('fails for production, naming the clusters', () => {
    expect(found(clusters('production', 'production'))).toEqual([finding('failure', 'Concerns beta-1, beta-2 (production).')]);
  });

  it.each(['development', 'test'])('warns for %s', (environment) => {
    expect(found(clusters(environment))).toEqual([finding('warning', `Concerns beta-1 (${environment}).`)]);
  });

  it('stands once for all clusters, and fails when it fails for one', () => {
    expect(found(clusters('test', 'production', 'test'))).toEqual([
      finding('failure', 'Concerns beta-1, beta-2, beta-3 (test, production).'),
    ]);
  });

  it('names five clusters and counts the others', () => {
    expect(found(clusters(...Array.from({ length: 8 }, () => 'test')))).toEqual([
      finding('warning', 'Concerns beta-1, beta-2, beta-3, beta-4, beta-5 and 3 more (test).'),
    ]);
  });

  it('judges a channel without clusters by those of e2e', () => {
    expect(found('')).toEqual([finding('warning', 'Concerns e2e clusters (e2e).')]);
    expect(found(clusters('production').replace('owner:', 'state: decommission, owner:'))).toMatchObject([{ level: 'warning' }]);
  });

  it('asks nothing of environments that a policy or a component is not for', () => {
    const findings = (environments: string, list: string): Finding[] => {
      const files = {
        'components/probe/component.yaml': `name: probe\nphase: workloads\n${environments}`,
        'components/probe/objects.yaml':
          'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: d }\nspec: { template: { spec: { containers: [{ name: d, image: a/kube-downscaler:1 }] } } }\n',
      };
      const settings = settingsOf(beta(list));
      const channel = settings.settings.channels.find((file) => file.channel === 'beta');
      if (channel === undefined) throw new Error('there is no beta');
      const change = { configuration: configurationWith(files), files: referenceSnapshot(files).files, settings, channel, today: NOW };
      return policyFindings(change).filter(({ rule }) => rule === 'downscaler-in-production');
    };

    expect(findings('', clusters('production', 'test'))).toMatchObject(
      [{ level: 'failure', message: /Concerns beta-1 \(production\)\.$/ }].map(({ level }) => ({
        level,
        message: expect.stringMatching(/Concerns beta-1 \(production\)\.$/),
      })),
    );
    expect(findings('environments: [test, development]\n', clusters('production', 'test'))).toEqual([]);
    expect(findings('', clusters('test'))).toEqual([]);
  });
});

describe('waivers', () => {
  const waiver = (fields: string): string => `waivers:\n  - { rule: several-zones, ${fields} }\n`;
  const WHO = "owner: team-a, reason: moving, until: '2026-02-01T00:00:00Z'";
  const WAIVED = 'Waived by team-a until 2026-02-01 (moving).';

  it('make a finding a notice that names owner, end and reason', () => {
    expect(found(clusters('production', 'production'), waiver(`cluster: all, ${WHO}`))).toEqual([
      finding('notice', `${WAIVED} Concerns beta-1, beta-2 (production).`),
    ]);
  });

  it('cover the cluster that they name only', () => {
    expect(found(clusters('production', 'production'), waiver(`cluster: beta-2, ${WHO}`))).toEqual([
      finding('failure', 'Concerns beta-1 (production).'),
      finding('notice', `${WAIVED} Concerns beta-2 (production).`),
    ]);
  });

  it('cover the object that they name only', () => {
    expect(found(clusters('production'), waiver(`cluster: all, object: pool a, ${WHO}`))).toMatchObject([{ level: 'notice' }]);
    expect(found(clusters('production'), waiver(`cluster: all, object: pool b, ${WHO}`))).toMatchObject([{ level: 'failure' }]);
  });

  it('cover their own rule only', () => {
    const other = `waivers:\n  - { rule: image-tag, cluster: all, ${WHO} }\n`;
    expect(found(clusters('production'), other)).toMatchObject([{ level: 'failure' }]);
  });

  it('cover nothing once they have ended', () => {
    const until = (end: string) => `cluster: all, owner: team-a, reason: moving, until: '${end}'`;
    expect(found(clusters('production'), waiver(until(NOW)))).toMatchObject([{ level: 'failure' }]);
    expect(found(clusters('production'), waiver(until('2026-01-05T08:00:01Z')))).toMatchObject([{ level: 'notice' }]);
  });

  it('that have ended are found with a configuration of their channel, though nothing breaks their rule', () => {
    const line = (until: string) => `  - { rule: image-tag, cluster: all, owner: team-a, reason: moving, until: '${until}' }`;
    const { files } = referenceSnapshot();
    const of = (name: string, until: string): Finding[] => {
      const settings = settingsOf(beta(clusters('test'), `waivers:\n${line(until)}\n`));
      const channel = settings.settings.channels.find((file) => file.channel === name) ?? expect.fail();
      return policyFindings({ configuration: configurationWith({}), files, settings, channel, today: NOW }).filter(
        ({ level }) => level === 'failure',
      );
    };

    expect(of('beta', NOW)).toEqual([
      {
        rule: 'waiver-expired',
        level: 'failure',
        path: 'channels/beta.yaml',
        line: 8,
        column: line(NOW).indexOf('until') + 1,
        message: `The waiver of image-tag by team-a ended on ${NOW.slice(0, 10)}. Mend what it waived and remove it, or ask for it again.`,
      },
    ]);
    expect(of('beta', '2026-01-05T08:00:01Z')).toEqual([]);
    expect(of('alpha', NOW)).toEqual([]);
  });

  it.each([
    [
      'rule: several-zone, cluster: all',
      'waiver-unknown',
      '▸rule',
      'There is no policy several-zone. Did you mean several-zones? Only policies can be waived.',
    ],
    ['rule: yaml, cluster: all', 'waiver-unknown', '▸rule', 'There is no policy yaml. Only policies can be waived.'],
    ['rule: image-tag, cluster: beta-9', 'waiver-unknown', '▸cluster', 'The channel beta has no cluster beta-9. Did you mean beta-1?'],
    ['rule: image-tag, cluster: alpha-1', 'waiver-unknown', '▸cluster', 'The channel beta has no cluster alpha-1.'],
  ])('that name nothing are found: %s', (fields, rule, mark, message) => {
    const line = `  - { ${fields}, owner: a, reason: b, until: '2026-02-01T00:00:00Z' }`;
    const settings = settingsOf(beta(clusters('production'), `waivers:\n${line}\n`));

    expect(policyFindings({ settings, today: NOW })).toEqual([
      { rule, level: 'failure', path: 'channels/beta.yaml', line: 8, column: line.indexOf(`${mark.slice(1)}:`) + 1, message },
    ]);
  });

  it('finds what was said of a backup of no cluster, or has ended', () => {
    const line = (cluster: string, until: string) =>
      `    - { cluster: ${cluster}, backup: 20260105T070000Z-0123456789ab, owner: ann, reason: b, until: '${until}' }`;
    const lines = [line('beta-l', '2026-02-01T00:00:00Z'), line('beta-1', '2026-01-05T08:00:00Z'), line('beta-1', '2026-01-05T08:00:01Z')];
    const settings = settingsOf(beta(clusters('production'), `backup:\n  acknowledged:\n${lines.join('\n')}\n`));

    expect(policyFindings({ settings, today: NOW })).toMatchObject([
      { rule: 'acknowledged-unknown', line: 9, message: 'The channel beta has no cluster beta-l. Did you mean beta-1?' },
      {
        rule: 'acknowledged-expired',
        line: 10,
        message:
          'What ann said of the backup 20260105T070000Z-0123456789ab of beta-1 ended on 2026-01-05. Remove it; a backup that is suspicious still asks for a new one.',
      },
    ]);
  });

  it('finds what was said of the etcd of no cluster, of one that lives, or has ended', () => {
    const line = (cluster: string, until: string) => `    - { cluster: ${cluster}, owner: ann, reason: b, until: '${until}' }`;
    const lines = [line('beta-l', '2026-02-01T00:00:00Z'), line('beta-1', '2026-02-01T00:00:00Z'), line('beta-2', '2026-01-05T08:00:00Z')];
    const list = clusters('production', 'production').replace(/(name: beta-2.*?)owner:/, '$1state: decommission, owner:');
    const settings = settingsOf(beta(list, `backup:\n  lost:\n${lines.join('\n')}\n`));

    expect(policyFindings({ settings, today: NOW })).toMatchObject([
      { rule: 'lost-unknown', line: 9, message: 'The channel beta has no cluster beta-l. Did you mean beta-1?' },
      {
        rule: 'lost-not-decommissioned',
        line: 10,
        message: expect.stringContaining('The cluster beta-1 is not to be deleted.'),
      },
      { rule: 'lost-expired', line: 11, message: expect.stringContaining('ended on 2026-01-05') },
    ]);
  });

  it.each([
    [
      '2026-01-05T08:00:00Z',
      'waiver-expired',
      'The waiver of image-tag by a ended on 2026-01-05. Mend what it waived and remove it, or ask for it again.',
    ],
    ['2026-04-05T08:00:01Z', 'waiver-length', 'The waiver of image-tag ends on 2026-04-05, in more than 90 days. Choose an earlier end.'],
  ])('until %s are found', (until, rule, message) => {
    const line = `  - { rule: image-tag, cluster: beta-1, owner: a, reason: b, until: '${until}' }`;
    const settings = settingsOf(beta(clusters('production'), `waivers:\n${line}\n`));

    expect(policyFindings({ settings, today: NOW })).toEqual([
      { rule, level: 'failure', path: 'channels/beta.yaml', line: 8, column: line.indexOf('until') + 1, message },
    ]);
  });

  it('may last 90 days', () => {
    const until = `waivers:\n  - { rule: image-tag, cluster: beta-1, owner: a, reason: b, until: '2026-04-05T08:00:00Z' }\n`;
    expect(policyFindings({ settings: settingsOf(beta(clusters('production'), until)), today: NOW })).toEqual([]);
  });
});

describe('policyFindings of settings', () => {
  const of = (files: Record<string, string>): Finding[] => policyFindings({ settings: settingsOf(files), today: NOW });

  it('finds nothing in the reference fleet', () => expect(of({})).toEqual([]));

  it.each([
    ['2h', ['production'], 'failure'],
    ['61m', ['test'], 'warning'],
  ])('finds backups every %s', (interval, environments, level) => {
    expect(of(beta(clusters(...environments), `backup: { interval: ${interval} }\n`))).toEqual([
      {
        rule: 'backup-interval',
        level,
        path: 'channels/beta.yaml',
        line: 7,
        column: 11,
        message: `channel beta: ${interval} between backups is more than 1h. Concerns beta-1 (${environments[0]}).`,
      },
    ]);
  });

  it('lets the interval be waived, and passes an hour', () => {
    const waivers = "waivers: [{ rule: backup-interval, cluster: all, owner: a, reason: b, until: '2026-02-01T00:00:00Z' }]\n";
    expect(of(beta(clusters('production'), `backup: { interval: 2h }\n${waivers}`))).toMatchObject([{ level: 'notice' }]);
    expect(of(beta(clusters('production'), 'backup: { interval: 60m }\n'))).toEqual([]);
  });

  it('finds production in the first channel, unless it is the only one', () => {
    const dev = (environments: string[]) =>
      beta(clusters(...environments), '')['beta.yaml']?.replace(
        'channel: beta\nbranch: beta\nfollows: alpha',
        'channel: dev\nbranch: dev',
      ) ?? '';
    const message = 'cluster beta-2: beta-2 is production in the first channel. Move it downstream. Concerns beta-2 (production).';

    expect(of({ 'dev.yaml': dev(['test', 'production']), 'beta.yaml': beta('')['beta.yaml'] ?? '' })).toMatchObject([
      { rule: 'production-comes-last', level: 'failure', path: 'channels/dev.yaml', line: 8, message },
    ]);
    const only = { commit: 'c'.repeat(40), files: [{ path: 'channels/dev.yaml', content: dev(['test', 'production']) }] };
    const { value } = parseSettings(only);
    expect(value === undefined ? undefined : policyFindings({ settings: value, today: NOW })).toEqual([]);
  });

  it('finds an owner without a cluster to test on', () => {
    const lonely = clusters('production', 'production').replace('owner: team-platform', 'owner: team-x');
    expect(of(beta(lonely))).toMatchObject([
      {
        rule: 'test-cluster',
        level: 'warning',
        line: 8,
        message: 'cluster beta-1: its owner team-x has no cluster to test on in this or an earlier channel. Concerns beta-1 (production).',
      },
    ]);
    expect(of(beta(`${lonely}${clusters('a', 'a', 'test').split('\n')[2]?.replace('team-platform', 'team-x')}\n`))).toEqual([]);
  });

  it('finds production without an owner, not one that goes', () => {
    const nobody = clusters('production', 'test').replaceAll(', owner: team-platform', '');
    expect(of(beta(nobody))).toMatchObject([
      {
        rule: 'cluster-owner',
        level: 'warning',
        line: 8,
        column: 7,
        message: 'cluster beta-1: it has no owner. Concerns beta-1 (production).',
      },
    ]);
    expect(of(beta(nobody.replace('region:', 'state: decommission, region:')))).toEqual([]);
  });
});

describe('validation', () => {
  const target = { settings: referenceSettings(), branch: 'beta', now: NOW };

  it('finds no failure by policy in the reference fleet, for any channel', () => {
    for (const branch of ['dev', 'alpha', 'beta']) {
      const findings = validateConfiguration({ head: referenceSnapshot(), base: undefined, target: { ...target, branch } }, shippedSchemas);
      expect(findings.filter(({ level }) => level === 'failure')).toEqual([]);
      expect(findings.every(({ rule }) => POLICY_IDS.includes(rule))).toBe(true);
    }
  });

  it('asks the policies of a configuration, failures first', () => {
    const head = referenceSnapshot(edited('user-data/node.yaml', 'cpuCFSQuota: false', 'cpuCFSQuota: true'));
    expect(validateConfiguration({ head, base: undefined, target }, shippedSchemas)[0]).toMatchObject({
      rule: 'cpu-cfs-quota',
      level: 'failure',
    });
    expect(validateConfiguration({ head, base: undefined }, shippedSchemas)).toEqual([]);
    expect(validateConfiguration({ head, base: undefined, target: { ...target, branch: 'none' } }, shippedSchemas)).toMatchObject([
      { rule: 'branch' },
    ]);
  });

  it('asks the policies of settings, with and without a base', () => {
    const head = referenceSettings(beta(clusters('production').replace('beta-1', 'beta-7'), 'backup: { interval: 2h }\n'));
    expect(validateSettings(head, undefined, NOW)).toMatchObject([{ rule: 'backup-interval' }]);
    expect(validateSettings(head, head, NOW)).toMatchObject([{ rule: 'backup-interval' }]);
  });
});
