/** Gets every product and prints its folder: `npm run toolchain`, or `node local/toolchain/build.ts [product...]`. */

import { describeProduct } from './describe.ts';
import { openToolchain } from './open.ts';
import { BUILD_ORDER, trimGoCache } from './recipes.ts';

const PROGRESS_EVERY_MS = 15_000;

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort(new Error(`stopped by ${signal}`)));

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const toolchain = openToolchain({
  log: say,
  signal: abort.signal,
  afterBuilds: () => trimGoCache(process.env),
});

const wanted = process.argv.length > 2 ? process.argv.slice(2) : ['ministack', ...BUILD_ORDER];
const timer = setInterval(() => {
  for (const product of wanted) {
    const state = toolchain.state(product);
    if (state.state === 'building') say(describeProduct(state, new Date()));
  }
}, PROGRESS_EVERY_MS);
try {
  await toolchain.ensureAll(wanted);
  for (const product of wanted) say(`${product} ${toolchain.state(product).directory ?? ''}`);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  clearInterval(timer);
}
