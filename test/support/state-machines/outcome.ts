import { expect } from 'vitest';
import type { Execution } from '../asl/execution.ts';
import { errorChain, type Scenario } from './scenarios.ts';

const ERRORS = {
  'task-timeout': 'States.Timeout',
  oversize: 'States.DataLimitExceeded',
  'name-reuse': 'StepFunctions.ExecutionAlreadyExistsException',
  cancel: 'CancelledError',
};

/** The name of the error that a scenario brings in; undefined for an end from outside. */
function errorOf({ fault }: Scenario): string | undefined {
  if (fault.kind === 'abort' || fault.kind === 'machine-timeout') return undefined;
  return fault.kind === 'error' ? fault.error : ERRORS[fault.kind];
}

/**
 * Asserts how the execution that the fault struck ended, and that the error's name survived.
 * @param late states after which only clean-up is left: a cancel there changes nothing
 */
export function expectOutcome(execution: Execution, scenario: Scenario, late: readonly string[]): void {
  const { fault, harmless, state } = scenario;
  if (fault.kind === 'abort') expect(execution.status).toBe('ABORTED');
  else if (fault.kind === 'machine-timeout') expect(execution.status).toBe('TIMED_OUT');
  else if (harmless) expect(execution.status).toBe('SUCCEEDED');
  else if (fault.kind === 'cancel' && execution.status === 'SUCCEEDED') expect(late).toContain(state);
  else {
    expect(execution.status).toBe('FAILED');
    expect(errorChain(execution)).toContain(errorOf(scenario));
  }
}
