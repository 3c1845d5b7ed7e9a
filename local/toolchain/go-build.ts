import { rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { goEnvironment } from './go.ts';
import type { BuildContext } from './recipe.ts';

/** A command of a module, built into `file`. */
export interface GoTarget {
  readonly file: string;
  readonly package: string;
}

export interface GoBuild {
  /** Folder with go.mod and go.sum. */
  readonly module: string;
  readonly ldflags: string;
  /** `<packages>=<flags of the compiler>`. */
  readonly gcflags?: string;
  readonly targets: readonly GoTarget[];
  /** A package whose tests are the program. */
  readonly test?: GoTarget;
}

const COMPILES = / -o \S+_pkg_\.a /;

/** Builds what isn't there yet: all commands in one call, so that shared packages are compiled side by side. */
export async function buildGo(context: BuildContext, build: GoBuild, env: NodeJS.ProcessEnv): Promise<void> {
  const targets = build.targets.filter(({ file }) => !context.present.has(file));
  const test = build.test !== undefined && !context.present.has(build.test.file) ? build.test : undefined;
  if (targets.length === 0 && test === undefined) return;

  const root = await context.need('go');
  const compiler = build.gcflags === undefined ? [] : [`-gcflags=${build.gcflags}`];
  const flags = ['-trimpath', '-buildvcs=false', `-ldflags=${build.ldflags}`, ...compiler];
  const options = { cwd: build.module, env: goEnvironment(env, root), nice: true };
  const go = join(root, 'bin', 'go');
  const buildArgs = [...flags, '-o', `${context.directory}/`, ...targets.map((target) => target.package)];
  // Vetting somebody else's tests would look at every package they need, for as long as compiling takes.
  const testArgs = test === undefined ? [] : ['-c', '-vet=off', ...flags, '-o', join(context.directory, test.file), test.package];

  const total = await countCompiles();
  let done = 0;
  const step = (): void => context.report({ phase: ++done >= total ? 'linking' : 'compiling', done, total });
  context.report({ phase: total === 0 ? 'linking' : 'compiling', done, total });
  if (targets.length > 0) await context.run(go, ['build', '-v', ...buildArgs], { ...options, onLine: countPackage(step) });
  for (const target of targets) await rename(join(context.directory, builtName(target.package)), join(context.directory, target.file));
  if (test !== undefined) await buildTest();

  /** Asks Go what it would run: an exact count of what isn't cached. Fetches the modules on the way. */
  async function countCompiles(): Promise<number> {
    context.report({ phase: 'downloading' });
    let count = 0;
    const onLine = (line: string): boolean => {
      if (line.startsWith('go: ') || line.startsWith('#')) return false;
      if (COMPILES.test(line)) count++;
      return true;
    };
    if (targets.length > 0) await context.run(go, ['build', '-n', ...buildArgs], { ...options, onLine });
    if (test !== undefined) await context.run(go, ['test', '-n', ...testArgs], { ...options, onLine });
    return count;
  }

  /** `go test` has no way to print packages as they are compiled but to print its commands, which hide its errors. */
  async function buildTest(): Promise<void> {
    const onLine = (line: string): boolean => {
      if (COMPILES.test(line)) step();
      return true;
    };
    try {
      await context.run(go, ['test', '-x', ...testArgs], { ...options, onLine });
    } catch {
      context.signal.throwIfAborted();
      // The same again without the commands: it goes on where it stopped, and what fails then says why.
      await context.run(go, ['test', ...testArgs], options);
    }
  }
}

/** Counts the lines of `go build -v`, one import path for each package compiled. */
function countPackage(step: () => void): (line: string) => boolean {
  return (line) => {
    if (!/^[\w./~-]+$/.test(line)) return false;
    step();
    return true;
  };
}

/** The name that `go build -o folder/` gives: the last part of the path that isn't a major version. */
function builtName(path: string): string {
  return basename(path.replace(/\/v\d+$/, ''));
}
