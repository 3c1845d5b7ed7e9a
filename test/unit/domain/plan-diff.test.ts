import { describe, expect, it } from 'vitest';
import { diffOf, textOf } from '#domain/plan-diff.ts';
import { masked } from '#domain/plan-items.ts';

const secret = (change: object): object => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' }, ...change });

describe('diffOf', () => {
  it('tells what differs in meaning, with three lines around', () => {
    const before = { b: 1, a: { z: 1, y: 2 }, c: [1, 2], d: 4, e: 5, f: 6, g: 7 };

    expect(diffOf(before, { ...before, a: { y: 2, z: 1 }, f: 60 })).toBe('   - 2\n d: 4\n e: 5\n-f: 6\n+f: 60\n g: 7');
  });

  it('parts what lies far from each other', () => {
    const before = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`key${String(index).padStart(2, '0')}`, index]));

    const diff = diffOf(before, { ...before, key01: 'x', key18: 'y' });

    expect(diff.split('\n').filter((line) => !line.startsWith(' '))).toEqual([
      '-key01: 1',
      '+key01: x',
      '@@ -16,5 +16,5 @@',
      '-key18: 18',
      '+key18: y',
    ]);
  });

  it('tells a thing that comes or goes line by line', () => {
    expect(diffOf(undefined, { a: 1, b: 2 })).toBe('+a: 1\n+b: 2');
    expect(diffOf({ a: 1 }, undefined)).toBe('-a: 1');
    expect(diffOf('', 'text')).toBe('+text');
    expect(diffOf(null, undefined)).toBe('');
  });

  it('tells two texts that have nothing in common one after the other', () => {
    const lines = (word: string): string => Array.from({ length: 4000 }, (_, index) => `${word} ${index}`).join('\n');

    const diff = diffOf(lines('one'), lines('two')).split('\n');

    expect([diff.length, diff[0], diff[3999], diff[4000], diff[7999]]).toEqual([8000, '-one 0', '-one 3999', '+two 0', '+two 3999']);
  });

  it('shows no value of a Secret, whichever side it is on', () => {
    const data = { a: 'b25l' };

    expect(diffOf(secret({ data }), secret({ data: { a: 'dHdv' } }))).toContain('-  a: (masked)\n+  a: (masked, another value)');
    for (const diff of [
      diffOf(undefined, secret({ data })),
      diffOf(secret({ data }), undefined),
      diffOf(secret({ data }), { kind: 'ConfigMap' }),
    ])
      expect(diff).not.toContain('b25l');
  });
});

describe('textOf', () => {
  it('is nothing for nothing, and a text as it is', () => {
    expect([textOf(undefined), textOf(null), textOf('a: b'), textOf({ b: 1, a: 2 })]).toEqual(['', '', 'a: b', 'a: 2\nb: 1\n']);
  });

  it('writes equal parts out, and long lines whole', () => {
    const part = { long: 'word '.repeat(60).trim() };

    expect(textOf({ a: part, b: part })).toBe(`a:\n  long: ${part.long}\nb:\n  long: ${part.long}\n`);
  });
});

describe('masked', () => {
  const KEY = 'kubectl.kubernetes.io/last-applied-configuration';

  it('hides values, texts and the copy that kubectl keeps', () => {
    const metadata = { name: 'x', annotations: { [KEY]: '{"data":{"a":"b25l"}}', other: 'stays' } };
    const [before, after] = masked(secret({ data: { a: 'b25l' }, metadata }), secret({ stringData: { a: 'one' } }));

    expect(before).toEqual(
      secret({ data: { a: '(masked)' }, metadata: { name: 'x', annotations: { [KEY]: '(masked)', other: 'stays' } } }),
    );
    expect(after).toEqual(secret({ stringData: { a: '(masked)' } }));
  });

  it('shows the name of a secret that is put in later, and only that', () => {
    const [, after] = masked(
      undefined,
      secret({ stringData: { a: '${SECRET:database}', b: 'x${SECRET:database}', c: '${SECRET:database}x', d: '${OTHER}' } }),
    );

    expect(after).toMatchObject({ stringData: { a: '${SECRET:database}', b: '(masked)', c: '(masked)', d: '(masked)' } });
  });

  it('hides whole what is no mapping', () => {
    expect(masked(secret({ data: 'b25l', stringData: ['one'] }), undefined)[0]).toEqual(
      secret({ data: '(masked)', stringData: '(masked)' }),
    );
    expect(masked(secret({ data: 'b25l' }), secret({ data: { a: 'b25l' } }))[1]).toEqual(secret({ data: { a: '(masked)' } }));
  });

  it('tells a value that changed from one that is new', () => {
    const [, after] = masked(secret({ data: { a: '1', b: '2' } }), secret({ data: { a: '1', b: '3', c: '4' } }));

    expect(after).toMatchObject({ data: { a: '(masked)', b: '(masked, another value)', c: '(masked)' } });
  });

  it('compares with nothing that is no Secret', () => {
    expect(masked({ kind: 'ConfigMap', data: { a: '1' } }, secret({ data: { a: '2' } }))[1]).toMatchObject({ data: { a: '(masked)' } });
  });

  it('leaves what is no Secret of Kubernetes alone', () => {
    for (const value of [{ kind: 'ConfigMap', data: { a: 'one' } }, { kind: 'Secret' }, 'Secret', null, ['Secret']])
      expect(masked(value, undefined)[0]).toBe(value);
  });
});
