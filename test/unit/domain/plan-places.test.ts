import { describe, expect, it } from 'vitest';
import { firstDifference, lineOfDifference, placeOfDifference } from '#domain/plan-places.ts';
import { parseYaml, type YamlSource } from '#domain/yaml-source.ts';

function source(text: string): YamlSource {
  const { value } = parseYaml('a.yaml', text);
  if (value === undefined) throw new Error('not valid');
  return value;
}

describe('firstDifference', () => {
  it.each([
    ['equal values', { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, undefined],
    ['keys in another order', { a: 1, b: 2 }, { b: 2, a: 1 }, undefined],
    ['nothing and null', undefined, null, undefined],
    ['scalars', 1, 2, { path: [], line: 0 }],
    ['texts of several lines', 'a\nb\nc', 'a\nx\nc', { path: [], line: 1 }],
    ['a text and what is none', 'a\nb', 1, { path: [], line: 0 }],
    ['what is no text and one', 1, 'a\nb', { path: [], line: 0 }],
    ['an entry of a list', [1, 2, 3], [1, 5, 6], { path: [1], line: 0 }],
    ['an entry more', [1], [1, 2], { path: [1], line: 0 }],
    ['an entry less', [1, 2], [1], { path: [1], line: 0 }],
    ['a key, by the order of the new value', { a: 1, b: 2 }, { b: 3, a: 4 }, { path: ['b'], line: 0 }],
    ['a new key', { a: 1 }, { a: 1, b: 2 }, { path: ['b'], line: 0 }],
    ['a key that is gone', { a: 1, b: 2 }, { a: 1 }, { path: ['b'], line: 0 }],
    ['a line deep within', { a: [{ b: 'x\ny' }] }, { a: [{ b: 'x\nz' }] }, { path: ['a', 0, 'b'], line: 1 }],
    ['a list and a mapping', [1], { a: 1 }, { path: [], line: 0 }],
    ['a mapping and a list', { a: 1 }, [1], { path: [], line: 0 }],
    ['a mapping and nothing', { a: 1 }, null, { path: [], line: 0 }],
  ])('of %s', (_what, before, after, expected) => expect(firstDifference(before, after)).toEqual(expected));
});

describe('lineOfDifference', () => {
  it.each([
    ['a\nb', 'a\nb', 2],
    ['a\nb', 'x\nb', 1],
    ['a\nb', 'a\nx', 2],
    ['a\nb', 'a\nb\nc', 3],
    ['a\nb\nc', 'a\nb', 2],
  ])('from %j to %j', (before, after, line) => expect(lineOfDifference(before, after)).toBe(line));
});

describe('placeOfDifference', () => {
  const text = source(`a: 1
literal: |
  one
  two
folded: >-
  one
  two
list:
  - plain
  - |
    x
    y
quoted: "one
  two"
---
a: 1
2: |
  deep
`);

  it.each([
    [['a'], 0, 1],
    [['literal'], 0, 3],
    [['literal'], 1, 4],
    [['folded'], 1, 7],
    [['list', 0], 0, 9],
    [['list', 1], 1, 12],
    [['quoted'], 1, 13],
    [['missing'], 5, 1],
    [['a', 'b'], 0, 1],
    [[], 0, 1],
  ])('of %j line %d is %d', (path, line, expected) => expect(placeOfDifference(text, 0, { path, line })).toBe(expected));

  it('is in its own document, whose keys need not be texts', () => {
    expect(placeOfDifference(text, 1, { path: ['2'], line: 0 })).toBe(18);
    expect(placeOfDifference(text, 1, { path: ['a'], line: 0 })).toBe(16);
  });

  it('is the first line where there is no such document', () => expect(placeOfDifference(text, 7, { path: ['a'], line: 0 })).toBe(1));
});
