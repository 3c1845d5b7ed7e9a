import { describe, expect, it } from 'vitest';
import { told } from '../../support/kubernetes-objects.ts';

const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: default }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: web:1
          ports: [{ containerPort: 80 }]
          resources: { requests: { cpu: 100m, memory: 1.5Gi }, limits: { memory: 2Gi } }
`;

function deployment(part: string, replacement: string): string {
  if (!DEPLOYMENT.includes(part)) throw new Error(`there is no ${part}`);
  return DEPLOYMENT.replace(part, () => replacement);
}

function configMap(rest: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: one, namespace: default }\n${rest}\n`;
}

describe('an object of a kind of Kubernetes', () => {
  it('passes as it should be', () => {
    expect(told(DEPLOYMENT)).toEqual([]);
  });

  it.each([
    ['replicas: 2', 'replicaz: 2', 'unknown-field 5:3 spec has no field replicaz. Did you mean replicas?'],
    [
      '  replicas: 2\n',
      '  constructor: 2\n',
      'unknown-field 5:3 spec has no field constructor. It has minReadySeconds, paused, progressDeadlineSeconds, replicas, revisionHistoryLimit, selector, strategy, template.',
    ],
    ['spec:\n  replicas', 'speck: {}\nspec:\n  replicas', 'unknown-field 4:1 Deployment has no field speck. Did you mean spec?'],
    ['image: web:1', 'imag: web:1', 'unknown-field 12:11 spec.template.spec.containers[0] has no field imag. Did you mean image?'],
    [
      '{ cpu: 100m, memory: 1.5Gi }, limits',
      '{ cpu: 100m }, limit',
      'unknown-field 14:49 spec.template.spec.containers[0].resources has no field limit. Did you mean limits?',
    ],
    [
      'selector: { matchLabels',
      'selector: { matchlabel',
      'unknown-field 6:15 spec.selector has no field matchlabel. Did you mean matchLabels?',
    ],
    [
      'selector: { matchLabels',
      'selector: { app',
      'unknown-field 6:15 spec.selector has no field app. It has matchExpressions, matchLabels.',
    ],
  ])('has no unknown field: %s -> %s', (part, replacement, finding) => {
    expect(told(deployment(part, replacement))).toEqual([finding]);
  });

  it.each([
    ['replicas: 2', "replicas: '2'", 'spec.replicas must be a whole number; it is the text "2". Remove the quotes.'],
    ['replicas: 2', "replicas: '02'", 'spec.replicas must be a whole number; it is the text "02". Remove the quotes.'],
    ['replicas: 2', 'replicas: two', 'spec.replicas must be a whole number; it is the text "two".'],
    ['replicas: 2', "replicas: '1.5'", 'spec.replicas must be a whole number; it is the text "1.5".'],
    ['replicas: 2', 'replicas: 1.5', 'spec.replicas must be a whole number; it is 1.5.'],
    ['replicas: 2', 'replicas: [2]', 'spec.replicas must be a whole number; it is a list.'],
    ['replicas: 2', 'replicas: { a: 1 }', 'spec.replicas must be a whole number; it is a mapping.'],
    ['replicas: 2', 'paused: 1', 'spec.paused must be true or false; it is 1.'],
    ['replicas: 2', "paused: 'true'", 'spec.paused must be true or false; it is the text "true". Remove the quotes.'],
    ['image: web:1', 'image: 1', 'spec.template.spec.containers[0].image must be text; it is 1. Put it in quotes.'],
    ['image: web:1', 'image: []', 'spec.template.spec.containers[0].image must be text; it is a list.'],
    [
      '{ app: web } }\n  template',
      '{ app: true } }\n  template',
      'spec.selector.matchLabels.app must be text; it is true. Put it in quotes.',
    ],
    ['[{ containerPort: 80 }]', '{ containerPort: 80 }', 'spec.template.spec.containers[0].ports must be a list; it is a mapping.'],
    ['[{ containerPort: 80 }]', '[80]', 'spec.template.spec.containers[0].ports[0] must be a mapping; it is 80.'],
    ['{ cpu: 100m, memory: 1.5Gi }', '[cpu]', 'spec.template.spec.containers[0].resources.requests must be a mapping; it is a list.'],
    ['cpu: 100m', 'cpu: true', 'spec.template.spec.containers[0].resources.requests.cpu must be a quantity; it is true.'],
    ['cpu: 100m', 'cpu: .inf', 'spec.template.spec.containers[0].resources.requests.cpu must be a quantity; it is null.'],
  ])('has no value of another type: %s -> %s', (part, replacement, message) => {
    const [found, ...more] = told(deployment(part, replacement));

    expect(more).toEqual([]);
    expect(found?.replace(/^wrong-type \d+:\d+ /, '')).toBe(message);
  });

  it.each([
    ['  selector: { matchLabels: { app: web } }\n', '', 'missing-field 4:1 spec.selector is missing.'],
    ['selector: { matchLabels: { app: web } }', 'selector:', 'missing-field 4:1 spec.selector is missing.'],
    ['- name: web\n          image', '- image', 'missing-field 11:11 spec.template.spec.containers[0].name is missing.'],
    [
      '[{ containerPort: 80 }]',
      '[{ name: http }]',
      'missing-field 13:19 spec.template.spec.containers[0].ports[0].containerPort is missing.',
    ],
  ])('has all that is required: %s -> %s', (part, replacement, finding) => {
    expect(told(deployment(part, replacement))).toEqual([finding]);
  });

  it.each([
    [
      'imagePullPolicy: Allways',
      'spec.template.spec.containers[0].imagePullPolicy is "Allways"; it must be one of Always, IfNotPresent, Never. Did you mean Always?',
    ],
    [
      'imagePullPolicy: no way at all',
      'spec.template.spec.containers[0].imagePullPolicy is "no way at all"; it must be one of Always, IfNotPresent, Never.',
    ],
  ])('has values of closed lists: %s', (line, message) => {
    expect(told(deployment('image: web:1', `image: web:1\n          ${line}`))).toEqual([`unknown-value 13:11 ${message}`]);
  });

  it.each([
    ['cpu: 100m', 'cpu: 100 m', 'cpu is "100 m"; it must be a quantity, for example 500m, 2 or 1.5Gi.'],
    ['cpu: 100m', 'cpu: 1.5gi', 'cpu is "1.5gi"; it must be a quantity, for example 500m, 2 or 1.5Gi.'],
    ['cpu: 100m', 'cpu: ""', 'cpu is ""; it must be a quantity, for example 500m, 2 or 1.5Gi.'],
  ])('has quantities: %s -> %s', (part, replacement, message) => {
    expect(told(deployment(part, replacement))).toEqual([
      `invalid-value 14:36 spec.template.spec.containers[0].resources.requests.${message}`,
    ]);
  });

  it.each([
    '2',
    '0.5',
    '.5',
    '5.',
    '-1',
    '+1',
    '1e3',
    '1E-3',
    '500m',
    '100n',
    '100u',
    '1k',
    '1Ki',
    '2Mi',
    '3Gi',
    '4Ti',
    '5Pi',
    '6Ei',
    '7M',
    '8G',
    '9T',
    '1P',
    '2E',
  ])('takes the quantity %s', (quantity) => {
    expect(told(deployment('cpu: 100m', `cpu: ${quantity}`))).toEqual([]);
  });

  it('takes a whole number or text for a port, and nothing else', () => {
    const probe = (port: string): string[] =>
      told(deployment('image: web:1', `image: web:1\n          readinessProbe: { httpGet: { port: ${port} } }`));

    expect([probe('80'), probe('http')]).toEqual([[], []]);
    expect(probe('1.5')).toEqual([
      'wrong-type 13:40 spec.template.spec.containers[0].readinessProbe.httpGet.port must be a whole number or text; it is 1.5.',
    ]);
  });

  it('has numbers that fit', () => {
    expect(told(deployment('replicas: 2', 'replicas: 2147483648'))).toEqual([
      'invalid-value 5:3 spec.replicas is 2147483648; at most 2147483647 is allowed.',
    ]);
    expect(told(deployment('replicas: 2', 'replicas: -2147483649'))).toEqual([
      'invalid-value 5:3 spec.replicas is -2147483649; at least -2147483648 is needed.',
    ]);
    expect(told(deployment('replicas: 2', 'replicas: 2147483647'))).toEqual([]);
  });

  it('has no two entries of one key', () => {
    const ports = (entries: string): string[] => told(deployment('[{ containerPort: 80 }]', entries));

    expect(ports('[{ containerPort: 80 }, { containerPort: 80, protocol: UDP }, { containerPort: 81 }]')).toEqual([]);
    expect(ports('[{ containerPort: 80 }, { containerPort: 80, protocol: TCP }]')).toEqual([
      'invalid-value 13:42 spec.template.spec.containers[0].ports[1] has the same containerPort 80 and protocol "TCP" as spec.template.spec.containers[0].ports[0].',
    ]);
  });

  it('has no two equal entries where a list is a set', () => {
    const finalizers = told(
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, namespace: default, finalizers: [x.io/a, x.io/b, x.io/a] }\n',
    );

    expect(finalizers).toEqual(['invalid-value 3:71 metadata.finalizers[2] has the same value "x.io/a" as metadata.finalizers[0].']);
  });

  it('takes null for an absent field', () => {
    expect(told(deployment('replicas: 2', 'replicas:\n  strategy:\n  paused: ~'))).toEqual([]);
  });

  it('has Base64 where bytes are', () => {
    expect(told(configMap('binaryData: { a: aGVsbG8=, b: "aGVs\\nbG8=" }'))).toEqual([]);
    expect(told(configMap('binaryData: { a: aGVsbG8 }'))).toEqual(['invalid-value 4:15 binaryData.a must be Base64.']);
    expect(told(configMap('binaryData: { a: "a===" }'))).toEqual(['invalid-value 4:15 binaryData.a must be Base64.']);
  });

  it('has times where times are', () => {
    const at = (time: string): string[] =>
      told(`apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: default\n  creationTimestamp: ${time}\n`);

    expect([at("'2026-01-31T08:00:00Z'"), at("'2026-01-31T08:00:00.5+01:00'"), at('null')]).toEqual([[], [], []]);
    expect(at('yesterday')).toEqual([
      'invalid-value 6:3 metadata.creationTimestamp is "yesterday"; it must be a time, for example 2026-01-31T08:00:00Z.',
    ]);
  });

  it('may hold anything where Kubernetes takes anything', () => {
    const policy =
      'apiVersion: apps/v1\nkind: ControllerRevision\nmetadata: { name: a, namespace: default }\nrevision: 1\ndata: { any: [thing] }\n';

    expect(told(policy)).toEqual([]);
  });

  it('is told of at most fifty times', () => {
    const fields = Array.from({ length: 70 }, (_, index) => `x${index}: 1`).join('\n');

    expect(told(configMap(fields))).toHaveLength(50);
  });

  it('is not taken for its kind by an inherited name', () => {
    expect(told('apiVersion: v1\nkind: toString\nmetadata: { name: a, namespace: default }\n')).toEqual([
      'unknown-kind 2:1 v1 has no kind toString.',
    ]);
  });
});

