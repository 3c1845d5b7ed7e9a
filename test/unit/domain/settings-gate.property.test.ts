import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { maySettingsApply, settingsId } from '#domain/settings-gate.ts';
import { gitId } from '../../support/fleet.ts';

const facts = fc.record({
  commit: fc.constant(gitId('c')),
  mergedPullRequest: fc.option(fc.integer({ min: 1, max: 9 }), { nil: null }),
  isChecked: fc.boolean(),
  hasHistory: fc.boolean(),
  isFounded: fc.boolean(),
});

describe('settings', () => {
  test('of a fleet with history apply exactly when they were merged and checked as they are', () => {
    fc.assert(
      fc.property(facts, (one) => {
        const decision = maySettingsApply(one);
        const came = one.mergedPullRequest !== null && one.isChecked;
        if (one.hasHistory) expect(decision.apply).toBe(came);
        else expect(decision.apply).toBe(came || one.isFounded);
      }),
    );
  });

  it.each([
    [{ mergedPullRequest: null, isChecked: true, hasHistory: true, isFounded: true }, 'cccccccccccc was pushed to main directly'],
    [{ mergedPullRequest: 7, isChecked: false, hasHistory: true, isFounded: true }, 'as #7 was merged; propose them again'],
    [{ mergedPullRequest: 7, isChecked: false, hasHistory: false, isFounded: false }, 'its records are lost: bring them back first'],
  ])('%o do not apply', (one, reason) => {
    expect(maySettingsApply({ commit: gitId('c'), ...one })).toEqual({ apply: false, reason: expect.stringContaining(reason) });
  });

  test('have one id by their files, in any order, and another with any other text or path', () => {
    const file = fc.record({
      path: fc.constantFrom('channels/a.yaml', 'channels/b.yaml', 'channels/c.yaml'),
      content: fc.constantFrom('', 'a', 'b'),
    });
    const files = fc.uniqueArray(file, { selector: ({ path }) => path, maxLength: 3 });
    const sorted = (list: readonly { path: string; content: string }[]) =>
      JSON.stringify(list.toSorted((left, right) => (left.path < right.path ? -1 : 1)));
    fc.assert(
      fc.property(files, files, (left, right) => {
        expect(settingsId(left.toReversed())).toBe(settingsId(left));
        expect(settingsId(left) === settingsId(right)).toBe(sorted(left) === sorted(right));
      }),
    );
  });
});
