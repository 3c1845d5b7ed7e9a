import { readdirSync } from 'node:fs';
import type * as z from 'zod';
import type { AnyStep } from '#runtime/call.ts';

const FUNCTIONS = new URL('../../../functions/', import.meta.url);

export interface FoundStep {
  readonly name: string;
  /** Folder below functions/, which is the function that has it. */
  readonly folder: string;
  /** File without `.ts`. */
  readonly file: string;
  readonly input: z.ZodType;
  readonly output: z.ZodType;
  /** The step itself, with `run`. */
  readonly step?: unknown;
}

/** Folders of functions: one for each set of rights. */
export function functionFolders(): string[] {
  const folders = readdirSync(FUNCTIONS, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== 'lib');
  return folders.map(({ name }) => name).sort();
}

/** All steps that files below functions/ export. */
export async function readSteps(): Promise<FoundStep[]> {
  const files = functionFolders().flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, FUNCTIONS))
      .filter((file) => file.endsWith('.ts') && file !== 'handler.ts')
      .map((file) => ({ folder, file: file.replace(/\.ts$/, '') })),
  );
  const found = await Promise.all(
    files.map(async ({ folder, file }) => {
      const module = (await import(new URL(`${folder}/${file}.ts`, FUNCTIONS).href)) as Record<string, unknown>;
      return Object.values(module)
        .filter(isStep)
        .map((step) => ({ name: step.name, folder, file, input: step.input, output: step.output, step }));
    }),
  );
  return found.flat();
}

function isStep(value: unknown): value is FoundStep & { run: unknown } {
  return typeof value === 'object' && value !== null && 'name' in value && 'input' in value && 'output' in value && 'run' in value;
}

export interface RunnableStep {
  readonly folder: string;
  readonly step: AnyStep<never>;
}

/** All steps with their code, to be run. */
export async function runnableSteps(): Promise<RunnableStep[]> {
  const found: RunnableStep[] = [];
  for (const folder of functionFolders()) {
    const files = readdirSync(new URL(`${folder}/`, FUNCTIONS)).filter((file) => file.endsWith('.ts') && file !== 'handler.ts');
    for (const file of files) {
      const module = (await import(new URL(`${folder}/${file}`, FUNCTIONS).href)) as Record<string, unknown>;
      for (const step of Object.values(module).filter(isStep)) found.push({ folder, step: step as unknown as AnyStep<never> });
    }
  }
  return found;
}