describe('variables', () => {
  it('stand for values of a sample cluster, so that they break no rule', () => {
    const objects = configMap('data: {}').replace('name: one', 'name: "one-${CLUSTER_NAME}"');

    expect(told(objects)).toEqual([]);
    expect(told(DEPLOYMENT.replace('image: web:1', 'image: "web:${KUBERNETES_VERSION}"'))).toEqual([]);
  });

  it('are text, also where they stand for a number', () => {
    expect(told(deployment('containerPort: 80', 'containerPort: "${API_PORT}"'))).toEqual([
      'wrong-type 13:21 spec.template.spec.containers[0].ports[0].containerPort must be a whole number; it is the text "6443". Remove the quotes.',
    ]);
  });

  it('that are escaped are the text itself', () => {
    expect(told(deployment('cpu: 100m', 'cpu: "$${NAME}"'))).toEqual([
      'invalid-value 14:36 spec.template.spec.containers[0].resources.requests.cpu is "${NAME}"; it must be a quantity, for example 500m, 2 or 1.5Gi.',
    ]);
  });
});

describe('places', () => {
  it('of a value behind an alias are those of its anchor', () => {
    const objects =
      'apiVersion: v1\nkind: Service\nmetadata: { name: a, namespace: default }\nspec:\n  externalIPs: &ports\n    - 1\n  loadBalancerSourceRanges: *ports\n';

    expect(told(objects)).toEqual([
      'wrong-type 6:7 spec.externalIPs[0] must be text; it is 1. Put it in quotes.',
      'wrong-type 6:7 spec.loadBalancerSourceRanges[0] must be text; it is 1. Put it in quotes.',
    ]);
  });

  it('count documents', () => {
    expect(told(`---\n${configMap('data: {}')}---\n# two\n---\n${configMap('dat: {}').replace('one', 'two')}`)).toEqual([
      'unknown-field 12:1 ConfigMap has no field dat. Did you mean data?',
    ]);
  });
});
