import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Change, readChange } from '../repository/change.ts';
import { findingsOf } from '../repository/evaluate.ts';
import { countText, findingsText } from '../text/findings.ts';
import { styleOf } from '../text/style.ts';
import { type Command, EXIT, onePath, readArguments, type Terminal } from './command.ts';

const OPTIONS = {
  base: { type: 'string' },
  channel: { type: 'string' },
  settings: { type: 'string' },
  strict: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

/** `sluice validate`: what the check would find in this working copy, before anything is pushed. */
export const validate: Command = {
  name: 'validate',
  summary: 'find what the check would find, before anything is pushed',
  help: `Usage: sluice validate [path] [options]

Validates the working copy at path (default: here) as the check of a pull request does: same findings, same order.
Nothing is sent anywhere. New files count, ignored ones do not.

  --base <commit>      compare with this commit (default: where the work left its channel's branch, or main)
  --channel <name>     the channel whose branch the work goes to (default: the nearest one)
  --settings <commit>  take channels/*.yaml from this commit (default: this folder, else origin/main, else main)
  --strict             warnings count as findings
  --json               findings as JSON

Exit codes: 0 clean, 1 findings, 2 could not run.
`,
  async run(args, terminal) {
    const options = Object.keys(OPTIONS);
    const { values, positionals } = readArguments(() => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }), options);
    const change = await readChange({ ...values, path: resolve(terminal.directory, onePath(positionals, '.')) });
    const findings = findingsOf(change, new Date().toISOString());
    const counted = findings.filter(({ level }) => level === 'failure' || (values.strict && level === 'warning'));
    const code = counted.length === 0 ? EXIT.clean : EXIT.findings;
    if (values.json) {
      terminal.out(`${JSON.stringify({ ok: code === EXIT.clean, ...factsOf(change), findings }, null, 2)}\n`);
      return code;
    }
    tellNotes(change, terminal);
    const style = styleOf(terminal.colours);
    terminal.out(findingsText(findings, style));
    const gap = findings.length === 0 ? '' : '\n';
    const verdict = code === EXIT.clean ? style.green('Clean') : style.red('Not clean');
    terminal.out(`${gap}${verdict}: ${countText(findings)} found in ${describe(change)}.\n`);
    if (findings.length > 0) terminal.out('docs/rules.md of Sluice tells of each rule why it is there and how to mend it.\n');
    return code;
  },
};

/** What was looked at, for people. */
export function describe({ kind, channel, settings, base }: Change): string {
  const what = {
    settings: 'the settings',
    configuration: `the configuration, for the channel ${channel ?? '(unknown)'} by the settings of ${settings.from}`,
    both: `settings and configuration, for the channel ${channel ?? '(unknown)'}`,
  }[kind];
  return `${what}${base === undefined ? '' : `, compared with ${base.name} at ${base.commit.slice(0, 12)}`}`;
}

/** What was looked at, for programs. */
export function factsOf({ kind, channel, settings, base, head, notes }: Change): object {
  return {
    kind,
    channel,
    revision: head.configuration?.revision ?? null,
    base: base ?? null,
    settings: settings.from,
    notes,
  };
}

export function tellNotes({ notes }: Change, terminal: Terminal): void {
  for (const note of notes) terminal.error(`Note: ${note}\n`);
}
