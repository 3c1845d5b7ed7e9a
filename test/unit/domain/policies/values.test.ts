import { describe, expect, it } from 'vitest';
import { entriesAt, isMapping, listAt, listOf, numberAt, quantity, textAt, valueAt } from '#domain/policies/values.ts';

describe('values of parsed YAML', () => {
  it.each([
    [{}, true],
    [[], false],
    [null, false],
    ['a', false],
    [undefined, false],
  ])('%j is a mapping: %s', (value, expected) => expect(isMapping(value)).toBe(expected));

  it('are found by their path, inherited ones never', () => {
    const value = { a: [{ b: 1 }], c: null };

    expect([valueAt(value, ['a', 0, 'b']), valueAt(value, []), valueAt(value, ['c'])]).toEqual([1, value, null]);
    expect([valueAt(value, ['c', 'd']), valueAt(value, ['a', 1]), valueAt('text', ['length']), valueAt(value, ['toString'])]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('are lists and entries, or none', () => {
    expect([listAt({ a: [1] }, ['a']), listAt({ a: { 0: 1 } }, ['a']), listAt({}, ['a'])]).toEqual([[1], [], []]);
    expect([entriesAt({ a: { b: 1 } }, ['a']), entriesAt({ a: [1] }, ['a']), entriesAt({}, ['a'])]).toEqual([[['b', 1]], [], []]);
    expect([listOf(undefined), listOf(null), listOf('a'), listOf(['a'])]).toEqual([[], [null], ['a'], ['a']]);
  });

  it.each([
    ['a', 'a', undefined],
    [1, '1', 1],
    ['12', '12', 12],
    ['-3', '-3', -3],
    [1.5, '1.5', undefined],
    ['1a', '1a', undefined],
    ['a1', 'a1', undefined],
    ['30%', '30%', undefined],
    [true, undefined, undefined],
    [null, undefined, undefined],
    [[1], undefined, undefined],
  ])('%j is the text %j and the number %j', (value, text, number) => {
    expect(textAt({ a: value }, ['a'])).toBe(text);
    expect(numberAt({ a: value }, ['a'])).toBe(number);
  });
});

describe('quantity', () => {
  it.each([
    ['1', 1],
    ['1.5', 1.5],
    ['12.25', 12.25],
    ['250m', 0.25],
    ['2k', 2e3],
    ['2M', 2e6],
    ['2G', 2e9],
    ['2T', 2e12],
    ['2Ki', 2048],
    ['2Mi', 2 * 2 ** 20],
    ['2Gi', 2 * 2 ** 30],
    ['2Ti', 2 * 2 ** 40],
    ['2Xi', undefined],
    ['2MiB', undefined],
    ['a2', undefined],
    ['2 ', undefined],
    ['1.', undefined],
    ['.5', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('of %j is %j', (text, number) => expect(quantity(text)).toBe(number));
});
