import { describe, expect, it } from 'vitest';
import { enforceDeadline, paced } from '#domain/pace.ts';
import { DeadlineError } from '#model/errors.ts';

const START = new Date('2026-01-01T00:00:00Z');
function later(seconds: number): Date {
  return new Date(START.getTime() + seconds * 1000);
}

describe('pace', () => {
  it.each([
    [-5, 1],
    [0, 1],
    [1, 1],
    [59, 1],
    [60, 2],
    [599, 2],
    [600, 30],
    [900, 45],
    [7200, 60],
  ])('after %i s waits %i s', (elapsed, wait) => {
    expect(paced(START, later(elapsed))).toBe(wait);
  });

  it('notices within 1 s what took up to a minute, within 2 s what took up to ten, later within a twentieth of what it took or half a minute', () => {
    for (let elapsed = 0; elapsed < 3600; elapsed += paced(START, later(elapsed)))
      expect(paced(START, later(elapsed))).toBeLessThanOrEqual(elapsed < 60 ? 1 : elapsed < 600 ? 2 : Math.max(30, elapsed / 20));
  });

  it('ends at the deadline with the cause', () => {
    expect(() => enforceDeadline('the roll', START, later(59), 1, 'pod a')).not.toThrow();
    expect(() => enforceDeadline('the roll', START, later(60), 1, 'pod a')).toThrow(DeadlineError);
    expect(() => enforceDeadline('the roll', START, later(60), 1, 'pod a')).toThrow('the roll is not done after 1 minutes: pod a');
  });
});
