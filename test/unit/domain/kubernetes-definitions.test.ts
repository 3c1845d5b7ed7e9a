import { describe, expect, it } from 'vitest';
import { definitionOf, definitionProblems } from '#domain/kubernetes-definitions.ts';
import { Manifest } from '#model/render.ts';
import { objectFindingsOf, told } from '../../support/kubernetes-objects.ts';

const VERSION = `
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          required: [spec]
          properties:
            spec:
              type: object
              required: [size]
              properties:
                size: { type: integer, minimum: 1, maximum: 9 }
                mode: { type: string, enum: [fast, safe] }
                port: { anyOf: [{ type: integer }, { type: string }], x-kubernetes-int-or-string: true }
                note: { type: string, nullable: true, maxLength: 5, minLength: 2 }
                ratio: { type: number }
                on: { type: boolean, default: true }
                any: { x-kubernetes-preserve-unknown-fields: true }
                kept: { type: object, x-kubernetes-preserve-unknown-fields: true, properties: { known: { type: integer } } }
                empty: { type: object }
                pod: { type: object, x-kubernetes-embedded-resource: true }
                tags: { type: object, maxProperties: 2, additionalProperties: { type: string } }
                free: { type: object, additionalProperties: true }
                steps:
                  type: array
                  minItems: 1
                  maxItems: 3
                  x-kubernetes-list-type: map
                  x-kubernetes-list-map-keys: [name]
                  items: { type: object, required: [name], properties: { name: { type: string }, level: { type: integer, enum: [1, 2] } } }`;

function definition(versions = VERSION, extra = '', name = 'gates.example.net'): string {
  return `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: ${name} }
spec:
  group: example.net
  scope: Namespaced
  names: { kind: Gate, plural: gates }
  versions:${versions}
${extra}`;
}

function gate(spec: string, apiVersion = 'example.net/v1'): string {
  return `apiVersion: ${apiVersion}\nkind: Gate\nmetadata: { name: one, namespace: default }\nspec: ${spec}\n`;
}

function toldOfGate(spec: string): string[] {
  const findings = objectFindingsOf({ crd: { phase: 'system', objects: definition() }, gate: { objects: gate(spec) } });
  return findings.map(({ rule, line, column, message }) => `${rule} ${line}:${column} ${message}`);
}

describe('a custom resource', () => {
  it.each([
    '{ size: 3 }',
    '{ size: 9, mode: fast, port: 80, ratio: 0.5, on: false, any: [1, { a: b }], free: { a: [1] } }',
    '{ size: 1, port: http, note: null, on: null, any: null, kept: { known: 1, other: x }, pod: { kind: x }, tags: { a: b } }',
    '{ size: 2, steps: [{ name: a, level: 1 }, { name: b, level: 2 }], note: abcde, empty: {} }',
  ])('passes by the schema of its definition: %s', (spec) => {
    expect(toldOfGate(spec)).toEqual([]);
  });

  it.each([
    ['{}', 'missing-field 4:1 spec.size is missing.'],
    ['{ size: 3, sizes: 4 }', 'unknown-field 4:18 spec has no field sizes. Did you mean size?'],
    ['{ size: 0 }', 'invalid-value 4:9 spec.size is 0; at least 1 is needed.'],
    ['{ size: 10 }', 'invalid-value 4:9 spec.size is 10; at most 9 is allowed.'],
    ['{ size: "3" }', 'wrong-type 4:9 spec.size must be a whole number; it is the text "3". Remove the quotes.'],
    ['{ size: null }', 'wrong-type 4:9 spec.size must be a whole number; it is empty.'],
    ['{ size: 1, mode: fest }', 'unknown-value 4:18 spec.mode is "fest"; it must be one of fast, safe. Did you mean fast?'],
    ['{ size: 1, port: 1.5 }', 'wrong-type 4:18 spec.port must be a whole number or text; it is 1.5.'],
    ['{ size: 1, ratio: x }', 'wrong-type 4:18 spec.ratio must be a number; it is the text "x".'],
    ['{ size: 1, note: a }', 'invalid-value 4:18 spec.note has 1 characters; at least 2 is needed.'],
    ['{ size: 1, note: äöüäöü }', 'invalid-value 4:18 spec.note has 6 characters; at most 5 is allowed.'],
    ['{ size: 1, kept: { known: x } }', 'wrong-type 4:26 spec.kept.known must be a whole number; it is the text "x".'],
    ['{ size: 1, empty: { a: 1 } }', 'unknown-field 4:27 spec.empty has no field a.'],
    ['{ size: 1, tags: { a: b, c: d, e: f } }', 'invalid-value 4:18 spec.tags has 3 entries; at most 2 is allowed.'],
    ['{ size: 1, steps: [] }', 'invalid-value 4:18 spec.steps has 0 entries; at least 1 is needed.'],
    ['{ size: 1, steps: [{ name: a }, { name: a }] }', 'invalid-value 4:39 spec.steps[1] has the same name "a" as spec.steps[0].'],
    ['{ size: 1, steps: [{ level: 1 }] }', 'missing-field 4:26 spec.steps[0].name is missing.'],
    ['{ size: 1, steps: [{ name: a, level: 3 }] }', 'unknown-value 4:37 spec.steps[0].level is 3; it must be one of 1, 2.'],
  ])('is refused by the schema of its definition: %s', (spec, finding) => {
    expect(toldOfGate(spec)).toEqual([finding]);
  });

  it('has metadata as every object', () => {
    const findings = told(`${definition()}---\n${gate('{ size: 1 }').replace('name: one', 'name: one, label: {}')}`);

    expect(findings).toEqual([`unknown-field ${definition().split('\n').length + 3}:24 metadata has no field label. Did you mean labels?`]);
  });

  it('must be of a version that is served', () => {
    const versions = `${VERSION}${VERSION.replace('name: v1', 'name: v1beta1').replace('served: true', 'served: false').replace('storage: true', 'storage: false')}`;

    const findings = told(`${gate('{ size: 1 }', 'example.net/v1beta1')}---\n${definition(versions)}`);

    expect(findings).toEqual([
      'unknown-kind 2:1 Kubernetes 1.35 does not serve Gate of example.net/v1beta1. It serves Gate of example.net/v1.',
    ]);
  });

  it('of a deprecated version is a warning, in the words of the definition where it has some', () => {
    const versions = (extra: string): string => VERSION.replace('storage: true', `storage: true\n      deprecated: true${extra}`);

    expect(told(`${gate('{ size: 1 }')}---\n${definition(versions(''))}`)).toEqual([
      'warning deprecated-api 1:1 example.net/v1 Gate is deprecated.',
    ]);
    expect(told(`${gate('{ size: 1 }')}---\n${definition(versions('\n      deprecationWarning: Use doors'))}`)).toEqual([
      'warning deprecated-api 1:1 Use doors.',
    ]);
  });
});

