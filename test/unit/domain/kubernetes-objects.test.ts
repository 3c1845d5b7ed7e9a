import { describe, expect, it } from 'vitest';
import type { KubernetesSchemas } from '#model/kubernetes-schema.ts';
import { objectFindingsOf, told } from '../../support/kubernetes-objects.ts';

function object(apiVersion: string, kind: string, rest = '', metadata = '{ name: one, namespace: default }'): string {
  return `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: ${metadata}\n${rest}\n`;
}

describe('a kind', () => {
  it.each([
    ['extensions/v1beta1', 'Deployment', '1.16. Use apps/v1.'],
    ['extensions/v1beta1', 'Ingress', '1.22. Use networking.k8s.io/v1.'],
    ['extensions/v1beta1', 'NetworkPolicy', '1.16. Use networking.k8s.io/v1.'],
    ['apps/v1beta2', 'StatefulSet', '1.16. Use apps/v1.'],
    ['batch/v1beta1', 'CronJob', '1.25. Use batch/v1.'],
    ['policy/v1beta1', 'PodDisruptionBudget', '1.25. Use policy/v1.'],
    ['policy/v1beta1', 'PodSecurityPolicy', '1.25. Use Pod Security labels on the namespace.'],
    ['autoscaling/v2beta2', 'HorizontalPodAutoscaler', '1.26. Use autoscaling/v2.'],
    ['storage.k8s.io/v1beta1', 'CSIStorageCapacity', '1.27. Use storage.k8s.io/v1.'],
    ['flowcontrol.apiserver.k8s.io/v1beta3', 'FlowSchema', '1.32. Use flowcontrol.apiserver.k8s.io/v1.'],
  ])('that was removed is told with what to use: %s %s', (apiVersion, kind, rest) => {
    expect(told(object(apiVersion, kind))).toEqual([`removed-api 1:1 ${kind} of ${apiVersion} is not served since Kubernetes ${rest}`]);
  });

  it.each([
    ['apps/v2', 'Deployment', 'Kubernetes 1.35 does not serve Deployment of apps/v2. It serves Deployment of apps/v1.'],
    ['v1', 'Deployment', 'Kubernetes 1.35 does not serve Deployment of v1. It serves Deployment of apps/v1.'],
    [
      'autoscaling/v3',
      'HorizontalPodAutoscaler',
      'Kubernetes 1.35 does not serve HorizontalPodAutoscaler of autoscaling/v3. It serves HorizontalPodAutoscaler of autoscaling/v1, autoscaling/v2.',
    ],
    ['apps/v1', 'Deploymnet', 'apps/v1 has no kind Deploymnet. Did you mean Deployment?'],
    [
      'example.net/v1',
      'Gate',
      'Nothing serves Gate of example.net/v1: Kubernetes 1.35 does not, and no CustomResourceDefinition of this configuration declares it.',
    ],
    [
      'app/v1',
      'Deploymnet',
      'Nothing serves Deploymnet of app/v1: Kubernetes 1.35 does not, and no CustomResourceDefinition of this configuration declares it. Did you mean Deployment?',
    ],
    [
      'authentication.k8s.io/v1',
      'TokenReview',
      'Nothing serves TokenReview of authentication.k8s.io/v1: Kubernetes 1.35 does not, and no CustomResourceDefinition of this configuration declares it.',
    ],
  ])('that nothing serves is told: %s %s', (apiVersion, kind, message) => {
    expect(told(object(apiVersion, kind))).toEqual([`unknown-kind 2:1 ${message}`]);
  });

  it('of another API server is left to that one', () => {
    const service = `${object('apiregistration.k8s.io/v1', 'APIService', 'spec: { group: metrics.k8s.io, version: v1beta1, groupPriorityMinimum: 1, versionPriority: 1 }', '{ name: v1beta1.metrics.k8s.io }')}`;

    expect(told(`${service}---\n${object('metrics.k8s.io/v1beta1', 'Anything')}`)).toEqual([]);
    expect(told(`${service}---\n${object('metrics.k8s.io/v1beta2', 'Anything')}`)).toHaveLength(1);
  });

  it('that is deprecated is a warning in the words of the API server', () => {
    expect(told(object('v1', 'Endpoints'))).toEqual([
      'warning deprecated-api 1:1 v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice.',
    ]);
  });

  it('that comes with the next minor is not served yet', () => {
    const policy = object('admissionregistration.k8s.io/v1', 'MutatingAdmissionPolicy', 'spec: {}', '{ name: one }');

    expect(told(policy, '1.35.4').map((text) => text.split(' ')[0])).toEqual(['unknown-kind']);
    expect(told(policy, '1.36.3')).toEqual([expect.stringMatching(/^notice no-schemas /)]);
  });
});

