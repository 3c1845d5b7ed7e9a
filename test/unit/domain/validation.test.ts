import { describe, expect, it } from 'vitest';
import { parseSettings } from '#domain/settings.ts';
import { validateConfiguration, validateSettings } from '#domain/validation.ts';
import type { Finding } from '#model/checks.ts';
import { shippedSchemas } from '../../../functions/plan/kubernetes-schemas.ts';
import { edited, referenceSettings, referenceSnapshot } from '../../support/reference-fleet.ts';

const HEAD = 'b'.repeat(40);
const NOW = '2026-11-22T12:00:00Z';
const DEV = { settings: referenceSettings(), branch: 'dev', now: NOW };
type Files = Readonly<Record<string, string | undefined>>;

function findings(head: Files, base: Files = {}): Finding[] {
  return validateConfiguration({ head: referenceSnapshot(head, HEAD), base: referenceSnapshot(base) }, shippedSchemas);
}

function told(head: Files, base: Files = {}): string[] {
  return findings(head, base).map(
    ({ rule, level, path, line, message }) => `${level} ${rule} ${path.replace('channels/cluster/', '')}:${line} ${message}`,
  );
}

const ROOM = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: room }\n';
const PATH = 'components/resource-report/room.yaml';
const DELETION = '{ apiVersion: v1, kind: Namespace, name: room, reason: moved out }';

