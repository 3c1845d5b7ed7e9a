import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { InputError } from '#model/errors.ts';
import { readChange } from '../repository/change.ts';
import { findingsOf, planOf } from '../repository/evaluate.ts';
import { countText, findingsText } from '../text/findings.ts';
import { markdownText } from '../text/markdown.ts';
import { styleOf } from '../text/style.ts';
import { type Command, EXIT, onePath, readArguments } from './command.ts';
import { describe, factsOf, tellNotes } from './validate.ts';

const OPTIONS = {
  base: { type: 'string' },
  channel: { type: 'string' },
  settings: { type: 'string' },
  markdown: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

/** `sluice plan`: what merging this working copy would change on each cluster. */
export const plan: Command = {
  name: 'plan',
  summary: 'tell what merging would change on each cluster',
  help: `Usage: sluice plan [path] [options]

Tells what merging the working copy at path (default: here) would change on each cluster of its channel: the text of the
check \`sluice / plan\`. Nothing is sent anywhere. What does not pass validation has no plan: its findings are told.

  --base <commit>      compare with this commit (default: where the work left its channel's branch, or main)
  --channel <name>     the channel whose clusters are planned (default: the nearest one)
  --settings <commit>  take channels/*.yaml from this commit (default: this folder, else origin/main, else main)
  --markdown           the check's own Markdown
  --json               the plan as JSON, with the Markdown in it

Exit codes: 0 the plan was told, 1 findings, 2 could not run.
`,
  async run(args, terminal) {
    const options = Object.keys(OPTIONS);
    const { values, positionals } = readArguments(() => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }), options);
    if (values.json && values.markdown) throw new InputError('--json and --markdown exclude each other; the JSON has the Markdown in it.');
    const change = await readChange({ ...values, path: resolve(terminal.directory, onePath(positionals, '.')) });
    if (change.base === undefined) throw new InputError('a plan compares with a commit, and none was found; name one with --base');
    const style = styleOf(terminal.colours);
    const findings = findingsOf(change, new Date().toISOString());
    if (findings.some(({ level }) => level === 'failure')) {
      if (values.json) terminal.out(`${JSON.stringify({ ok: false, ...factsOf(change), findings }, null, 2)}\n`);
      else terminal.out(`${findingsText(findings, style)}\n${countText(findings)} found, so there is no plan of ${describe(change)}.\n`);
      return EXIT.findings;
    }
    const told = await planOf(change);
    const seen = { ...change, notes: [...change.notes, ...told.notes] };
    if (values.json) {
      terminal.out(`${JSON.stringify({ ok: true, ...factsOf(seen), ...told.facts, plan: told.data, markdown: told.markdown }, null, 2)}\n`);
      return EXIT.clean;
    }
    tellNotes(seen, terminal);
    if (values.markdown) terminal.out(told.markdown);
    else terminal.out(`${style.dim(`Plan of ${describe(change)}`)}\n\n${markdownText(told.markdown, style)}`);
    return EXIT.clean;
  },
};
