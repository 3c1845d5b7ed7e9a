import { describe, expect, it } from 'vitest';
import { enforceDeadline, paced } from '#domain/pace.ts';
import { DeadlineError } from '#model/errors.ts';

const START = new Date('2026-01-01T00:00:00Z');
function later(seconds: number): Date {
  return new Date(START.getTime() + seconds * 1000);
}

describe('pace', () => {
  it.each([
    [0, 5],
    [20, 20],
    [600, 60],
  ])('after %i s waits %i s', (elapsed, wait) => {
    expect(paced(START, later(elapsed))).toBe(wait);
  });

  it('sees a wait of two minutes through in few looks', () => {
    let looks = 0;
    for (let elapsed = 0; elapsed < 120; elapsed += paced(START, later(elapsed))) looks++;

    expect(looks).toBeLessThanOrEqual(7);
  });

  it('ends at the deadline with the cause', () => {
    expect(() => enforceDeadline('the roll', START, later(59), 1, 'pod a')).not.toThrow();
    expect(() => enforceDeadline('the roll', START, later(60), 1, 'pod a')).toThrow(DeadlineError);
    expect(() => enforceDeadline('the roll', START, later(60), 1, 'pod a')).toThrow('the roll is not done after 1 minutes: pod a');
  });
});
