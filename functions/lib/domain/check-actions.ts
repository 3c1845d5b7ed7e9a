import type { CheckConclusion } from '#model/checks.ts';
import type { CheckAction } from '#ports/github.ts';
import { checkNames } from './names.ts';

/** The button of a check that ended without success: as a comment `/test <head>`. */
export const TEST_BUTTON: CheckAction = {
  label: 'Test this commit',
  description: 'As a comment /test with this commit',
  identifier: 'test',
};

/** Buttons of a check; GitHub shows them to people with write access, and only once the run has completed. */
export function actionsOf(name: string, conclusion: CheckConclusion | undefined): CheckAction[] {
  if (name === checkNames.rollout || conclusion === undefined || conclusion === 'success') return [];
  return [TEST_BUTTON];
}
