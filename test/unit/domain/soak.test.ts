import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { longestLookSeconds, type SoakState, soakLook, soakWaitSeconds } from '#domain/soak.ts';

const START = Date.parse('2026-01-05T08:00:00Z');
const HOUR = 3600;

function look(looks: readonly { at: number; healthy: boolean }[]): SoakState | undefined {
  return looks.reduce<SoakState | undefined>(
    (state, { at, healthy }) => soakLook(state, healthy, new Date(START + at * 1000), HOUR),
    undefined,
  );
}

describe('the clock of a soak', () => {
  test('runs between healthy looks', () => {
    expect(
      look([
        { at: 0, healthy: true },
        { at: 60, healthy: true },
        { at: 90, healthy: true },
      ])?.healthySeconds,
    ).toBe(90);
  });

  test('stands while unhealthy, and until the first healthy look after', () => {
    const looks = [
      { at: 0, healthy: true },
      { at: 60, healthy: true },
      { at: 120, healthy: false },
      { at: 180, healthy: true },
      { at: 200, healthy: true },
    ];

    expect(look(looks)?.healthySeconds).toBe(80);
  });

  test('does not count a gap in which nobody looked', () => {
    expect(
      look([
        { at: 0, healthy: true },
        { at: 2 * longestLookSeconds(HOUR) + 1, healthy: true },
      ])?.healthySeconds,
    ).toBe(0);
  });

  test('never counts more than the time that passed, and a repeated look changes nothing', () => {
    const step = fc.record({ pass: fc.nat({ max: 900 }), healthy: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
        let at = 0;
        const looks = steps.map(({ pass, healthy }) => {
          at += pass;
          return { at, healthy };
        });

        const once = look(looks);
        const twice = look(looks.flatMap((one) => [one, one]));

        expect(once?.healthySeconds ?? 0).toBeLessThanOrEqual(at - (looks[0]?.at ?? 0));
        expect(twice?.healthySeconds).toBe(once?.healthySeconds);
      }),
    );
  });
});

test.each([
  [60, 10],
  [3600, 30],
  [7 * 86_400, 450],
  [30 * 86_400, 1600],
])('a soak of %i s is looked at fewer than %i times', (length, most) => {
  let state: SoakState = soakLook(undefined, true, new Date(START), length);
  let looks = 1;
  let at = START;
  while (state.healthySeconds < length) {
    const wait = soakWaitSeconds(state, length);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(1800);
    at += wait * 1000;
    state = soakLook(state, true, new Date(at), length);
    looks += 1;
  }

  expect(looks).toBeLessThan(most);
});
