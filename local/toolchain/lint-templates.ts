/** Runs cfn-lint over the CloudFormation templates of the reference fleet: `npm run templates`. */

import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { openToolchain } from './open.ts';
import { run } from './process.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const FOLDERS = ['channels/cluster', 'channels/bootstrap'];
/** The region of the reference fleet: which instance types and resources exist differs by region. */
const REGION = 'eu-central-1';
/** Files that are templates: by the version that each names, since other YAML files lie beside them. */
async function templates(): Promise<string[]> {
  const files: string[] = [];
  for (const folder of FOLDERS) {
    for (const name of (await readdir(join(ROOT, folder))).sort()) {
      const path = join(folder, name);
      if (name.endsWith('.yaml') && (await readFile(join(ROOT, path), 'utf8')).startsWith('AWSTemplateFormatVersion')) files.push(path);
    }
  }
  if (files.length === 0) throw new Error(`no CloudFormation template was found in ${FOLDERS.join(' and ')}`);
  return files;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
try {
  const toolchain = openToolchain({
    log: say,
  });
  const bin = join(await toolchain.ensure('cfn-lint'), 'bin');
  const files = await templates();
  const output = await run(join(bin, 'cfn-lint'), ['--regions', REGION, '--', ...files], { cwd: ROOT });
  if (output.trim() !== '') say(output);
  say(`cfn-lint: ${files.length} templates, nothing found`);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
