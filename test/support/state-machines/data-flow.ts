import { RehearsalSubject } from '#model/rehearsal.ts';
import { ClusterRef } from '#model/settings.ts';
import { LookInput, MergeGroupInput, PullRequestInput, RolloutInput } from '#model/webhook.ts';
import { allStates, type ChoiceRule, integrationOf, type Machine, type Region, type State } from '../asl/definition.ts';
import { ANYTHING, either, missing, objectSchema, type Schema, schemaAt, schemaOf } from './schemas.ts';
import type { FoundStep } from './steps.ts';

const ERROR_OUTPUT = objectSchema({ Error: { type: 'string' }, Cause: { type: 'string' } });

/** Inputs of the machines that the webhook starts; the others get theirs from the Task that starts them. */
const ROOTS: Readonly<Record<string, readonly Schema[]>> = {
  'pull-request': [PullRequestInput, LookInput, MergeGroupInput].map((input) => schemaOf(input, 'output')),
  rollout: [schemaOf(RolloutInput, 'output')],
  // Started by a schedule.
  'backup-fleet': [objectSchema({})],
  // Started by begin-rehearsal.
  'rehearse-upgrade': [schemaOf(RehearsalSubject, 'output')],
  // Started by on-execution-ended.
  'release-cluster': [
    objectSchema({
      cluster: schemaOf(ClusterRef, 'output'),
      render: objectSchema({ hash: { type: 'string' } }),
      progress: { type: 'null' },
    }),
  ],
};

/**
 * Follows the data through all paths of all machines, by the steps' own schemas. Answers each place where a path may find
 * nothing (which fails an execution past every Catch) and each step that may not get what its input wants.
 */
export function findMissingData(machines: Readonly<Record<string, Machine>>, steps: readonly FoundStep[]): string[] {
  const analysis = new Analysis(steps);
  // Inputs come from callers and results from callees, so some rounds are needed until nothing changes.
  for (let round = 0; round < 10; round += 1) {
    const before = analysis.known();
    analysis.problems.clear();
    for (const [name, machine] of Object.entries(machines)) analysis.machine(name, machine);
    if (analysis.known() === before) return [...analysis.problems];
  }
  throw new Error('the data flow does not settle');
}

class Analysis {
  readonly problems = new Set<string>();
  readonly #inputs = new Map<string, Map<string, Schema>>();
  readonly #outputs = new Map<string, Schema>();
  readonly #steps: readonly FoundStep[];

  constructor(steps: readonly FoundStep[]) {
    this.#steps = steps;
  }

  /** What is known of the machines' inputs and outputs, to be compared. */
  known(): string {
    return JSON.stringify([[...this.#inputs].map(([name, callers]) => [name, [...callers]]), [...this.#outputs]]);
  }

  machine(name: string, machine: Machine): void {
    const callers = [...(this.#inputs.get(name)?.values() ?? [])];
    const inputs = ROOTS[name] ?? (callers.length === 0 ? [] : [callers.reduce(both)]);
    const outputs = inputs.map((input) => this.#region(name, machine, input));
    if (outputs.length > 0) this.#outputs.set(name, outputs.reduce(both));
  }

  /** The data with which the region succeeds. */
  #region(machine: string, region: Region, input: Schema): Schema {
    const tested = testedKeys(region);
    const before = new Map<string, Schema>();
    const ends: Schema[] = [];
    const queue: { name: string; data: Schema }[] = [{ name: region.StartAt, data: input }];
    for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
      const { name, data } = at;
      // Ways on which a key is there that a Choice asks for, and ways on which it is not, are kept apart.
      const way = `${name} ${tested.filter((key) => data.required?.includes(key)).join(' ')}`;
      const known = before.get(way);
      const merged = known === undefined ? data : both(known, data);
      if (known !== undefined && JSON.stringify(merged) === JSON.stringify(known)) continue;
      before.set(way, merged);
      for (const { next, data: after } of this.#edges(machine, name, region.States[name] as State, merged)) {
        if (next === undefined) ends.push(after);
        else queue.push({ name: next, data: after });
      }
    }
    return ends.length === 0 ? ANYTHING : ends.reduce(both);
  }

  #edges(machine: string, name: string, state: State, data: Schema): { next: string | undefined; data: Schema }[] {
    const where = `${machine}/${name}`;
    if (state.Type === 'Choice') return this.#choices(where, state, data);
    if (state.Type === 'Wait' && state.SecondsPath !== undefined) this.#read(where, data, state.SecondsPath);
    if (state.Type === 'Fail') {
      for (const path of [state.ErrorPath, state.CausePath]) if (path?.startsWith('$') === true) this.#read(where, data, path);
      return [];
    }
    const caught = (state.Catch ?? []).map(({ Next, ResultPath }) => ({ next: Next, data: write(data, ResultPath, ERROR_OUTPUT) }));
    const result = this.#result(machine, where, state, data);
    return [...caught, { next: state.Next, data: write(data, state.Type === 'Succeed' ? null : state.ResultPath, result) }];
  }

  #choices(where: string, state: State, data: Schema): { next: string | undefined; data: Schema }[] {
    const edges: { next: string | undefined; data: Schema }[] = [];
    for (const rule of state.Choices ?? []) {
      for (const path of comparedPaths(rule)) this.#read(where, data, path);
      const key = presentKey(rule);
      const there = key !== undefined && data.required?.includes(key) === true;
      if (key === undefined || there) edges.push({ next: rule.Next, data });
      if (there) return edges;
    }
    return state.Default === undefined ? edges : [...edges, { next: state.Default, data }];
  }

  #result(machine: string, where: string, state: State, data: Schema): Schema {
    if (state.Type === 'Map') {
      const items = this.#read(where, data, state.ItemsPath ?? '$');
      const item = items.items ?? ANYTHING;
      if (state.MaxConcurrencyPath !== undefined) this.#read(where, data, state.MaxConcurrencyPath);
      if (state.ItemProcessor !== undefined) this.#region(machine, state.ItemProcessor, item);
      return { type: 'array' };
    }
    if (state.Type === 'Pass') return state.Result === undefined ? data : { const: state.Result };
    if (state.Type !== 'Task') return data;
    const parameters = this.#template(where, state.Parameters, data);
    const result =
      integrationOf(state).kind === 'start-execution' ? this.#started(where, state, parameters) : this.#stepped(where, state, data);
    return state.ResultSelector === undefined ? result : this.#template(where, state.ResultSelector, result);
  }

  #started(where: string, state: State, parameters: Schema): Schema {
    const child = childOf(state);
    const callers = this.#inputs.get(child) ?? new Map<string, Schema>();
    this.#inputs.set(child, callers.set(where, parameters.properties?.['Input'] ?? ANYTHING));
    return objectSchema({ Status: { type: 'string' }, Name: { type: 'string' }, Output: this.#outputs.get(child) ?? ANYTHING });
  }

  #stepped(where: string, state: State, data: Schema): Schema {
    const { step: name, with: constants } = state.Parameters as { step: string; with: Record<string, unknown> };
    const step = this.#steps.find((one) => one.name === name);
    if (step === undefined) return ANYTHING;
    let payload = write(data, '$.startedAt', { type: 'string' });
    // The function `reach` takes the cluster of an e2e run from its slot.
    const slot = targetOf(state) === 'reach' ? schemaAt(data, '$.claimSlot.cluster') : undefined;
    if (slot !== undefined && schemaAt(data, '$.cluster') === undefined) payload = write(payload, '$.cluster', slot);
    for (const [key, value] of Object.entries(constants)) payload = write(payload, `$.${key}`, { const: value });
    for (const problem of missing(schemaOf(step.input, 'input'), payload)) this.problems.add(`${where}: input of ${name}: ${problem}`);
    return schemaOf(step.output, 'output');
  }

  #template(where: string, template: unknown, data: Schema): Schema {
    if (typeof template !== 'object' || template === null || Array.isArray(template))
      return template === undefined ? data : { const: template };
    const entries = Object.entries(template).map(([key, value]): [string, Schema] => {
      if (!key.endsWith('.$')) return [key, this.#template(where, value, data)];
      const text = String(value);
      for (const path of text.startsWith('$') ? [text] : (text.match(/\$+[.\w[\]]*/g) ?? [])) this.#read(where, data, path);
      return [key.slice(0, -2), text.startsWith('$') && !text.startsWith('$$') ? (schemaAt(data, text) ?? ANYTHING) : ANYTHING];
    });
    return objectSchema(Object.fromEntries(entries));
  }

  #read(where: string, data: Schema, path: string): Schema {
    if (path.startsWith('$$')) return ANYTHING;
    const found = schemaAt(data, path);
    if (found === undefined) this.problems.add(`${where}: ${path} may be absent`);
    return found ?? ANYTHING;
  }
}

