import { describe, expect, it } from 'vitest';
import type { ClusterChange } from '#domain/plan-compare.ts';
import { disruptionOf } from '#domain/plan-forecast.ts';
import { Manifest, type Render } from '#model/render.ts';

const template = (image: string): object => ({ spec: { containers: [{ name: 'main', image }] } });

function workload(kind: string, image: string, spec: object = {}): Manifest {
  return Manifest.parse({
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: 'web', namespace: 'default' },
    spec: { ...spec, template: template(image) },
  });
}

function changeOf(before: unknown, after: unknown, rolls: ClusterChange['rolls'] = []): ClusterChange {
  const item = (value: unknown) =>
    value === undefined ? undefined : { kind: 'object' as const, area: 'component x', part: 'x', name: 'it', value };
  return { class: 'manifests', items: [{ key: 'k', before: item(before), after: item(after), hash: '' }], rolls, resources: [] };
}

function renderOf(objects: readonly Manifest[]): Render {
  return {
    cluster: 'dev-1',
    revision: 'a'.repeat(40),
    versions: { kubernetes: '1.36.3', etcd: '3.6.16', osImage: 'ami-1' },
    pools: [],
    stacks: [],
    components: [{ name: 'x', phase: 'workloads', objects: [...objects] }],
    deletions: { before: [], after: [] },
  };
}

const POOL = { role: 'pool-general', instances: 3, zones: ['a'], reason: 'replaced' } as const;

describe('restarts', () => {
  it.each(['Deployment', 'StatefulSet', 'DaemonSet'])('are of a %s whose template changes', (kind) => {
    expect(disruptionOf(changeOf(workload(kind, 'a'), workload(kind, 'b')), []).restarts).toEqual(['it']);
  });

  it.each([
    ['the template stays', workload('Deployment', 'a', { replicas: 1 }), workload('Deployment', 'a', { replicas: 2 })],
    ['pods are replaced by hand', workload('DaemonSet', 'a'), workload('DaemonSet', 'b', { updateStrategy: { type: 'OnDelete' } })],
    ['it is no workload', workload('Job', 'a'), workload('Job', 'b')],
    ['it is new', undefined, workload('Deployment', 'b')],
    ['it goes', workload('Deployment', 'a'), undefined],
    ['it has no specification', { ...workload('Deployment', 'a'), spec: null }, workload('Deployment', 'b')],
    ['it is no object', 'text', 'other'],
  ])('are none when %s', (_, before, after) => {
    expect(disruptionOf(changeOf(before, after), []).restarts).toEqual([]);
  });

  it('are of a DaemonSet that rolls by itself, and in order', () => {
    const roll = { updateStrategy: { type: 'RollingUpdate' } };
    const change = changeOf(workload('DaemonSet', 'a', roll), workload('DaemonSet', 'b', roll));
    const other = change.items.map((item) => ({
      ...item,
      after: item.after === undefined ? undefined : { ...item.after, name: 'another' },
    }));

    expect(disruptionOf({ ...change, items: [...change.items, ...other] }, []).restarts).toEqual(['another', 'it']);
  });
});

describe('pods that may be evicted', () => {
  const base = renderOf([
    workload('Deployment', 'a', { replicas: 2 }),
    workload('StatefulSet', 'a', { replicas: 3 }),
    workload('Deployment', 'a'),
    workload('DaemonSet', 'a', { replicas: 50 }),
    workload('Deployment', 'a', { replicas: 0 }),
    workload('Deployment', 'a', { replicas: '4' }),
    workload('Deployment', 'a', { replicas: -1 }),
    workload('Deployment', 'a', { replicas: 1.5 }),
  ]);

  it('are the replicas of all clusters, one where none is said', () => {
    expect(disruptionOf(changeOf('a', 'b', [POOL]), [base, base])).toEqual({
      restarts: [],
      ownPods: 2 * (2 + 3 + 1 + 0 + 1 + 1 + 1),
      drained: 3,
    });
  });

  it('are none when no node is drained', () => {
    expect(
      disruptionOf(
        changeOf('a', 'b', [
          { ...POOL, reason: 'new' },
          { ...POOL, role: 'etcd' },
        ]),
        [base],
      ),
    ).toMatchObject({ ownPods: 0, drained: 0 });
    expect(disruptionOf(changeOf('a', 'b', [{ ...POOL, reason: 'removed' }]), [base])).toMatchObject({ ownPods: 9, drained: 3 });
  });
});
