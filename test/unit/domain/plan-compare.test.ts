import { describe, expect, it } from 'vitest';
import type { Configuration } from '#domain/configuration.ts';
import { type ClusterChange, compareCluster } from '#domain/plan-compare.ts';
import { createSides } from '#domain/plan-sides.ts';
import type { Roll } from '#model/plan.ts';
import type { ClusterRef } from '#model/settings.ts';
import { referenceConfiguration } from '../../support/reference-configuration.ts';
import { edited, referenceSnapshot } from '../../support/reference-fleet.ts';

const DEV: ClusterRef = {
  name: 'dev-1',
  account: '200000000001',
  region: 'eu-central-1',
  environment: 'development',
  network: '10.1.0.0/16',
  channel: 'dev',
};
const OTHER: ClusterRef = { ...DEV, name: 'dev-2', account: '200000000002', network: '10.2.0.0/16' };
const LIVE: ClusterRef = { ...DEV, environment: 'production' };

type Files = Readonly<Record<string, string>>;

/** The reference configuration with this component alone, called `component`. */
function configuration(manifests = '', changed: Files = {}, component = 'zoo'): Configuration {
  const whole = referenceConfiguration({
    [`components/${component}/component.yaml`]: `name: ${component}\nphase: workloads\n`,
    [`components/${component}/zoo.yaml`]: manifests,
    ...changed,
  });
  return { ...whole, components: whole.components.filter(({ file }) => file.name === component) };
}

function map(name: string, data: string, kind = 'ConfigMap'): string {
  return `apiVersion: v1\nkind: ${kind}\nmetadata: { name: '${name}', namespace: default }\ndata: ${data}\n`;
}

function compare(before: Configuration, after: Configuration, cluster = DEV, had = cluster): ClusterChange {
  return compareCluster({ base: { configuration: before, cluster: had }, head: { configuration: after, cluster } }, createSides());
}

/** What changes of the objects of `zoo.yaml`. */
function objects(before: string, after: string, cluster = DEV, had = cluster): ClusterChange['items'] {
  return compare(configuration(before), configuration(after), cluster, had).items;
}

/** `name: before → after` of each object, by its data. */
function told(items: ClusterChange['items']): string[] {
  const data = (value: unknown): string => JSON.stringify(Reflect.get(Object(value), 'data'));
  return items.map(({ before, after }) => `${(after ?? before)?.name}: ${data(before?.value)} → ${data(after?.value)}`);
}

function rolls(change: ClusterChange): string[] {
  return change.rolls.map(({ role, instances, zones, reason }: Roll) => `${role} ${instances} in ${zones.join('')} ${reason}`);
}

function fileOf(path: string): string {
  return referenceSnapshot().files.find((file) => file.path === path)?.content ?? '';
}

