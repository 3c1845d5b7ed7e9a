import validate from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { LEASE_SECONDS } from '#domain/lease.ts';
import { RENEW_BELOW_SECONDS } from '#facts/lock.ts';
import * as errors from '#model/errors.ts';
import { holderOf, LOCKED_MACHINES } from '#runtime/locked.ts';
import { SLOT_LEASE_SECONDS } from '../../functions/control/claim-slot.ts';
import { allStates, integrationOf, type Machine, type Retrier } from '../support/asl/definition.ts';
import { childOf, nestedStarts, targetOf } from '../support/state-machines/data-flow.ts';
import { readDefinitions, readMachines } from '../support/state-machines/definitions.ts';
import { clusterSideFunctions, deployedMachines, hubFunctions } from '../support/state-machines/serverless.ts';
import { readSteps } from '../support/state-machines/steps.ts';

const machines = Object.entries(readMachines()).map(([name, machine]) => ({ name, machine }));
const steps = await readSteps();

/** Names of our own errors that a machine may match on. */
const OWN_ERRORS = Object.values(errors).map((Class) => new Class('').name);
const PLATFORM_ERRORS = /^(States|Lambda|Runtime|Sandbox)\.[A-Z][A-Za-z]+$/;

/** A function of the hub that sends each call to one function of an account, under a role of its own there. */
const FORWARDS: Readonly<Record<string, string>> = { rehearse: 'rehearsal' };

/** Tasks that call a step. */
function calls(machine: Machine) {
  return allStates(machine)
    .filter(({ state }) => state.Type === 'Task' && integrationOf(state).kind === 'lambda')
    .map((located) => ({ ...located, parameters: located.state.Parameters as Record<string, unknown> }));
}

