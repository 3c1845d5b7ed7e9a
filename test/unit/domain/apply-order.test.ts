import { describe, expect, it } from 'vitest';
import { inApplyOrder } from '#domain/apply-order.ts';
import type { Manifest } from '#model/render.ts';

function object(kind: string, name = 'x'): Manifest {
  return { apiVersion: 'v1', kind, metadata: { name } };
}

describe('apply order', () => {
  it('puts what others need first and webhooks last', () => {
    const kinds = [
      'ValidatingWebhookConfiguration',
      'Deployment',
      'ConfigMap',
      'RoleBinding',
      'Role',
      'NetworkPolicy',
      'CustomResourceDefinition',
      'Namespace',
    ];

    const groups = inApplyOrder(kinds.map((kind) => object(kind)));

    expect(groups.flat().map(({ kind }) => kind)).toEqual([...kinds].reverse());
    expect(groups).toHaveLength(8);
  });

  it('keeps the given order within a rank, with custom resources among the workloads', () => {
    const groups = inApplyOrder([object('Widget', 'a'), object('Deployment', 'b'), object('Widget', 'c')]);

    expect(groups.map((group) => group.map(({ metadata }) => metadata.name))).toEqual([['a', 'b', 'c']]);
  });
});