/** Name of the machine that a nested start names by `{Ref}`. */
export function childOf(state: State): string {
  const { Ref } = (state.Parameters as { StateMachineArn: { Ref: string } }).StateMachineArn;
  const words = Ref.replace(/StateMachine$/, '').replace(/([a-z0-9])([A-Z])/g, '$1-$2');
  return words.toLowerCase();
}

/** The function that a Task calls, as named in serverless.yml. */
export function targetOf(state: State): string {
  return typeof state.Resource === 'object' ? String(state.Resource['Fn::GetAtt'][0]) : '';
}

/** Keys that Choices of the region ask the presence of. */
function testedKeys(region: Region): string[] {
  const rules = Object.values(region.States).flatMap(({ Choices }) => Choices ?? []);
  return rules.map(presentKey).filter((key) => key !== undefined);
}

function presentKey(rule: ChoiceRule): string | undefined {
  return rule['IsPresent'] === true ? rule.Variable?.slice(2) : undefined;
}

function comparedPaths(rule: ChoiceRule): string[] {
  const inner = [...(rule.And ?? []), ...(rule.Or ?? []), ...(rule.Not === undefined ? [] : [rule.Not])];
  const own = rule.Variable === undefined || rule['IsPresent'] !== undefined ? [] : [rule.Variable];
  return [...own, ...inner.flatMap(comparedPaths)];
}

/** The data after a result was put at a path. */
function write(data: Schema, path: string | null | undefined, result: Schema): Schema {
  if (path === null) return data;
  if (path === undefined || path === '$') return result;
  const [, key] = /^\$\.([A-Za-z0-9]+)$/.exec(path) ?? [];
  if (key === undefined) throw new Error(`data flow knows ResultPath only at the top: ${path}`);
  const properties = { ...data.properties, [key]: result };
  return { ...data, type: 'object', properties, required: [...new Set([...(data.required ?? []), key])].sort() };
}

/** What holds on both of two ways: keys that both have, each as either of the two. */
function both(left: Schema, right: Schema): Schema {
  const keys = (left.required ?? []).filter((key) => right.required?.includes(key)).sort();
  return objectSchema(
    Object.fromEntries(keys.map((key) => [key, either([left.properties?.[key] ?? ANYTHING, right.properties?.[key] ?? ANYTHING])])),
  );
}

/** Tasks of a machine that start another machine. */
export function nestedStarts(machine: Machine): { name: string; state: State }[] {
  return allStates(machine).filter(({ state }) => state.Type === 'Task' && integrationOf(state).kind === 'start-execution');
}
