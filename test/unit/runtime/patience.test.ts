import { describe, expect, it } from 'vitest';
import { advanced, waiting } from '#model/progress.ts';
import { nextLook, PATIENCE_SECONDS, PATIENT, resultKey } from '#runtime/patience.ts';
import { readMachines } from '../../support/state-machines/definitions.ts';

function callOf(step: string, input: Record<string, unknown> = {}) {
  return { step, machine: 'update-cluster', state: step, execution: 'update-1', startedAt: '2026-01-05T08:00:00Z', input, with: {} };
}

/** The step of a state: its name up to the qualifier. */
function stepOf(state: string): string {
  return state.replace(/--.*$/, '');
}

describe('the next look of one call', () => {
  it('has the answer where the state machine would have put it', () => {
    const output = { ...waiting(3, 'one node is not Ready'), since: '2026-01-05T08:00:00Z', nodes: 1 };

    const next = nextLook(callOf('await-nodes', { cluster: 'dev-1' }), output, 0);

    expect(next).toEqual({ seconds: 3, call: callOf('await-nodes', { cluster: 'dev-1', awaitNodes: output }) });
  });

  it('comes after a second at the earliest', () => {
    expect(nextLook(callOf('await-nodes'), waiting(0, 'at once'), 0)?.seconds).toBe(1);
  });

  it.each([
    ['the step is done', 'await-nodes', advanced('all Ready'), 0],
    ['the wait is long', 'await-nodes', waiting(6, 'still'), 0],
    ['the patience is over', 'await-nodes', waiting(4, 'still'), PATIENCE_SECONDS - 3],
    ['the step has a pace of its own', 'claim-slot', waiting(4, 'all slots are taken'), 0],
    ['the answer is no wait', 'await-nodes', 'nothing', 0],
    ['the name is that of something else', 'constructor', waiting(1, ''), 0],
  ])("is the state machine's when %s", (_, step, output, elapsed) => {
    expect(nextLook(callOf(step), output, elapsed)).toBeUndefined();
  });

  it('is the last one that ends within the patience', () => {
    expect(nextLook(callOf('await-nodes'), waiting(4, 'still'), PATIENCE_SECONDS - 4)).toBeDefined();
  });

  it.each([
    ['advance-stack', 'attempted', {}, { 'dev-1-etcd': 'a' }],
    ['advance-stack', 'mended', { 'dev-1-etcd': 1 }, { 'dev-1-etcd': 2 }],
    ['advance-deletion', 'asked', {}, { 'dev-1-etcd': 1 }],
    ['advance-deletion', 'retained', {}, { 'dev-1-etcd': ['AWS::EC2::Volume vol-1'] }],
    ['roll-etcd-members', 'changed', false, true],
    ['roll-node-pools', 'forced', [], [{ pod: 'team/web-0' }]],
  ])('waits until the history has a deed of %s: %s', (step, name, before, after) => {
    const look = (known: Record<string, unknown>, now: unknown) =>
      nextLook(callOf(step, { [resultKey(step)]: known }), { ...waiting(2, 'on its way'), [name]: now }, 0);

    expect(look({ [name]: before }, after)).toBeUndefined();
    expect(look({}, after)).toBeUndefined();
    expect(look({ [name]: after }, after)).toBeDefined();
  });
});

describe('the states of patient steps', () => {
  const states = Object.values(readMachines()).flatMap((machine) => Object.entries(machine.States));
  const patient = states.filter(([name, { Type }]) => Type === 'Task' && Object.hasOwn(PATIENT, stepOf(name)));

  it('are there for each of them', () => {
    expect(new Set(patient.map(([name]) => stepOf(name)))).toEqual(new Set(Object.keys(PATIENT)));
  });

  it.each(patient)('%s has room for the looks and puts the answer where they do', (name, { ResultPath, TimeoutSeconds }) => {
    expect(ResultPath).toBe(`$.${resultKey(stepOf(name))}`);
    // A look may take a minute.
    expect(TimeoutSeconds).toBeGreaterThanOrEqual(PATIENCE_SECONDS + 60);
  });
});
