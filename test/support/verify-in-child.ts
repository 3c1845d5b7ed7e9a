import { spawn } from 'node:child_process';
import { join } from 'node:path';
import * as z from 'zod';

const Told = z.object({ code: z.int(), out: z.string(), error: z.string(), cpuSeconds: z.number(), megabytes: z.number() });
/** How `sluice backup verify` ended on a file, and what it took; Node by itself has about 100 MB. */
export type Told = z.infer<typeof Told>;

/** Runs `sluice backup verify` in a process of its own. @throws Error when the process ends by itself or takes minutes */
export function verifyInChild(path: string): Promise<Told> {
  return new Promise((resolve, reject) => {
    const script = join(import.meta.dirname, 'verify-child.ts');
    const child = spawn(process.execPath, [script, 'backup', 'verify', path], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 140_000,
      killSignal: 'SIGKILL',
    });
    let [output, error] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      error += chunk;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(Told.parse(JSON.parse(output)));
      else reject(new Error(`${path} ended the process (${code ?? signal}): ${error.slice(-2000)}`));
    });
  });
}
