// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables of manifests are written like this
import { describe, expect, it } from 'vitest';
import { type Configuration, parseConfiguration } from '#domain/configuration.ts';
import { sha256 } from '#domain/hash.ts';
import { render } from '#domain/render.ts';
import { Render } from '#model/render.ts';
import type { ClusterRef } from '#model/settings.ts';
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
  const { value, findings } = parseConfiguration(referenceSnapshot(changed));
  if (value === undefined) throw new Error(JSON.stringify(findings));
  return value;
}

function hashes(changed: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(render(configuration(changed), CLUSTER).stacks.map((stack) => [stack.role, stack.ignitionHash]));
}

interface Ignition {
  storage: { files: { path: string; mode: number; contents: { source: string } }[] };
  systemd: { units: { name: string; contents?: string; mask?: boolean }[] };
}

function ignitionOf(role: string): Ignition {
  const stack = render(configuration(), CLUSTER).stacks.find((candidate) => candidate.role === role);
  return JSON.parse(stack?.ignition ?? '') as Ignition;
}

describe('render of the reference configuration', () => {
  it('is what the schema of renders says, and the same each time', () => {
    const rendered = render(configuration(), CLUSTER);

    expect(Render.parse(rendered)).toEqual(rendered);
    expect(JSON.stringify(render(configuration(), CLUSTER))).toBe(JSON.stringify(rendered));
  });

  it('keeps references to secrets as they are, and hands on probes and skew rules', () => {
    const rendered = render(
      configuration({
        'components/ingress/secret.yaml':
          'apiVersion: v1\nkind: Secret\nmetadata: { name: "db-${CLUSTER_NAME}", namespace: ingress }\nstringData: { a: "${SECRET:db@v1}" }\n',
        'tests/probes.yaml': 'probes: [{ name: metrics, path: /apis/metrics.k8s.io/v1beta1 }]\n',
      }),
      CLUSTER,
    );

    const secret = rendered.components.flatMap(({ objects }) => objects).find(({ kind }) => kind === 'Secret');
    expect(secret).toMatchObject({ metadata: { name: 'db-dev-1' }, stringData: { a: '${SECRET:db@v1}' } });
    expect(rendered.probes).toEqual([{ name: 'metrics', path: '/apis/metrics.k8s.io/v1beta1', maxMilliseconds: 1000 }]);
    expect(rendered.components.find(({ name }) => name === 'kube-proxy')?.skew).toEqual({ maxMinorsBehind: 3 });
  });

  it('fills every declared parameter, and no other', () => {
    const reference = configuration();
    const { stacks } = render(reference, CLUSTER);

    const empty = stacks.flatMap((stack) => Object.entries(stack.parameters).filter(([, value]) => value === '' || value.includes('${')));

    expect(stacks.map((stack) => stack.stackName)).toEqual([
      'sluice-dev-1-network',
      'sluice-dev-1-etcd',
      'sluice-dev-1-control-plane',
      'sluice-dev-1-pool-general',
      'sluice-dev-1-pool-batch',
    ]);
    expect(empty).toEqual([]);
    expect(stacks[3]?.parameters).toMatchObject({
      PoolName: 'general',
      PoolSize: '3',
      PoolMaxSize: '6',
      SubnetIds: '!output:network.SubnetIds',
    });
  });

  it('names each Ignition document by its hash', () => {
    const { stacks } = render(configuration(), CLUSTER);
    const withInstances = stacks.filter((stack) => stack.ignition !== undefined);

    expect(withInstances).toHaveLength(4);
    for (const stack of withInstances) {
      expect(sha256(stack.ignition ?? '')).toBe(stack.ignitionHash);
      expect(stack.parameters['IgnitionUrl']).toBe(`s3://sluice-200000000001-eu-central-1/ignition/${stack.ignitionHash}.json`);
    }
  });

  it('writes files and units with values put in and the instance’s own left to the instance', () => {
    const ignition = ignitionOf('control-plane');
    const file = ignition.storage.files.find((candidate) => candidate.path === '/etc/kubernetes/scheduler.kubeconfig');
    const script = ignition.storage.files.find((candidate) => candidate.path === '/opt/sluice/address');
    const server = ignition.systemd.units.find((unit) => unit.name === 'kube-apiserver.service');

    expect(Buffer.from(file?.contents.source.split(',')[1] ?? '', 'base64').toString()).toContain(
      'server: https://${INSTANCE_ADDRESS}:6443',
    );
    expect(script?.mode).toBe(0o755);
    expect(server?.contents).toContain('--etcd-servers=https://10.1.0.11:2379');
    expect(ignition.systemd.units.filter((unit) => unit.mask === true)).toHaveLength(2);
  });

  it('gives a cluster the members that its entry says, and its API servers their endpoints', () => {
    const of = (change: Partial<ClusterRef>) => {
      const { stacks } = render(configuration(), { ...CLUSTER, ...change });
      const etcd = stacks.find(({ role }) => role === 'etcd');
      const ignition = JSON.parse(etcd?.ignition ?? '') as Ignition;
      const member = ignition.storage.files.find(({ path }) => path === '/etc/sluice/member.json');
      const { initialCluster } = JSON.parse(Buffer.from(member?.contents.source.split(',')[1] ?? '', 'base64').toString());
      const servers = /etcd-servers=(\S+)/.exec(stacks.find(({ role }) => role === 'control-plane')?.ignition ?? '')?.[1];
      return { members: etcd?.parameters['EtcdMembers'], names: initialCluster.split(','), servers: servers?.split(',').length };
    };
    const five = [
      'etcd-eu-central-1a=https://10.1.0.11:2380',
      'etcd-eu-central-1b=https://10.1.16.11:2380',
      'etcd-eu-central-1c=https://10.1.32.11:2380',
      'etcd-eu-central-1d=https://10.1.0.12:2380',
      'etcd-eu-central-1e=https://10.1.16.12:2380',
    ];

    expect(of({})).toEqual({ members: '1', names: five.slice(0, 1), servers: 1 });
    expect(of({ etcdMembers: 3 })).toEqual({ members: '3', names: five.slice(0, 3), servers: 3 });
    expect(of({ environment: 'production' })).toEqual({ members: '3', names: five.slice(0, 3), servers: 3 });
    expect(of({ environment: 'production', etcdMembers: 5 })).toEqual({ members: '5', names: five, servers: 5 });
  });

  it('has a group for each seat, in a zone each round, and lets only five of them call each other', () => {
    const { etcd, network } = configuration().templates;
    const { Resources: groups } = etcd.body as { Resources: Record<string, { Type: string; Condition?: string; Properties: object }> };
    const { Resources: ofNetwork } = network.body as { Resources: Record<string, { Properties: { SecurityGroupIngress: object[] } }> };
    const seats = Object.entries(groups).filter(([, { Type }]) => Type === 'AWS::AutoScaling::AutoScalingGroup');

    expect(seats.map(([id, { Condition }]) => [id, Condition])).toEqual([
      ['MemberA', undefined],
      ['MemberB', 'Three'],
      ['MemberC', 'Three'],
      ['MemberD', 'Five'],
      ['MemberE', 'Five'],
    ]);
    for (const [index, [, { Properties }]] of seats.entries()) {
      const seat = 'abcde'.charAt(index);
      expect(Properties).toMatchObject({
        VPCZoneIdentifier: [{ Ref: `Subnet${'ABCAB'.charAt(index)}` }],
        Tags: expect.arrayContaining([{ Key: 'sluice:role', Value: `etcd-${seat}`, PropagateAtLaunch: true }]),
      });
    }
    const peers = (ofNetwork['EtcdGroup']?.Properties.SecurityGroupIngress ?? []).map((rule) => JSON.stringify(rule));
    expect(['A', 'B', 'C', 'D', 'E'].map((seat) => peers.filter((rule) => rule.includes(`\${EtcdAddress${seat}}/32`)).length)).toEqual([
      1, 1, 1, 1, 1,
    ]);
    expect(peers.filter((rule) => rule.includes('FiveMembers')).map((rule) => /EtcdAddress(.)/.exec(rule)?.[1])).toEqual(['D', 'E']);
  });

  it('lets exactly the right instances have another document', () => {
    const before = hashes({});
    const changed = (after: Record<string, string | undefined>): string[] =>
      Object.keys(before).filter((role) => before[role] !== after[role]);

    expect(changed(hashes(edited('components/ingress/deployment.yaml', 'v0.27.65', 'v0.27.66')))).toEqual([]);
    expect(changed(hashes(edited('versions.yaml', 'etcd: 3.6.16', 'etcd: 3.6.17')))).toEqual(['etcd']);
    expect(changed(hashes(edited('versions.yaml', '1.35.4', '1.36.3')))).toEqual(['control-plane', 'pool-general', 'pool-batch']);
    expect(changed(hashes(edited('pools.yaml', 'generation: 1', 'generation: 2')))).toEqual(['pool-general']);
  });

  it('leaves out components of other environments', () => {
    const limited = configuration(
      edited('components/resource-report/component.yaml', 'phase: workloads', 'phase: workloads\nenvironments: [production]'),
    );
    const names = (environment: ClusterRef['environment']): string[] =>
      render(limited, { ...CLUSTER, environment }).components.map((component) => component.name);

    expect(names('development')).not.toContain('resource-report');
    expect(names('production')).toContain('resource-report');
  });

  it('orders objects so that each finds what it rests on', () => {
    const ingress = render(configuration(), CLUSTER).components.find((component) => component.name === 'ingress');

    expect(ingress?.objects.map((object) => object.kind)).toEqual([
      'Namespace',
      'ServiceAccount',
      'ClusterRole',
      'ClusterRoleBinding',
      'PodDisruptionBudget',
      'Service',
      'Deployment',
    ]);
  });

  it('carries what e2e runs', () => {
    const rendered = render(configuration(), CLUSTER);

    expect(rendered.tests?.conformance).toHaveLength(12);
    expect(rendered.load?.map((object) => object.kind)).toEqual([
      'Namespace',
      'PodDisruptionBudget',
      'PodDisruptionBudget',
      'Service',
      'Deployment',
      'StatefulSet',
    ]);
  });
});
