import { describe, expect, it } from 'vitest';
import { type PlanSubject, planChange } from '#domain/plan.ts';
import { parseOwnPolicies, withPolicies } from '#domain/policies/own-policies.ts';
import type { Source } from '#model/plan.ts';
import type { ClusterRef } from '#model/settings.ts';
import { referenceConfiguration } from '../../support/reference-configuration.ts';
import { edited, referenceSnapshot } from '../../support/reference-fleet.ts';

const CLUSTER: ClusterRef = {
  name: 'dev-1',
  account: '200000000001',
  region: 'eu-central-1',
  environment: 'development',
  network: '10.1.0.0/16',
  channel: 'dev',
};

const POOLS = `pools:
  - name: general
    instanceType: m6i.xlarge
    size: 3
    maxSize: 6
    labels: { team: a }
  - name: batch
    instanceType: m6i.2xlarge
    size: 3
    maxSize: 6
`;
const ZOO = `apiVersion: v1
kind: ConfigMap
metadata:
  name: first
  namespace: default
data:
  version: \${KUBERNETES_VERSION}
  text: |
    one
    two
    three
---
# A second document.
apiVersion: v1
kind: ConfigMap
metadata:
  name: second-\${CLUSTER_NAME}
  namespace: default
data:
  a: one
  list: '[1, 2]'
`;
const DATA = `files:
  - path: /etc/zoo
    content: |
      one
      two of \${ETCD_VERSION}
  - path: /etc/pool
    content: '\${POOL_NAME} \${POOL_LABELS} \${POOL_GENERATION}'
units:
  - name: zoo.service
    content: |
      [Unit]
      Description=zoo
`;

type Files = Readonly<Record<string, string | undefined>>;

const BASE: Files = {
  'pools.yaml': POOLS,
  'versions.yaml': 'e2eTests: 1.35.0\nkubernetes: 1.35.4\netcd: 3.6.16\nosImage: ami-1\n',
  'components/zoo/component.yaml': 'name: zoo\nphase: workloads\n',
  'components/zoo/zoo.yaml': ZOO,
  'user-data/node.yaml': DATA,
  'deletions.yaml': 'before: []\nafter:\n  - { apiVersion: v1, kind: ConfigMap, name: gone, reason: old }\n',
};

/** `path:line side, …` of each change, by its name. */
function sources(changed: Files, cluster = CLUSTER, base: Files = BASE): Record<string, string> {
  return sourcesOf({
    base: { configuration: referenceConfiguration(base, 'a'.repeat(40)), cluster },
    head: { configuration: referenceConfiguration({ ...base, ...changed }, 'b'.repeat(40)), cluster },
  });
}

function sourcesOf(subject: PlanSubject, nameOf = (name: string, _area: string): string => name): Record<string, string> {
  const text = ({ path, line, side }: Source): string =>
    `${path.replace('channels/cluster/', '')}:${line}${side === 'head' ? '' : ` ${side}`}`;
  return Object.fromEntries(
    planChange([subject]).groups.flatMap(({ changes }) =>
      changes.map((change) => [nameOf(change.name, change.area), change.sources.map(text).join(', ')]),
    ),
  );
}

function replaced(path: string, part: string, replacement: string): Files {
  const text = BASE[path] ?? '';
  if (!text.includes(part)) throw new Error(`${path} has no ${part}`);
  return { [path]: text.replace(part, () => replacement) };
}