describe('validateConfiguration', () => {
  it('finds nothing in the reference configuration', () => {
    expect(findings({})).toEqual([]);
    expect(told(edited('versions.yaml', '1.35.4', '1.36.3'))).toEqual([expect.stringMatching(/^notice no-schemas versions\.yaml:2 /)]);
  });

  it('tells all findings, failures first', () => {
    const found = findings({
      ...edited('pools.yaml', 'size: 3', 'size: 0'),
      ...edited('components/coredns/deployment.yaml', 'replicas: 2', 'replicaz: 2'),
      'components/ingress/endpoints.yaml': 'apiVersion: v1\nkind: Endpoints\nmetadata: { name: a, namespace: ingress }\n',
      ...edited('components/cloud-controller/component.yaml', 'kube-proxy]', 'kube-prox]'),
    });

    expect(found.map(({ level, rule }) => `${level} ${rule}`)).toEqual([
      'failure schema',
      'failure component-needs',
      'failure unknown-field',
      'warning deprecated-api',
    ]);
  });

  it.each([
    'components/ingress/component.yaml',
    'components/ingress/rbac.yaml',
    'components/node-local-dns/daemonset.yaml',
    'tests/load/database.yaml',
    'network.yaml',
    'etcd.yaml',
    'control-plane.yaml',
    'pools.yaml',
    'versions.yaml',
    'user-data/control-plane.yaml',
    'user-data/node.yaml',
  ])('misses nothing that may be in %s, which can not be read', (path) => {
    const change = { head: referenceSnapshot({ [path]: 'kind: [' }), base: referenceSnapshot(), target: DEV };

    expect(validateConfiguration(change, shippedSchemas).map((found) => `${found.rule} ${found.path}`)).toEqual([
      `yaml channels/cluster/${path}`,
    ]);
  });

  it('asks the policies about all that could be read', () => {
    const head = referenceSnapshot({
      ...edited('user-data/node.yaml', 'cpuCFSQuota: false', 'cpuCFSQuota: true'),
      ...edited('control-plane.yaml', 'MinSize:', 'MinSize: 1 #'),
      'components/ingress/rbac.yaml': 'kind: [',
      'versions.yaml': 'kubernetes: [',
      'etcd.yaml': 'Resources: [',
    });

    const found = validateConfiguration({ head, base: undefined, target: DEV }, shippedSchemas);

    expect(found.map(({ rule, path }) => `${rule} ${path.replace('channels/cluster/', '')}`)).toEqual([
      'yaml versions.yaml',
      'yaml etcd.yaml',
      'yaml components/ingress/rbac.yaml',
      'cpu-cfs-quota user-data/node.yaml',
      'control-plane-instances control-plane.yaml',
    ]);
  });

  it('misses no member of etcd that stands there by a wrong type', () => {
    const head = referenceSnapshot({
      ...edited('etcd.yaml', 'Type: AWS::AutoScaling::AutoScalingGroup', 'Typ: AWS::AutoScaling::AutoScalingGroup'),
    });

    const found = validateConfiguration({ head, base: undefined, target: DEV }, shippedSchemas);

    expect(found.map(({ rule }) => rule)).toEqual(['template']);
  });

  it('judges by the channel that could be read when another could not', () => {
    const settings = referenceSettings({ 'beta.yaml': 'channel: [' });
    const head = referenceSnapshot(edited('user-data/node.yaml', 'cpuCFSQuota: false', 'cpuCFSQuota: true'));

    const found = validateConfiguration({ head, base: undefined, target: { ...DEV, settings } }, shippedSchemas);

    expect(found.map(({ rule, path }) => `${rule} ${path}`)).toEqual([
      'yaml channels/beta.yaml',
      'cpu-cfs-quota channels/cluster/user-data/node.yaml',
    ]);
  });

  it.each(['', '# none\n', undefined])('finds that e2e would test nothing: %j', (conformance) => {
    expect(told({ 'tests/conformance.txt': conformance })).toEqual([
      'failure missing-file tests/conformance.txt:1 There is no conformance spec in tests/conformance.txt, so e2e would test nothing and fail. Name one a line.',
    ]);
  });

  it.each([
    ['"bad key!": x', "can't have a label bad key!: its name is at most 63 of"],
    ['team: a b', 'team can\'t be "a b": a label\'s value is at most 63 of'],
    [
      'node-role.kubernetes.io/worker: ""',
      "can't have the label node-role.kubernetes.io/worker: a kubelet that is to give it to itself does not start.",
    ],
    ['lifecycle-status: ready', 'have the label lifecycle-status by Sluice: take another.'],
    ['sluice/pool: other', 'have the label sluice/pool by Sluice: take another.'],
  ])('finds a label with which no node would join: %s', (label, problem) => {
    expect(told(edited('pools.yaml', 'workload: batch', label))).toEqual([
      expect.stringContaining(`failure pools pools.yaml:14 The nodes of batch ${problem}`),
    ]);
  });

  it.each(['node.kubernetes.io/team: a', 'kubernetes.io/arch: arm64', 'example.org/kubernetes.io: ""', 'mykubernetes.io/a: b'])(
    'lets nodes have the label %s',
    (label) => {
      expect(told(edited('pools.yaml', 'workload: batch', label))).toEqual([]);
    },
  );

  it.each([
    ['components/shop/a.yml', 'component shop'],
    ['component/shop/a.yaml', 'components/shop/a.yaml'],
    ['user-dato/node.yaml', 'user-data/node.yaml'],
  ])('says what %s was to be', (path, meant) => {
    const found = told({
      [path]: 'a: 1\n',
      ...(path.startsWith('components') ? { 'components/shop/component.yaml': 'name: shop\nphase: workloads\n' } : {}),
    });

    expect(found).toEqual([
      `failure unknown-file ${path}:1 Nothing reads the file ${path}. Did you mean ${path.startsWith('components') ? 'components/shop/a.yaml' : meant}?`,
    ]);
  });

  it('says that nothing would be left', () => {
    expect(validateConfiguration({ head: undefined, base: referenceSnapshot() }, shippedSchemas)).toMatchObject([
      { rule: 'missing-file', path: 'channels/cluster' },
    ]);
  });

  it('needs no base', () => {
    expect(validateConfiguration({ head: referenceSnapshot(), base: undefined }, shippedSchemas)).toEqual([]);
  });

  it('tells moves of versions also when the rest is broken', () => {
    const found = findings({ ...edited('versions.yaml', '1.35.4', '1.34.4'), 'components/ingress/rbac.yaml': 'kind: [' });

    expect(found.map(({ rule }) => rule)).toContain('version-move');
  });
});