describe('the next minor', () => {
  it('is asked too, and only what it alone refuses is told, as a warning', () => {
    const findings = objectFindingsOf({ one: { objects: object('v1', 'ConfigMap', 'dat: {}') } });

    expect(findings.map(({ level, rule }) => [level, rule])).toEqual([['failure', 'unknown-field']]);
  });

  it('is not there for the newest, which is said once', () => {
    const objects = `${object('v1', 'ConfigMap')}---\n${object('v1', 'Service', '', '{ name: two, namespace: default }')}`;

    expect(told(objects, '1.36.3')).toEqual([
      'notice no-schemas 2:1 Sluice has no schemas of Kubernetes 1.37: what it will no longer take of these objects was not looked for.',
    ]);
    expect(told(objects, '1.35.4')).toEqual([]);
  });

  it('is told in its own words, for what it alone refuses or deprecates', () => {
    const types = (fields: readonly string[]): KubernetesSchemas['types'] => ({
      Map: {
        type: 'object',
        properties: Object.fromEntries(['apiVersion', 'kind', 'metadata', ...fields].map((name) => [name, { type: 'any' }])),
      },
    });
    const kind = { type: 'Map', namespaced: true };
    const books: Record<string, KubernetesSchemas> = {
      '1.39': { version: '1.39.12', kinds: { 'v1 ConfigMap': kind, 'v1 Old': kind }, types: types(['data', 'extra']) },
      '1.40': {
        version: '1.40.3',
        kinds: { 'v1 ConfigMap': { ...kind, deprecated: 'v1 ConfigMap is deprecated' } },
        types: types(['data']),
      },
    };
    const manifests = [object('v1', 'ConfigMap', 'extra: 1\nmore: 2'), object('v1', 'Old'), object('v1', 'Never')].join('---\n');
    const next = objectFindingsOf({ one: { objects: manifests } }, { kubernetes: '1.39.11', book: (minor) => books[minor] });

    expect(next.map(({ rule, level, line, column, message }) => `${level} ${rule} ${line}:${column} ${message}`)).toEqual([
      'failure unknown-field 5:1 ConfigMap has no field more. It has apiVersion, kind, metadata, data, extra.',
      'warning deprecated-api 1:1 From Kubernetes 1.40 on: v1 ConfigMap is deprecated.',
      'warning unknown-field 4:1 From Kubernetes 1.40 on: ConfigMap has no field extra. It has apiVersion, kind, metadata, data.',
      'warning unknown-kind 8:1 From Kubernetes 1.40 on: v1 has no kind Old.',
      'failure unknown-kind 13:1 v1 has no kind Never.',
    ]);
  });

  it('and this one must be known', () => {
    expect(objectFindingsOf({ one: { objects: object('v1', 'ConfigMap', 'dat: {}') } }, { kubernetes: '1.34.12' })).toMatchObject([
      { path: 'channels/cluster/versions.yaml', line: 2 },
    ]);
    expect(told(object('v1', 'ConfigMap', 'dat: {}'), '1.34.9')).toEqual([
      'warning no-schemas 2:1 Sluice has no schemas of Kubernetes 1.34: objects were not checked against it. e2e still applies them to a real API server.',
    ]);
  });
});

describe('an APIService', () => {
  it.each([
    ['another kind of its group', 'kind: Service'],
    ['another group', 'apiVersion: apiregistration.example.net/v1'],
    ['one without a specification', 'spec: none'],
  ])('hides nothing when it is %s', (_what, line) => {
    const service = `apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: { name: v1.metrics.k8s.io }\nspec: { group: metrics.k8s.io, version: v1 }\n`;
    const [key = ''] = line.split(':');
    const changed = service.replace(new RegExp(`^${key}:.*`, 'm'), line);

    expect(told(`${changed}---\n${object('metrics.k8s.io/v1', 'Anything')}`).at(-1)).toContain(
      'Nothing serves Anything of metrics.k8s.io/v1',
    );
  });
});

describe('a namespace', () => {
  it('has the form of one, wherever it is written', () => {
    expect(told(object('v1', 'ConfigMap', '', '{ name: one, namespace: a.b }'))).toEqual([
      'invalid-value 3:24 metadata.namespace must consist of a-z, 0-9 and -, and begin and end with a letter or digit; it is a.b.',
      expect.stringContaining('missing-namespace'),
    ]);
  });

  it('is not written at cluster-wide objects', () => {
    expect(told(object('rbac.authorization.k8s.io/v1', 'ClusterRole'))).toEqual([
      'scope 3:24 A ClusterRole is not in a namespace. Remove the namespace default.',
    ]);
  });

  it('that is left out is a warning', () => {
    expect(told(object('v1', 'ConfigMap', '', '{ name: one }'))).toEqual([
      'warning scope 3:1 ConfigMap one names no namespace, so it goes to default. Write namespace: default if that is meant.',
    ]);
  });

  it.each(['default', 'kube-system', 'kube-public', 'kube-node-lease'])('%s is always there', (namespace) => {
    expect(told(object('v1', 'ConfigMap', '', `{ name: one, namespace: ${namespace} }`))).toEqual([]);
  });
});