describe('the lines that cause a change', () => {
  it('are the changed line of a value, in its own document', () => {
    expect(sources(replaced('components/zoo/zoo.yaml', 'a: one', 'a: two'))).toEqual({
      'ConfigMap default/second-${CLUSTER_NAME}': 'components/zoo/zoo.yaml:20',
    });
  });

  it('are the changed line within a text', () => {
    expect(sources(replaced('components/zoo/zoo.yaml', '    two\n', '    2\n'))).toEqual({
      'ConfigMap default/first': 'components/zoo/zoo.yaml:10',
    });
  });

  it('are where a key is new, or its place when it is gone', () => {
    expect(sources(replaced('components/zoo/zoo.yaml', "  list: '[1, 2]'\n", "  list: '[1, 2]'\n  more: x\n"))).toEqual({
      'ConfigMap default/second-${CLUSTER_NAME}': 'components/zoo/zoo.yaml:22',
    });
    expect(sources(replaced('components/zoo/zoo.yaml', "  list: '[1, 2]'\n", ''))).toEqual({
      'ConfigMap default/second-${CLUSTER_NAME}': 'components/zoo/zoo.yaml:19',
    });
  });

  it('are the line of the version, for every change that it makes', () => {
    const found = sources(replaced('versions.yaml', '1.35.4', '1.35.5'));

    expect(found).toMatchObject({ 'ConfigMap default/first': 'versions.yaml:2' });
    expect(Object.values(found).every((one) => one === 'versions.yaml:2')).toBe(true);
    expect(Object.keys(found).length).toBeGreaterThan(2);
  });

  it('are both lines where a text and a version change', () => {
    expect(
      sources({ ...replaced('versions.yaml', '1.35.4', '1.35.5'), ...replaced('components/zoo/zoo.yaml', '    two\n', '    2\n') }),
    ).toMatchObject({
      'ConfigMap default/first': 'components/zoo/zoo.yaml:10, versions.yaml:2',
    });
  });

  it('are the beginning of an object that comes or goes, on the side where it is', () => {
    const second = ZOO.slice(ZOO.indexOf('---'));

    expect(sources({ 'components/zoo/zoo.yaml': ZOO.replace(second, '') })).toEqual({
      'ConfigMap default/second-${CLUSTER_NAME}': 'components/zoo/zoo.yaml:14 base',
    });
    expect(
      sources({ 'components/zoo/zoo.yaml': `${ZOO}---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: third, namespace: default }\n` }),
    ).toEqual({
      'ConfigMap default/third': 'components/zoo/zoo.yaml:23',
    });
  });

  it('are the environments of the component for what these let come', () => {
    const only = (environments: string): Files => ({
      'components/zoo/component.yaml': `name: zoo\nphase: workloads\nenvironments: [${environments}]\n`,
    });

    const found = sources(only('development'), CLUSTER, { ...BASE, ...only('production') });

    expect(found['ConfigMap default/first']).toBe('components/zoo/component.yaml:3, components/zoo/zoo.yaml:1');
  });

  it('are the phase of a component', () => {
    expect(sources({ 'components/zoo/component.yaml': '# moved\nname: zoo\nphase: system\n' })).toEqual({
      phase: 'components/zoo/component.yaml:3',
    });
  });

  it('are the lines of a component that goes, before the merge', () => {
    expect(sources({ 'components/zoo/component.yaml': undefined, 'components/zoo/zoo.yaml': undefined })).toEqual({
      'ConfigMap default/first': 'components/zoo/zoo.yaml:1 base',
      'ConfigMap default/second-${CLUSTER_NAME}': 'components/zoo/zoo.yaml:14 base',
      phase: 'components/zoo/component.yaml:2 base',
    });
  });

  it('are the line of a deletion that is added or taken back', () => {
    const text = 'before:\n  - { apiVersion: v1, kind: ConfigMap, name: other, namespace: x, reason: old }\nafter: []\n';

    expect(sources({ 'deletions.yaml': text })).toEqual({
      'delete ConfigMap x/other': 'deletions.yaml:2',
      'delete ConfigMap gone': 'deletions.yaml:3 base',
    });
  });

  it('are the line in a file of user data, of a unit, or of the version in it', () => {
    expect(sources(replaced('user-data/node.yaml', '      one\n', '      1\n'))).toEqual({ '/etc/zoo': 'user-data/node.yaml:4' });
    expect(sources(replaced('user-data/node.yaml', 'Description=zoo', 'Description=animals'))).toEqual({
      'zoo.service': 'user-data/node.yaml:12',
    });
    expect(sources(replaced('versions.yaml', '3.6.16', '3.6.17'))).toMatchObject({ '/etc/zoo': 'versions.yaml:3' });
  });

  it('are the beginning of a file of user data that comes, and its place before it went', () => {
    const unit = DATA.slice(DATA.indexOf('units:'));

    expect(sources({ 'user-data/node.yaml': DATA.replace(unit, '') })).toEqual({ 'zoo.service': 'user-data/node.yaml:9 base' });
    expect(sources({ 'user-data/node.yaml': DATA.replace('units:', '  - { path: /etc/new, content: new }\nunits:') })).toEqual({
      '/etc/new': 'user-data/node.yaml:8',
    });
  });

  it('are the common file where the instances have none of their own', () => {
    const common = referenceSnapshot().files.find(({ path }) => path === 'user-data/common.yaml')?.content ?? '';
    const found = sources({ 'user-data/common.yaml': common.replace('files:', 'files:\n  - { path: /etc/all, content: all }') });

    expect(found).toEqual({ '/etc/all': `user-data/common.yaml:${common.slice(0, common.indexOf('files:')).split('\n').length + 1}` });
  });

  it('are the fields of a pool', () => {
    expect(sources(replaced('pools.yaml', 'size: 3', 'size: 4'))).toEqual({ parameters: 'pools.yaml:4' });
    expect(sources(replaced('pools.yaml', 'team: a', 'team: b'))).toEqual({ '/etc/pool': 'pools.yaml:6' });
    expect(sources(replaced('pools.yaml', '    maxSize: 6\n    labels', '    maxSize: 7\n    generation: 2\n    labels'))).toEqual({
      '/etc/pool': 'pools.yaml:6',
      parameters: 'pools.yaml:5',
    });
    expect(sources(replaced('pools.yaml', 'm6i.xlarge', 'm6i.large'))).toEqual({ '/etc/pool': 'pools.yaml:3', parameters: 'pools.yaml:3' });
  });

  it('are the pool that comes or goes', () => {
    const batch = POOLS.slice(POOLS.indexOf('  - name: batch'));

    const gone = sources({ 'pools.yaml': POOLS.replace(batch, '') });
    const made = sources({}, CLUSTER, { ...BASE, 'pools.yaml': POOLS.replace(batch, '') });
    const come = sources({ 'pools.yaml': POOLS }, CLUSTER, { ...BASE, 'pools.yaml': POOLS.replace(batch, '') });

    expect(gone).toMatchObject({ template: 'pools.yaml:7 base', parameters: 'pools.yaml:7 base' });
    expect(made).toEqual({});
    expect(come).toMatchObject({ template: 'pools.yaml:7', parameters: 'pools.yaml:7' });
  });

  it('are the changed line of a template', () => {
    const { 'control-plane.yaml': text = '' } = edited('control-plane.yaml', 'UnhealthyThresholdCount: 2', 'UnhealthyThresholdCount: 3');
    const line = text.split('\n').findIndex((one) => one.includes('UnhealthyThresholdCount: 3')) + 1;

    expect(sources({ 'control-plane.yaml': text })).toEqual({ template: `control-plane.yaml:${line}` });
  });

  it('are the parameter that a template declares anew', () => {
    const { 'etcd.yaml': text = '' } = edited(
      'etcd.yaml',
      '  Bucket: { Type: String }\n',
      '  Bucket: { Type: String }\n  Environment: { Type: String }\n',
    );
    const line = text.split('\n').findIndex((one) => one.includes('Environment: {')) + 1;

    expect(sources({ 'etcd.yaml': text })).toEqual({ template: `etcd.yaml:${line}`, parameters: `etcd.yaml:${line}` });
  });

  it('are the operating system’s line for a parameter of stacks', () => {
    expect(sources(replaced('versions.yaml', 'ami-1', 'ami-2'))).toMatchObject({ parameters: 'versions.yaml:4' });
  });

  it('are where each thing is, for a cluster that is created', () => {
    const found = sourcesOf(
      { base: undefined, head: { configuration: referenceConfiguration(BASE), cluster: CLUSTER } },
      (name, area) => `${area}: ${name}`,
    );

    expect(found).toMatchObject({
      'component zoo: ConfigMap default/first': 'components/zoo/zoo.yaml:1',
      'component zoo: ConfigMap default/second-${CLUSTER_NAME}': 'components/zoo/zoo.yaml:14',
      'component zoo: phase': 'components/zoo/component.yaml:2',
      'deletions after applying: delete ConfigMap gone': 'deletions.yaml:3',
      'instances of pool-general, pool-batch: /etc/zoo': 'user-data/node.yaml:2',
      'instances of pool-general, pool-batch: zoo.service': 'user-data/node.yaml:9',
      'stack etcd: template': 'etcd.yaml:1',
      'stack etcd: parameters': 'etcd.yaml:1',
      'stack pool-general: parameters': 'pools.yaml:2',
      'stack pool-batch: parameters': 'pools.yaml:7',
    });
    expect(Object.entries(found).filter(([, place]) => !/^[a-z/.-]+:\d+(, [a-z/.-]+:\d+)*$/.test(place))).toEqual([]);
  });

  it('are an object’s where it alone has the name that a variable gave it before', () => {
    const own = ZOO.replace('second-${CLUSTER_NAME}', 'second-dev-1').replace('a: one', 'a: two');

    expect(sources({ 'components/zoo/zoo.yaml': own })).toEqual({ 'ConfigMap default/second-dev-1': 'components/zoo/zoo.yaml:17' });
  });

  it('are in the document of the object, whatever it begins with', () => {
    const second = 'kind: ConfigMap\nmetadata: { name: third, namespace: default }\ndata:\n  a: one\napiVersion: v1\n';
    const base = { ...BASE, 'components/zoo/zoo.yaml': `${ZOO}---\n${second}` };

    expect(sources({ 'components/zoo/zoo.yaml': `${ZOO}---\n${second.replace('a: one', 'a: two')}` }, CLUSTER, base)).toEqual({
      'ConfigMap default/third': 'components/zoo/zoo.yaml:26',
    });
  });

  it('are the beginning of an object of the fleet’s own policies', () => {
    const policies = (expression: string) => {
      const content = `# One.\napiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: one }
spec:
  matchConstraints: { resourceRules: [{ apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments] }] }
  validations: [{ expression: ${expression} }]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: one }
spec: { policyName: one, validationActions: [Deny] }
`;
      const parsed = parseOwnPolicies([{ path: 'channels/policies/one.yaml', content }]).value;
      if (parsed === undefined) throw new Error('not valid');
      return { configuration: withPolicies(referenceConfiguration(BASE), parsed), cluster: CLUSTER };
    };

    expect(sourcesOf({ base: policies('object.spec.replicas > 1'), head: policies('object.spec.replicas > 2') })).toEqual({
      'ValidatingAdmissionPolicy one': 'channels/policies/one.yaml:2',
    });
  });

  it('are no environments of a component that goes', () => {
    const base = { ...BASE, 'components/zoo/component.yaml': 'name: zoo\nphase: workloads\nenvironments: [development]\n' };

    expect(sources({ 'components/zoo/component.yaml': undefined, 'components/zoo/zoo.yaml': undefined }, CLUSTER, base)).toMatchObject({
      'ConfigMap default/first': 'components/zoo/zoo.yaml:1 base',
    });
  });

  it.each(['etcd', 'control-plane'])('are the user data of %s for its instances', (role) => {
    const path = `user-data/${role}.yaml`;
    const text = referenceSnapshot().files.find((file) => file.path === path)?.content ?? '';
    const line = text.slice(0, text.indexOf('files:')).split('\n').length + 1;

    expect(sources({ [path]: text.replace('files:', 'files:\n  - { path: /etc/own, content: own }') })).toEqual({
      '/etc/own': `${path}:${line}`,
    });
  });

  it('are not those of a variable that a text only names', () => {
    const base = { ...BASE, ...replaced('components/zoo/zoo.yaml', 'a: one', 'a: $${KUBERNETES_VERSION} one') };
    const changed = { 'components/zoo/zoo.yaml': base['components/zoo/zoo.yaml']?.replace('_VERSION} one', '_VERSION} two') };

    expect(sources({ ...changed, ...replaced('versions.yaml', '1.35.4', '1.35.5') }, CLUSTER, base)).toMatchObject({
      'ConfigMap default/second-${CLUSTER_NAME}': 'components/zoo/zoo.yaml:20',
    });
  });

  it('are the fields of a pool only where its variables are used, and of the pool itself', () => {
    const both = { ...replaced('user-data/node.yaml', '      one\n', '      1\n'), ...replaced('pools.yaml', 'team: a', 'team: b') };
    const second = sources({ 'pools.yaml': `${POOLS}    labels: { team: b }\n` });

    expect(sources(both)).toEqual({ '/etc/zoo': 'user-data/node.yaml:4', '/etc/pool': 'pools.yaml:6' });
    expect(second).toEqual({ '/etc/pool': 'pools.yaml:11' });
  });

  describe('of a template of pools', () => {
    const text = referenceSnapshot().files.find(({ path }) => path === 'node-pool.yaml')?.content ?? '';
    const more = ['KubernetesVersion', 'EtcdVersion', 'PoolGeneration'].map((name) => `  ${name}: { Type: String }\n`).join('');
    const declared = text.replace('\nParameters:\n', `\nParameters:\n${more}`);
    const line = declared.split('\n').findIndex((one) => one.includes('KubernetesVersion: {')) + 1;
    const base = { ...BASE, 'node-pool.yaml': declared };

    it('are its changed line, and each parameter that it declares no more', () =>
      expect(sources({ 'node-pool.yaml': text }, CLUSTER, base)).toEqual({
        template: `node-pool.yaml:${line}`,
        parameters: [line, line + 1, line + 2].map((one) => `node-pool.yaml:${one} base`).join(', '),
      }));

    it.each([
      ['kubernetes', replaced('versions.yaml', '1.35.4', '1.35.5'), 'versions.yaml:2'],
      ['etcd', replaced('versions.yaml', '3.6.16', '3.6.17'), 'versions.yaml:3'],
      ['generation', replaced('pools.yaml', '    maxSize: 6\n    labels', '    maxSize: 6\n    generation: 2\n    labels'), 'pools.yaml:6'],
      ['market', replaced('pools.yaml', '    maxSize: 6\n    labels', '    maxSize: 6\n    market: spot\n    labels'), 'pools.yaml:6'],
    ])('are the line of %s for its parameter', (_name, changed, place) =>
      expect(sources(changed, CLUSTER, base)).toMatchObject({ parameters: place }),
    );
  });

  it('are the line of one deletion among others', () => {
    const text = `${BASE['deletions.yaml']}  - { apiVersion: v1, kind: ConfigMap, name: too, reason: old }\n`;

    expect(sources({ 'deletions.yaml': text })).toEqual({ 'delete ConfigMap too': 'deletions.yaml:4' });
  });
});
