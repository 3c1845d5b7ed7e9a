import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sameQuantity } from '#domain/quantity.ts';

describe('quantities', () => {
  it.each([
    ['1000m', 1],
    ['1000m', '1'],
    ['0.5', '500m'],
    [0.5, '500m'],
    ['.5', '500m'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['1e3', '1k'],
    ['1E', '1000P'],
    ['-1', '-1000m'],
    ['0', '-0'],
    ['1E3', '1000'],
    ['100n', '0.1u'],
  ])('%s is %s', (left, right) => {
    expect(sameQuantity(left, right)).toBe(true);
  });

  it.each([
    ['1000m', '1001m'],
    ['1Gi', '1G'],
    ['9007199254740993', '9007199254740992'],
    ['0.1', '0.10000000000000000001'],
    ['one', 'one'],
    ['', ''],
    ['.', '.'],
    ['1e99', '1e98'],
    [true, true],
    [undefined, undefined],
    ['1', '10'],
  ])('%s and %s are not the same, or none', (left, right) => {
    expect(sameQuantity(left, right)).toBe(false);
  });

  it('is equal to itself in any form that keeps the value', () => {
    const numbers = fc.tuple(
      fc.bigInt({ min: 0n, max: 10n ** 12n }),
      fc.constantFrom(['', 1n], ['k', 1000n], ['Ki', 1024n], ['Mi', 2n ** 20n] as const),
    );

    fc.assert(
      fc.property(numbers, fc.bigInt({ min: 0n, max: 10n ** 12n }), ([count, [unit, factor]], other) => {
        const value = count * BigInt(factor);

        expect(sameQuantity(`${count}${unit}`, `${value * 1000n}m`)).toBe(true);
        expect(sameQuantity(`${count}${unit}`, String(other))).toBe(other === value);
      }),
    );
  });
});
