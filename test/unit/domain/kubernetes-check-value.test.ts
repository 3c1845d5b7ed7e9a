import { describe, expect, it } from 'vitest';
import { checkValue } from '#domain/kubernetes-check.ts';
import type { FieldSchema } from '#model/kubernetes-schema.ts';

type Types = Readonly<Record<string, FieldSchema>>;

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const text: FieldSchema = { type: 'string' };
const object = (properties: Types, more: object = {}): FieldSchema => ({ type: 'object', properties, ...more });

/** `rule path: message` of each problem. */
function told(
  value: unknown,
  schema: FieldSchema,
  { types = {}, nullIsAbsent = false }: { types?: Types; nullIsAbsent?: boolean } = {},
): string[] {
  return checkValue(value, schema, types, { root: 'Thing', nullIsAbsent }).map(
    ({ path, message, at }) => `${at('a.yaml', { line: 1, column: 1 }, 'failure').rule} ${path.map(String).join('.')}: ${message}`,
  );
}

describe('the type of a value', () => {
  it.each<[FieldSchema, readonly unknown[], readonly unknown[]]>([
    [{ type: 'string' }, ['', 'a'], [1, true, [], {}]],
    [{ type: 'boolean' }, [true, false], ['true', 0]],
    [{ type: 'integer' }, [0, -1, 2 ** 40], [0.5, Number.NaN, '1', true]],
    [{ type: 'number' }, [0, 0.5], [Number.POSITIVE_INFINITY, Number.NaN, '1']],
    [{ type: 'int-or-string' }, ['a', '', 0, 2 ** 31 - 1, 1 - 2 ** 31], [2 ** 31, -(2 ** 31), 0.5, true]],
    [{ type: 'quantity' }, ['1', 1, 0.5], [true, Number.POSITIVE_INFINITY]],
    [{ type: 'any' }, [1, 'a', [], {}, null], []],
    [{ type: 'list', items: text }, [[], ['a']], [{}, 'a', 1]],
    [{ type: 'map', values: text }, [{}, { a: 'b' }], [[], 'a']],
    [object({}), [{}], [[], 'a']],
    [{ type: 'ref', ref: 'Missing' }, [1, 'a', {}, []], []],
  ])('%j', (schema, right, wrong) => {
    for (const value of right) expect(told(value, schema)).toEqual([]);
    for (const value of wrong) expect(told(value, schema)).toEqual([expect.stringMatching(/^wrong-type : Thing must be /)]);
  });

  it.each<[FieldSchema, unknown, string]>([
    [text, 1, 'text; it is 1. Put it in quotes.'],
    [text, true, 'text; it is true. Put it in quotes.'],
    [text, [1], 'text; it is a list.'],
    [text, {}, 'text; it is a mapping.'],
    [{ type: 'integer' }, '12', 'a whole number; it is the text "12". Remove the quotes.'],
    [{ type: 'integer' }, '-07', 'a whole number; it is the text "-07". Remove the quotes.'],
    [{ type: 'integer' }, '0', 'a whole number; it is the text "0". Remove the quotes.'],
    [{ type: 'integer' }, '1.5', 'a whole number; it is the text "1.5".'],
    [{ type: 'integer' }, 'true', 'a whole number; it is the text "true".'],
    [{ type: 'integer' }, 'a1', 'a whole number; it is the text "a1".'],
    [{ type: 'integer' }, '1a', 'a whole number; it is the text "1a".'],
    [{ type: 'integer' }, true, 'a whole number; it is true.'],
    [{ type: 'number' }, '1.25', 'a number; it is the text "1.25". Remove the quotes.'],
    [{ type: 'boolean' }, 'false', 'true or false; it is the text "false". Remove the quotes.'],
    [{ type: 'boolean' }, '1', 'true or false; it is the text "1".'],
    [{ type: 'list', items: text }, '1', 'a list; it is the text "1".'],
    [object({}), '1', 'a mapping; it is the text "1".'],
    [{ type: 'map', values: text }, 1, 'a mapping; it is 1.'],
    [{ type: 'int-or-string' }, 1.5, 'a whole number or text; it is 1.5.'],
    [{ type: 'quantity' }, true, 'a quantity; it is true.'],
  ])('is told with what it is: %j', (schema, value, message) =>
    expect(told(value, schema)).toEqual([`wrong-type : Thing must be ${message}`]),
  );
});

