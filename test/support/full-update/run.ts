import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { Measured } from './measure.ts';

/** What the full update came to. */
export const FullUpdateResult = z.object({
  /** Of the update, from its start to its end. */
  seconds: z.number(),
  service: Measured,
  api: Measured,
  /** Version of each node's kubelet at the end. */
  kubelets: z.array(z.string()),
});
export type FullUpdateResult = z.infer<typeof FullUpdateResult>;

/**
 * Runs the full update in a process with a network and mounts of its own, so that nothing of it is seen on this machine.
 * @param tell takes its lines. @throws Error with the end of what it said
 */
export async function runFullUpdate(tell: (line: string) => void): Promise<FullUpdateResult> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-full-'));
  // In a process namespace too: whatever it started ends with it, however it ends.
  const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];
  const program = [process.execPath, join(import.meta.dirname, 'child.ts'), directory];
  const child = spawn('unshare', [...namespaces, ...program], { stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = (): void => void child.kill('SIGKILL');
  process.once('exit', stop);
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (!line.startsWith('{')) tell(line);
    });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const last = lines.findLast((line) => line.startsWith('{'));
    if (code !== 0 || last === undefined) throw new Error(`the full update ended with ${code}:\n${lines.slice(-20).join('\n')}`);
    return FullUpdateResult.parse(JSON.parse(last));
  } finally {
    process.off('exit', stop);
    rmSync(directory, { recursive: true, force: true });
  }
}
