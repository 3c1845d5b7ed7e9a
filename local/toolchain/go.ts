import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { run } from './process.ts';
import { GO_MINIMUM } from './versions.ts';

/** A Go on this machine. */
export interface Go {
  /** Like `1.26.8`. */
  readonly version: string;
  readonly root: string;
}

/** The Go on PATH when it is new enough, else undefined. */
export async function findGo(env: NodeJS.ProcessEnv): Promise<Go | undefined> {
  try {
    const answer = await run('go', ['env', 'GOVERSION', 'GOROOT'], { cwd: tmpdir(), env: goEnvironment(env), timeoutMs: 20_000 });
    const [, version, root] = answer.match(/^go(\d+\.\d+(?:\.\d+)?)\s+(\S.*)$/) ?? [];
    if (version === undefined || root === undefined || !isAtLeast(version, GO_MINIMUM)) return undefined;
    return { version, root };
  } catch {
    // No Go on PATH: the package is used.
    return undefined;
  }
}

/**
 * Environment of a Go build: the Go at hand and no other, the module files as they are, no C compiler, this platform.
 * Caches, proxy and checksum settings stay as the machine has them.
 */
export function goEnvironment(env: NodeJS.ProcessEnv, root?: string): NodeJS.ProcessEnv {
  const { GOOS: _os, GOARCH: _architecture, GOROOT: _root, GOEXPERIMENT: _experiment, ...rest } = env;
  return {
    ...rest,
    ...(root === undefined ? {} : { PATH: `${join(root, 'bin')}${delimiter}${env['PATH'] ?? ''}` }),
    GO111MODULE: 'on',
    GOTOOLCHAIN: 'local',
    GOWORK: 'off',
    GOFLAGS: '-mod=readonly',
    CGO_ENABLED: '0',
  };
}

function isAtLeast(version: string, minimum: string): boolean {
  const [left, right] = [version, minimum].map((text) => text.split('.').map(Number));
  for (const [index, part] of (right ?? []).entries()) {
    const other = left?.[index] ?? 0;
    if (other !== part) return other > part;
  }
  return true;
}
