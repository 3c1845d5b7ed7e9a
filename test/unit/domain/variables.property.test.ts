import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { substitute } from '#domain/variables.ts';

const name = fc.stringMatching(/^[A-Z][A-Z_]{0,8}$/);

describe('substitute', () => {
  it('leaves every text alone whose openings are escaped', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const escaped = text.replace(/\$+\{/g, (opening) => `$${opening.slice(-2)}`);

        expect(substitute(escaped, {})).toBe(escaped.replaceAll('$${', '${'));
      }),
    );
  });

  it('puts each value in where its variable stands', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.stringMatching(/^[^${}]*$/), name, fc.string())), (parts) => {
        const variables = Object.fromEntries(parts.map(([, key, value]) => [key, value]));
        const text = parts.map(([before, key]) => `${before}\${${key}}`).join('');

        expect(substitute(text, variables)).toBe(parts.map(([before, key]) => `${before}${variables[key]}`).join(''));
      }),
    );
  });
});
