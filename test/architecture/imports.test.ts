import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../../', import.meta.url).pathname;

interface Import {
  readonly from: string;
  /** A path below the repository, or the name of a package. */
  readonly to: string;
}

/** Static and dynamic imports, and re-exports. */
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g;

function importsOf(pattern: string): Import[] {
  return globSync(pattern, { cwd: ROOT }).flatMap((file) => {
    const source = readFileSync(join(ROOT, file), 'utf8');
    return [...source.matchAll(IMPORT)].map(([, specifier = '']) => ({ from: file, to: resolve(file, specifier) }));
  });
}

function resolve(file: string, specifier: string): string {
  if (specifier.startsWith('#')) return specifier.replace('#', 'functions/lib/');
  return specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier;
}

/** The layer of a file below functions/: its folder in lib, `handler`, or `step`. */
function layerOf(path: string): string {
  const lib = /^functions\/lib\/([^/]+)\//.exec(path)?.[1];
  if (lib !== undefined) return lib;
  if (path.endsWith('/handler.ts')) return 'handler';
  return path.startsWith('functions/') ? 'step' : path;
}

/** What each layer may import of the others; itself always. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  model: [],
  domain: ['model', 'ports'],
  ports: ['model'],
  facts: ['model', 'domain', 'ports'],
  step: ['model', 'domain', 'ports', 'facts'],
  adapters: ['model', 'ports', 'domain'],
  runtime: ['model', 'domain', 'ports', 'facts', 'adapters'],
  handler: ['model', 'domain', 'ports', 'facts', 'adapters', 'runtime', 'step'],
};
const SDK = /^(@aws-sdk|@smithy|@octokit|@grpc|undici)\b/;

const imports = importsOf('functions/**/*.ts');
const inside = imports.filter(({ to }) => to.startsWith('functions/'));

describe('imports of what is deployed', () => {
  it('are found', () => {
    expect(inside.length).toBeGreaterThan(100);
    expect(new Set(inside.map(({ from }) => layerOf(from)))).toEqual(new Set(Object.keys(MAY_IMPORT)));
  });

  it('run one way: model <- domain, ports <- step <- handler', () => {
    const wrong = inside.filter(
      ({ from, to }) => layerOf(from) !== layerOf(to) && MAY_IMPORT[layerOf(from)]?.includes(layerOf(to)) !== true,
    );

    expect(wrong).toEqual([]);
  });

  it('take of the ports in domain only types', () => {
    const files = [
      ...new Set(inside.filter(({ from, to }) => layerOf(from) === 'domain' && layerOf(to) === 'ports').map(({ from }) => from)),
    ];

    for (const file of files)
      expect(readFileSync(join(ROOT, file), 'utf8')).not.toMatch(/import \{(?![^}]*\btype\b)[^}]*\} from '(#ports|\.\.\/ports)/);
  });

  it('do not leave functions/', () => {
    const left = imports.filter(({ to }) => /^(local|cli|test|channels|state-machines)\//.test(to));

    expect(left).toEqual([]);
  });

  it('of an SDK are in adapters only; the webhook verifies deliveries by @octokit/webhooks', () => {
    const sdk = imports.filter(({ from, to }) => SDK.test(to) && !(from === 'functions/webhook/handler.ts' && to === '@octokit/webhooks'));

    expect(sdk.length).toBeGreaterThan(5);
    expect(sdk.filter(({ from }) => layerOf(from) !== 'adapters')).toEqual([]);
  });

  it('of another function there are none, but for the answers of the steps that reach forwards', () => {
    const folder = (path: string): string | undefined => /^functions\/(?!lib\/)([^/]+)\//.exec(path)?.[1];
    const across = inside.filter(
      ({ from, to }) => folder(to) !== undefined && folder(from) !== folder(to) && from !== 'functions/reach/answers.ts',
    );

    expect(across).toEqual([]);
  });
});

describe('the local world', () => {
  const files = globSync(['functions/**/*.ts', 'state-machines/*.json', 'serverless.yml', 'channels/**/*.yaml'], { cwd: ROOT });

  it('is not known to anything that is deployed', () => {
    const knowing = files.filter((file) => /ministack|127\.0\.0\.1|localhost|kwok/i.test(readFileSync(join(ROOT, file), 'utf8')));

    expect(files.length).toBeGreaterThan(100);
    expect(knowing).toEqual([]);
  });

  it('is not told by the environment to a step, a port or a decision', () => {
    const reading = files.filter(
      (file) => file.endsWith('.ts') && layerOf(file) !== 'runtime' && /process\.env/.test(readFileSync(join(ROOT, file), 'utf8')),
    );

    expect(reading).toEqual([]);
  });
});
