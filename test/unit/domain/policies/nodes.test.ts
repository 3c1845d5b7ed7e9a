import { describe, expect, it } from 'vitest';
import { cpuLimits, cpuQuota } from '#domain/policies/cpu.ts';
import { kubeletAuthentication, kubeletRate } from '#domain/policies/kubelet.ts';
import { policySubject } from '#domain/policies/subject.ts';
import { configurationWith, expectFound, expectInEdited, expectInObjects, NOW } from '../../../support/policies.ts';
import { referenceSnapshot } from '../../../support/reference-fleet.ts';

const NODE = 'user-data/node.yaml';
const NAME = '/etc/kubernetes/kubelet.yaml';
const SETTING = 'cpuCFSQuota: false';
const THROTTLED = `user-data/node.yaml: the kubelet throttles CPU by CFS quota. Set cpuCFSQuota: false.`;

describe('cpu-cfs-quota', () => {
  it('passes the reference fleet', () => expectInEdited(cpuQuota, NODE, SETTING, SETTING));

  it('is found at its line within the embedded configuration', () =>
    expectInEdited(cpuQuota, NODE, SETTING, '▸cpuCFSQuota: true', [THROTTLED]));

  it('is found at the document where the field is missing', () =>
    expectFound(
      cpuQuota,
      NODE,
      `files:\n  - path: ${NAME}\n    content: |\n      ▸apiVersion: kubelet.config.k8s.io/v1beta1\n      kind: KubeletConfiguration\n`,
      [THROTTLED],
    ));

  it('is found at the text where that is no block of lines', () =>
    expectFound(cpuQuota, NODE, `files:\n  - path: ${NAME}\n    content: ▸"{kind: KubeletConfiguration, cpuCFSQuota: true}"\n`, [
      THROTTLED,
    ]));

  it('looks at no other document, nor at one that can not be read', () => {
    expectFound(
      cpuQuota,
      NODE,
      `files:\n  - path: ${NAME}\n    content: |\n      kind: Other # KubeletConfiguration\n      cpuCFSQuota: true\n`,
    );
    expectFound(cpuQuota, NODE, `files:\n  - path: ${NAME}\n    content: |\n      kind: KubeletConfiguration\n      a: [\n`);
    expectFound(cpuQuota, NODE, `files:\n  - path: ${NAME}\n    content: KubeletConfiguration\n`);
  });
});

describe('cpu-limit', () => {
  it('is found at the limit of each container', () =>
    expectInObjects(
      cpuLimits,
      `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  template:
    spec:
      initContainers:
        - name: first
          resources: { limits: { ▸cpu: 1 } }
      containers:
        - name: web
          resources:
            limits:
              memory: 1Gi
              ▸cpu: 500m
        - name: free
          resources: { limits: { memory: 1Gi } }
        - just text
`,
      [
        'Deployment shop/web: the container first has a CPU limit. Remove it; the request is enough.',
        'Deployment shop/web: the container web has a CPU limit. Remove it; the request is enough.',
      ],
    ));
});

describe('kubelet-api-rate', () => {
  const RATES = 'kubeAPIQPS: 50\n      kubeAPIBurst: 100\n      eventRecordQPS: 50';

  it.each([RATES, 'cpuManagerPolicy: none', 'kubeAPIQPS: 50\n      kubeAPIBurst: 100\n      eventRecordQPS: 0', 'kubeAPIQPS: -1'])(
    'passes %j',
    (text) => expectInEdited(kubeletRate, NODE, RATES, text),
  );

  it('is found at each rate below 50', () =>
    expectInEdited(kubeletRate, NODE, RATES, '▸kubeAPIQPS: 49\n      ▸kubeAPIBurst: 0\n      ▸eventRecordQPS: "50"', [
      `${NODE}: kubeAPIQPS is 49. Set it to 50 or more.`,
      `${NODE}: kubeAPIBurst is 0. Set it to 50 or more.`,
      `${NODE}: eventRecordQPS is 50. Set it to 50 or more.`,
    ]));
});

describe('kubelet-api-rate where nothing is set', () => {
  const bare = { [NODE]: `files:\n  - path: ${NAME}\n    content: |\n      kind: KubeletConfiguration\n` };
  const found = (kubernetes: string): string[] => {
    const configuration = configurationWith(bare);
    const subject = policySubject(
      { ...configuration, versions: { ...configuration.versions, kubernetes } },
      referenceSnapshot(bare).files,
      NOW,
    );
    return kubeletRate.check(subject).map(({ message }) => message);
  };

  it('passes by the default of Kubernetes 1.27', () => expect(found('1.27.0')).toEqual([]));

  it('is found by the default before that', () =>
    expect(found('1.26.9')).toEqual(
      ['kubeAPIQPS', 'kubeAPIBurst', 'eventRecordQPS'].map((field) => `${NODE}: ${field} is not set. Set it to 50 or more.`),
    ));
});

describe('an embedded configuration', () => {
  it('is found at its beginning where its lines are folded', () =>
    expectFound(
      cpuQuota,
      NODE,
      `files:\n  - path: ${NAME}\n    content: ▸>\n      {kind: KubeletConfiguration,\n      cpuCFSQuota: true}\n`,
      [THROTTLED],
    ));

  it('may be the second document, and the second file', () =>
    expectFound(
      cpuQuota,
      NODE,
      `files:\n  - path: /other\n    content: text\n  - path: ${NAME}\n    content: |\n      kind: Other\n      ---\n      kind: KubeletConfiguration\n      ▸cpuCFSQuota: true\n`,
      [THROTTLED],
    ));
});

describe('kubelet-authentication', () => {
  it('passes the reference fleet', () => expectInEdited(kubeletAuthentication, NODE, SETTING, SETTING));

  it('finds anonymous callers', () =>
    expectInEdited(kubeletAuthentication, NODE, 'anonymous: { enabled: false }', 'anonymous: { ▸enabled: true }', [
      `${NODE}: the kubelet answers anonymous callers. Set enabled: false.`,
    ]));

  it('finds that everything is allowed', () =>
    expectInEdited(kubeletAuthentication, NODE, 'authorization: { mode: Webhook }', 'authorization: { ▸mode: AlwaysAllow }', [
      `${NODE}: the kubelet allows everything to everybody. Set mode: Webhook.`,
    ]));
});
