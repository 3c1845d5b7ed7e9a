import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutText } from '#domain/plan-text.ts';

const line = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('<details><summary>x</summary>', '</details>', '```diff', '```', '````', '+ 😀'.repeat(40)),
);

describe('cutText', () => {
  it('never goes past the limit, never splits a character, keeps a beginning of the text', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 60 }), fc.integer({ min: 200, max: 900 }), (lines, limit) => {
        const text = lines.join('\n');

        const cut = cutText(text, limit, 'there');

        expect(cut.length).toBeLessThanOrEqual(limit);
        expect(cut.isWellFormed()).toBe(text.isWellFormed() || cut.isWellFormed());
        if (text.length <= limit) expect(cut).toBe(text);
        else expect(cut).toMatch(/(\*\*Cut here: \d+ more lines\.\*\*|… \(cut: \d+ characters in all\)) The whole text: there\n?$/);
      }),
    );
  });
});