describe('what changes on a cluster', () => {
  it('is nothing for a literal that becomes the variable of its value, but on the others it is', () => {
    const [literal, variable] = [map('one', '{ a: dev-1 }'), map('one', "{ a: '${CLUSTER_NAME}' }")];

    expect(objects(literal, variable)).toEqual([]);
    expect(told(objects(literal, variable, OTHER))).toEqual(['ConfigMap default/one: {"a":"dev-1"} → {"a":"${CLUSTER_NAME}"}']);
  });

  it('has variables where these hide nothing', () => {
    const items = objects(map('one', "{ a: '${CLUSTER_NAME}', b: x }"), map('one', "{ a: '${CLUSTER_NAME}', b: y }"));

    expect(told(items)).toEqual(['ConfigMap default/one: {"a":"${CLUSTER_NAME}","b":"x"} → {"a":"${CLUSTER_NAME}","b":"y"}']);
    expect(items[0]?.hash).not.toBe('');
  });

  it('has the cluster’s own values where two lines are one on it: a plain one and one with a variable', () => {
    const [before, after] = [map('one', "{ l: ['${CLUSTER_NAME}', x] }"), map('one', '{ l: [dev-1, y] }')];

    expect(told(objects(before, after))).toEqual(['ConfigMap default/one: {"l":["dev-1","x"]} → {"l":["dev-1","y"]}']);
    expect(told(objects(before, after, OTHER))).toEqual(['ConfigMap default/one: {"l":["${CLUSTER_NAME}","x"]} → {"l":["dev-1","y"]}']);
  });

  it('or two with variables; what is literally one of them stays apart', () => {
    const before = map('one', "{ l: ['${BUCKET}', '$${ACCOUNT}', x] }");
    const after = map('one', "{ l: ['sluice-${ACCOUNT}-eu-central-1', '$${ACCOUNT}', y] }");
    const own = 'sluice-200000000001-eu-central-1';

    expect(told(objects(before, after))).toEqual([
      `ConfigMap default/one: {"l":["${own}","$\${ACCOUNT}","x"]} → {"l":["${own}","$\${ACCOUNT}","y"]}`,
    ]);
  });

  it('is another change on each cluster where it has own values', () => {
    const before = map('one', "{ l: ['${BUCKET}', x] }");
    const after = map('one', "{ l: ['sluice-${ACCOUNT}-eu-central-1', y] }");
    const hashes = [DEV, OTHER].map((cluster) => objects(before, after, cluster).map(({ hash }) => hash));

    expect(hashes.flat()).toHaveLength(2);
    expect(hashes[0]).not.toEqual(hashes[1]);
  });

  it('has variables for what comes or goes', () => {
    const one = map('one', "{ a: '${CLUSTER_NAME}' }");
    const [come, gone] = [objects('', one), objects(one, '')];

    expect([told(come), told(gone)]).toEqual([
      ['ConfigMap default/one: undefined → {"a":"${CLUSTER_NAME}"}'],
      ['ConfigMap default/one: {"a":"${CLUSTER_NAME}"} → undefined'],
    ]);
    expect(objects('', one, OTHER).map(({ hash }) => hash)).toEqual(come.map(({ hash }) => hash));
  });

  it('is one thing where a literal name became the variable of that name, and two things elsewhere', () => {
    const [literal, variable] = [map('zoo-dev-1', '{ a: x }'), map('zoo-${CLUSTER_NAME}', '{ a: y }')];

    expect(told(objects(literal, variable))).toEqual(['ConfigMap default/zoo-dev-1: {"a":"x"} → {"a":"y"}']);
    expect(told(objects(variable, literal))).toEqual(['ConfigMap default/zoo-dev-1: {"a":"y"} → {"a":"x"}']);
    expect(objects(literal, map('zoo-${CLUSTER_NAME}', '{ a: x }'))).toEqual([]);
    expect(told(objects(literal, variable, OTHER))).toEqual([
      'ConfigMap default/zoo-dev-1: {"a":"x"} → undefined',
      'ConfigMap default/zoo-${CLUSTER_NAME}: undefined → {"a":"y"}',
    ]);
  });

  it('leaves other things alone where names have variables', () => {
    const all = [map('zoo-${CLUSTER_NAME}', '{ a: x }'), map('same', '{ a: x }'), map('other', '{ a: x }')].join('---\n');

    expect(
      told(objects(all, all.replaceAll("'other', namespace: default }\ndata: { a: x }", "'other', namespace: default }\ndata: { a: y }"))),
    ).toEqual(['ConfigMap default/other: {"a":"x"} → {"a":"y"}']);
  });

  it('is what has a variable whose value is another one, and no more, when the cluster itself changes', () => {
    const all = [map('one', "{ a: '${NETWORK}', b: '$${NETWORK}' }"), map('two', "{ a: '${CLUSTER_NAME}' }"), map('three', '{ a: x }')];
    const change = compare(configuration(all.join('---\n')), configuration(all.join('---\n')), { ...DEV, network: '10.9.0.0/16' }, DEV);
    const found = change.items.filter(({ before }) => before?.kind === 'object');

    expect(told(found)).toEqual(['ConfigMap default/one: {"a":"10.1.0.0/16","b":"$${NETWORK}"} → {"a":"10.9.0.0/16","b":"$${NETWORK}"}']);
    expect(change.items.some(({ before }) => before?.kind === 'template')).toBe(false);
    expect(change.items.every(({ before, after, hash }) => before !== undefined && after !== undefined && hash !== '')).toBe(true);
  });

  it('has the name of the cluster as it is to be', () => {
    const [before, after] = [map('a-${CLUSTER_NAME}', '{ a: x }'), map('a-${CLUSTER_NAME}', '{ a: y }')];
    const items = objects(before, after, { ...DEV, name: 'dev-9' }, DEV).filter((one) => one.after?.kind === 'object');

    expect(told(items)).toEqual(['ConfigMap default/a-dev-9: {"a":"x"} → {"a":"y"}']);
    expect(items.map(({ key }) => key)).toEqual(['object /ConfigMap/default/a-dev-9']);
  });
});

