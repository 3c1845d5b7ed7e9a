import { beforeEach, describe, expect, it } from 'vitest';
import { FENCE } from '#domain/fence.ts';
import { fenceGuard, guarded, raiseFence } from '#facts/fence.ts';
import { ClusterUnreachableError, LockHeldError } from '#model/errors.ts';
import { createFakeClock } from '../../support/fakes/clock.ts';
import { createFakeKubernetes, type FakeKubernetes } from '../../support/fakes/kubernetes.ts';

const FIRST = { execution: 'update-1', fence: 1 };
const SECOND = { execution: 'update-2', fence: 2 };
const clock = createFakeClock();
let kubernetes: FakeKubernetes;
beforeEach(() => {
  kubernetes = createFakeKubernetes();
  kubernetes.kinds.add('coordination.k8s.io/v1/Lease');
});

function guardOf(holder: typeof FIRST, strict = true) {
  return fenceGuard(async () => kubernetes, holder, clock, strict);
}

describe('the lock object of a cluster', () => {
  it('is made at the first change, raised by the next holder, and refuses the one before', async () => {
    await raiseFence(kubernetes, FIRST);
    await raiseFence(kubernetes, FIRST);
    await raiseFence(kubernetes, SECOND);

    await expect(raiseFence(kubernetes, FIRST)).rejects.toThrow(LockHeldError);
    expect((await kubernetes.get(FENCE))?.['spec']).toEqual({ holderIdentity: 'update-2', leaseTransitions: 2 });
  });

  it('is raised once by two that do it at once, and the smaller number loses', async () => {
    const results = await Promise.allSettled([raiseFence(kubernetes, FIRST), raiseFence(kubernetes, SECOND)]);

    await expect(raiseFence(kubernetes, FIRST)).rejects.toThrow(LockHeldError);
    expect(results[1].status).toBe('fulfilled');
    expect((await kubernetes.get(FENCE))?.['spec']).toMatchObject({ leaseTransitions: 2 });
  });
});

describe('a guarded port', () => {
  const reads = new Set(['get', 'list']);

  it('lets a holder change, and an earlier one only read', async () => {
    const [early, late] = [guarded(kubernetes, reads, guardOf(FIRST)), guarded(kubernetes, reads, guardOf(SECOND))];
    await early.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' } });
    clock.advance(2);
    await late.delete({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'a' });
    clock.advance(2);
    const before = kubernetes.calls.length;

    await expect(early.evict('default', 'pod')).rejects.toThrow(LockHeldError);
    expect(await early.list('v1', 'Pod')).toEqual([]);
    expect(kubernetes.calls.length).toBe(before);
  });

  it('guards what is added to the port later', async () => {
    const port = { cordonAll: async () => 'done' };
    await raiseFence(kubernetes, SECOND);

    await expect(guarded(port, reads, guardOf(FIRST)).cordonAll()).rejects.toThrow(LockHeldError);
  });

  it('looks again after a second, not at each change', async () => {
    let looks = 0;
    const get: FakeKubernetes['get'] = (id) => {
      looks += 1;
      return kubernetes.get(id);
    };
    const counted = { ...kubernetes, get };
    const guard = fenceGuard(async () => counted, FIRST, clock, true);
    await guard();
    const first = looks;
    await Promise.all([guard(), guard()]);
    const same = looks;
    clock.advance(1);
    await guard();

    expect([same - first, looks > same]).toEqual([0, true]);
  });

  it('stops where the cluster can not be reached, but for changes that may bring it back', async () => {
    kubernetes.unreachable = true;

    await expect(guardOf(FIRST)()).rejects.toThrow(ClusterUnreachableError);
    await expect(guardOf(FIRST, false)()).resolves.toBeUndefined();
  });
});