describe('null', () => {
  const schema = object({ a: text, b: { type: 'ref', ref: 'B' }, c: { type: 'ref', ref: 'C' } });
  const types: Types = { B: { type: 'any' }, C: object({}) };

  it('is an absent field of Kubernetes’ own kinds', () =>
    expect(told({ a: null, b: null, c: null, d: null }, schema, { types, nullIsAbsent: true })).toEqual([
      'unknown-field d: Thing has no field d. Did you mean a?',
    ]));

  it('is a value of custom resources, where it may be', () => {
    expect(told({ a: null, b: null, c: null }, schema, { types })).toEqual([
      'wrong-type a: a must be text; it is empty.',
      'wrong-type c: c must be a mapping; it is empty.',
    ]);
    expect(told({ a: null }, object({ a: { type: 'string', nullable: true } }))).toEqual([]);
    expect(told({ a: null }, object({ a: { type: 'string', default: 'x' } }))).toEqual([]);
    expect(told(null, { type: 'ref', ref: 'Missing' })).toEqual(['wrong-type : Thing must be a mapping; it is empty.']);
  });

  it('is what a required field may not be', () => {
    const required = object({ a: text }, { required: ['a'] });

    expect(told({ a: null }, required, { nullIsAbsent: true })).toEqual(['missing-field : a is missing.']);
    expect(told({ a: null }, required)).toEqual(['wrong-type a: a must be text; it is empty.']);
    expect(told({}, object({ in: required }, { required: ['in'] }))).toEqual(['missing-field : in is missing.']);
    expect(told({ in: {} }, object({ in: required }))).toEqual(['missing-field in: in.a is missing.']);
  });

  it('and nothing at all are no problem by themselves', () => expect(told(undefined, text)).toEqual([]));
});

describe('fields', () => {
  const many = (count: number): FieldSchema => object(Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, text])));

  it('that are unknown are told with a suggestion, or with those few that there are', () => {
    expect(told({ other: 1 }, many(0))).toEqual(['unknown-field other: Thing has no field other.']);
    expect(told({ other: 1 }, many(1))).toEqual(['unknown-field other: Thing has no field other. It has f0.']);
    expect(told({ other: 1 }, many(8))).toEqual(['unknown-field other: Thing has no field other. It has f0, f1, f2, f3, f4, f5, f6, f7.']);
    expect(told({ other: 1 }, many(9))).toEqual(['unknown-field other: Thing has no field other.']);
    expect(told({ f: 1 }, many(9))).toEqual(['unknown-field f: Thing has no field f. Did you mean f0?']);
  });

  it('are not inherited', () => {
    expect(told({ toString: 1 }, many(0))).toEqual(['unknown-field toString: Thing has no field toString.']);
    expect(told({}, object({}, { required: ['toString'] }))).toEqual(['missing-field : toString is missing.']);
    expect(told({}, { type: 'ref', ref: 'toString' })).toEqual([]);
  });

  it('may be any where the object is open', () => expect(told({ a: 'x', b: 1 }, object({ a: text }, { open: true }))).toEqual([]));

  it('are told by their path, from where the value stands', () => {
    const problems = checkValue(
      [{ a: 1 }],
      { type: 'list', items: object({ a: text }) },
      {},
      { root: 'Thing', nullIsAbsent: true, path: ['spec', 'x'] },
    );

    expect(problems.map(({ path, message }) => [path, message])).toEqual([
      [['spec', 'x', 0, 'a'], 'spec.x[0].a must be text; it is 1. Put it in quotes.'],
    ]);
  });

  it('of values of a mapping are told by its keys', () =>
    expect(told({ a: { b: 1 } }, { type: 'map', values: object({ b: text }) })).toEqual([
      'wrong-type a.b: a.b must be text; it is 1. Put it in quotes.',
    ]));

  it('are looked at 200 types deep', () => {
    const types: Types = { Node: object({ next: { type: 'ref', ref: 'Node' }, leaf: text }) };
    const nested = (depth: number): unknown => (depth === 0 ? { leaf: 1 } : { next: nested(depth - 1) });

    expect(told(nested(99), { type: 'ref', ref: 'Node' }, { types })).toHaveLength(1);
    expect(told(nested(100), { type: 'ref', ref: 'Node' }, { types })).toEqual([]);
  });
});

