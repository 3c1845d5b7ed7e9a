import { readdirSync, readFileSync } from 'node:fs';
import { CLEAN_UP } from '#runtime/hub.ts';
import { allStates, type Machine } from '../asl/definition.ts';
import { loadMachine } from '../asl/load.ts';

const FOLDER = new URL('../../../state-machines/', import.meta.url);

/** The deployed definitions by machine name, as JSON. Read anew, so that no test changes another's. */
export function readDefinitions(): Record<string, unknown> {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.asl.json'));
  if (files.length === 0) throw new Error('state-machines/ has no definition');
  return Object.fromEntries(files.map((file) => [file.replace('.asl.json', ''), JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'))]));
}

/** The deployed machines by name. */
export function readMachines(): Record<string, Machine> {
  return Object.fromEntries(Object.entries(readDefinitions()).map(([name, json]) => [name, loadMachine(name, json)]));
}

/** The function that knows no cancel marker, by its name in serverless.yml. */
export const UNAWARE = 'plan';

/** Steps and states that run although their execution was cancelled: what undoes or reports, and what knows no cancel marker. */
export function goesOnAfterCancel(): ReadonlySet<string> {
  const states = Object.values(readMachines()).flatMap((machine) => allStates(machine));
  const unaware = states.filter(({ state }) => JSON.stringify(state.Resource) === JSON.stringify({ 'Fn::GetAtt': [UNAWARE, 'Arn'] }));
  if (unaware.length === 0) throw new Error(`no state calls ${UNAWARE}`);
  return new Set([...CLEAN_UP, ...unaware.map(({ name }) => name)]);
}
