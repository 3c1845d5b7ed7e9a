import { describe, expect, it } from 'vitest';
import { parseComponents } from '#domain/components.ts';
import { contradictionFindings, type DeletionSide, removalFindings } from '#domain/kubernetes-deletions.ts';
import { Deletions } from '#model/configuration.ts';
import { type ComponentText, componentFiles } from '../../support/kubernetes-objects.ts';

const CLAIM = 'apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: { name: data, namespace: rooms }\n';
const MAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: one, namespace: rooms }\n';
const GONE = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'rooms', name: 'data', reason: 'old' };
const TEXT = 'before: []\nafter:\n  - { apiVersion: v1, kind: PersistentVolumeClaim, namespace: rooms, name: data, reason: old }\n';

function side(components: Readonly<Record<string, ComponentText>>, deletions: Partial<Deletions> = {}): DeletionSide {
  const { components: parsed, findings } = parseComponents(componentFiles(components), 'channels/cluster/');
  expect(findings).toEqual([]);
  return { components: parsed, deletions: Deletions.parse(deletions) };
}

describe('an entry of deletions.yaml', () => {
  it('names nothing that is applied', () => {
    const both = side({ a: { objects: `${MAP}---\n${CLAIM}` } }, { after: [GONE] });

    expect(contradictionFindings(both, TEXT)).toEqual([
      {
        rule: 'deletion',
        level: 'failure',
        path: 'channels/cluster/deletions.yaml',
        line: 3,
        column: 70,
        message:
          'PersistentVolumeClaim rooms/data is deleted here and applied in channels/cluster/components/a/objects.yaml line 5. Remove one of both.',
      },
    ]);
  });

  it('is told in the order of the file, whichever version of the group it names', () => {
    const objects = CLAIM.replace('v1', 'storage.k8s.io/v1');
    const entry = { ...GONE, apiVersion: 'storage.k8s.io/v1beta1' };

    expect(contradictionFindings(side({ a: { objects } }, { before: [entry], after: [entry] }), 'a: [')).toMatchObject([
      { line: 1, column: 1 },
      { line: 1, column: 1 },
    ]);
  });

  it.each([
    { ...GONE, name: 'other' },
    { ...GONE, namespace: 'other' },
    { ...GONE, kind: 'Pod' },
  ])('may name what is not: $kind $namespace/$name', (entry) =>
    expect(contradictionFindings(side({ a: { objects: CLAIM } }, { before: [entry] }), TEXT)).toEqual([]),
  );
});

describe('an object that pruning keeps', () => {
  const before = side({ a: { objects: `${MAP}---\n${CLAIM}` } });

  it('and that is no longer applied wants an entry', () => {
    expect(removalFindings(before, side({ a: { objects: MAP } }))).toEqual([
      {
        rule: 'missing-deletion',
        level: 'warning',
        path: 'channels/cluster/deletions.yaml',
        line: 1,
        column: 1,
        message:
          'PersistentVolumeClaim rooms/data is no longer applied (it was in channels/cluster/components/a/objects.yaml line 5) and stays in the clusters: a PersistentVolumeClaim is deleted only when deletions.yaml names it. Add it under after if it shall go.',
      },
    ]);
  });

  it.each(['before', 'after'] as const)('is told of no more once it is named, under %s', (when) =>
    expect(removalFindings(before, side({ a: { objects: MAP } }, { [when]: [GONE] }))).toEqual([]),
  );

  it('may move to another component, file or version', () => expect(removalFindings(before, side({ b: { objects: CLAIM } }))).toEqual([]));

  it('wants none for what pruning removes', () => expect(removalFindings(before, side({ a: { objects: CLAIM } }))).toEqual([]));

  it('stays where its environments are fewer', () => {
    const of = (...environments: string[]) => side({ a: { environments, objects: CLAIM } });

    expect(removalFindings(of('test', 'production'), of('test'))).toMatchObject([
      { message: expect.stringContaining('rooms/data is no longer applied in production (it was in') },
    ]);
    expect(removalFindings(before, of('test', 'e2e'))).toMatchObject([
      { message: expect.stringContaining('is no longer applied in development, production (it was in') },
    ]);
    expect(removalFindings(of('test'), of('test', 'production'))).toEqual([]);
  });

  it('is applied where any of several components applies it', () => {
    const parts = (...environments: string[]) => ({ a: { environments, objects: CLAIM }, b: { environments: ['test'], objects: CLAIM } });

    expect(removalFindings(side(parts('production')), side({ a: { environments: ['production', 'test'], objects: CLAIM } }))).toEqual([]);
    expect(removalFindings(side(parts('production')), side({ a: { environments: ['e2e'], objects: CLAIM } }))).toMatchObject([
      { message: expect.stringContaining('in production, test (it was in channels/cluster/components/a/objects.yaml line 1)') },
    ]);
  });
});