describe('bounds', () => {
  it.each<[string, FieldSchema, unknown, string | undefined]>([
    ['a number', { type: 'number', atLeast: 1, atMost: 2 }, 1, undefined],
    ['a number', { type: 'number', atLeast: 1, atMost: 2 }, 2, undefined],
    ['a number', { type: 'number', atLeast: 1, atMost: 2 }, 0.9, 'is 0.9; at least 1 is needed.'],
    ['a whole number', { type: 'integer', atLeast: 1, atMost: 2 }, 3, 'is 3; at most 2 is allowed.'],
    ['a text', { type: 'string', atLeast: 2 }, 'a', 'has 1 characters; at least 2 is needed.'],
    ['a text', { type: 'string', atMost: 1 }, 'ab', 'has 2 characters; at most 1 is allowed.'],
    ['characters of two units', { type: 'string', atLeast: 2, atMost: 2 }, '😀😀', undefined],
    ['a list', { type: 'list', items: text, atLeast: 1 }, [], 'has 0 entries; at least 1 is needed.'],
    ['a list', { type: 'list', items: text, atMost: 1 }, ['a', 'b'], 'has 2 entries; at most 1 is allowed.'],
    ['a mapping', { type: 'map', values: text, atLeast: 1 }, {}, 'has 0 entries; at least 1 is needed.'],
    ['a mapping', { type: 'map', values: text, atMost: 1 }, { a: 'a', b: 'b' }, 'has 2 entries; at most 1 is allowed.'],
  ])('of %s: %j %j', (_what, schema, value, message) =>
    expect(told(value, schema)).toEqual(message === undefined ? [] : [`invalid-value : Thing ${message}`]),
  );

  it('are those of closed lists', () => {
    expect(told('', { type: 'string', enum: ['', 'a'] })).toEqual([]);
    expect(told('ab', { type: 'string', enum: ['', 'abc'] })).toEqual([
      'unknown-value : Thing is "ab"; it must be one of "", abc. Did you mean abc?',
    ]);
    expect(told(3, { type: 'integer', enum: [1, 2] })).toEqual(['unknown-value : Thing is 3; it must be one of 1, 2.']);
    expect(told('1', { type: 'string', enum: [1] })).toHaveLength(1);
  });

  it('are told fifty times', () => {
    const list = (count: number) =>
      told(
        Array.from({ length: count }, () => 1),
        { type: 'list', items: text },
      );

    expect([list(49).length, list(50).length, list(51).length]).toEqual([49, 50, 50]);
  });
});

describe('formats', () => {
  it.each([
    ['', true],
    ['YQ==', true],
    ['YWI=', true],
    ['YW\nJj\r\n', true],
    ['YWJj+/09', true],
    ['YQ=', false],
    ['YQ', false],
    ['====', false],
    ['Y===', false],
    ['YQ==YQ==', false],
    [' YQ==', false],
    ['YQ=!', false],
  ])('%j is Base64: %s', (value, right) =>
    expect(told(value, { type: 'string', format: 'byte' })).toEqual(right ? [] : ['invalid-value : Thing must be Base64.']),
  );

  it.each([
    ['2026-01-31T08:00:00Z', true],
    ['2026-01-31T08:00:00.123456Z', true],
    ['2026-01-31T08:00:00+05:30', true],
    ['2026-01-31T08:00:00-05:30', true],
    ['2026-01-31', false],
    ['2026-01-31T08:00:00', false],
    ['x2026-01-31T08:00:00Z', false],
    ['2026-01-31T08:00:00Zx', false],
    ['2026-01-31T08:00:00.Z', false],
    ['26-01-31T08:00:00Z', false],
    ['2026-01-31T08:00:00+5:30', false],
  ])('%j is a time: %s', (value, right) =>
    expect(told(value, { type: 'string', format: 'date-time' })).toEqual(
      right ? [] : [`invalid-value : Thing is "${value}"; it must be a time, for example 2026-01-31T08:00:00Z.`],
    ),
  );

  it.each([
    ['1', true],
    ['1.', true],
    ['.5', true],
    ['-1.5Gi', true],
    ['1e3', true],
    ['1E-3', true],
    ['12m', true],
    ['.', false],
    ['1e', false],
    ['1ei', false],
    ['x1', false],
    ['1mm', false],
    ['1.5.5', false],
    ['--1', false],
  ])('%j is a quantity: %s', (value, right) =>
    expect(told(value, { type: 'quantity' })).toEqual(
      right ? [] : [`invalid-value : Thing is "${value}"; it must be a quantity, for example 500m, 2 or 1.5Gi.`],
    ),
  );

  it('of no other type are looked at', () => expect(told(12, { type: 'quantity' })).toEqual([]));
});

