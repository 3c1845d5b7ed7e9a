import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { didYouMean, suggest } from '#domain/suggest.ts';

describe('suggest', () => {
  it('finds a word with one letter wrong', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{5,12}$/), fc.nat(), fc.stringMatching(/^[a-z]$/), (word, at, letter) => {
        const index = at % word.length;
        const wrong = word.slice(0, index) + letter + word.slice(index + 1);

        expect(suggest(wrong, ['1234567890123456', word])).toBe(word);
      }),
    );
  });

  it('is silent when nothing is near', () => {
    expect(didYouMean('kubernetes', ['etcd', 'osImage'])).toBe('');
    expect(didYouMean('x', [])).toBe('');
  });
});
