import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { validateConfiguration } from '#domain/validation.ts';
import { decideMove, definitionsOf, type VersionState } from '#domain/version-move.ts';
import type { Finding } from '#model/checks.ts';
import { shippedSchemas } from '../../../functions/plan/kubernetes-schemas.ts';
import { edited, referenceSnapshot } from '../../support/reference-fleet.ts';

function state(kubernetes: string, etcd: string, definitions: VersionState['definitions'] = []): VersionState {
  return { versions: { kubernetes, etcd }, definitions };
}

function messages(from: VersionState, to: VersionState): string[] {
  return decideMove(from, to).map(({ message }) => message);
}

const kubernetes = fc
  .record({ minor: fc.integer({ min: 33, max: 37 }), patch: fc.nat({ max: 9 }) })
  .map(({ minor, patch }) => ({ minor, text: `1.${minor}.${patch}` }));
const etcd = fc
  .record({ minor: fc.integer({ min: 5, max: 7 }), patch: fc.nat({ max: 40 }) })
  .map(({ minor, patch }) => ({ minor, patch, text: `3.${minor}.${patch}` }));
const name = fc.constantFrom('v1alpha1', 'v1beta1', 'v1', 'v2');
const definition = fc
  .uniqueArray(name, { minLength: 1, maxLength: 4 })
  .chain((versions) =>
    fc.record({ versions: fc.constant(versions), storage: fc.constantFrom(...versions), name: fc.constant('widgets.example.org') }),
  );

describe('can-move', () => {
  test('no way of allowed moves brings stored data under something older, or skips a minor', () => {
    const step = fc.record({ kubernetes, etcd, definitions: fc.array(definition, { maxLength: 1 }) });
    let moved = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 12 }), ([first, ...wanted]) => {
        if (first === undefined) return;
        let at = first;
        for (const next of wanted) {
          const problems = decideMove(
            state(at.kubernetes.text, at.etcd.text, at.definitions),
            state(next.kubernetes.text, next.etcd.text, next.definitions),
          );
          if (problems.length > 0) continue;
          moved += 1;
          expect(next.kubernetes.minor - at.kubernetes.minor).toBeGreaterThanOrEqual(0);
          expect(next.kubernetes.minor - at.kubernetes.minor).toBeLessThanOrEqual(1);
          expect([-1, 0, 1]).toContain(next.etcd.minor - at.etcd.minor);
          if (next.etcd.minor < at.etcd.minor) expect(at.etcd.minor).toBe(7);
          const older = next.etcd.minor < at.etcd.minor ? next.etcd : at.etcd;
          if (next.etcd.minor !== at.etcd.minor) expect(older.patch).toBeGreaterThanOrEqual(older.minor === 5 ? 32 : 11);
          const [stored] = at.definitions;
          const [after] = next.definitions;
          if (stored !== undefined && after !== undefined) expect(after.versions).toContain(stored.storage);
          at = next;
        }
      }),
      { seed: 20_260_105, numRuns: 2000 },
    );
    expect(moved).toBeGreaterThan(500);
  });

  it('allows etcd one minor down where that was tried', () => {
    expect(messages(state('1.36.3', '3.7.3'), state('1.36.3', '3.6.16'))).toEqual([]);
  });

  it('allows every patch of the same minor, there and back', () => {
    expect(messages(state('1.35.4', '3.6.16'), state('1.35.1', '3.6.11'))).toEqual([]);
    expect(messages(state('1.35.1', '3.6.4'), state('1.36.3', '3.6.16'))).toEqual([]);
  });

  it.each([
    ['1.36.3', '3.6.16', '1.35.4', '3.6.16', "kubernetes can't go back from 1.36.3 to 1.35.4: what it stores is of the newer minor."],
    ['1.34.1', '3.6.16', '1.36.3', '3.6.16', "kubernetes can't go from 1.34.1 to 1.36.3 at once. Go one minor at a time."],
    ['1.36.3', '3.6.16', '1.36.3', '3.5.40', "etcd can't go back from 3.6.16 to 3.5.40: a downgrade from 3.6 was never tried."],
    ['1.36.3', '3.7.3', '1.36.3', '3.5.40', "etcd can't go from 3.7.3 to 3.5.40 at once. Go one minor at a time."],
    [
      '1.36.3',
      '3.7.3',
      '1.36.3',
      '3.6.10',
      "etcd can't go from 3.7.3 to 3.6.10: go to 3.6.11 or later, which can run beside the newer one.",
    ],
    ['1.36.3', '3.5.40', '1.36.3', '3.7.3', "etcd can't go from 3.5.40 to 3.7.3 at once. Go one minor at a time."],
    [
      '1.36.3',
      '3.5.31',
      '1.36.3',
      '3.6.16',
      "etcd can't go from 3.5.31 to 3.6.16: go to 3.5.32 or later first, whose data the next minor can read.",
    ],
    [
      '1.36.3',
      '3.6.10',
      '1.36.3',
      '3.7.3',
      "etcd can't go from 3.6.10 to 3.7.3: go to 3.6.11 or later first, whose data the next minor can read.",
    ],
  ])('from %s, %s not to %s, %s', (...[fromKubernetes, fromEtcd, toKubernetes, toEtcd, message]) => {
    expect(messages(state(fromKubernetes, fromEtcd), state(toKubernetes, toEtcd))).toEqual([message]);
  });

  it('lets a definition go whole, and not without the version that its objects are stored in', () => {
    const before = [{ name: 'widgets.example.org', storage: 'v1', versions: ['v1beta1', 'v1'] }];

    expect(messages(state('1.36.3', '3.6.16', before), state('1.36.3', '3.6.16'))).toEqual([]);
    expect(
      messages(
        state('1.36.3', '3.6.16', before),
        state('1.36.3', '3.6.16', [{ name: 'widgets.example.org', storage: 'v1beta1', versions: ['v1beta1'] }]),
      ),
    ).toEqual(['Objects of widgets.example.org are stored as v1, which the definition would not know any more. Keep v1 in its versions.']);
  });
});