describe('lists without equal entries', () => {
  const port = object({ number: { type: 'integer' }, protocol: { type: 'string', default: 'TCP' }, host: text }, { required: ['number'] });
  const ports: FieldSchema = { type: 'list', items: port, unique: ['number', 'protocol', 'host'] };

  it('take for equal what has the same keys, defaults put in, absent ones left out', () => {
    expect(told([{ number: 1 }, { number: 1, protocol: 'UDP' }, { number: 2 }, { number: 1, host: 'a' }], ports)).toEqual([]);
    expect(told([{ number: 1 }, { number: 2 }, { number: 1, protocol: 'TCP' }], ports)).toEqual([
      'invalid-value 2: Thing[2] has the same number 1 and protocol "TCP" as Thing[0].',
    ]);
    expect(
      told(
        [
          { number: 1, host: 'a' },
          { number: 1, host: 'a' },
          { number: 1, host: 'a' },
        ],
        ports,
      ),
    ).toEqual([
      'invalid-value 1: Thing[1] has the same number 1 and protocol "TCP" and host "a" as Thing[0].',
      'invalid-value 2: Thing[2] has the same number 1 and protocol "TCP" and host "a" as Thing[0].',
    ]);
  });

  it('say nothing more where a key is missing, or an entry is none', () => {
    expect(told([{}, {}], ports)).toEqual(['missing-field 0: [0].number is missing.', 'missing-field 1: [1].number is missing.']);
    expect(told([1, 1], ports)).toHaveLength(2);
  });

  it('know the keys of a named type', () => {
    const named: FieldSchema = { ...ports, items: { type: 'ref', ref: 'Port' } };

    expect(told([{ number: 1 }, { number: 1, protocol: 'TCP' }], named, { types: { Port: port } })).toHaveLength(1);
    expect(told([{ number: 1 }, { number: 1, protocol: 'TCP' }], named)).toEqual([]);
  });

  it('may be sets of anything', () => {
    const set: FieldSchema = { type: 'list', items: { type: 'any' }, unique: 'set' };

    expect(told([1, '1', [1], { a: 1 }], set)).toEqual([]);
    expect(told([{ a: 1 }, { a: 1 }], set)).toEqual(['invalid-value 1: Thing[1] has the same value {"a":1} as Thing[0].']);
    expect(told([[1], [1]], set)).toEqual(['invalid-value 1: Thing[1] has the same value [1] as Thing[0].']);
  });
});

describe('labels', () => {
  const types: Types = {
    [META]: object({ labels: { type: 'any' }, annotations: { type: 'any' } }),
    Other: object({ labels: { type: 'any' } }),
  };
  const schema = object({ metadata: { type: 'ref', ref: META }, other: { type: 'ref', ref: 'Other' } });

  it('are looked at in metadata, and nowhere else', () => {
    const labels = { '-a': 'b' };

    expect(told({ metadata: { labels, annotations: labels } }, schema, { types })).toEqual([
      expect.stringMatching(/^invalid-value metadata\.labels\.-a: metadata\.labels can't have a label -a: /),
      expect.stringMatching(/^invalid-value metadata\.annotations\.-a: metadata\.annotations can't have an annotation -a: /),
    ]);
    expect(told({ other: { labels } }, schema, { types })).toEqual([]);
    expect(told({ metadata: { labels: ['-a'] } }, schema, { types })).toEqual([]);
    expect(told({ metadata: 'none' }, schema, { types })).toHaveLength(1);
  });
});
