import { describe, it } from 'vitest';
import { imageRegistries, imageTags } from '#domain/policies/images.ts';
import { podSecurityLabels, podSecurityPolicies, privilegedPods } from '#domain/policies/pod-security.ts';
import { dnsMemory, memoryLimits, resourceRequests } from '#domain/policies/resources.ts';
import { expectInObjects } from '../../../support/policies.ts';

/** A workload with one container; its further lines are indented by ten. */
function workload(container: string, { kind = 'Deployment', namespace = 'shop', pod = '' } = {}): string {
  return `apiVersion: apps/v1
kind: ${kind}
metadata: { name: web, namespace: ${namespace} }
spec:
  template:
    spec:
      ${pod === '' ? 'dnsPolicy: Default' : pod}
      containers:
        - name: web
          ${container}
`;
}

describe('pod-security-policy', () => {
  it('is found at the kind', () =>
    expectInObjects(podSecurityPolicies, 'apiVersion: policy/v1beta1\n▸kind: PodSecurityPolicy\nmetadata: { name: old }\n', [
      'PodSecurityPolicy old: PodSecurityPolicy has no effect since Kubernetes 1.25.',
    ]));

  it('passes other kinds', () => expectInObjects(podSecurityPolicies, workload('image: a')));
});

describe('pod-security-labels', () => {
  it('is found at the name of a namespace without the label', () =>
    expectInObjects(podSecurityLabels, 'apiVersion: v1\nkind: Namespace\nmetadata:\n  ▸name: shop\n  labels: { a: b }\n', [
      'Namespace shop: it has no label pod-security.kubernetes.io/enforce. Set restricted or baseline.',
    ]));

  it('passes a labelled namespace, and other kinds', () => {
    const labels = '{ pod-security.kubernetes.io/enforce: baseline }';
    expectInObjects(podSecurityLabels, `apiVersion: v1\nkind: Namespace\nmetadata: { name: shop, labels: ${labels} }\n`);
    expectInObjects(podSecurityLabels, workload('image: a'));
  });
});

describe('privileged-pod', () => {
  it.each(['hostNetwork', 'hostPID', 'hostIPC'])('finds %s', (field) =>
    expectInObjects(privilegedPods, workload('image: a', { pod: `▸${field}: true` }), [
      `Deployment shop/web: ${field} gives the pod what belongs to the node.`,
    ]),
  );

  it('finds a folder of the node', () =>
    expectInObjects(
      privilegedPods,
      workload('image: a', { pod: 'volumes: [{ name: a, emptyDir: {} }, { name: b, ▸hostPath: { path: / } }]' }),
      ['Deployment shop/web: the volume b is a folder of the node.'],
    ));

  it('finds a privileged container', () =>
    expectInObjects(privilegedPods, workload('securityContext: { ▸privileged: true }'), [
      'Deployment shop/web: the container web is privileged: root on its node.',
    ]));

  it('passes what is not, and kube-system', () => {
    expectInObjects(privilegedPods, workload('securityContext: { privileged: false }', { pod: 'hostNetwork: false' }));
    expectInObjects(privilegedPods, workload('securityContext: { privileged: true }', { namespace: 'kube-system', pod: 'hostPID: true' }));
  });
});

describe('image-tag', () => {
  it.each([
    'registry.k8s.io/pause:3.10.1',
    'registry.k8s.io/kube-proxy:v${KUBERNETES_VERSION}',
    'a.example:5000/b:1',
    `a/b@sha256:${'0'.repeat(64)}`,
  ])('passes %s', (image) => expectInObjects(imageTags, workload(`image: ${image}`)));

  it.each([
    ['a.example:5000/b', 'runs a.example:5000/b, whatever is newest'],
    ["'a/b:'", 'runs a/b:, whatever is newest'],
    ['a/b:latest', 'runs a/b:latest, which moves'],
    ['a/b:master', 'runs a/b:master, which moves'],
    ['a/placeholder:1', 'has the placeholder a/placeholder:1 for an image'],
    ['a/b:CHANGEME', 'has the placeholder a/b:CHANGEME for an image'],
  ])('finds %s', (image, problem) =>
    expectInObjects(imageTags, workload(`▸image: ${image}`), [`Deployment shop/web: the container web ${problem}. Name a version.`]),
  );

  it('finds a container without an image', () =>
    expectInObjects(imageTags, workload('args: []').replace('- name: web', '- ▸name: web'), [
      'Deployment shop/web: the container web has no image. Name a version.',
    ]));

  it.each(['Pod', 'Job', 'CronJob', 'DaemonSet', 'StatefulSet', 'ReplicaSet', 'ReplicationController'])('looks into a %s', (kind) => {
    const pod = 'spec: { containers: [{ name: web, ▸image: a }] }';
    const inner: Record<string, string> = { Pod: pod, CronJob: `spec: { jobTemplate: { spec: { template: { ${pod} } } } }` };
    const text = `apiVersion: v1\nkind: ${kind}\nmetadata: { name: web }\n${inner[kind] ?? `spec: { template: { ${pod} } }`}\n`;

    expectInObjects(imageTags, text, [`${kind} web: the container web runs a, whatever is newest. Name a version.`]);
  });

  it('looks into nothing that has no pods', () => {
    expectInObjects(imageTags, 'apiVersion: v1\nkind: constructor\nmetadata: { name: a }\nspec: { containers: [{ image: a }] }\n');
    expectInObjects(imageTags, 'apiVersion: v1\nkind: Deployment\nmetadata: { name: a }\nspec: { template: { spec: none } }\n');
  });
});

