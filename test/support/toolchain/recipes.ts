import { appendFileSync, chmodSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { BuildContext, Recipe } from '../../../local/toolchain/recipe.ts';

/** A temporary folder that goes with the test. */
export function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-toolchain-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a program that answers everything with one line. */
export function writeProgram(path: string, answer: string): void {
  writeFileSync(path, `#!/bin/sh\necho "${answer}"\n`);
  chmodSync(path, 0o755);
}

export interface FakeRecipe extends Recipe {
  /** How often it was built, by whatever process. */
  builds(): number;
}

/** A recipe of one small program, `<product>`, which is built by a shell command and says `v1`. */
export function fakeRecipe(
  product: string,
  folder: string,
  changes: Partial<Recipe> & { before?: (context: BuildContext) => Promise<void> } = {},
): FakeRecipe {
  const { before, ...rest } = changes;
  const record = join(folder, `${product}.builds`);
  return {
    product,
    title: `The ${product}`,
    heavy: true,
    cost: { seconds: 60, packages: 100 },
    binaries: [{ file: product, versionArgs: ['--version'], says: 'v1' }],
    searchIn: [],
    identity: async () => [product],
    async build(context) {
      appendFileSync(record, 'x');
      await before?.(context);
      if (context.present.has(product)) return;
      await context.run('/bin/sh', ['-c', `printf '#!/bin/sh\\necho ${product} v1\\n' > ${product} && chmod +x ${product}`], {
        cwd: context.directory,
      });
    },
    builds: () => (existsSync(record) ? readFileSync(record, 'utf8').length : 0),
    ...rest,
  };
}