describe('a name', () => {
  it.each([
    ['v1', 'ConfigMap', 'a.b-c.d1', undefined],
    ['v1', 'ConfigMap', 'A', 'metadata.name must consist of a-z, 0-9, - and ., and begin and end with a letter or digit; it is A.'],
    ['v1', 'ConfigMap', 'a_b', 'metadata.name must consist of a-z, 0-9, - and ., and begin and end with a letter or digit; it is a_b.'],
    ['v1', 'ConfigMap', '-a', 'metadata.name must consist of a-z, 0-9, - and ., and begin and end with a letter or digit; it is -a.'],
    ['v1', 'ConfigMap', 'a..b', 'metadata.name must consist of a-z, 0-9, - and ., and begin and end with a letter or digit; it is a..b.'],
    ['v1', 'ConfigMap', 'a'.repeat(253), undefined],
    ['v1', 'ConfigMap', 'a'.repeat(254), 'metadata.name has 254 characters; at most 253 are allowed.'],
    ['v1', 'Service', 'a.b', 'metadata.name must consist of a-z, 0-9 and -, and begin and end with a letter or digit; it is a.b.'],
    ['v1', 'Service', 'a'.repeat(64), 'metadata.name has 64 characters; at most 63 are allowed.'],
    ['rbac.authorization.k8s.io/v1', 'Role', 'system:Some_Role', undefined],
    ['rbac.authorization.k8s.io/v1', 'Role', 'a/b', 'metadata.name must not be . or .., nor hold / or %; it is a/b.'],
    ['rbac.authorization.k8s.io/v1', 'Role', '..', 'metadata.name must not be . or .., nor hold / or %; it is ...'],
  ])('%s %s %s', (apiVersion, kind, name, message) => {
    const found = told(object(apiVersion, kind, '', `{ namespace: default, name: "${name}" }`));

    expect(found).toEqual(message === undefined ? [] : [`invalid-value 3:33 ${message}`]);
  });
});

describe('labels and annotations', () => {
  const labelled = (labels: string): string[] => told(object('v1', 'ConfigMap', '', `{ name: a, namespace: default, ${labels} }`));

  it.each(['a: b', 'a: ""', 'x.io/a_b.c: A.b_c-1', `a: ${'b'.repeat(63)}`, `${'a'.repeat(63)}: b`])('may be %s', (label) => {
    expect(labelled(`labels: { ${label} }`)).toEqual([]);
  });

  it.each([
    ['-a: b', `metadata.labels can't have a label -a: its name is at most 63`],
    [`${'a'.repeat(64)}: b`, `metadata.labels can't have a label ${'a'.repeat(64)}: its name is at most 63`],
    ['a/b/c: d', `metadata.labels can't have a label a/b/c: before its one / stands a DNS name.`],
    ['_/b: d', `metadata.labels can't have a label _/b: before its one / stands a DNS name.`],
    ['/b: d', `metadata.labels can't have a label /b: before its one / stands a DNS name.`],
    ['a: b c', `metadata.labels a can't be "b c": a label's value is at most 63`],
    ['a: -b', `metadata.labels a can't be "-b": a label's value is at most 63`],
    [`a: ${'b'.repeat(64)}`, `metadata.labels a can't be "${'b'.repeat(64)}": a label's value is at most 63`],
  ])('may not be %s', (label, message) => {
    const found = labelled(`labels: { ${label} }`);

    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`invalid-value 3:52 ${message}`);
  });

  it('are checked wherever there is metadata', () => {
    const template = object(
      'apps/v1',
      'DaemonSet',
      'spec:\n  selector: {}\n  template:\n    metadata: { labels: { a: b c } }\n    spec: { containers: [{ name: a }] }',
    );

    expect(told(template)).toHaveLength(1);
  });

  it('differ: values of annotations are free', () => {
    expect(labelled('annotations: { a: "b c, d" }')).toEqual([]);
    expect(labelled('annotations: { a b: c }')[0]).toContain(`metadata.annotations can't have an annotation a b: its name`);
    expect(labelled('annotations: { a: true }')).toEqual([
      'wrong-type 3:57 metadata.annotations.a must be text; it is true. Put it in quotes.',
    ]);
  });
});
