import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideFence, FENCE } from '#domain/fence.ts';
import type { Manifest } from '#model/render.ts';

function lease(leaseTransitions: number | undefined, holderIdentity?: string): Manifest {
  const metadata = { name: FENCE.name, namespace: 'kube-system', resourceVersion: '7' };
  return { apiVersion: FENCE.apiVersion, kind: FENCE.kind, metadata, spec: { leaseTransitions, holderIdentity } };
}

const HOLDER = { execution: 'update-2', fence: 2 };

describe('decideFence', () => {
  it.each([
    ['no object yet', undefined, 'create'],
    ['one that nobody has raised', lease(undefined), 'raise'],
    ['one without anything', { ...lease(0), spec: undefined }, 'raise'],
    ['a smaller number', lease(1, 'update-1'), 'raise'],
    ['its own', lease(2, 'update-2'), 'holds'],
    ['its number in the name of another', lease(2, 'update-1'), 'refuse'],
    ['a greater number', lease(3, 'update-3'), 'refuse'],
  ])('for %s', (_, seen, decision) => {
    expect(decideFence(seen, HOLDER).decision).toBe(decision);
  });

  it('makes the same object whoever makes it, without a number', () => {
    expect(decideFence(undefined, HOLDER)).toEqual(decideFence(undefined, { execution: 'update-1', fence: 1 }));
  });

  it('raises only what is still as it was read', () => {
    expect(decideFence(lease(1, 'update-1'), HOLDER)).toEqual({
      decision: 'raise',
      patch: { metadata: { resourceVersion: '7' }, spec: { holderIdentity: 'update-2', leaseTransitions: 2 } },
    });
  });

  it('names who changed the cluster last', () => {
    expect(decideFence(lease(3, 'update-3'), HOLDER)).toMatchObject({
      reason: 'the cluster was changed by update-3 with number 3; update-2 has number 2 and stops here',
    });
  });

  it('never lets the number fall', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.nat(50), fc.constantFrom('a', 'b'), fc.constantFrom('a', 'b'), (seen, fence, holder, execution) => {
        const decision = decideFence(lease(seen, holder), { execution, fence });

        if (decision.decision === 'raise') expect(fence).toBeGreaterThan(seen);
        if (decision.decision === 'holds') expect([fence, execution]).toEqual([seen, holder]);
      }),
    );
  });
});
