// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables of manifests are written like this
import { describe, expect, it } from 'vitest';
import { parseConfiguration } from '#domain/configuration.ts';
import type { Finding } from '#model/checks.ts';
import { Phase } from '#model/configuration.ts';
import { edited, referenceSnapshot } from '../../support/reference-fleet.ts';

function findings(changed: Readonly<Record<string, string | undefined>>): Finding[] {
  const result = parseConfiguration(referenceSnapshot(changed));
  if (result.findings.some((finding) => finding.level === 'failure')) expect(result.value).toBeUndefined();
  return [...result.findings];
}

function lineOf(changed: Readonly<Record<string, string>>, path: string, part: string): number {
  return (changed[path] ?? '').slice(0, (changed[path] ?? '').indexOf(part)).split('\n').length;
}

describe('parseConfiguration', () => {
  it('finds nothing in the reference configuration', () => {
    const { value, findings: found } = parseConfiguration(referenceSnapshot());

    expect(found).toEqual([]);
    expect(value?.components.length).toBeGreaterThan(15);
    expect(value?.conformance.length).toBeGreaterThanOrEqual(12);
  });

  it('puts components in the order of their phases, each after what it needs', () => {
    const components = parseConfiguration(referenceSnapshot()).value?.components.map(({ file }) => file) ?? [];
    const names = components.map(({ name }) => name);
    const early = components.flatMap(({ name, needs }, place) =>
      needs.filter((need) => names.indexOf(need) > place).map((need) => `${name} before ${need}`),
    );

    expect(early).toEqual([]);
    expect(components.map(({ phase }) => Phase.options.indexOf(phase))).toEqual(
      components.map(({ phase }) => Phase.options.indexOf(phase)).sort(),
    );
    expect(components.flatMap(({ needs }) => needs).length).toBeGreaterThan(15);
  });

  it('finds an unknown variable at its line, with what was meant', () => {
    const path = 'components/coredns/deployment.yaml';
    const changed = edited(path, 'clusterIP: ${DNS_ADDRESS}', 'clusterIP: ${DNS_ADRESS}');

    expect(findings(changed)).toEqual([
      {
        rule: 'unknown-variable',
        level: 'failure',
        path: `channels/cluster/${path}`,
        line: lineOf(changed, path, '${DNS_ADRESS}'),
        column: 14,
        message: 'There is no variable ${DNS_ADRESS}. Did you mean DNS_ADDRESS? Write $${DNS_ADRESS} for the literal text.',
      },
    ]);
  });

  it('finds an unknown variable within a block of text at the line in the block', () => {
    const path = 'components/coredns/deployment.yaml';
    const changed = edited(path, 'cache 30', 'cache ${TTL}');

    expect(findings(changed)).toMatchObject([{ rule: 'unknown-variable', line: lineOf(changed, path, '${TTL}') }]);
  });

  it.each(['versions.yaml', 'user-data/node.yaml', 'components/coredns/component.yaml', 'etcd.yaml'])(
    'finds a second document in %s: nobody reads it',
    (path) => {
      const text = `${referenceSnapshot().files.find((file) => file.path === path)?.content ?? expect.fail(path)}---\nother: true\n`;

      expect(findings({ [path]: text })).toMatchObject([
        { rule: 'schema', path: `channels/cluster/${path}`, line: text.split('\n').length - 1, column: 1 },
      ]);
      expect(findings({ [path]: text.replace('other: true\n', '# nothing\n') })).toEqual([]);
    },
  );

  it('tells of a component that can not be read once, not wherever it is needed', () => {
    const path = 'components/coredns/component.yaml';

    expect(findings(edited(path, 'phase: system', 'phase: sistem'))).toMatchObject([
      { rule: 'schema', path: `channels/cluster/${path}`, message: expect.stringContaining('Did you mean system?') },
    ]);
  });

  it('leaves $${…} alone', () => {
    expect(findings(edited('components/coredns/deployment.yaml', 'cache 30', 'cache $${TTL}'))).toEqual([]);
  });

  it('knows pool variables in the user data of nodes only', () => {
    const found = findings(edited('user-data/etcd.yaml', '${ETCD_VERSION}', '${POOL_NAME}'));

    expect(found).toMatchObject([{ message: '${POOL_NAME} is known only in user-data/node.yaml.' }]);
  });

  it('finds a variable in a key', () => {
    const found = findings(edited('components/coredns/deployment.yaml', 'Corefile: |', '"${CLUSTER_NAME}": |'));

    expect(found).toMatchObject([
      { rule: 'unknown-variable', message: '${CLUSTER_NAME} stands in a key. Variables are put into values only.' },
    ]);
  });

  it('finds YAML that breaks off', () => {
    const found = findings({ 'pools.yaml': 'pools:\n  - name: general\n    labels: { a: b' });

    expect(found).toMatchObject([{ rule: 'yaml', path: 'channels/cluster/pools.yaml', line: 3 }]);
  });

  it('finds a key that is not known, at its line, with what was meant', () => {
    const changed = edited('pools.yaml', 'maxSize: 6', 'maxsize: 6');

    expect(findings(changed)).toMatchObject([
      { message: 'pools[0].maxSize is missing, it must be a number.' },
      { line: lineOf(changed, 'pools.yaml', 'maxsize'), message: 'There is no key maxsize in pools[0]. Did you mean maxSize?' },
    ]);
  });

  it('finds a Secret written out', () => {
    const found = findings({
      'components/ingress/secret.yaml':
        'apiVersion: v1\nkind: Secret\nmetadata: { name: token, namespace: ingress }\nstringData: { token: x }\n',
    });

    expect(found).toMatchObject([{ rule: 'literal-secret', line: 4 }]);
  });

  it.each([
    ['stringData: { a: "${SECRET:db}", b: "${SECRET:db-password@v3.1}" }', []],
    ['data: { a: YQ== }', [['literal-secret', 2]]],
    ['type: Opaque', [['literal-secret', 2]]],
    ['stringData: { a: "${SECRET:db}", b: x }', [['literal-secret', 4]]],
    ['stringData: { a: "user:${SECRET:db}" }', [['literal-secret', 4]]],
    ['stringData: { a: "$${SECRET:db}" }', [['literal-secret', 4]]],
    [
      'stringData: { a: "${SECRET:Db_1}" }',
      [
        ['unknown-variable', 4],
        ['literal-secret', 4],
      ],
    ],
    ['stringData: { a: "${CLUSTER_NAME}" }', [['literal-secret', 4]]],
    ['stringData: { a: 1 }', [['literal-secret', 4]]],
    ['type: "${SECRET:db}"\nstringData: { a: "${SECRET:db}" }', [['unknown-variable', 2]]],
  ])('takes a Secret that only says where its values are, and no other: %s', (content, rules) => {
    const found = findings({
      'components/ingress/secret.yaml': `apiVersion: v1\nkind: Secret\nmetadata: { name: token, namespace: ingress }\n${content}\n`,
    });

    expect(found.map(({ rule, line }) => [rule, line])).toEqual(rules);
  });

  it('takes a reference to a secret nowhere else', () => {
    const found = findings({
      'components/ingress/map.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: token, namespace: ingress }\ndata: { token: "${SECRET:db}" }\n',
    });

    expect(found).toMatchObject([{ rule: 'unknown-variable', line: 4, message: expect.stringContaining('stringData of a Secret') }]);
  });

  it.each([
    ['probes: [{ name: metrics, path: /apis/metrics.k8s.io/v1beta1/nodes, maxMilliseconds: 100 }]', 0],
    ['probes: [{ name: web, object: { apiVersion: apps/v1, kind: Deployment, name: web }, condition: Available }]', 0],
    ['probes: [{ name: web, object: { apiVersion: apps/v1, kind: Deployment, name: web } }]', 1],
    ['probes: [{ name: both, path: /api/v1, object: { apiVersion: v1, kind: Pod, name: web }, condition: Ready }]', 1],
    ['probes: [{ name: none }]', 1],
    ['probes: [{ name: else, path: https://example.net/ }]', 1],
  ])('reads probes: %s', (text, count) => {
    expect(findings({ 'tests/probes.yaml': `${text}\n` })).toHaveLength(count);
  });

  it('finds an object that is there already, and says where', () => {
    const found = findings({ 'components/resource-report/again.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ingress\n' });

    expect(found).toMatchObject([
      {
        rule: 'duplicate-object',
        path: 'channels/cluster/components/resource-report/again.yaml',
        message: 'Namespace ingress is there already, in channels/cluster/components/ingress/rbac.yaml line 1.',
      },
    ]);
  });

  it('finds an object without a name', () => {
    const found = findings({ 'components/ingress/x.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n' });

    expect(found).toMatchObject([{ rule: 'schema', line: 3, message: 'metadata.name is missing, it must be a string.' }]);
  });

  it.each([
    ['needs: [acces]', 'There is no component acces. Did you mean access?'],
    ['needs: [ingress]', "network (phase system) can't need ingress: that comes later, in phase workloads."],
    ['needs: [coredns]', 'network and coredns need each other. One must come first.'],
  ])('finds what a component needs in vain: %s', (needs, message) => {
    const changed = edited('components/network/component.yaml', 'phase: system', `phase: system\n${needs}`);

    expect(findings(changed).map((finding) => finding.message)).toContain(message);
  });

  it.each([
    [
      'control-plane.yaml',
      'SecurityGroupIds: [!Ref SecurityGroupControlPlane]',
      'SecurityGroupIds: [!Ref SecurityGroupControlPlan]',
      'template',
      'There is no parameter or resource SecurityGroupControlPlan. Did you mean SecurityGroupControlPlane?',
    ],
    [
      'node-pool.yaml',
      'PoolName: { Type: String }',
      'PoolNam: { Type: String }',
      'unknown-parameter',
      'Sluice has no parameter PoolNam for this template. Did you mean PoolName? Outputs of network.yaml are parameters too.',
    ],
    [
      'network.yaml',
      'Type: AWS::EC2::SecurityGroup\n',
      'Type: Custom::Group\n',
      'template-refused',
      'Custom::Group is refused: custom resources, extensions, macros and nested stacks run what no review saw.',
    ],
    [
      'etcd.yaml',
      'Resources:',
      'Transform: AWS::Serverless-2016-10-31\nResources:',
      'template',
      'Macros and transforms are refused: they run code at deployment.',
    ],
    [
      'etcd.yaml',
      'InstanceType: m6i.large',
      "InstanceType: '{{resolve:ssm:x}}'",
      'template-refused',
      'Dynamic references are refused: secrets reach instances through their identity.',
    ],
    ['etcd.yaml', '!GetAtt Role.Arn', '!GetAt Role.Arn', 'yaml', "The YAML can't be read: Unresolved tag: !GetAt"],
  ])('finds in %s: %s', (path, part, replacement, rule, message) => {
    const changed = edited(path, part, replacement);

    const found = findings(changed);

    expect(found.map((finding) => [finding.rule, finding.message])).toContainEqual([rule, message]);
    expect(found.every((finding) => finding.path === `channels/cluster/${path}` && finding.line > 1)).toBe(true);
  });

  it('finds an output of the network that a template waits for in vain', () => {
    const found = findings(edited('network.yaml', '  SubnetIds: { Value:', '  SubnetIdents: { Value:'));

    expect(found.map((finding) => [finding.path, finding.rule])).toEqual([
      ['channels/cluster/control-plane.yaml', 'unknown-parameter'],
      ['channels/cluster/node-pool.yaml', 'unknown-parameter'],
    ]);
  });

  it('finds files that are missing, and files that nothing reads', () => {
    const found = findings({ 'versions.yaml': undefined, 'version.yaml': 'kubernetes: 1.35.4\n' });

    expect(found.map((finding) => finding.message)).toEqual([
      'The file versions.yaml is missing.',
      'Nothing reads the file version.yaml. Did you mean versions.yaml?',
    ]);
  });

  it('finds a pool that has no room to replace a node', () => {
    expect(findings(edited('pools.yaml', 'maxSize: 6', 'maxSize: 3'))).toMatchObject([{ rule: 'pools', line: 6 }]);
  });

  it('finds an image that breaks the skew rule', () => {
    const ahead = edited('components/kube-proxy/daemonset.yaml', 'kube-proxy:v${KUBERNETES_VERSION}', 'kube-proxy:v1.36.3');
    const behind = edited('components/kube-proxy/daemonset.yaml', 'kube-proxy:v${KUBERNETES_VERSION}', 'kube-proxy:v1.31.0');
    const within = edited('components/kube-proxy/daemonset.yaml', 'kube-proxy:v${KUBERNETES_VERSION}', 'kube-proxy:v1.32.0');

    expect([ahead, behind, within].map((changed) => findings(changed).map((finding) => finding.rule))).toEqual([
      ['version-skew'],
      ['version-skew'],
      [],
    ]);
  });

  it('collects the findings of all files', () => {
    const found = findings({ ...edited('pools.yaml', 'size: 3', 'size: 0'), ...edited('versions.yaml', '1.35.4', '1.35') });

    expect(new Set(found.map((finding) => finding.path))).toEqual(
      new Set(['channels/cluster/pools.yaml', 'channels/cluster/versions.yaml']),
    );
  });

  it('refuses aliases that explode', () => {
    const lines = [
      'pools: &a0 [x, x]',
      ...Array.from({ length: 9 }, (_, i) => `k${i}: &a${i + 1} [*a${i}, *a${i}, *a${i}, *a${i}, *a${i}, *a${i}]`),
    ];

    expect(findings({ 'pools.yaml': lines.join('\n') })).toMatchObject([{ rule: 'yaml', path: 'channels/cluster/pools.yaml' }]);
  });
});