describe('definitions among objects', () => {
  const metadata = { name: 'widgets.example.org' };
  const kind = 'CustomResourceDefinition';
  const apiVersion = 'apiextensions.k8s.io/v1';

  it('are read with their storage version; what has no such shape is none', () => {
    const versions = [{ name: 'v1beta1', storage: false }, { name: 'v1', storage: true }, null, { storage: true }];

    const found = definitionsOf([
      { apiVersion, kind, metadata, spec: { versions } },
      { apiVersion, kind, metadata, spec: { versions: 'v1' } },
      { apiVersion, kind, metadata, spec: { versions: [{ name: 'v1' }] } },
      { apiVersion, kind, metadata },
      { apiVersion: 'example.org/v1', kind, metadata, spec: { versions } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata, spec: { versions } },
    ]);

    expect(found).toEqual([{ name: 'widgets.example.org', storage: 'v1', versions: ['v1beta1', 'v1'] }]);
  });
});

describe('moves of a pull request', () => {
  const widget = (versions: string): Record<string, string> => ({
    'components/widgets/component.yaml': 'name: widgets\nphase: workloads\n',
    'components/widgets/crd.yaml': `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: widgets.example.org\nspec:\n  group: example.org\n  scope: Cluster\n  names: { kind: Widget, plural: widgets }\n  versions:\n${versions}`,
  });
  const version = (name: string, storage: boolean): string =>
    `    - { name: ${name}, served: true, storage: ${storage}, schema: { openAPIV3Schema: { type: object } } }\n`;
  const both = version('v1', true) + version('v1beta1', false);
  const validated = (base: Readonly<Record<string, string>>, head: Readonly<Record<string, string>>): Finding[] =>
    validateConfiguration({ base: referenceSnapshot(base), head: referenceSnapshot(head) }, shippedSchemas);

  it('stand at the line of the version', () => {
    const findings = validated(edited('versions.yaml', '1.35.4', '1.36.3'), {});

    expect(findings).toMatchObject([{ rule: 'version-move', path: 'channels/cluster/versions.yaml', line: 2 }]);
  });

  it('stand at the definition that would lose its stored version', () => {
    const head = widget(version('v1beta1', true));

    const findings = validated(widget(both), head);

    expect(findings).toMatchObject([{ rule: 'version-move', path: 'channels/cluster/components/widgets/crd.yaml', line: 1 }]);
    expect(validated(head, widget(both))).toEqual([]);
  });
});