describe('a cluster that comes or goes', () => {
  const sides = createSides();
  const side = { configuration: configuration(map('one', '{ a: x }')), cluster: LIVE };

  it('is created with all that it is to have', () => {
    const created = compareCluster({ base: undefined, head: side }, sides);

    expect(created).toMatchObject({ class: 'creation', resources: [] });
    expect(rolls(created)).toEqual([
      'etcd 3 in abc new',
      'control-plane 2 in ab new',
      'pool-general 3 in abc new',
      'pool-batch 3 in abc new',
    ]);
    expect(created.items.map(({ key }) => key)).toEqual([...sides.of(side).items.keys()]);
    expect(created.items.every(({ before, after, hash }) => before === undefined && after !== undefined && hash === '')).toBe(true);
  });

  it('goes with its stacks, and all that is in them', () => {
    const gone = compareCluster({ base: side, head: undefined }, sides);

    expect(gone).toMatchObject({ class: 'deletion', items: [] });
    expect(rolls(gone)).toEqual([
      'etcd 3 in abc removed',
      'control-plane 2 in ab removed',
      'pool-general 3 in abc removed',
      'pool-batch 3 in abc removed',
    ]);
    expect(gone.resources).toEqual(
      ['network', 'etcd', 'control-plane', 'pool-general', 'pool-batch'].map((role) => ({
        role,
        resource: 'the whole stack',
        type: 'AWS::CloudFormation::Stack',
        action: 'remove',
        replacement: 'never',
        properties: [],
      })),
    );
  });
});

describe('instances that roll', () => {
  const base = configuration();
  const changed = (files: Files, cluster = LIVE): ClusterChange => compare(base, configuration('', files), cluster);

  it('are those whose user data changes, a unit of it too', () => {
    const unit = fileOf('user-data/etcd.yaml').replace('units:', 'units:\n  - { name: zoo.service, content: a }');

    expect(rolls(changed({ 'user-data/etcd.yaml': unit }))).toEqual(['etcd 3 in abc replaced']);
    expect(rolls(changed({ 'user-data/etcd.yaml': unit }, DEV))).toEqual(['etcd 1 in a replaced']);
  });

  it('are none for objects, whatever their component is called', () => {
    const [before, after] = [configuration(map('one', '{ a: x }'), {}, 'etcd'), configuration(map('one', '{ a: y }'), {}, 'etcd')];
    const phase = configuration(map('one', '{ a: x }'), { 'components/etcd/component.yaml': 'name: etcd\nphase: system\n' }, 'etcd');

    expect(compare(before, after)).toMatchObject({ class: 'manifests', rolls: [], resources: [] });
    expect(compare(before, phase)).toMatchObject({ class: 'manifests', rolls: [], resources: [] });
  });

  it('are none where user data is the same on the cluster, also beside a change of the stack', () => {
    const [name, path] = ['user-data/node.yaml', 'pools.yaml'];
    const text = (content: string): string => fileOf(name).replace('files:', `files:\n  - { path: /etc/name, content: '${content}' }`);
    const literal = configuration('', { [name]: text('dev-1') });
    const variable = configuration('', { [name]: text('${CLUSTER_NAME}'), ...edited(path, 'maxSize: 6', 'maxSize: 7') });

    expect(rolls(compare(literal, variable))).toEqual([]);
    expect(rolls(compare(literal, variable, OTHER))).toEqual(['pool-general 3 in abc replaced', 'pool-batch 3 in abc replaced']);
  });

  it('are those of a launch template that uses a parameter that was not there', () => {
    const text = fileOf('etcd.yaml')
      .replace('  Bucket: { Type: String }\n', '  Bucket: { Type: String }\n  EtcdVersion: { Type: String }\n')
      .replace('InstanceType: ', 'KeyName: !Ref EtcdVersion\n        InstanceType: ');
    const after = configuration('', { 'etcd.yaml': text });

    expect(rolls(compare(base, after))).toEqual(['etcd 1 in a replaced']);
    expect(
      rolls(compare(after, configuration('', { 'etcd.yaml': text, ...edited('versions.yaml', 'etcd: 3.6.16', 'etcd: 3.6.17') }))),
    ).toEqual(['etcd 1 in a replaced']);
  });

  it('come and go with a pool, in the size that it has', () => {
    const pools = 'pools:\n  - { name: general, instanceType: m6i.xlarge, size: 3, maxSize: 6 }\n';
    const more = configuration('', { 'pools.yaml': `${pools}  - { name: extra, instanceType: m6i.xlarge, size: 2, maxSize: 6 }\n` });
    const less = configuration('', { 'pools.yaml': pools });

    expect(rolls(compare(less, more))).toEqual(['pool-extra 2 in ab new']);
    expect(rolls(compare(more, less))).toEqual(['pool-extra 2 in ab removed']);
  });

  it('are as many as the pool is to have, or one, where the template does not say', () => {
    const open = (path: string): string => fileOf(path).replaceAll(/MinSize: .*/g, 'MinSize: !GetAtt Some.Size');
    const text = (path: string): Files => ({ [path]: open(path).replace(/VolumeSize: (\d+)/, 'VolumeSize: 1$1') });
    const opened = { 'node-pool.yaml': open('node-pool.yaml'), 'etcd.yaml': open('etcd.yaml') };
    const pools = edited('pools.yaml', 'size: 3', 'size: 2');
    const before = configuration('', { ...opened, ...pools });

    expect(rolls(compare(before, configuration('', { ...opened, ...pools, ...text('node-pool.yaml') }), LIVE))).toEqual([
      'pool-general 2 in ab replaced',
      'pool-batch 3 in abc replaced',
    ]);
    expect(rolls(compare(before, configuration('', { ...opened, ...pools, ...text('etcd.yaml') }), LIVE))).toEqual([
      'etcd 1 in a replaced',
    ]);
  });

  it('stand in the zones whose subnets their stack is given', () => {
    const only = (zones: string): Files => ({
      'etcd.yaml': `Parameters:
  IgnitionUrl: { Type: String }
${[...zones].map((zone) => `  Subnet${zone}: { Type: String }\n`).join('')}Resources:
  LaunchTemplate:
    Type: AWS::EC2::LaunchTemplate
    Properties: { LaunchTemplateData: { UserData: !Ref IgnitionUrl } }
  Group:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties: { MinSize: '${zones.length}', MaxSize: '3' }
`,
    });
    const created = (zones: string): string[] =>
      rolls(compareCluster({ base: undefined, head: { configuration: configuration('', only(zones)), cluster: DEV } }, createSides()));

    expect(created('BC')[0]).toBe('etcd 2 in bc new');
    expect(created('C')[0]).toBe('etcd 1 in c new');
    expect(created('')[0]).toBe('etcd 0 in  new');
  });
});

