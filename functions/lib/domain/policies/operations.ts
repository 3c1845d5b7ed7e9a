import { containers, podTemplates } from './pods.ts';
import { FAILS_IN_PRODUCTION, ONLY_IN_PRODUCTION, type Policy, type Violation, WARNS } from './policy.ts';
import type { PolicyObject } from './subject.ts';
import { textAt, valueAt } from './values.ts';

/** The label by which Sluice marks nodes; postgres-operator moves its masters off nodes that are not `ready`. */
const READY_LABEL = { key: 'lifecycle-status', value: 'ready' };

export const postgresReadiness: Policy = {
  id: 'postgres-readiness-label',
  title: 'postgres-operator looks at the label that Sluice sets',
  why: 'the operator moves the master off a node before its drain only when it sees the node marked; else the drain waits for a budget that never allows it.',
  fix: 'set `node_readiness_label` to `lifecycle-status:ready`.',
  levels: FAILS_IN_PRODUCTION,
  check: ({ objects }) => objects.flatMap((object) => readinessProblem(object) ?? []),
};

function readinessProblem(object: PolicyObject): Violation | undefined {
  const { kind } = object.manifest;
  if (kind === 'OperatorConfiguration') {
    const path = ['configuration', 'kubernetes', 'node_readiness_label'];
    if (valueAt(object.manifest, [...path, READY_LABEL.key]) === READY_LABEL.value) return undefined;
    return object.violation(path, 'node_readiness_label must have lifecycle-status: ready.');
  }
  if (kind !== 'ConfigMap' || object.manifest.metadata.name !== 'postgres-operator') return undefined;
  const label = textAt(object.manifest, ['data', 'node_readiness_label']) ?? '';
  if (label.split(',').includes(`${READY_LABEL.key}:${READY_LABEL.value}`)) return undefined;
  return object.violation(['data', 'node_readiness_label'], 'node_readiness_label must be lifecycle-status:ready.');
}

export const statefulSetTest: Policy = {
  id: 'statefulset-test',
  title: 'e2e runs a StatefulSet across the update',
  why: 'volumes that do not come along with their pod show only when a pod with one moves.',
  fix: 'keep a StatefulSet in `tests/load/`, or a StatefulSet spec in `tests/conformance.txt`.',
  levels: WARNS,
  check: ({ load, conformance, objectsAreRead, inFile }) => {
    const loaded = load.some(({ manifest }) => manifest.kind === 'StatefulSet');
    const tested = conformance.some((spec) => spec.includes('StatefulSet'));
    return loaded || tested || !objectsAreRead
      ? []
      : [inFile('tests/conformance.txt', [], 'tests', 'no StatefulSet is run or tested across the update. Add one to tests/load/.')];
  },
};

export const downscaler: Policy = {
  id: 'downscaler-in-production',
  title: 'kube-downscaler is not in production',
  why: 'it scales to zero outside its hours; in production somebody always works.',
  fix: 'give the component `environments` without production.',
  levels: ONLY_IN_PRODUCTION,
  check: ({ objects }) =>
    containers(objects)
      .filter(({ body }) => /kube-downscaler/.test(textAt(body, ['image']) ?? ''))
      .map(({ pod, path }) =>
        pod.object.violation([...path, 'image'], 'it would scale production to zero. Leave production out of environments.'),
      ),
};

const LABELLED = ['Deployment', 'DaemonSet', 'StatefulSet', 'CronJob'];
const NAME_LABELS = ['application', 'app.kubernetes.io/name'];

export const applicationLabels: Policy = {
  id: 'application-label',
  title: 'Workloads say to which application they belong',
  why: 'cost and slack are reported by this label; what has none, nobody pays for.',
  fix: 'set the label `application` (or `app.kubernetes.io/name`) on the pod template.',
  levels: WARNS,
  check: ({ objects }) =>
    podTemplates(objects)
      .filter(({ object }) => LABELLED.includes(object.manifest.kind))
      .filter(({ object, metadataPath }) =>
        NAME_LABELS.every((label) => textAt(object.manifest, [...metadataPath, 'labels', label]) === undefined),
      )
      .map(({ object, metadataPath }) => object.violation([...metadataPath, 'labels'], 'its pods have no label application.')),
};

export const failClosedWebhooks: Policy = {
  id: 'webhook-fails-closed',
  title: 'An admission webhook does not stop the cluster from starting',
  why: 'a webhook for pods that fails closed and is itself a pod can not be started once it is gone, and then nothing can.',
  fix: 'leave kube-system and the namespace of the webhook out by `namespaceSelector` or `matchConditions`, or set `failurePolicy: Ignore`.',
  levels: FAILS_IN_PRODUCTION,
  check: ({ objects }) =>
    objects
      .filter(({ manifest }) => /^(Mutating|Validating)WebhookConfiguration$/.test(manifest.kind))
      .flatMap((object) => webhooksOf(object).flatMap(({ webhook, index }) => webhookProblem(object, webhook, index) ?? [])),
};

function webhooksOf(object: PolicyObject): { webhook: unknown; index: number }[] {
  const webhooks = valueAt(object.manifest, ['webhooks']);
  return Array.isArray(webhooks) ? webhooks.map((webhook: unknown, index) => ({ webhook, index })) : [];
}

function webhookProblem(object: PolicyObject, webhook: unknown, index: number): Violation | undefined {
  if (textAt(webhook, ['failurePolicy']) === 'Ignore') return undefined;
  if (['namespaceSelector', 'objectSelector', 'matchConditions'].some((key) => valueAt(webhook, [key]) !== undefined)) return undefined;
  const rules = valueAt(webhook, ['rules']);
  const forPods = Array.isArray(rules) && rules.some((rule: unknown) => coversPods(rule));
  if (!forPods) return undefined;
  const name = textAt(webhook, ['name']) ?? String(index);
  return object.violation(
    ['webhooks', index, 'name'],
    `the webhook ${name} fails closed for every pod, its own included. Leave kube-system out.`,
  );
}

function coversPods(rule: unknown): boolean {
  const resources = valueAt(rule, ['resources']);
  return Array.isArray(resources) && resources.some((resource) => ['pods', '*', '*/*', 'pods/*'].includes(String(resource)));
}
