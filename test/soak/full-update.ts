import { join, resolve } from 'node:path';
import { whyNoRealNodes } from '../../local/machine-room/real/possible.ts';
import { linkBinaries } from '../../local/test-binaries.ts';
import { openToolchain } from '../../local/toolchain/open.ts';
import { BUILD_ORDER, REAL_NODE_PRODUCTS } from '../../local/toolchain/recipes.ts';
import { judgeFullUpdate } from '../support/full-update/judge.ts';
import { runFullUpdate } from '../support/full-update/run.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/**
 * A cluster of three etcd members, two control planes and six nodes, two of them real, from one minor of Kubernetes to the
 * next and one patch of etcd to the next, while clients call a service on the real nodes and the API.
 */
export async function fullUpdate(tell: (line: string) => void): Promise<void> {
  const why = whyNoRealNodes();
  if (why !== undefined) throw new Error(why);
  const toolchain = openToolchain({
    log: tell,
  });
  const ministack = await toolchain.ensure('ministack');
  await toolchain.ensureAll([...BUILD_ORDER.filter((product) => !product.startsWith('e2e-')), ...REAL_NODE_PRODUCTS]);
  const binaries = join(ROOT, '.world', 'full-update-binaries');
  await linkBinaries(toolchain, binaries, { all: false, realNodes: true });
  process.env['SLUICE_TEST_BINARIES'] = binaries;
  process.env['SLUICE_TEST_MINISTACK'] = join(ministack, 'bin', 'ministack');
  const { lines, short } = judgeFullUpdate(await runFullUpdate(tell));
  for (const line of lines) tell(line);
  if (short.length > 0) throw new Error(`not reached: ${short.join(', ')}`);
}
