import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { identityOf, identityText, isRotated, ROTATED_KINDS, rotationProblem } from '#domain/rotation.ts';
import { decideMove } from '#domain/version-move.ts';
import { type KeyGenerations, Versions } from '#model/configuration.ts';

const state = (trusted: number[], issues: number): KeyGenerations => ({ trusted, issues });
const [ONE, BOTH_OLD, BOTH_NEW, TWO] = [state([1], 1), state([1, 2], 1), state([1, 2], 2), state([2], 2)];

describe('a rotation', () => {
  it.each([
    ['nothing', ONE, ONE],
    ['trust both', ONE, BOTH_OLD],
    ['issue the new one', BOTH_OLD, BOTH_NEW],
    ['drop the old one', BOTH_NEW, TWO],
    ['give up before the new one is issued', BOTH_OLD, ONE],
    ['go back while both are trusted', BOTH_NEW, BOTH_OLD],
    ['the next rotation', TWO, state([2, 3], 2)],
  ])('may %s', (_, from, to) => {
    expect(rotationProblem('clusterCa', from, to)).toBeUndefined();
  });

  it.each([
    ['issue what nobody trusts yet', ONE, BOTH_NEW],
    ['go at once', ONE, TWO],
    ['drop what is issued', BOTH_OLD, TWO],
    ['bring back what was dropped', TWO, BOTH_NEW],
    ['bring back what was dropped, issued', TWO, ONE],
    ['leave out a number', ONE, state([1, 3], 1)],
  ])('may not %s', (_, from, to) => {
    expect(rotationProblem('clusterCa', from, to)).toContain('cluster authority');
  });

  it('never lets two states side by side of which one does not trust what the other issues', () => {
    const states = fc
      .tuple(fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 2 }), fc.boolean())
      .map(([trusted, last]) => state(trusted, trusted.at(last ? -1 : 0) ?? 1));
    fc.assert(
      fc.property(states, states, (from, to) => {
        if (rotationProblem('encryption', from, to) !== undefined) return;
        expect(to.trusted).toContain(from.issues);
        expect(from.trusted).toContain(to.issues);
      }),
    );
  });

  it('is asked by can-move for each kind', () => {
    const versions = (identity: object) => ({
      versions: Versions.parse({ kubernetes: '1.36.3', etcd: '3.6.16', osImage: 'x', identity }),
      definitions: [],
    });

    for (const kind of ROTATED_KINDS) {
      expect(decideMove(versions({}), versions({ [kind]: BOTH_OLD }))).toEqual([]);
      expect(decideMove(versions({}), versions({ [kind]: TWO })).map(({ about }) => about)).toEqual(['identity']);
      expect(decideMove(versions({ [kind]: BOTH_NEW }), versions({}))).not.toEqual([]);
    }
  });

  it('is told in user data, so that instances are replaced', () => {
    const rotating = { identity: { clusterCa: BOTH_OLD } };

    expect(identityText({}, ['clusterCa'])).toBe('clusterCa:1:1');
    expect(identityText(rotating, ['clusterCa'])).toBe('clusterCa:1+2:1');
    expect(isRotated({}, rotating)).toBe(true);
    expect(isRotated({}, { identity: { clusterCa: ONE } })).toBe(false);
    expect(identityOf(rotating).encryption).toEqual(ONE);
  });
});

describe('identity in versions.yaml', () => {
  it.each([
    ['nothing trusted', { trusted: [], issues: 1 }],
    ['three at once', { trusted: [1, 2, 3], issues: 1 }],
    ['one twice', { trusted: [1, 1], issues: 1 }],
    ['an issuer that is not trusted', { trusted: [1], issues: 2 }],
    ['generation 0', { trusted: [0], issues: 0 }],
  ])('refuses %s', (_, clusterCa) => {
    expect(Versions.safeParse({ kubernetes: '1.36.3', etcd: '3.6.16', osImage: 'x', identity: { clusterCa } }).success).toBe(false);
  });
});
