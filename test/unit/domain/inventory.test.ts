import { describe, expect, it } from 'vitest';
import { contradictions, formatId, idOf, parseId, planPrune, readInventory, withComponents, writeInventory } from '#domain/inventory.ts';
import type { Manifest, RenderedComponent } from '#model/render.ts';

function object(kind: string, name: string, namespace?: string, apiVersion = 'v1'): Manifest {
  return { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } };
}

function component(name: string, ...objects: Manifest[]): RenderedComponent {
  return { name, phase: 'system', objects };
}

const REVISION = 'a'.repeat(40);
const settings = object('ConfigMap', 'settings', 'kube-system');
const web = object('Deployment', 'web', 'default', 'apps/v1');

function owned(...components: RenderedComponent[]) {
  return withComponents(new Map(), components);
}

describe('inventory', () => {
  it('reads what it wrote', () => {
    const inventory = owned(component('a', settings, object('ClusterRole', 'reader')), component('b', web));

    const data = writeInventory(REVISION, inventory, new Map());
    const lines = [...readInventory(data as Record<string, string>).values()].flat();

    expect(lines.map((line) => formatId(parseId(line) ?? idOf(web)))).toEqual(lines);
    expect(lines).toHaveLength(3);
  });

  it('owns what it is about to apply and still what it owned', () => {
    const merged = withComponents(owned(component('a', settings)), [component('a', web)]);

    expect(merged.get('a')).toEqual(['v1 ConfigMap kube-system/settings', 'apps/v1 Deployment default/web']);
  });

  it('removes the entry of a component that is gone', () => {
    const before = owned(component('old', settings));

    expect(writeInventory(REVISION, new Map(), before)).toEqual({ revision: REVISION, 'component.old': null });
  });
});

describe('pruning', () => {
  it('deletes what was owned and is not rendered any more', () => {
    const plan = planPrune(owned(component('a', settings, web)), [component('a', web)], []);

    expect(plan.remove.map(formatId)).toEqual(['v1 ConfigMap kube-system/settings']);
    expect([...plan.inventory.values()].flat()).toEqual(['apps/v1 Deployment default/web']);
  });

  it('never deletes what was not owned', () => {
    const plan = planPrune(new Map(), [component('a', web)], []);

    expect(plan.remove).toEqual([]);
  });

  it('keeps an object that moved to another component or to another version of its group', () => {
    const before = owned(component('a', object('PodDisruptionBudget', 'web', 'default', 'policy/v1beta1'), settings));

    const plan = planPrune(before, [component('b', object('PodDisruptionBudget', 'web', 'default', 'policy/v1'), settings)], []);

    expect(plan.remove).toEqual([]);
  });

  it.each(['Namespace', 'CustomResourceDefinition', 'PersistentVolume', 'PersistentVolumeClaim'])(
    'keeps a %s and goes on owning it',
    (kind) => {
      const before = owned(component('a', object(kind, 'data')));

      const plan = planPrune(before, [], []);

      expect(plan.remove).toEqual([]);
      expect(plan.keep.map(({ name }) => name)).toEqual(['data']);
      expect([...plan.inventory.values()].flat()).toHaveLength(1);
    },
  );

  it('gives up a namespace that deletions.yaml names', () => {
    const before = owned(component('a', object('Namespace', 'old')));

    const plan = planPrune(before, [], [{ apiVersion: 'v1', kind: 'Namespace', name: 'old', reason: 'unused' }]);

    expect(plan.keep).toEqual([]);
    expect(plan.inventory.size).toBe(0);
  });

  it('finds a deletion that names a rendered object', () => {
    const deletion = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'default', name: 'web', reason: 'x' };

    expect(contradictions([deletion], [component('a', web)])).toEqual([expect.stringContaining('component a')]);
  });
});