describe('the class of a change', () => {
  const namespace = (labels: string): string => `apiVersion: v1\nkind: Namespace\nmetadata: { name: zoo, labels: { a: ${labels} } }\n`;
  const database = (a: string): string => `apiVersion: apps/v1\nkind: StatefulSet\nmetadata: { name: zoo, labels: { a: ${a} } }\n`;
  const deletions = (reason: string): Files => ({
    'deletions.yaml': `before: []\nafter:\n  - { apiVersion: v1, kind: Namespace, name: gone, reason: ${reason} }\n`,
  });

  it.each<[string, string, string]>([
    ['an object that comes', '', database('x')],
    ['one that takes data with it when it goes, and only changes', database('x'), database('y')],
    ['one that pruning keeps', namespace('x'), ''],
  ])('is manifests for %s', (_name, before, after) => {
    expect(compare(configuration(before), configuration(after)).class).toBe('manifests');
  });

  it('is deletion for one that takes data with it and goes', () => {
    expect(compare(configuration(database('x')), configuration('')).class).toBe('deletion');
  });

  it('is deletion for an entry of deletions.yaml only when it is new', () => {
    const [none, one] = [configuration(''), configuration('', deletions('old'))];

    expect(compare(none, one).class).toBe('deletion');
    expect(compare(one, none).class).toBe('manifests');
    expect(compare(one, configuration('', deletions('older'))).class).toBe('manifests');
  });

  it('is nothing for nothing', () => {
    expect(compare(configuration(database('x')), configuration(database('x')))).toEqual({
      class: 'nothing',
      items: [],
      rolls: [],
      resources: [],
    });
  });

  it('is that of the identity beside instances that are no etcd members’', () => {
    const text = `${fileOf('versions.yaml')}identity: { clusterCa: { trusted: [1, 2], issues: 1 } }\n`;
    const change = compare(configuration(), configuration('', { 'versions.yaml': text }));

    expect(change.class).toBe(change.rolls.some(({ role }) => role === 'etcd') ? 'etcd' : 'identity');
    expect(change.rolls.length).toBeGreaterThan(0);
  });
});
