#!/usr/bin/env node
// The `sluice` command: plain JavaScript, for it runs on any Node from 20 on. It hands over to cli/main.ts on the Node of
// the packages, or on this one where it is as new: older ones can't run TypeScript files.
import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** Exit code of a command that could not run. */
const COULD_NOT_RUN = 2;
const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

const child = spawn(findNode(), ['--disable-warning=ExperimentalWarning', join(ROOT, 'cli/main.ts'), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.once('error', (error) => fail(`Node could not be started: ${error.message}`));
child.once('exit', (code, signal) => process.exit(code ?? 128 + (SIGNAL_NUMBERS[signal] ?? 0)));

function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  const own = join(ROOT, 'node_modules', 'node', 'bin', 'node');
  if (spawnSync(own, ['--version']).status === 0) return own;
  return fail(`sluice needs Node 24 or its own packages, and ${own} does not run. Run \`npm install --no-save\` in ${ROOT}.`);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(COULD_NOT_RUN);
}
