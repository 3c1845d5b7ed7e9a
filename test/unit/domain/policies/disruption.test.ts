import { describe, it } from 'vitest';
import { blockedDrains, missingBudgets } from '#domain/policies/disruption.ts';
import { expectInObjects } from '../../../support/policies.ts';

function workload(spec: string, { kind = 'Deployment', namespace = 'shop', labels = '{ app: web, tier: front }' } = {}): string {
  return `apiVersion: apps/v1
kind: ${kind}
metadata: { name: web, namespace: ${namespace} }
spec:
  ${spec}
  template:
    metadata: { labels: ${labels} }
    spec: { containers: [{ name: web }] }
`;
}

function budget(spec: string, selector = '{ matchLabels: { app: web } }'): string {
  return `---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web, namespace: shop }
spec:
  ${spec}
  selector: ${selector}
`;
}

describe('blocked-drain', () => {
  it.each(['maxUnavailable: 0', 'maxUnavailable: 0%'])('finds %s', (spec) =>
    expectInObjects(blockedDrains, budget(`▸${spec}`), [
      `PodDisruptionBudget shop/web: ${spec} never lets a node be drained. Allow 1.`.replace(': 0', ' 0'),
    ]),
  );

  it('finds that all must be there', () =>
    expectInObjects(blockedDrains, budget('▸minAvailable: 100%'), [
      'PodDisruptionBudget shop/web: minAvailable 100% never lets a node be drained.',
    ]));

  it.each([
    ['replicas: 2', '2', 2],
    ['replicas: 2', '3', 2],
    ['paused: true', '1', 1],
  ])('with %s finds minAvailable %s', (spec, least, replicas) =>
    expectInObjects(blockedDrains, workload(spec) + budget(`▸minAvailable: ${least}`), [
      `PodDisruptionBudget shop/web: minAvailable ${least} of the ${replicas} of Deployment shop/web never lets a node be drained. Keep one more, or lower it.`,
    ]),
  );

  it.each(['StatefulSet', 'ReplicaSet'])('counts the replicas of a %s', (kind) =>
    expectInObjects(blockedDrains, workload('replicas: 1', { kind }) + budget('▸minAvailable: 1'), [
      `PodDisruptionBudget shop/web: minAvailable 1 of the 1 of ${kind} shop/web never lets a node be drained. Keep one more, or lower it.`,
    ]),
  );

  it.each([
    ['replicas: 3', 'minAvailable: 2'],
    ['replicas: 0', 'minAvailable: 1'],
    ['replicas: many', 'minAvailable: 1'],
    ['replicas: 1', 'maxUnavailable: 1'],
    ['replicas: 1', 'minAvailable: 50%'],
  ])('passes %s with %s', (spec, rule) => expectInObjects(blockedDrains, workload(spec) + budget(rule)));

  it('looks only at the pods that the budget selects', () => {
    const least = 'minAvailable: 1';
    expectInObjects(blockedDrains, workload('replicas: 1', { namespace: 'other' }) + budget(least));
    expectInObjects(blockedDrains, workload('replicas: 1', { labels: '{ app: other }' }) + budget(least));
    expectInObjects(blockedDrains, workload('replicas: 1') + budget(least, '{ matchLabels: { app: web, tier: back } }'));
    expectInObjects(blockedDrains, workload('replicas: 1') + budget(least, '{ matchExpressions: [] }'));
    expectInObjects(blockedDrains, workload('replicas: 1', { kind: 'DaemonSet' }) + budget(least));
  });
});

describe('disruption-budget', () => {
  const message = 'Deployment shop/web: no PodDisruptionBudget selects its pods. Add one with maxUnavailable: 1.';

  it('is found at what has several replicas and no budget', () =>
    expectInObjects(missingBudgets, workload('replicas: 2').replace('name: web,', '▸name: web,'), [message]));

  it('is found when the budget is of other pods', () =>
    expectInObjects(
      missingBudgets,
      workload('replicas: 2').replace('name: web,', '▸name: web,') + budget('maxUnavailable: 1', '{ matchLabels: { app: b } }'),
      [message],
    ));

  it('passes with a budget, with one replica, and a DaemonSet', () => {
    expectInObjects(missingBudgets, workload('replicas: 2') + budget('maxUnavailable: 1'));
    expectInObjects(missingBudgets, workload('replicas: 1'));
    expectInObjects(missingBudgets, workload('minReadySeconds: 2', { kind: 'DaemonSet' }));
  });
});