function camel(step: string): string {
  return step.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

it('there are the machines of the design, each deployed under its name and no other', () => {
  const deployed = deployedMachines();

  expect(machines.map(({ name }) => name).sort()).toEqual([
    'backup-etcd',
    'backup-fleet',
    'delete-cluster',
    'e2e',
    'propose-upgrade',
    'pull-request',
    'rehearse-upgrade',
    'release-cluster',
    'restore-cluster',
    'rollout',
    'update-cluster',
  ]);
  expect(deployed.map(({ name }) => name).sort()).toEqual(machines.map(({ name }) => `sluice-${name}`).sort());
  for (const { id, name, definition } of deployed) {
    expect(definition).toContain(`state-machines/${name.replace('sluice-', '')}.asl.json`);
    expect(`sluice-${childOf({ Type: 'Task', Parameters: { StateMachineArn: { Ref: id } } })}`).toBe(name);
  }
});

describe.each(machines)('$name', ({ name, machine }) => {
  it('passes asl-validator', () => {
    const text = JSON.stringify(readDefinitions()[name]);
    const deployable = text.replace(/\{"Fn::GetAtt":\["(\w+)","Arn"\]\}/g, '"arn:aws:lambda:eu-central-1:111111111111:function:$1"');

    const result = validate(JSON.parse(deployable) as Record<string, unknown>, { checkPaths: true, checkArn: true });

    expect(result.errors).toEqual([]);
  });

  it('has a limit of its own', () => {
    expect(machine.TimeoutSeconds).toBeGreaterThan(0);
  });

  it('names each Task after its step, which runs where the Task says, and keeps the result under the name of the step', () => {
    const found = calls(machine);

    expect(found.length).toBeGreaterThan(0);
    for (const { name: state, state: task, parameters } of found) {
      expect(state.split('--')[0]).toBe(parameters['step']);
      expect(Object.keys(parameters).sort()).toEqual(['execution.$', 'input.$', 'machine', 'startedAt.$', 'state.$', 'step', 'with']);
      expect(parameters).toMatchObject({ machine: name, 'execution.$': '$$.Execution.Name', 'state.$': '$$.State.Name', 'input.$': '$' });
      expect(task.ResultPath).toBe(`$.${camel(String(parameters['step']))}`);
      const step = steps.find((one) => one.name === parameters['step']);
      const target = targetOf(task);
      const runsIn = target === 'reach' ? clusterSideFunctions().map(({ folder }) => folder) : [FORWARDS[target] ?? target];
      expect([state, step?.folder]).toEqual([state, expect.toSatisfy((folder) => runsIn.includes(String(folder)))]);
    }
  });

  it('names each other state after the step or machine before it, or after an end', () => {
    const known = [...steps.map((step) => step.name), ...machines.map((one) => one.name)];
    const others = allStates(machine).filter(({ state }) => ['Choice', 'Wait'].includes(state.Type));

    for (const { name: state } of others) expect([state, known.includes(state.split('--')[0] ?? '')]).toEqual([state, true]);
  });

  it('gives each Task a timeout, retries of what may pass, and a Catch of its own or of its parent', () => {
    for (const { name: state, state: task, parents } of allStates(machine).filter((one) => one.state.Type === 'Task')) {
      expect([state, task.TimeoutSeconds]).toEqual([state, expect.any(Number)]);
      const caught = [task, ...parents].some(({ Catch }) => Catch?.some(({ ErrorEquals }) => ErrorEquals.includes('States.ALL')));
      expect([state, caught]).toEqual([state, true]);
      if (integrationOf(task).kind === 'lambda') {
        const retried = (task.Retry ?? []).flatMap(({ ErrorEquals }) => ErrorEquals);
        expect(retried).toEqual(expect.arrayContaining(['TransientError', 'States.Timeout', 'Lambda.TooManyRequestsException']));
      }
    }
  });

  it('starts other machines without Retry, since a name can be used only once, and names them by reference', () => {
    for (const { name: state, state: task } of nestedStarts(machine)) {
      expect([state, task.Retry]).toEqual([state, undefined]);
      expect(task.Resource).toBe('arn:aws:states:::states:startExecution.sync:2');
      expect(machines.map((one) => one.name)).toContain(childOf(task));
      expect(Object.keys(task.Parameters as object).sort()).toEqual(['Input', 'Name.$', 'StateMachineArn']);
    }
  });

  it('waits for a nested machine longer than that may run, so that no clean-up works beside it', () => {
    for (const { name: state, state: task } of nestedStarts(machine)) {
      const child = machines.find((one) => one.name === childOf(task));
      expect([state, task.TimeoutSeconds ?? 0]).toEqual([
        state,
        expect.toSatisfy((seconds) => Number(seconds) > (child?.machine.TimeoutSeconds ?? 0)),
      ]);
    }
  });

  it('may run longer than all its nested machines together, and than any one step with all its retries', () => {
    const nested = nestedStarts(machine).filter(
      ({ state }) => !allStates(machine).some((one) => one.parents.length > 0 && one.state === state),
    );
    const together = nested.reduce((sum, { state }) => sum + (state.TimeoutSeconds ?? 0), 0);
    const longest = Math.max(...calls(machine).map(({ state }) => worstCase(state.TimeoutSeconds ?? 0, state.Retry ?? [])));

    expect(machine.TimeoutSeconds).toBeGreaterThan(together);
    expect(machine.TimeoutSeconds).toBeGreaterThan(longest);
  });

  it('matches only on errors that exist', () => {
    const entries = allStates(machine).flatMap(({ state }) => [...(state.Retry ?? []), ...(state.Catch ?? [])]);
    const names = new Set(entries.flatMap(({ ErrorEquals }) => ErrorEquals));

    expect(names.size).toBeGreaterThan(3);
    for (const error of names) expect([error, OWN_ERRORS.includes(error) || PLATFORM_ERRORS.test(error)]).toEqual([error, true]);
  });

  it('retries no error that will never pass', () => {
    const retried = allStates(machine).flatMap(({ state }) => (state.Retry ?? []).flatMap(({ ErrorEquals }) => ErrorEquals));
    const passing = ['TransientError', 'ConflictError', 'BlockedError', 'LockHeldError', 'ClusterUnreachableError'];

    for (const error of retried.filter((one) => OWN_ERRORS.includes(one))) expect(passing).toContain(error);
    expect(retried).not.toContain('States.ALL');
  });

  it('gives no step less time in Lambda than in the machine', () => {
    for (const { name: state, state: task, parameters } of calls(machine)) {
      const side = steps.find((one) => one.name === parameters['step'])?.folder;
      const limits = [...hubFunctions(), ...clusterSideFunctions()].filter(({ folder }) => folder === targetOf(task) || folder === side);
      expect(limits.length).toBeGreaterThan(0);
      for (const { folder, timeout } of limits) {
        expect([state, folder, timeout]).toEqual([
          state,
          folder,
          expect.toSatisfy((seconds) => Number(seconds) >= (task.TimeoutSeconds ?? 0)),
        ]);
      }
    }
  });
});

/** Seconds that a step takes at most when it times out each time (seconds). */
function worstCase(timeout: number, retry: readonly Retrier[]): number {
  const retrier = retry.find(({ ErrorEquals }) => ErrorEquals.includes('States.Timeout'));
  const attempts = (retrier?.MaxAttempts ?? 0) + 1;
  return attempts * (timeout + (retrier?.MaxDelaySeconds ?? 0));
}

it('no attempt of a step under a lock may run as long as the lease has left when it starts', () => {
  const locked = machines.filter(({ name }) => LOCKED_MACHINES.has(name) || name === 'backup-etcd');
  const longest = Math.max(...locked.flatMap(({ machine }) => calls(machine).map(({ state }) => state.TimeoutSeconds ?? Infinity)));

  expect(locked.map(({ name }) => name)).toEqual(['backup-etcd', 'delete-cluster', 'release-cluster', 'restore-cluster', 'update-cluster']);
  expect(longest).toBeLessThan(RENEW_BELOW_SECONDS);
  expect(RENEW_BELOW_SECONDS).toBeLessThan(LEASE_SECONDS);
});

it('machines under a lock are those that take it first, and name their backup so that it keeps the lease', () => {
  for (const { name, machine } of machines) {
    const takes = (machine.States[machine.StartAt]?.Parameters as { step?: string } | undefined)?.step === 'lock';
    expect([name, LOCKED_MACHINES.has(name)]).toEqual([name, takes]);
    const backups = nestedStarts(machine).filter(({ state }) => childOf(state) === 'backup-etcd');
    for (const { state } of backups) {
      const { 'Name.$': named } = state.Parameters as Record<string, string>;
      const execution = String(named).replace(/^States.Format\('([^']*)\{\}',.*$/, '$1update-1');
      // One that no update waits for keeps no lease.
      expect([name, holderOf({ machine: 'backup-etcd', execution })]).toEqual([name, takes ? 'update-1' : undefined]);
    }
  }
});

it('a slot of an e2e run is held longer than the run may take', () => {
  expect(SLOT_LEASE_SECONDS).toBeGreaterThan(readMachines()['e2e']?.TimeoutSeconds ?? Number.POSITIVE_INFINITY);
});

it('every class of error is named by literal and has its own name', () => {
  expect(OWN_ERRORS.length).toBeGreaterThan(10);
  expect(new Set(OWN_ERRORS).size).toBe(OWN_ERRORS.length);
  for (const [name, Class] of Object.entries(errors)) expect(new Class('').name).toBe(name);
});
