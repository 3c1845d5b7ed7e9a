import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Child {
  /** The last 4,000 characters of what it wrote. */
  output(): string;
  /** undefined while it runs. */
  exited(): string | undefined;
  /** SIGTERM, then SIGKILL after the grace; ends when the process did. */
  stop(graceMilliseconds?: number): Promise<void>;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a process that ends, at the latest, with this one. */
export function startChild(path: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env, cwd?: string): Child {
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], env, cwd });
  let output = '';
  let ended: string | undefined;
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString('utf8')).slice(-4000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  running.add(child);
  child.once('error', (error) => {
    ended = error.message;
    running.delete(child);
  });
  child.once('exit', (code, signal) => {
    ended = signal ?? `exit code ${code}`;
    running.delete(child);
  });
  return {
    output: () => output,
    exited: () => ended,
    async stop(grace = 3000) {
      if (ended !== undefined) return;
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), grace);
      await exit;
      clearTimeout(timer);
    },
  };
}

/** Looks every 50 ms until `look` answers something. @throws at the deadline with what the child wrote */
export async function until<T>(what: string, look: () => Promise<T | undefined>, child?: Child, seconds = 30): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    const ended = child?.exited();
    if (ended !== undefined) throw new Error(`${what}: the process ended (${ended})\n${child?.output()}`);
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s\n${child?.output() ?? ''}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
