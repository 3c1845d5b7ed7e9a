import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { clusterSideFunctionOf } from '#domain/reach.ts';
import { CLEAN_UP } from '#runtime/hub.ts';
import { allStates } from '../support/asl/definition.ts';
import { readMachines } from '../support/state-machines/definitions.ts';
import { clusterSideFunctions, hubFunctions } from '../support/state-machines/serverless.ts';
import { functionFolders, readSteps } from '../support/state-machines/steps.ts';

const FUNCTIONS = new URL('../../functions/', import.meta.url);
const steps = await readSteps();
const called = new Set(
  Object.values(readMachines()).flatMap((machine) =>
    allStates(machine).flatMap(({ state }) =>
      (state.Parameters as { step?: string } | undefined)?.step === undefined ? [] : [(state.Parameters as { step: string }).step],
    ),
  ),
);
const callingStates = new Set(
  Object.values(readMachines()).flatMap((machine) =>
    allStates(machine)
      .filter(({ state }) => state.Type === 'Task')
      .map(({ name }) => name),
  ),
);
/** Steps that an event runs instead of a state: a rule, a queue, a schedule. */
const BY_EVENT = ['on-execution-ended', 'publish-check', 'tick'];

describe('steps', () => {
  it('are each in a file of their name, and each name is there once', () => {
    expect(steps.length).toBeGreaterThan(30);
    for (const { name, file } of steps) expect(file).toBe(name);
    expect(new Set(steps.map(({ name }) => name)).size).toBe(steps.length);
  });

  it('are called by a state, or run by an event', () => {
    const unused = steps.map(({ name }) => name).filter((name) => !called.has(name) && !BY_EVENT.includes(name));

    expect(unused).toEqual([]);
  });

  it('exist for every state that calls one', () => {
    expect(called.size).toBeGreaterThan(30);
    expect([...called].filter((name) => !steps.some((step) => step.name === name))).toEqual([]);
  });

  it('are in the table of their handler', () => {
    for (const { name, folder, file } of steps) {
      const handler = readFileSync(new URL(`${folder}/handler.ts`, FUNCTIONS), 'utf8');
      expect([name, handler.includes(`from './${file}.ts'`)]).toEqual([name, true]);
    }
  });

  it('of a cluster account are where the hub looks for them', () => {
    const folders = clusterSideFunctions().map(({ folder }) => folder);
    const clusterSide = steps.filter(({ folder }) => folders.includes(folder));

    expect(clusterSide.length).toBeGreaterThan(10);
    for (const { name, folder } of clusterSide) expect([name, clusterSideFunctionOf(name)]).toEqual([name, folder]);
  });

  it('that a cancelled execution still runs are called by a state, or are the state that calls', () => {
    expect(CLEAN_UP.size).toBeGreaterThan(0);
    expect([...CLEAN_UP].filter((name) => !called.has(name) && !callingStates.has(name))).toEqual([]);
  });
});

describe('functions', () => {
  it('are deployed by serverless.yml or by the bootstrap stack, each with a handler', () => {
    const deployed = [...hubFunctions(), ...clusterSideFunctions()].map(({ folder }) => folder).sort();

    expect(deployed).toEqual(functionFolders());
    for (const folder of deployed) expect([folder, existsSync(new URL(`${folder}/handler.ts`, FUNCTIONS))]).toEqual([folder, true]);
  });
});
