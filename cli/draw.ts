import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';

/** What is drawn of a state machine. */
const State = z.looseObject({
  Type: z.string(),
  Next: z.string().optional(),
  Default: z.string().optional(),
  Choices: z.array(z.looseObject({ Next: z.string() })).optional(),
  Catch: z.array(z.looseObject({ Next: z.string() })).optional(),
  ItemProcessor: z.looseObject({ StartAt: z.string(), States: z.record(z.string(), z.unknown()) }).optional(),
});
type State = z.infer<typeof State>;
const Machine = z.object({ Comment: z.string(), StartAt: z.string(), States: z.record(z.string(), State) });

const HEAD = `# State machines

Each file is one machine in Amazon States Language. A state is named \`<step>\` or \`<step>--<qualifier>\`; the step's code is
\`functions/*/<step>.ts\`. A loop of a step that looks, acts and says when to look again is drawn as one state with a
circle arrow; its \`-done\` and \`-wait\` states are left out, and dotted arrows are where an error leads.

This file is made from the machines by \`node cli/draw.ts\`; \`npm run check\` fails when it is stale.
`;

/** The README of the state machines: each with its comment and a drawing made from the definition. */
export async function drawMachines(folder: string): Promise<string> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.asl.json')).sort();
  if (files.length === 0) throw new Error(`${folder} has no *.asl.json`);
  const parts = await Promise.all(
    files.map(async (file) => {
      const machine = Machine.parse(JSON.parse(await readFile(join(folder, file), 'utf8')));
      return `## ${file.replace('.asl.json', '')}\n\n${machine.Comment}\n\n\`\`\`mermaid\nflowchart TD\n${drawing(machine.StartAt, machine.States)}\n\`\`\`\n`;
    }),
  );
  return `${HEAD}\n${parts.join('\n')}`;
}

function drawing(start: string, states: Readonly<Record<string, State>>, indent = '  '): string {
  const lines = [`${indent}start((" ")) --> ${id(target(start, states))}`];
  for (const [name, state] of Object.entries(states)) {
    if (hidden(name)) continue;
    lines.push(`${indent}${id(name)}${shape(name, state)}`);
    if (looped(name, states)) lines.push(`${indent}${id(name)} -- not yet --> ${id(name)}`);
    for (const next of nexts(name, state, states)) lines.push(`${indent}${id(name)} --> ${id(next)}`);
    for (const next of new Set((state.Catch ?? []).map((entry) => target(entry.Next, states))))
      lines.push(`${indent}${id(name)} -.-> ${id(next)}`);
    if (state.ItemProcessor !== undefined) lines.push(...inner(name, state.ItemProcessor, indent));
  }
  return lines.join('\n');
}

function inner(name: string, processor: NonNullable<State['ItemProcessor']>, indent: string): string[] {
  const states = z.record(z.string(), State).parse(processor.States);
  const body = drawing(processor.StartAt, states, `${indent}  `).replaceAll('start((" "))', `start_${id(name)}((" "))`);
  return [
    `${indent}subgraph ${id(name)}_each [each cluster of ${name}]`,
    body,
    `${indent}end`,
    `${indent}${id(name)} --- start_${id(name)}`,
  ];
}

/** States that a step leads to; its loop's own states are passed over. */
function nexts(name: string, state: State, states: Readonly<Record<string, State>>): Set<string> {
  const direct = [state.Next, state.Default, ...(state.Choices ?? []).map((choice) => choice.Next)].filter((next) => next !== undefined);
  return new Set(direct.flatMap((next) => through(next, states)).filter((next) => next !== name));
}

function through(next: string, states: Readonly<Record<string, State>>): string[] {
  if (!/-done$/.test(next)) return [target(next, states)];
  return (states[next]?.Choices ?? []).map((choice) => target(choice.Next, states));
}

function target(name: string, states: Readonly<Record<string, State>>): string {
  const state = states[name];
  return /-wait$/.test(name) && state?.Next !== undefined ? state.Next : name;
}

function looped(name: string, states: Readonly<Record<string, State>>): boolean {
  return Object.entries(states).some(([other, state]) => /-wait$/.test(other) && state.Next === name);
}

function hidden(name: string): boolean {
  return /-(done|wait)$/.test(name);
}

function shape(name: string, state: State): string {
  if (state.Type === 'Choice') return `{"${name}"}`;
  if (state.Type === 'Succeed' || state.Type === 'Fail' || state.Type === 'Pass') return `(["${name}"])`;
  if (state.Type === 'Map') return `[/"${name}"/]`;
  return `["${name}"]`;
}

function id(name: string): string {
  return name.replaceAll('-', '_');
}

if (process.argv[1] === import.meta.filename) {
  const folder = join(import.meta.dirname, '..', 'state-machines');
  const path = join(folder, 'README.md');
  const text = await drawMachines(folder);
  if (!process.argv.includes('--check')) await writeFile(path, text);
  else if ((await readFile(path, 'utf8').catch(() => '')) !== text) {
    process.stderr.write('state-machines/README.md is stale: run node cli/draw.ts\n');
    process.exitCode = 1;
  }
}