describe('image-registry', () => {
  it.each(['ghcr.io/a/b:1', 'registry:5000/a:1', '${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com/a:1'])('passes %s', (image) =>
    expectInObjects(imageRegistries, workload(`image: ${image}`)),
  );

  it.each(['nginx:1', 'hjacobs/report:1'])('finds %s', (image) =>
    expectInObjects(imageRegistries, workload(`▸image: ${image}`), [
      `Deployment shop/web: the image ${image} of the container web comes from Docker Hub. Name a registry.`,
    ]),
  );

  it('leaves a missing image to the other rule', () => expectInObjects(imageRegistries, workload('args: []')));
});

describe('resource-requests', () => {
  it('passes both', () => expectInObjects(resourceRequests, workload('resources: { requests: { cpu: 1, memory: 1Gi } }')));

  it('is found at the requests', () =>
    expectInObjects(resourceRequests, workload('resources: { ▸requests: { cpu: 1 } }'), [
      'Deployment shop/web: the container web requests no memory. Set resources.requests.',
    ]));

  it('is found at the container that has none', () =>
    expectInObjects(resourceRequests, workload('image: a').replace('- name', '- ▸name'), [
      'Deployment shop/web: the container web requests no cpu and no memory. Set resources.requests.',
    ]));

  it('takes an empty request for none', () =>
    expectInObjects(resourceRequests, workload('resources: { ▸requests: { cpu: , memory: 1Gi } }'), [
      'Deployment shop/web: the container web requests no cpu. Set resources.requests.',
    ]));

  it('asks nothing of what runs first and ends, but of a sidecar', () => {
    const full = 'resources: { requests: { cpu: 1, memory: 1Gi } }';
    expectInObjects(resourceRequests, workload(full, { pod: 'initContainers: [{ name: first }]' }));
    expectInObjects(resourceRequests, workload(full, { pod: 'initContainers: [▸{ name: side, restartPolicy: Always }]' }), [
      'Deployment shop/web: the container side requests no cpu and no memory. Set resources.requests.',
    ]);
  });
});

describe('memory-limit', () => {
  it.each(['{ requests: { memory: 1Gi }, limits: { memory: 1024Mi } }', '{ limits: { memory: 1Gi } }', '{ requests: { memory: 1Gi } }'])(
    'passes %s',
    (resources) => expectInObjects(memoryLimits, workload(`resources: ${resources}`)),
  );

  it('is found at a limit above the request', () =>
    expectInObjects(memoryLimits, workload('resources: { requests: { memory: 70Mi }, limits: { ▸memory: 170Mi } }'), [
      'Deployment shop/web: the container web requests 70Mi and may use 170Mi. Make both the same.',
    ]));
});

describe('dns-memory', () => {
  const dns = (limit: string) => `image: registry.k8s.io/coredns/coredns:v1\n          resources: { limits: { ${limit} } }`;

  it.each(['memory: 101Mi', 'memory: 1Gi', 'memory: 105M', 'cpu: 1', 'memory: lots'])('passes %s', (limit) =>
    expectInObjects(dnsMemory, workload(dns(limit))),
  );

  it.each(['100Mi', '104857600', '104M', '90000k', '0.05Gi', '1000m', '102400Ki', '0.00009T', '0.00009Ti', '0.1G'])(
    'is found at %s',
    (limit) =>
      expectInObjects(dnsMemory, workload(dns(`▸memory: ${limit}`)), [
        `Deployment shop/web: the container web is killed at ${limit} of memory. DNS needs more than 100Mi.`,
      ]),
  );

  it('asks nothing of other images', () =>
    expectInObjects(dnsMemory, workload('image: a/b:1\n          resources: { limits: { memory: 10Mi } }')));
});
