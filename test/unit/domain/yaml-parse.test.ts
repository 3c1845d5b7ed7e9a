import { describe, expect, it } from 'vitest';
import { shorten } from '#domain/yaml-parse.ts';
import { parseYaml, placeOf, plainValue } from '#domain/yaml-source.ts';

function told(text: string): string[] {
  return parseYaml('x.yaml', text).findings.map(({ rule, line, column, message }) => `${rule} ${line}:${column} ${message}`);
}

function plain(text: string): unknown {
  const { value } = parseYaml('x.yaml', text);
  return value === undefined ? 'unread' : plainValue(value).value;
}

describe('parseYaml', () => {
  it('keeps the places of values', () => {
    const { value } = parseYaml('x.yaml', '---\na: 1\n---\nb:\n  - c: 2\n');

    expect(value && placeOf(value, ['b', 0, 'c'], 1)).toEqual({ line: 5, column: 5 });
    expect(value && placeOf(value, ['b', 0, 'none', 'deeper'], 1)).toEqual({ line: 5, column: 5 });
    expect(value && placeOf(value, ['a'], 0)).toEqual({ line: 2, column: 1 });
  });

  it('reads nothing as nothing', () => {
    expect(parseYaml('x.yaml', '').value?.documents).toEqual([]);
    expect(parseYaml('x.yaml', '# only a comment\n').value?.documents).toEqual([]);
  });

  it.each([
    ['a: [b', "yaml 1:6 The YAML can't be read: Flow sequence in block collection must be sufficiently indented and end with a ]"],
    ['a: 1\nb: 2\na: 3', "yaml 3:1 The YAML can't be read: The key a stands twice."],
    ["1: a\n'1': b", "yaml 2:1 The YAML can't be read: The key 1 stands twice."],
    ['a:\n  __proto__: 1', "yaml 2:3 The YAML can't be read: The key __proto__ is refused."],
    ['a:\n  "\\x5f_proto__": 1', "yaml 2:3 The YAML can't be read: The key __proto__ is refused."],
    ['? [a]\n: b', "yaml 1:3 The YAML can't be read: A key must be plain text."],
    ['a: &x b\n*x : c', "yaml 2:1 The YAML can't be read: A key can not be an alias."],
    ['a: !thing b', "yaml 1:4 The YAML can't be read: Unresolved tag: !thing"],
    ['a: b\n]', "yaml 2:1 The YAML can't be read: Unexpected flow-seq-end token in YAML stream"],
  ])('tells what can not be read: %s', (text, finding) => {
    expect(told(text)).toEqual([finding]);
  });

  it('tells at most fifty problems', () => {
    expect(told('- !x a\n'.repeat(60))).toHaveLength(50);
    expect(told('a: 1\n'.repeat(60))).toHaveLength(50);
    expect(told('""'.repeat(60))).toHaveLength(50);
  });

  it.each([
    ['bytes', `#${'x'.repeat(1024 * 1024)}`, 'too-large 1:1 The file has 1048577 bytes, more than 1048576. Split it.'],
    ['bytes of characters', '😀'.repeat(300_000), 'too-large 1:1 The file has 1200000 bytes, more than 1048576. Split it.'],
    ['values', '- a\n'.repeat(60_000), 'too-large 30000:4 The file holds too many values from here on. Split it.'],
    ['levels', '['.repeat(300), 'too-large 1:201 The values are nested deeper than 200 levels.'],
    ['documents', '---\n'.repeat(10_002), 'too-large 10002:4 The file has too many documents from here on. Split it.'],
  ])('does not read on beyond its bounds: %s', (_, text, finding) => {
    expect(told(text)).toEqual([finding]);
  });

  it('reads up to its bounds', () => {
    expect(told(`#${'x'.repeat(1024 * 1024 - 1)}`)).toEqual([]);
    expect(told('[]'.padStart(400, '[').padEnd(400, ']').replace(/^\[+/, '['.repeat(190)).replace(/\]+$/, ']'.repeat(190)))).toEqual([]);
    expect(told('- a\n'.repeat(29_000))).toEqual([]);
  });
});

describe('plainValue', () => {
  it('expands aliases, but not for ever', () => {
    expect(plain('a: &x [1]\nb: *x')).toEqual({ a: [1], b: [1] });
    expect(plain('a: &x [*x]')).toBeUndefined();
    expect(plain(`a: &x [1]\nb: [${'*x,'.repeat(60)}]`)).toBeUndefined();
    expect(plain(`a: &x [${'1,'.repeat(30_000)}]\nb: [${'*x,'.repeat(8)}]`)).toBeUndefined();
  });

  it('takes merge keys for what they are in YAML 1.2: keys', () => {
    expect(plain('a: &x { b: 1 }\nc: { <<: *x }')).toEqual({ a: { b: 1 }, c: { '<<': { b: 1 } } });
  });

  it('knows no keys of prototypes', () => {
    expect(Object.keys(Object(plain('constructor: 1\ntoString: 2')))).toEqual(['constructor', 'toString']);
  });
});

describe('shorten', () => {
  it('cuts what is too long, and no character in its middle', () => {
    expect([shorten('abc', 3), shorten('abcd', 3), shorten('ab😀', 3), shorten('a😀b', 3)]).toEqual(['abc', 'abc…', 'ab…', 'a😀…']);
  });
});