describe('objects that go', () => {
  it('need an entry in deletions.yaml when pruning keeps them', () => {
    expect(told({}, { [PATH]: ROOM })).toEqual([
      `warning missing-deletion deletions.yaml:1 Namespace room is no longer applied (it was in channels/cluster/${PATH} line 1) and stays in the clusters: a Namespace is deleted only when deletions.yaml names it. Add it under after if it shall go.`,
    ]);
    expect(told({ 'deletions.yaml': `after: [${DELETION}]\n` }, { [PATH]: ROOM })).toEqual([]);
    expect(told({ 'deletions.yaml': `before: [${DELETION}]\n` }, { [PATH]: ROOM })).toEqual([]);
  });

  it('need none when they are pruned by themselves', () => {
    expect(told({}, { [PATH]: ROOM.replace('Namespace', 'ConfigMap').replace('room }', 'room, namespace: default }') })).toEqual([]);
  });

  it('need one for the environments that they leave', () => {
    const component = (environments: string): string => `name: room\nphase: system\nenvironments: [${environments}]\n`;
    const side = (environments: string): Files => ({
      'components/room/component.yaml': component(environments),
      'components/room/room.yaml': ROOM,
    });

    expect(told(side('test'), side('test, production')).map((text) => text.split(' (')[0])).toEqual([
      'warning missing-deletion deletions.yaml:1 Namespace room is no longer applied in production',
    ]);
    expect(told(side('test, production'), side('test'))).toEqual([]);
  });

  it('are not missed when their file may be the one that can not be read', () => {
    expect(findings({ 'components/ingress/rbac.yaml': 'kind: [' }, {}).map(({ rule }) => rule)).toEqual(['yaml']);
  });

  it('are not applied by the same revision', () => {
    const found = told({ [PATH]: ROOM, 'deletions.yaml': `after:\n  - ${DELETION}\n` });

    expect(found).toEqual([
      `failure deletion deletions.yaml:2 Namespace room is deleted here and applied in channels/cluster/${PATH} line 1. Remove one of both.`,
    ]);
  });
});

