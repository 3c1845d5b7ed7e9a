/**
 * Writes `modules/<name>/go.mod` and `go.sum` anew from `versions.ts`, with Go's own commands:
 * `node local/toolchain/update-modules.ts [name...]`. Run after raising a version; commit the result.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { GO_MINIMUM, GO_MODULES, type GoModule } from './versions.ts';

const Download = z.object({ GoMod: z.string() });

function writeModule(module: GoModule): void {
  const directory = join(import.meta.dirname, 'modules', module.name);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const go = (...args: string[]): string =>
    execFileSync('go', args, {
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, GOWORK: 'off', GOFLAGS: '', GOTOOLCHAIN: 'local' },
    });

  go('mod', 'init', `sluice.invalid/${module.name}`);
  go('mod', 'edit', `-go=${GO_MINIMUM}`);
  if (module.staged !== undefined) {
    const { module: path, version, stagingVersion } = module.staged;
    const { GoMod } = Download.parse(JSON.parse(go('mod', 'download', '-json', `${path}@${version}`)));
    const staged = stagedModules(readFileSync(GoMod, 'utf8'));
    go('mod', 'edit', `-require=${path}@${version}`, ...staged.map((name) => `-replace=${name}=${name}@${stagingVersion}`));
    for (const tool of module.tools) go('mod', 'edit', `-tool=${tool}`);
  } else {
    go('get', '-tool', ...module.tools);
  }
  go('mod', 'tidy');
}

/** The modules that a go.mod takes from its own `./staging` folder. */
function stagedModules(goMod: string): string[] {
  return [...goMod.matchAll(/^\s*(\S+) => \.\/staging\//gm)].map((match) => match[1] ?? '');
}

const wanted = process.argv.slice(2);
for (const module of GO_MODULES) {
  if (wanted.length > 0 && !wanted.includes(module.name)) continue;
  process.stdout.write(`${module.name}\n`);
  writeModule(module);
}
