import { describe, expect, it } from 'vitest';
import { applicationLabels, downscaler, failClosedWebhooks, postgresReadiness, statefulSetTest } from '#domain/policies/operations.ts';
import { policySubject } from '#domain/policies/subject.ts';
import { configurationWith, expectInObjects, NOW } from '../../../support/policies.ts';
import { referenceSnapshot } from '../../../support/reference-fleet.ts';

describe('postgres-readiness-label', () => {
  const config = (data: string, name = 'postgres-operator') =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { ${data} }\n`;
  const custom = (label: string) =>
    `apiVersion: acid.zalan.do/v1\nkind: OperatorConfiguration\nmetadata: { name: pg }\nconfiguration: { kubernetes: { ${label} } }\n`;

  it('passes the label, also among others', () => {
    expectInObjects(postgresReadiness, config('node_readiness_label: lifecycle-status:ready'));
    expectInObjects(postgresReadiness, config("node_readiness_label: 'a:b,lifecycle-status:ready'"));
    expectInObjects(postgresReadiness, custom('node_readiness_label: { lifecycle-status: ready }'));
  });

  it('is found at another label, or where there is none', () => {
    const message = 'ConfigMap postgres-operator: node_readiness_label must be lifecycle-status:ready.';
    expectInObjects(postgresReadiness, config('▸node_readiness_label: lifecycle-status:up'), [message]);
    expectInObjects(postgresReadiness, config('workers: "8"').replace('\ndata', '\n▸data'), [message]);
    const other = 'OperatorConfiguration pg: node_readiness_label must have lifecycle-status: ready.';
    expectInObjects(postgresReadiness, custom('▸node_readiness_label: { lifecycle-status: up }'), [other]);
    expectInObjects(postgresReadiness, custom('a: b').replace('{ kubernetes', '{ ▸kubernetes'), [other]);
  });

  it('asks nothing of other objects', () => {
    expectInObjects(postgresReadiness, config('workers: "8"', 'other'));
    expectInObjects(postgresReadiness, 'apiVersion: v1\nkind: Service\nmetadata: { name: postgres-operator }\n');
  });
});

describe('statefulset-test', () => {
  const check = (conformance: string, load: string) => {
    const files = { 'tests/conformance.txt': conformance, 'tests/load/web.yaml': load };
    return statefulSetTest.check(policySubject(configurationWith(files), referenceSnapshot(files).files, NOW));
  };
  const object = (kind: string) => `apiVersion: apps/v1\nkind: ${kind}\nmetadata: { name: web }\n`;

  it('passes a load or a spec', () => {
    expect(check('', object('StatefulSet'))).toEqual([]);
    expect(check('[sig-apps] a\n[sig-apps] StatefulSet should', object('Deployment'))).toEqual([]);
  });

  it('is found when there is neither', () =>
    expect(check('[sig-apps] a', object('Deployment'))).toEqual([
      {
        path: 'channels/cluster/tests/conformance.txt',
        place: { line: 1, column: 1 },
        object: 'tests',
        message: 'tests: no StatefulSet is run or tested across the update. Add one to tests/load/.',
      },
    ]));
});

describe('downscaler-in-production', () => {
  const deployment = (image: string) =>
    `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: d }\nspec: { template: { spec: { containers: [{ name: d, ${image} }] } } }\n`;

  it('is found at the image', () =>
    expectInObjects(downscaler, deployment('▸image: hjacobs/kube-downscaler:1'), [
      'Deployment d: it would scale production to zero. Leave production out of environments.',
    ]));

  it('passes other images', () => expectInObjects(downscaler, deployment('image: a')));
});

describe('application-label', () => {
  const workload = (labels: string, kind = 'Deployment') =>
    `apiVersion: apps/v1\nkind: ${kind}\nmetadata: { name: web }\nspec: { template: { metadata: { ${labels} }, spec: { containers: [] } } }\n`;

  it.each(['application', 'app.kubernetes.io/name'])('passes %s', (label) =>
    expectInObjects(applicationLabels, workload(`labels: { ${label}: web }`)),
  );

  it.each(['Deployment', 'DaemonSet', 'StatefulSet'])('is found at the labels of a %s', (kind) =>
    expectInObjects(applicationLabels, workload('▸labels: { app: web }', kind), [`${kind} web: its pods have no label application.`]),
  );

  it('is found in a CronJob, where a Job is nobody', () => {
    const cron = 'spec: { jobTemplate: { spec: { template: { ▸metadata: {}, spec: { containers: [] } } } } }';
    expectInObjects(applicationLabels, `apiVersion: batch/v1\nkind: CronJob\nmetadata: { name: web }\n${cron}\n`, [
      'CronJob web: its pods have no label application.',
    ]);
    expectInObjects(applicationLabels, workload('labels: {}', 'Job'));
  });
});

describe('webhook-fails-closed', () => {
  const webhook = (body: string, kind = 'ValidatingWebhookConfiguration') =>
    `apiVersion: admissionregistration.k8s.io/v1\nkind: ${kind}\nmetadata: { name: w }\nwebhooks: [{ ▸name: a.b.c, ${body} }]\n`;
  const pods = 'rules: [{ resources: [services] }, { resources: [pods] }]';
  const message = 'the webhook a.b.c fails closed for every pod, its own included. Leave kube-system out.';

  it.each(['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'])('is found in a %s', (kind) => {
    expectInObjects(failClosedWebhooks, webhook(pods, kind), [`${kind} w: ${message}`]);
    expectInObjects(failClosedWebhooks, webhook(`failurePolicy: Fail, ${pods}`, kind), [`${kind} w: ${message}`]);
  });

  it.each(["'*'", "'*/*'", 'pods/*'])('takes %s for pods', (resource) =>
    expectInObjects(failClosedWebhooks, webhook(`rules: [{ resources: [${resource}] }]`), [`ValidatingWebhookConfiguration w: ${message}`]),
  );

  it('names a webhook without a name by its number', () =>
    expectInObjects(failClosedWebhooks, webhook(pods).replace('{ ▸name: a.b.c,', '▸{'), [
      `ValidatingWebhookConfiguration w: ${message.replace('a.b.c', '0')}`,
    ]));

  it.each([
    `failurePolicy: Ignore, ${pods}`,
    `namespaceSelector: {}, ${pods}`,
    `objectSelector: {}, ${pods}`,
    `matchConditions: [], ${pods}`,
    'rules: [{ resources: [deployments] }]',
    'rules: none',
    'rules: [{ resources: pods }]',
  ])('passes %s', (body) => expectInObjects(failClosedWebhooks, webhook(body).replace('▸', '')));

  it('asks nothing of other objects', () => {
    expectInObjects(failClosedWebhooks, webhook(pods, 'Other').replace('▸', ''));
    expectInObjects(failClosedWebhooks, 'apiVersion: v1\nkind: ValidatingWebhookConfiguration\nmetadata: { name: w }\nwebhooks: none\n');
  });
});