describe('bounds', () => {
  it('of a configuration are told before it is read', () => {
    const small = { path: 'a.md', content: 'a' };
    const of = (files: { path: string; content: string }[]): string[] =>
      validateConfiguration({ head: { revision: HEAD, files }, base: undefined }, shippedSchemas)
        .filter(({ rule }) => rule === 'too-large')
        .map(({ path, message }) => `${path} ${message}`);

    expect(of(Array.from({ length: 2000 }, () => small))).toEqual([]);
    expect(of(Array.from({ length: 100_000 }, () => small))).toEqual(['channels/cluster There are 100000 files, more than 2000.']);
    expect(of(Array.from({ length: 21 }, () => ({ path: 'a.md', content: 'a'.repeat(1024 * 1024) })))).toEqual([
      'channels/cluster The files have 22020096 characters together, more than 20971520.',
    ]);
    expect(of(Array.from({ length: 10 }, () => ({ path: 'a.md', content: '- '.repeat(100_001) })))).toEqual([
      'channels/cluster The files hold too many values together (1000010 marks, more than 1000000).',
    ]);
  });

  it('of settings are told before they are read', () => {
    const files = Array.from({ length: 2001 }, (_, index) => ({ path: `channels/c${index}.yaml`, content: '' }));

    expect(validateSettings({ commit: HEAD, files }, undefined, NOW)).toMatchObject([{ rule: 'too-large', path: 'channels' }]);
  });

  it('of one file leave the others to be read', () => {
    const found = told({ 'pools.yaml': `# ${'x'.repeat(1024 * 1024)}`, ...edited('versions.yaml', '1.35.4', '1.35') });

    expect(found).toEqual([
      'failure schema versions.yaml:2 kubernetes must be a string, received number.',
      'failure too-large pools.yaml:1 The file has 1048578 bytes, more than 1048576. Split it.',
    ]);
  });

  it('of findings leave the rest uncounted', () => {
    const bad = Array.from({ length: 50 }, (_, index) => `x${index}: 1`).join('\n');
    const object = (index: number): string =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c${index}, namespace: default }\n${bad}\n`;
    const found = findings({
      'components/resource-report/many.yaml': Array.from({ length: 41 }, (_, index) => object(index)).join('---\n'),
    });

    expect(found).toHaveLength(2001);
    expect(found.at(-1)).toMatchObject({
      rule: 'more-findings',
      level: 'notice',
      message: 'There are 50 more findings. Mend these first.',
    });
  });
});

describe('validateSettings', () => {
  it('finds nothing in the reference settings', () => {
    expect(validateSettings(referenceSettings(), referenceSettings(), NOW)).toEqual([]);
  });

  it('compares with what can be read of a base that is broken', () => {
    const base = referenceSettings({ 'dev.yaml': 'channel: [' });
    const head = referenceSettings(settingsWith('alpha.yaml', 'network: 10.2.0.0', 'network: 10.77.0.0'));

    expect(validateSettings(head, base, NOW).map(({ rule, path }) => `${rule} ${path}`)).toEqual(['fixed-field channels/alpha.yaml']);
  });

  it('compares with nothing when nothing of the base can be read', () => {
    const base = { commit: HEAD, files: [{ path: 'channels/dev.yaml', content: 'channel: [' }] };

    expect(validateSettings(referenceSettings(), base, NOW)).toEqual([]);
  });

  it('tells what is wrong in each file, also when another can not be read', () => {
    const waiver = '{ rule: cpu-limit, cluster: all, owner: team-platform, reason: it is old, until: 2026-11-01T00:00:00Z }';
    const head = referenceSettings({
      ...settingsWith('dev.yaml', 'soak: 10m', 'soak: ten'),
      ...settingsWith('alpha.yaml', 'clusters:', `waivers: [${waiver}]\nclusters:`),
      ...settingsWith('beta.yaml', 'branch: beta', 'branch: alpha'),
    });

    expect(validateSettings(head, referenceSettings(), NOW).map(({ rule, path }) => `${rule} ${path}`)).toEqual([
      'schema channels/dev.yaml',
      'duplicate-branch channels/beta.yaml',
      'waiver-expired channels/alpha.yaml',
    ]);
  });

  it('misses no entry of a cluster that goes in a file that can not be read', () => {
    const base = referenceSettings(settingsWith('alpha.yaml', 'environment: test', 'state: decommission\n    environment: test'));
    const known = { lives: new Map([['alpha-1', 'there' as const]]) };
    const rules = (alpha: string): string[] =>
      validateSettings(referenceSettings({ 'alpha.yaml': alpha }), base, NOW, known).map(({ rule }) => rule);

    expect(rules('channel: [')).toEqual(['yaml']);
    expect(rules(settingsWith('alpha.yaml', 'alpha-1', 'alpha-2')['alpha.yaml'] ?? '')).toContain('removed-cluster');
  });

  it('tells what may not change in a file, also when another can not be read', () => {
    const head = referenceSettings({ 'dev.yaml': 'channel: [', ...settingsWith('alpha.yaml', 'network: 10.2.0.0', 'network: 10.77.0.0') });

    expect(validateSettings(head, referenceSettings(), NOW).map(({ rule, path }) => `${rule} ${path}`)).toEqual([
      'yaml channels/dev.yaml',
      'fixed-field channels/alpha.yaml',
    ]);
  });

  it('takes no name of a cluster for which Sluice has roles of its own', () => {
    const head = referenceSettings(settingsWith('alpha.yaml', 'name: alpha-1', 'name: side-1'));

    expect(validateSettings(head, undefined, NOW)).toMatchObject([
      { rule: 'schema', path: 'channels/alpha.yaml', message: expect.stringContaining('must not begin with "side"') },
    ]);
  });

  it.each(['dev.yaml', 'alpha.yaml', 'beta.yaml'])('misses no cluster and no channel that may be in %s', (name) => {
    const head = referenceSettings({ [name]: 'channel: [' });
    const lives = new Map(referenceNames().map((cluster) => [cluster, 'there' as const]));

    expect(validateSettings(head, referenceSettings(), NOW, { lives }).map(({ rule, path }) => `${rule} ${path}`)).toEqual([
      `yaml channels/${name}`,
    ]);
  });
});

/** Text of a channel file of the reference fleet with a part replaced; fails when the part is not there. */
function settingsWith(name: string, part: string, replacement: string): Record<string, string> {
  const text = referenceSettings().files.find(({ path }) => path === `channels/${name}`)?.content ?? '';
  if (!text.includes(part)) throw new Error(`${name} has no "${part}"`);
  return { [name]: text.replace(part, () => replacement) };
}

function referenceNames(): string[] {
  const names = parseSettings(referenceSettings()).read.settings.channels.flatMap(({ clusters }) => clusters.map(({ name }) => name));
  expect(names).not.toEqual([]);
  return names;
}
