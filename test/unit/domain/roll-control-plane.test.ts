import { describe, expect, it } from 'vitest';
import { type ControlPlaneObservation, decideControlPlane } from '#domain/roll-control-plane.ts';
import type { Instance } from '#ports/instances.ts';
import type { ApiProbe } from '#ports/kubernetes.ts';

const NOW = new Date('2026-01-01T00:10:00Z');
const LONG_AGO = new Date('2026-01-01T00:00:00Z');
const OLD_API: ApiProbe = { ready: true, version: '1.35.4', milliseconds: 5, reason: 'ok' };
const NEW_API: ApiProbe = { ...OLD_API, version: '1.36.3' };
const DOWN: ApiProbe = { ready: false, milliseconds: 5, reason: '/readyz answers 500: etcd failed' };

function instance(id: string, launchTemplateVersion: string, lifecycleState = 'InService'): Instance {
  return { id, zone: 'eu-central-1a', lifecycleState, healthStatus: 'Healthy', launchTemplateVersion };
}

function seen(
  instances: Instance[],
  probes: ApiProbe[],
  change: Partial<ControlPlaneObservation & { min: number; max: number; desired: number }> = {},
) {
  const { desired = instances.length, min = 1, max = 2, ...rest } = change;
  const group = { name: 'cp', min, max, desired, launchTemplateVersion: '3', instances };
  return { group, probes, version: '1.36.3', inServiceSince: undefined, now: NOW, ...rest };
}

describe('the control plane', () => {
  it('of a new cluster is done once its API is ready on every connection', () => {
    expect(decideControlPlane(seen([instance('i-1', '3')], [DOWN, NEW_API]))).toMatchObject({ done: false });
    expect(decideControlPlane(seen([instance('i-1', '3')], [NEW_API, NEW_API]))).toMatchObject({ done: true });
  });

  it('starts a new instance beside the old one, once', () => {
    const first = decideControlPlane(seen([instance('i-1', '2')], [OLD_API]));
    const second = decideControlPlane(seen([instance('i-1', '2')], [OLD_API], { desired: 2 }));

    expect(first.action).toEqual({ type: 'set-desired', group: 'cp', desired: 2 });
    expect(second.action).toBeUndefined();
  });

  it('ends the old instance only when the new one serves through the load balancer', () => {
    const both = [instance('i-1', '2'), instance('i-2', '3')];

    const booting = decideControlPlane(seen([instance('i-1', '2'), instance('i-2', '3', 'Pending')], [OLD_API]));
    const silent = decideControlPlane(seen(both, [OLD_API, OLD_API]));
    const serving = decideControlPlane(seen(both, [OLD_API, NEW_API]));

    expect([booting.action, silent.action]).toEqual([undefined, undefined]);
    expect(serving.action).toEqual({ type: 'terminate', instance: 'i-1' });
  });

  it('waits a while where versions can not tell the instances apart', () => {
    const both = [instance('i-1', '2'), instance('i-2', '3')];

    const soon = decideControlPlane(seen(both, [NEW_API], { inServiceSince: NOW }));
    const later = decideControlPlane(seen(both, [NEW_API], { inServiceSince: LONG_AGO }));

    expect(soon.action).toBeUndefined();
    expect(later.action).toEqual({ type: 'terminate', instance: 'i-1' });
  });

  it('makes room by the instance that never took over when an earlier roll stopped half-way', () => {
    const decision = decideControlPlane(seen([instance('i-1', '1'), instance('i-2', '2')], [OLD_API]));

    expect(decision.action).toEqual({ type: 'terminate', instance: 'i-2' });
  });

  it('replaces two one after another, and never goes below the minimum', () => {
    const pair = { min: 2, max: 3, desired: 2 };
    const [old1, old2] = [instance('i-1', '2'), instance('i-2', '2')];
    const [new1, new2] = [instance('i-3', '3'), instance('i-4', '3')];
    const mixed = [OLD_API, NEW_API];

    const actions = [
      seen([old1, old2], [OLD_API], pair),
      seen([old1, old2, new1], mixed, { ...pair, desired: 3 }),
      seen([old2, new1], mixed, pair),
      seen([old2, new1], mixed, { ...pair, desired: 3 }),
      seen([old2, new1, new2], mixed, { ...pair, desired: 3 }),
      seen([new1, new2], [NEW_API], pair),
    ].map(decideControlPlane);

    expect(actions.map(({ action }) => action)).toEqual([
      { type: 'set-desired', group: 'cp', desired: 3 },
      { type: 'terminate', instance: 'i-1' },
      { type: 'set-desired', group: 'cp', desired: 3 },
      undefined,
      { type: 'terminate', instance: 'i-2' },
      undefined,
    ]);
    expect(actions.at(-1)?.done).toBe(true);
  });

  it('is not done while a connection still meets the old version', () => {
    expect(decideControlPlane(seen([instance('i-2', '3')], [NEW_API, OLD_API]))).toMatchObject({ done: false });
  });

  it('tells which instance is stuck and what the API answers', () => {
    const { reason } = decideControlPlane(seen([instance('i-2', '3', 'Pending')], [DOWN, DOWN]));

    expect(reason).toContain('i-2 (Pending, Healthy)');
    expect(reason).toContain('etcd failed (2x)');
  });
});
