import { describe, expect, it } from 'vitest';
import { type ControlPlaneObservation, decideControlPlane } from '#domain/roll-control-plane.ts';
import type { Instance } from '#ports/instances.ts';
import type { ApiProbe } from '#ports/kubernetes.ts';

const OLD_API: ApiProbe = { ready: true, version: '1.35.4', milliseconds: 5, reason: 'ok' };
const NEW_API: ApiProbe = { ...OLD_API, version: '1.36.3' };
const DOWN: ApiProbe = { ready: false, milliseconds: 5, reason: '/readyz answers 500: etcd failed' };

function instance(id: string, launchTemplateVersion: string, lifecycleState = 'InService'): Instance {
  return { id, zone: 'eu-central-1a', lifecycleState, healthStatus: 'Healthy', launchTemplateVersion };
}

/** The last part of `i-3` is that of its address, `10.0.0.3`. */
function addressOf(id: string): string {
  return `10.0.0.${id.slice(2)}`;
}

/** New instances are ready at their own address, and connections meet each of those of `met`. */
function seen(
  instances: Instance[],
  probes: ApiProbe[],
  change: Partial<ControlPlaneObservation & { min: number; max: number; desired: number; met: string[] }> = {},
): ControlPlaneObservation {
  const { desired = instances.length, min = 1, max = 2, met = instances.map(({ id }) => id), ...rest } = change;
  const group = { name: 'cp', min, max, desired, launchTemplateVersion: '3', instances };
  const own = new Map(
    instances.map(({ id, launchTemplateVersion }) => [
      id,
      { address: addressOf(id), probe: { ...(launchTemplateVersion === '3' ? NEW_API : OLD_API), server: addressOf(id) } },
    ]),
  );
  const reached = met.map((id) => ({ ...(own.get(id)?.probe ?? DOWN), server: addressOf(id) }));
  return {
    group,
    probes: [...probes, ...reached.filter(({ version }) => probes.some((probe) => probe.version === version))],
    own,
    version: '1.36.3',
    skew: [],
    ...rest,
  };
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

  it('ends the old instance only when the new one is ready at its own address and connections meet it', () => {
    const both = [instance('i-1', '2'), instance('i-2', '3')];
    const unready = new Map([['i-2', { address: '10.0.0.2', probe: DOWN }]]);
    const wrong = new Map([['i-2', { address: '10.0.0.2', probe: OLD_API }]]);

    const waits = [
      seen([instance('i-1', '2'), instance('i-2', '3', 'Pending')], [OLD_API]),
      seen(both, [OLD_API, NEW_API], { own: unready }),
      seen(both, [OLD_API, NEW_API], { own: wrong }),
      seen(both, [OLD_API, NEW_API], { own: new Map() }),
      seen(both, [OLD_API, NEW_API], { met: ['i-1'] }),
    ].map(decideControlPlane);
    const serving = decideControlPlane(seen(both, [OLD_API, NEW_API]));

    expect(waits.map(({ action }) => action)).toEqual([undefined, undefined, undefined, undefined, undefined]);
    expect(serving.action).toEqual({ type: 'terminate', instance: 'i-1' });
  });

  it('tells instances of one version apart by their address', () => {
    const both = [instance('i-1', '2'), instance('i-2', '3')];
    const same = new Map(both.map(({ id }) => [id, { address: addressOf(id), probe: { ...NEW_API, server: addressOf(id) } }]));

    const old = decideControlPlane({ ...seen(both, []), own: same, probes: [{ ...NEW_API, server: '10.0.0.1' }] });
    const fresh = decideControlPlane({ ...seen(both, []), own: same, probes: [{ ...NEW_API, server: '10.0.0.2' }] });

    expect(old.action).toBeUndefined();
    expect(fresh.action).toEqual({ type: 'terminate', instance: 'i-1' });
  });

  it('starts and ends nothing while versions would be too far apart', () => {
    const skew = ['kubelet of node-1 has 1.32.9, 4 minors behind 1.36.3 (3 are allowed)'];

    const first = decideControlPlane(seen([instance('i-1', '2')], [OLD_API], { skew }));
    const last = decideControlPlane(seen([instance('i-1', '2'), instance('i-2', '3')], [OLD_API, NEW_API], { skew }));

    expect([first, last]).toEqual([
      { done: false, refused: true, reason: skew[0] },
      { done: false, refused: true, reason: skew[0] },
    ]);
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

  it.each<[string, ControlPlaneObservation, string]>([
    [
      'there is no group',
      { ...seen([], [OLD_API]), group: undefined },
      'no Auto Scaling group is tagged with this cluster and control-plane',
    ],
    ['the group starts one', seen([instance('i-1', '2')], [], { desired: 2 }), 'the group starts a new instance: desired 2, there are 1'],
    [
      'the group has no room',
      seen([instance('i-1', '2')], [], { max: 1 }),
      'the group allows 1 instances; one more is needed to replace i-1 (InService, Healthy)',
    ],
    [
      'the new one comes',
      seen([instance('i-1', '2'), instance('i-2', '3', 'Pending')], [OLD_API, OLD_API], { met: [] }),
      'new instance i-2 (Pending, Healthy) is not in service; the API answers: 1.35.4 ready (2x)',
    ],
    [
      'the new one has no address',
      seen([instance('i-1', '2'), instance('i-2', '3')], [], { own: new Map() }),
      'new instance i-2 has no address yet',
    ],
    [
      'the new one is not ready',
      seen([instance('i-1', '2'), instance('i-2', '3')], [], { own: new Map([['i-2', { address: '10.0.0.2', probe: DOWN }]]) }),
      'new instance i-2 at 10.0.0.2: /readyz answers 500: etcd failed',
    ],
    [
      'the new one has another version',
      seen([instance('i-1', '2'), instance('i-2', '3')], [], { own: new Map([['i-2', { address: '10.0.0.2', probe: OLD_API }]]) }),
      'new instance i-2 at 10.0.0.2 has version 1.35.4; wanted 1.36.3',
    ],
    [
      'the new one tells no version',
      seen([instance('i-1', '2'), instance('i-2', '3')], [], {
        own: new Map([['i-2', { address: '10.0.0.2', probe: { ready: true, milliseconds: 5, reason: 'ok' } }]]),
      }),
      'new instance i-2 at 10.0.0.2 has version none; wanted 1.36.3',
    ],
    [
      'no connection meets the new one',
      seen([instance('i-1', '2'), instance('i-2', '3')], [OLD_API, DOWN], { met: [] }),
      'new instance i-2 is ready at 10.0.0.2, waiting until the load balancer sends connections to it; the API answers: 1.35.4 ready (1x), /readyz answers 500: etcd failed (1x)',
    ],
    [
      'only one that is not ready answers for it',
      { ...seen([instance('i-1', '2'), instance('i-2', '3')], [], { met: [] }), probes: [{ ...DOWN, server: '10.0.0.2' }] },
      'new instance i-2 is ready at 10.0.0.2, waiting until the load balancer sends connections to it; the API answers: /readyz answers 500: etcd failed (1x)',
    ],
    [
      'a second new one is missing',
      seen([instance('i-1', '2'), instance('i-2', '3')], [NEW_API], { min: 2, max: 3, desired: 3 }),
      'the group starts another new instance: desired 3, there are 2',
    ],
    [
      'the group has no room for a second new one',
      seen([instance('i-1', '2'), instance('i-2', '3')], [NEW_API], { min: 2, max: 2, desired: 2 }),
      "desired 2 is at the group's minimum; the old instance can't go",
    ],
    [
      'the API is not all new at the end',
      seen([instance('i-2', '3')], [{ ready: true, milliseconds: 5, reason: 'ok' }], { met: [] }),
      'i-2 (InService, Healthy) runs; the API answers: no version ready (1x); wanted 1.36.3',
    ],
    [
      'one of several new ones is not met at the end',
      seen([instance('i-2', '3'), instance('i-3', '3')], [NEW_API], { min: 2, met: ['i-2'] }),
      'new instance i-3 is ready at 10.0.0.3, waiting until the load balancer sends connections to it; the API answers: 1.36.3 ready (2x)',
    ],
  ])('says why it waits: %s', (_name, observation, reason) => {
    expect(decideControlPlane(observation)).toEqual({ done: false, reason });
  });

  it.each<[string, ControlPlaneObservation, object]>([
    [
      'starting beside an old one',
      seen([instance('i-1', '2')], []),
      {
        reason: 'starting a new instance beside i-1 (InService, Healthy)',
        action: { type: 'set-desired', group: 'cp', desired: 2 },
      },
    ],
    [
      'starting where none is left',
      seen([], [], { desired: 0 }),
      { reason: 'starting a new instance beside none', action: { type: 'set-desired', group: 'cp', desired: 1 } },
    ],
    [
      'making room after an earlier roll',
      seen([instance('i-1', '1'), instance('i-2', '2')], []),
      { reason: 'an earlier roll left one more instance than needed; ending i-2', action: { type: 'terminate', instance: 'i-2' } },
    ],
    [
      'ending the one that never came up first',
      seen([instance('i-1', '2'), instance('i-2', '1', 'Pending')], []),
      { action: { type: 'terminate', instance: 'i-2' } },
    ],
    [
      'ending the first by name of equals',
      seen([instance('i-2', '2'), instance('i-1', '2')], []),
      { action: { type: 'terminate', instance: 'i-1' } },
    ],
    [
      'ending the later version as a number',
      seen([instance('i-1', '9'), instance('i-2', '10')], []),
      { action: { type: 'terminate', instance: 'i-2' } },
    ],
    [
      'ending an old one',
      seen([instance('i-1', '2'), instance('i-2', '3')], [OLD_API, NEW_API]),
      { reason: 'the new instance serves; ending i-1', action: { type: 'terminate', instance: 'i-1' } },
    ],
    [
      'starting a second new one',
      seen([instance('i-1', '2'), instance('i-2', '3')], [NEW_API], { min: 2, max: 3 }),
      {
        reason: 'starting another new instance beside i-1 (InService, Healthy)',
        action: { type: 'set-desired', group: 'cp', desired: 3 },
      },
    ],
    [
      'ending a new one that is too many',
      seen([instance('i-2', '3'), instance('i-3', '3')], [NEW_API], { met: [] }),
      {
        reason: 'one more instance than needed; the API answers: 1.36.3 ready (1x); ending i-2',
        action: { type: 'terminate', instance: 'i-2' },
      },
    ],
  ])('says what it does: %s', (_name, observation, expected) => {
    expect(decideControlPlane(observation)).toMatchObject({ done: false, ...expected });
  });

  it('says which instances serve at the end', () => {
    expect(decideControlPlane(seen([instance('i-2', '3'), instance('i-3', '3')], [NEW_API], { min: 2 }))).toEqual({
      done: true,
      reason: 'the API has version 1.36.3 on i-2, i-3',
    });
  });

  it('of a group without a minimum keeps one', () => {
    expect(decideControlPlane(seen([instance('i-2', '3')], [NEW_API], { min: 0 }))).toMatchObject({ done: true });
    expect(decideControlPlane(seen([instance('i-1', '2')], [], { min: 0 })).action).toMatchObject({ type: 'set-desired', desired: 2 });
  });

  it('tells which instance is stuck and what the API answers', () => {
    const { reason } = decideControlPlane(seen([instance('i-2', '3', 'Pending')], [DOWN, DOWN]));

    expect(reason).toContain('i-2 (Pending, Healthy)');
    expect(reason).toContain('etcd failed (2x)');
  });
});