describe('definitionOf', () => {
  const spec = { group: 'example.net', scope: 'Namespaced', names: { kind: 'Gate', plural: 'gates' }, versions: [] };
  const manifest = (more: object): Manifest =>
    Manifest.parse({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'gates.example.net' },
      spec,
      ...more,
    });

  it.each([
    ['another kind', { kind: 'Gate' }],
    ['an older version', { apiVersion: 'apiextensions.k8s.io/v1beta1' }],
    ['no specification', { spec: null }],
    ['no names', { spec: { ...spec, names: 'Gate' } }],
    ['no group', { spec: { ...spec, group: 1 } }],
    ['no kind', { spec: { ...spec, names: { kind: 1 } } }],
  ])('knows none of %s', (_what, more) => expect(definitionOf(manifest(more))).toBeUndefined());

  it('knows versions as far as they are some', () => {
    const version = { name: 'v1', served: true, schema: { openAPIV3Schema: { type: 'object' } } };
    const meta = { type: 'ref', ref: 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' };
    const whole = { type: 'object', properties: { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: meta } };
    const versions = [version, 'v2', { ...version, name: 3 }, { name: 'v4', served: 'yes', deprecated: 'yes', schema: 'any' }];

    expect(definitionOf(manifest({ spec: { ...spec, scope: 'Cluster', versions } }))).toEqual({
      name: 'gates.example.net',
      group: 'example.net',
      kind: 'Gate',
      namespaced: false,
      versions: [
        { name: 'v1', served: true, schema: whole },
        { name: 'v4', served: false, schema: { type: 'any' } },
      ],
    });
    expect(definitionOf(manifest({ spec: { ...spec, versions: 'v1' } }))).toMatchObject({ namespaced: true, versions: [] });
  });

  it('finds nothing to say of a name, or of versions, that its own schema tells', () => {
    expect(definitionProblems(manifest({}))).toEqual([]);
    expect(definitionProblems(manifest({ spec: { ...spec, names: { plural: 1 } } }))).toEqual([]);
    expect(definitionProblems(manifest({ spec: null }))).toEqual([]);
    expect(definitionProblems(manifest({ kind: 'Gate', spec: { ...spec, group: 'other' } }))).toEqual([]);
  });
});

describe('a definition', () => {
  it('passes as it should be, with the empty status that generators write', () => {
    expect(told(definition(VERSION, 'status: { acceptedNames: { kind: "", plural: "" }, conditions: [], storedVersions: [] }\n'))).toEqual(
      [],
    );
    expect(told(definition(VERSION, 'status: { conditions: [{}] }\n'))).toEqual([]);
  });

  it('is called by its plural name and group', () => {
    expect(told(definition(VERSION, '', 'gate.example.net'))).toEqual([
      'definition 3:13 The definition must be called gates.example.net: plural name, then group.',
    ]);
  });

  it('stores exactly one version', () => {
    expect(told(definition(VERSION.replace('storage: true', 'storage: false')))).toEqual([
      'definition 8:3 Exactly one version must have storage: true; none has.',
    ]);
    expect(told(definition(`${VERSION}${VERSION.replace('name: v1', 'name: v2')}`))).toEqual([
      'definition 8:3 Exactly one version must have storage: true; v1, v2 have.',
    ]);
  });

  it('has a schema of a whole object for each version', () => {
    expect(told(definition('\n    - { name: v1, served: true, storage: true }'))).toEqual([
      'definition 9:7 The version v1 has no schema.openAPIV3Schema.',
    ]);
    expect(told(definition('\n    - { name: v1, served: true, storage: true, schema: { openAPIV3Schema: {} } }'))).toEqual([
      'definition 9:58 The schema of a whole object must have type: object.',
    ]);
  });

  it('is of the kind that Kubernetes has', () => {
    expect(told(definition(VERSION.replace('storage: true', 'storage: true\n      shema: {}')))).toEqual([
      'unknown-field 12:7 spec.versions[0] has no field shema. Did you mean schema?',
    ]);
  });
});
