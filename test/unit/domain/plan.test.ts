// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables of manifests are written like this
import { describe, expect, it } from 'vitest';
import type { Configuration } from '#domain/configuration.ts';
import { type PlanSubject, planChange } from '#domain/plan.ts';
import type { Plan } from '#model/plan.ts';
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

function configuration(changed: Readonly<Record<string, string | undefined>> = {}): Configuration {
  return referenceConfiguration(changed, Object.keys(changed).length === 0 ? 'a'.repeat(40) : 'b'.repeat(40));
}

const BASE = configuration();

function planOf(changed: Readonly<Record<string, string | undefined>>, clusters: readonly ClusterRef[] = [CLUSTER]): Plan {
  const head = configuration(changed);
  return planChange(clusters.map((cluster) => ({ base: { configuration: BASE, cluster }, head: { configuration: head, cluster } })));
}

function rolls(plan: Plan): string[] {
  return plan.groups.flatMap((group) => group.rolls.map((roll) => `${roll.role} ${roll.instances} ${roll.reason}`)).sort();
}

describe('class of a change of the reference configuration', () => {
  it('is nothing for a comment', () => {
    const plan = planOf(edited('components/coredns/deployment.yaml', 'replicas: 2', 'replicas: 2 # two'));

    expect(plan).toMatchObject({ class: 'nothing', affected: 0, rollsNodes: 0 });
  });

  it('is nothing for a change of the tests', () => {
    const plan = planOf({ 'tests/conformance.txt': '# none\n' });

    expect(plan.class).toBe('nothing');
  });

  it('is manifests for an image, and nothing rolls', () => {
    const plan = planOf(edited('components/ingress/deployment.yaml', 'skipper:v0.27.65', 'skipper:v0.27.66'));

    expect(plan.class).toBe('manifests');
    expect(rolls(plan)).toEqual([]);
    expect(plan.groups[0]?.changes.map(({ action, name }) => [action, name])).toEqual([['update', 'Deployment ingress/skipper']]);
    expect(plan.groups[0]?.changes[0]?.diff).toContain('+          image: ghcr.io/zalando/skipper:v0.27.66');
  });

  it('is manifests for another size of a pool: nodes come, none is replaced', () => {
    const plan = planOf(edited('pools.yaml', 'size: 3', 'size: 4'));

    expect(plan.class).toBe('manifests');
    expect(rolls(plan)).toEqual([]);
  });

  it('is a worker roll of one pool for its generation', () => {
    const plan = planOf({ 'pools.yaml': editedLast('pools.yaml', 'generation: 1', 'generation: 2') });

    expect(plan.class).toBe('worker-roll');
    expect(rolls(plan)).toEqual(['pool-batch 3 replaced']);
    expect(plan.rollsNodes).toBe(3);
  });

  it('is a worker roll of one pool for its market', () => {
    const plan = planOf(edited('pools.yaml', 'market: on-demand', 'market: spot'));

    expect(rolls(plan)).toEqual(['pool-general 3 replaced']);
  });

  it('is a control plane roll for a Kubernetes version, and all nodes roll', () => {
    const plan = planOf(edited('versions.yaml', '1.35.4', '1.36.3'));

    expect(plan.class).toBe('control-plane-roll');
    expect(rolls(plan)).toEqual(['control-plane 1 replaced', 'pool-batch 3 replaced', 'pool-general 3 replaced']);
    expect(plan.rollsNodes).toBe(6);
    expect(plan.groups[0]?.changes.map((change) => change.name)).toContain('DaemonSet kube-system/kube-proxy');
  });

  it('is etcd for an etcd version, and nothing else rolls', () => {
    const plan = planOf(edited('versions.yaml', 'etcd: 3.6.16', 'etcd: 3.6.17'));

    expect(plan.class).toBe('etcd');
    expect(rolls(plan)).toEqual(['etcd 1 replaced']);
  });

  it('is etcd for an image of the operating system, and all instances roll', () => {
    const plan = planOf(edited('versions.yaml', 'ami-0a1b2c3d4e5f60718', 'ami-0a1b2c3d4e5f60719'));

    expect(plan.class).toBe('etcd');
    expect(rolls(plan)).toEqual(['control-plane 1 replaced', 'etcd 1 replaced', 'pool-batch 3 replaced', 'pool-general 3 replaced']);
  });

  it('is manifests for a part of a template that makes no instances', () => {
    const plan = planOf(edited('control-plane.yaml', 'UnhealthyThresholdCount: 2', 'UnhealthyThresholdCount: 3'));

    expect(plan.class).toBe('manifests');
    expect(plan.groups[0]?.changes.map(({ area, name }) => `${area} ${name}`)).toEqual(['stack control-plane template']);
  });

  it('is a control plane roll for the instance type in its template', () => {
    const plan = planOf(edited('control-plane.yaml', 'InstanceType: m6i.large', 'InstanceType: m6i.xlarge'));

    expect(rolls(plan)).toEqual(['control-plane 1 replaced']);
  });

  it('names the nodes of a pool that goes', () => {
    const pools = configuration().pools.map(({ name }) => name);
    const plan = planOf({ 'pools.yaml': 'pools:\n  - { name: general, instanceType: m6i.xlarge, size: 3, maxSize: 6 }\n' });

    expect(pools).toEqual(['general', 'batch']);
    expect(rolls(plan)).toEqual(['pool-batch 3 removed']);
    expect(plan.rollsNodes).toBe(3);
  });

  it('is deletion of a pool that goes, with its stack', () => {
    const plan = planOf({ 'pools.yaml': 'pools:\n  - { name: general, instanceType: m6i.xlarge, size: 3, maxSize: 6 }\n' });

    expect(plan.class).toBe('deletion');
    expect(plan.groups[0]?.resources).toEqual([
      {
        role: 'pool-batch',
        resource: 'the whole stack',
        type: 'AWS::CloudFormation::Stack',
        action: 'remove',
        replacement: 'never',
        properties: [],
      },
    ]);
  });

  it('is manifests for a pool that comes: its nodes are new', () => {
    const plan = planOf({
      'pools.yaml': `${referenceText('pools.yaml')}  - { name: extra, instanceType: m6i.xlarge, size: 2, maxSize: 6 }\n`,
    });

    expect(plan).toMatchObject({ class: 'manifests', rollsNodes: 0 });
    expect(rolls(plan)).toEqual(['pool-extra 2 new']);
    expect(plan.groups[0]?.resources).toMatchObject([{ role: 'pool-extra', action: 'add', type: 'AWS::CloudFormation::Stack' }]);
  });

  it('is replacement for a property that AWS sets at creation only', () => {
    const plan = planOf(edited('control-plane.yaml', 'Scheme: internal', 'Scheme: internet-facing'));

    expect(plan.class).toBe('replacement');
    expect(plan.groups[0]?.resources.find(({ replacement }) => replacement === 'always')).toMatchObject({
      role: 'control-plane',
      type: 'AWS::ElasticLoadBalancingV2::LoadBalancer',
      properties: ['Scheme'],
    });
  });

  it.each([
    // Pruning keeps these.
    ['Namespace', 'v1', 'manifests', { stays: true }],
    ['PersistentVolumeClaim', 'v1', 'manifests', { stays: true }],
    ['StatefulSet', 'apps/v1', 'deletion', {}],
    ['ConfigMap', 'v1', 'manifests', {}],
  ])('for a %s that goes is by what it takes with it', (kind, apiVersion, expected, what) => {
    const zoo = (text: string) => ({ 'components/zoo/component.yaml': 'name: zoo\nphase: workloads\n', 'components/zoo/a.yaml': text });
    const kept = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: kept, namespace: default }\n';
    const before = configuration(zoo(`${kept}---\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: going }\n`));
    const after = { ...configuration(zoo(kept)), revision: 'd'.repeat(40) };

    const plan = planChange([{ base: { configuration: before, cluster: CLUSTER }, head: { configuration: after, cluster: CLUSTER } }]);

    expect(plan.class).toBe(expected);
    expect(plan.groups[0]?.changes).toEqual([
      { action: 'delete', name: `${kind} going`, area: 'component zoo', diff: expect.any(String), sources: expect.any(Array), ...what },
    ]);
  });

  it.each([
    ['Namespace', 'deletion'],
    ['PersistentVolumeClaim', 'deletion'],
    ['StatefulSet', 'deletion'],
    ['ConfigMap', 'manifests'],
  ])('for a %s that deletions.yaml names is by what it takes with it, whenever its manifest went', (kind, expected) => {
    const entry = `  - { apiVersion: v1, kind: ${kind}, name: gone, reason: moved out }\n`;

    const plan = planOf({ 'deletions.yaml': `before: []\nafter:\n${entry}` });

    expect(plan.class).toBe(expected);
    expect(plan.groups[0]?.changes.map(({ action, name }) => [action, name])).toEqual([['create', `delete ${kind} gone`]]);
  });

  it('is deletion of a cluster that goes, with all its stacks', () => {
    const plan = planChange([{ base: { configuration: BASE, cluster: CLUSTER }, head: undefined }]);

    expect(plan).toMatchObject({ class: 'deletion', affected: 1, rollsNodes: 6 });
    expect(rolls(plan)).toEqual(['control-plane 1 removed', 'etcd 1 removed', 'pool-batch 3 removed', 'pool-general 3 removed']);
    expect(plan.groups[0]?.changes).toEqual([]);
  });

  it('does not roll for user data in another order', () => {
    const text = referenceText('user-data/etcd.yaml');
    const moved = `${text.trimEnd()}\n`.replace('files:', 'files:\n  - { path: /etc/zoo, content: a }\n  - { path: /etc/ape, content: b }');
    const before = configuration({ 'user-data/etcd.yaml': moved });
    const after = configuration({ 'user-data/etcd.yaml': moved.replace(/( {2}- .*zoo.*\n)( {2}- .*ape.*\n)/, '$2$1') });

    const plan = planChange([
      { base: { configuration: before, cluster: CLUSTER }, head: { configuration: { ...after }, cluster: CLUSTER } },
    ]);

    expect(plan.class).toBe('nothing');
  });

  it('spreads the instances over the zones of the network', () => {
    const plan = planOf(edited('versions.yaml', '1.35.4', '1.36.3'));

    const zones = Object.fromEntries(plan.groups[0]?.rolls.map((roll) => [roll.role, roll.zones]) ?? []);
    expect(zones).toMatchObject({ 'pool-general': ['a', 'b', 'c'], 'pool-batch': ['a', 'b', 'c'] });
  });

  it('tells equal changes of several stacks once', () => {
    const plan = planOf(edited('node-pool.yaml', 'VolumeSize: 80', 'VolumeSize: 90'));

    expect(plan.groups[0]?.changes.map(({ area, name }) => `${area}: ${name}`)).toEqual(['stack pool-general, pool-batch: template']);
    expect(rolls(plan)).toEqual(['pool-batch 3 replaced', 'pool-general 3 replaced']);
  });

  it('is creation where nothing runs yet', () => {
    const plan = planChange([{ base: undefined, head: { configuration: BASE, cluster: CLUSTER } }]);

    expect(plan).toMatchObject({ class: 'creation', affected: 1, rollsNodes: 0 });
    expect(rolls(plan)).toEqual(['control-plane 1 new', 'etcd 1 new', 'pool-batch 3 new', 'pool-general 3 new']);
  });
});

