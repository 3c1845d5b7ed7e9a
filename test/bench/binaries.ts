import { join, resolve } from 'node:path';
import { linkBinaries } from '../../local/test-binaries.ts';
import { openToolchain } from '../../local/toolchain/open.ts';
import { BUILD_ORDER } from '../../local/toolchain/recipes.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Gets the real servers that a bench starts, unless somebody says where they are, and the emulated AWS. */
export async function provideBinaries(log: (line: string) => void): Promise<void> {
  const toolchain = openToolchain({ log });
  process.env['SLUICE_TEST_MINISTACK'] ??= join(await toolchain.ensure('ministack'), 'bin', 'ministack');
  if (process.env['SLUICE_TEST_BINARIES'] !== undefined) return;
  await toolchain.ensureAll(BUILD_ORDER.filter((product) => !product.startsWith('e2e-')));
  const binaries = join(ROOT, '.world', 'bench-binaries');
  await linkBinaries(toolchain, binaries, { all: false, realNodes: false });
  process.env['SLUICE_TEST_BINARIES'] = binaries;
}
