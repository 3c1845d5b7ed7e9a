import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Path of a real binary: `<SLUICE_TEST_BINARIES>/<name>` or `<SLUICE_TEST_BINARIES>/<version>/<name>`.
 * @throws when it is not there: a test against a real part must not pass without it
 */
export function binary(name: string, version?: string): string {
  const root = process.env['SLUICE_TEST_BINARIES'];
  if (root === undefined) throw new Error('SLUICE_TEST_BINARIES is not set: run the tests by `npm test`, which builds the binaries');
  const path = version === undefined ? join(root, name) : join(root, version, name);
  if (!existsSync(path)) throw new Error(`${path} is not there: run \`npm test\`, which builds it`);
  return path;
}