describe('groups', () => {
  const fleet = Array.from(
    { length: 94 },
    (_, index): ClusterRef => ({
      ...CLUSTER,
      name: `beta-${index}`,
      account: String(300000000000 + index),
      network: `10.${index + 1}.0.0/16`,
      environment: 'production',
      channel: 'beta',
    }),
  );

  it('has one for 94 clusters that differ by name, account and network', () => {
    const plan = planOf(edited('versions.yaml', '1.35.4', '1.36.3'), fleet);

    expect(plan.groups).toHaveLength(1);
    expect(plan.groups[0]?.clusters).toHaveLength(94);
    expect(plan.rollsNodes).toBe(94 * 6);
    const text = plan.groups[0]?.changes.map((change) => change.diff).join('\n') ?? '';
    expect(text).not.toMatch(/beta-\d|3000000000/);
  });

  it('tells a change apart that differs by environment', () => {
    const [first] = fleet;
    if (first === undefined) throw new Error('no fleet');
    const change = edited('components/coredns/deployment.yaml', 'cache 30', 'cache 30 # ${ENVIRONMENT}');

    const plan = planOf(change, [CLUSTER, first]);

    expect(plan.groups.map((group) => group.clusters)).toEqual([['dev-1'], ['beta-0']]);
  });

  it('folds equal changes over environments, most dangerous class first, then most clusters', () => {
    const [first, second] = fleet;
    if (first === undefined || second === undefined) throw new Error('no fleet');
    const change = edited('components/ingress/deployment.yaml', 'skipper:v0.27.65', 'skipper:v0.27.66');

    const plan = planOf(change, [CLUSTER, first, second]);

    expect(plan.groups.map((group) => group.clusters)).toEqual([['dev-1', 'beta-0', 'beta-1']]);
    expect(plan.groups[0]?.disruption).toMatchObject({ drained: 0, ownPods: 0, restarts: ['Deployment ingress/skipper'] });
  });

  it('keeps clusters apart that are made of different kinds', () => {
    const [first] = fleet;
    if (first === undefined) throw new Error('no fleet');

    const plan = planChange([CLUSTER, first].map((cluster) => ({ base: undefined, head: { configuration: BASE, cluster } })));

    expect(plan.groups.map((group) => group.clusters)).toEqual([['dev-1'], ['beta-0']]);
  });

  it('compares all values when the cluster itself gets other ones', () => {
    const plan = planChange([
      { base: { configuration: BASE, cluster: CLUSTER }, head: { configuration: BASE, cluster: { ...CLUSTER, network: '10.9.0.0/16' } } },
    ]);

    const text = plan.groups[0]?.changes.map((change) => change.diff).join('\n') ?? '';
    expect(text).toContain('10.9.0');
    expect(rolls(plan)).toContain('etcd 1 replaced');
    expect(plan.class).toBe('etcd');
  });

  it('leaves a cluster out for which a literal becomes the variable of the same value', () => {
    const literal = edited('components/coredns/deployment.yaml', 'cache 30', 'cache 30 # dev-1');
    const variable = edited('components/coredns/deployment.yaml', 'cache 30', 'cache 30 # ${CLUSTER_NAME}');
    const before = configuration(literal);
    const after = { ...configuration(variable), revision: 'd'.repeat(40) };

    const plan = planChange(
      [CLUSTER, { ...CLUSTER, name: 'dev-2' }].map((cluster) => ({
        base: { configuration: before, cluster },
        head: { configuration: after, cluster },
      })),
    );

    expect(plan.groups.map((group) => [group.class, group.clusters])).toEqual([
      ['manifests', ['dev-2']],
      ['nothing', ['dev-1']],
    ]);
  });

  it('are none, and nothing is affected, where there is no cluster', () =>
    expect(planChange([])).toEqual({ groups: [], clusters: 0, affected: 0, class: 'nothing', rollsNodes: 0 }));

  it('come in the order of how many clusters they have, where their class is the same', () => {
    const [first, second, third] = fleet;
    if (first === undefined || second === undefined || third === undefined) throw new Error('no fleet');
    const change = edited('components/coredns/deployment.yaml', 'cache 30', 'cache 30 # ${ENVIRONMENT}');

    expect(planOf(change, [CLUSTER, first, second, third]).groups.map(({ clusters }) => clusters.length)).toEqual([3, 1]);
  });

  it.each<[string, Partial<ClusterRef>]>([
    ['channel', { channel: 'beta' }],
    ['region', { region: 'eu-west-1' }],
    ['number of members', { etcdMembers: 3 as const }],
  ])('have clusters of one %s that come or go whole, since what they get or had is told once', (_name, change) => {
    const side = (cluster: ClusterRef) => ({ configuration: BASE, cluster });
    const clusters = [CLUSTER, { ...CLUSTER, name: 'dev-2' }, { ...CLUSTER, ...change, name: 'dev-3' }];
    const names = (subjects: PlanSubject[]): (readonly string[])[] => planChange(subjects).groups.map((group) => group.clusters);

    const expected = [['dev-1', 'dev-2'], ['dev-3']];
    expect(names(clusters.map((cluster) => ({ base: undefined, head: side(cluster) })))).toEqual(expected);
    expect(names(clusters.map((cluster) => ({ base: side(cluster), head: undefined })))).toEqual(expected);
  });

  it('have clusters of one revision that go', () => {
    const gone = ['a', 'b'].map((commit, index) => ({
      base: { configuration: { ...BASE, revision: commit.repeat(40) }, cluster: { ...CLUSTER, name: `dev-${index}` } },
      head: undefined,
    }));

    expect(planChange(gone).groups.map(({ clusters }) => clusters)).toEqual([['dev-0'], ['dev-1']]);
  });

  it('name the lines of settings that cause a change, before those of the configuration', () => {
    const cause = { path: 'channels/dev.yaml', line: 7, side: 'head' as const };
    const head = configuration(edited('components/ingress/deployment.yaml', 'skipper:v0.27.65', 'skipper:v0.27.66'));
    const subject = { base: { configuration: BASE, cluster: CLUSTER }, head: { configuration: head, cluster: CLUSTER } };
    const sourcesOf = (causes: PlanSubject['causes']): string[] | undefined =>
      planChange([{ ...subject, ...(causes === undefined ? {} : { causes }) }]).groups[0]?.changes[0]?.sources.map(({ path }) => path);

    expect(sourcesOf([cause])).toEqual(['channels/dev.yaml', 'channels/cluster/components/ingress/deployment.yaml']);
    expect(sourcesOf(undefined)).toEqual(['channels/cluster/components/ingress/deployment.yaml']);
  });

  it('tell what is disrupted: the pods of all their clusters, and what would hold a drain, once for each environment', () => {
    const [live] = fleet;
    if (live === undefined) throw new Error('no fleet');
    const zoo = {
      'components/zoo/component.yaml': 'name: zoo\nphase: workloads\n',
      'components/zoo/zoo.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: { name: 'zoo-\${ENVIRONMENT}', namespace: default }
spec: { replicas: 1, template: { metadata: { labels: { app: zoo } }, spec: { containers: [] } } }
`,
    };
    const before = configuration(zoo);
    const rolled = { ...configuration({ ...zoo, ...edited('pools.yaml', 'market: on-demand', 'market: spot') }), revision: 'd'.repeat(40) };
    const disruption = (clusters: readonly ClusterRef[]) =>
      planChange(
        clusters.map((cluster) => ({ base: { configuration: before, cluster }, head: { configuration: rolled, cluster } })),
      ).groups.map((group) => group.disruption);
    const held = (clusters: readonly ClusterRef[]): string[] =>
      disruption(clusters)
        .flatMap(({ risks = [] }) => risks.map(({ object }) => object))
        .filter((object) => object.includes('zoo'));

    const [alone, both] = [disruption([CLUSTER])[0], disruption([CLUSTER, { ...CLUSTER, name: 'dev-2' }])[0]];
    expect(alone?.ownPods).toBeGreaterThan(10);
    expect(both?.ownPods).toBe(2 * (alone?.ownPods ?? 0));
    expect(held([CLUSTER, { ...CLUSTER, name: 'dev-2' }, { ...live, environment: 'production' }]).sort()).toEqual([
      'Deployment default/zoo-development',
      'Deployment default/zoo-production',
    ]);
  });

  it('tell equal changes of several components, and different ones of several stacks, each by itself', () => {
    const zoo = (phase: string) =>
      Object.fromEntries(['ape', 'zoo'].map((name) => [`components/${name}/component.yaml`, `name: ${name}\nphase: ${phase}\n`]));
    const [before, after] = [
      configuration(zoo('workloads')),
      configuration({
        ...zoo('system'),
        ...edited('node-pool.yaml', 'VolumeSize: 80', 'VolumeSize: 90'),
        ...edited('etcd.yaml', 'VolumeSize: 20', 'VolumeSize: 30'),
      }),
    ];
    const plan = planChange([
      {
        base: { configuration: before, cluster: CLUSTER },
        head: { configuration: { ...after, revision: 'd'.repeat(40) }, cluster: CLUSTER },
      },
    ]);

    expect(plan.groups[0]?.changes.map(({ area, name }) => `${area}: ${name}`)).toEqual([
      'component ape: phase',
      'component zoo: phase',
      'stack etcd: template',
      'stack pool-general, pool-batch: template',
    ]);
  });

  it('say of nothing that it stays but of what goes', () => {
    const zoo = (label: string) => ({
      'components/zoo/component.yaml': 'name: zoo\nphase: workloads\n',
      'components/zoo/a.yaml': `apiVersion: v1\nkind: Namespace\nmetadata: { name: zoo, labels: { a: ${label} } }\n`,
    });
    const side = (label: string) => ({ configuration: { ...configuration(zoo(label)), revision: label.repeat(40) }, cluster: CLUSTER });
    const plan = planChange([{ base: side('a'), head: side('b') }]);

    expect(plan.groups[0]?.changes.map(({ action, name, stays }) => [action, name, stays])).toEqual([
      ['update', 'Namespace zoo', undefined],
    ]);
  });
});

function referenceText(path: string): string {
  return referenceSnapshot().files.find((file) => file.path === path)?.content ?? '';
}

function editedLast(path: string, part: string, replacement: string): string {
  const text = referenceSnapshot().files.find((file) => file.path === path)?.content ?? '';
  const index = text.lastIndexOf(part);
  return `${text.slice(0, index)}${replacement}${text.slice(index + part.length)}`;
}
