import { describe, expect, it } from 'vitest';
import { fieldSchemaOf } from '#domain/kubernetes-schema.ts';

const text = { type: 'string' } as const;

describe('fieldSchemaOf', () => {
  it.each([
    ['a boolean', { type: 'boolean' }, { type: 'boolean' }],
    ['a text', { type: 'string', minLength: 1, maxLength: 3 }, { type: 'string', atLeast: 1, atMost: 3 }],
    ['bytes', { type: 'string', format: 'byte' }, { type: 'string', format: 'byte' }],
    ['a time', { type: 'string', format: 'date-time' }, { type: 'string', format: 'date-time' }],
    ['a format that is not looked at', { type: 'string', format: 'uuid' }, text],
    ['a closed list', { type: 'string', enum: ['a', 'b'] }, { type: 'string', enum: ['a', 'b'] }],
    ['an empty list of values', { type: 'string', enum: [] }, text],
    ['values that are none', { type: 'string', enum: ['a', null] }, text],
    ['a number', { type: 'number', minimum: 0, maximum: 0.5 }, { type: 'number', atLeast: 0, atMost: 0.5 }],
    ['bounds that are none', { type: 'number', minimum: '0', maximum: null }, { type: 'number' }],
    ['a whole number', { type: 'integer', enum: [1, 2] }, { type: 'integer', enum: [1, 2] }],
    ['32 bits', { type: 'integer', format: 'int32' }, { type: 'integer', atLeast: -2147483648, atMost: 2147483647 }],
    [
      '32 bits with a bound of its own',
      { type: 'integer', format: 'int32', minimum: 1 },
      { type: 'integer', atLeast: 1, atMost: 2147483647 },
    ],
    ['64 bits', { type: 'integer', format: 'int64' }, { type: 'integer' }],
    ['int-or-string of a CRD', { 'x-kubernetes-int-or-string': true, type: 'string' }, { type: 'int-or-string' }],
    ['int-or-string of Kubernetes', { type: 'string', format: 'int-or-string' }, { type: 'int-or-string' }],
    ['a default', { type: 'string', default: 'a' }, { type: 'string', default: 'a' }],
    ['a default of no truth', { type: 'boolean', default: false }, { type: 'boolean', default: false }],
    ['an empty default', { type: 'string', default: '' }, text],
    ['a default that is no scalar', { type: 'string', default: {} }, text],
    ['what may be null', { type: 'string', nullable: true }, { type: 'string', nullable: true }],
    ['what may not be null', { type: 'string', nullable: false }, text],
    [
      'a list',
      { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 2 },
      { type: 'list', items: text, atLeast: 1, atMost: 2 },
    ],
    ['a list of anything', { type: 'array' }, { type: 'list', items: { type: 'any' } }],
    ['a set', { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' }, { type: 'list', items: text, unique: 'set' }],
    [
      'a list with keys',
      { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['a', 1, 'b'] },
      { type: 'list', items: text, unique: ['a', 'b'] },
    ],
    [
      'keys of a list that is no map',
      { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-map-keys': ['a'] },
      { type: 'list', items: text },
    ],
    ['a map without keys', { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'map' }, { type: 'list', items: text }],
    [
      'a mapping of texts',
      { type: 'object', additionalProperties: { type: 'string' }, minProperties: 1, maxProperties: 2 },
      { type: 'map', values: text, atLeast: 1, atMost: 2 },
    ],
    [
      'a mapping of anything',
      { type: 'object', additionalProperties: true, maxProperties: 2 },
      { type: 'map', values: { type: 'any' }, atMost: 2 },
    ],
    ['a reference', { $ref: '#/components/schemas/io.k8s.Pod', type: 'object' }, { type: 'ref', ref: 'io.k8s.Pod' }],
    [
      'a reference with a default',
      { allOf: [{ $ref: '#/components/schemas/io.k8s.Pod' }], default: {} },
      { type: 'ref', ref: 'io.k8s.Pod' },
    ],
    ['several schemas at once', { allOf: [{ $ref: '#/a/b' }, { $ref: '#/a/c' }] }, { type: 'any' }],
    ['one schema that is no reference', { allOf: [{ type: 'string' }] }, { type: 'any' }],
    ['one schema that is none', { allOf: [null] }, { type: 'any' }],
    ['a reference that is none', { $ref: 1, type: 'string' }, text],
    ['no type', {}, { type: 'any' }],
    ['properties without a type', { properties: { a: { type: 'string' } } }, { type: 'object', properties: { a: text } }],
    ['a type that nobody knows', { type: 'file' }, { type: 'any' }],
    ['no schema', 'string', { type: 'any' }],
    ['nothing', null, { type: 'any' }],
    ['a list of schemas', [{ type: 'string' }], { type: 'any' }],
  ])('reads %s', (_what, raw, expected) => expect(fieldSchemaOf(raw, true)).toEqual(expected));

  it('reads what an object has and needs', () =>
    expect(fieldSchemaOf({ type: 'object', properties: { a: { type: 'string' } }, required: ['a', 1] }, false)).toEqual({
      type: 'object',
      properties: { a: text },
      required: ['a'],
    }));

  it.each([
    ['a custom resource takes none', {}, true, false],
    ['Kubernetes takes any', {}, false, true],
    ['Kubernetes takes none beside its own', { properties: { a: {} } }, false, false],
    ['it says that it keeps them', { 'x-kubernetes-preserve-unknown-fields': true }, true, true],
    ['it says that it does not', { 'x-kubernetes-preserve-unknown-fields': false }, true, false],
    ['a whole object may be in it', { properties: { a: {} }, 'x-kubernetes-embedded-resource': true }, true, true],
  ])('of other fields of an object: %s', (_what, more, closed, open) =>
    expect('open' in fieldSchemaOf({ type: 'object', ...more }, closed)).toBe(open),
  );

  it('hands on whether objects are closed', () => {
    const schema = fieldSchemaOf({ type: 'array', items: { type: 'object', additionalProperties: { type: 'object' } } }, false);

    expect(schema).toEqual({ type: 'list', items: { type: 'map', values: { type: 'object', properties: {}, open: true } } });
  });

  it('goes 64 deep and no deeper, whatever the nesting is made of', () => {
    const steps = [
      (inner: unknown) => ({ type: 'array', items: inner }),
      (inner: unknown) => ({ type: 'object', additionalProperties: inner }),
      (inner: unknown) => ({ type: 'object', properties: { a: inner } }),
    ];
    for (const step of steps) {
      const nested = (depth: number): string => {
        let raw: unknown = { type: 'string' };
        for (let index = 0; index < depth; index += 1) raw = step(raw);
        return JSON.stringify(fieldSchemaOf(raw, true));
      };

      expect(nested(64)).toContain('"string"');
      expect(nested(65)).not.toContain('"string"');
    }
  });
});
