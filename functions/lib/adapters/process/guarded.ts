import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';

export interface GuardedRequest {
  readonly command: string;
  readonly args: readonly string[];
  /** Working directory, also HOME and TMPDIR: nothing else may be writable. */
  readonly directory: string;
  /** File for standard output and error. */
  readonly log: string;
}

export interface GuardedProcess {
  /** Resolves when the process has ended; undefined after a signal. Never rejects. */
  readonly exited: Promise<number | undefined>;
  /** Ends the process and all it has started, and waits for the end. Safe to repeat. */
  end(): Promise<void>;
}

/**
 * The shell runs the command, and a second shell that waits for the end of its standard input: when our own process
 * dies, however it dies, the pipe closes and the whole process group is killed. Only built-ins, for a minimal image.
 */
const GUARD = ['exec 3<&0', '"$@" 3<&- </dev/null &', 'child=$!', '{ read -r _ <&3; kill -KILL 0; } &', 'exec 3<&-', 'wait "$child"'].join(
  '\n',
);

/**
 * Starts a process that cannot outlive us, in a process group of its own and with nothing of our environment (it holds
 * credentials).
 */
export function startGuarded({ command, args, directory, log }: GuardedRequest): GuardedProcess {
  const output = openSync(log, 'a', 0o600);
  const child = spawn('/bin/sh', ['-c', GUARD, 'guard', command, ...args], {
    cwd: directory,
    env: { HOME: directory, TMPDIR: directory, PATH: '/usr/local/bin:/usr/bin:/bin' },
    detached: true,
    stdio: ['pipe', output, output],
  });
  closeSync(output);
  // The pipe breaks when the group is killed; the exit tells that already.
  child.stdin?.on('error', () => undefined);

  const exited = new Promise<number | undefined>((resolve) => {
    child.once('error', () => resolve(undefined));
    child.once('exit', (code) => {
      killGroup(child.pid);
      resolve(code ?? undefined);
    });
  });
  return {
    exited,
    async end() {
      killGroup(child.pid);
      await exited;
    },
  };
}

/** The last bytes of a log as text. */
export async function tailOf(log: string, bytes: number): Promise<string> {
  const file = await open(log, 'r');
  try {
    const { size } = await file.stat();
    const length = Math.min(size, bytes);
    const buffer = Buffer.alloc(length);
    await file.read(buffer, 0, length, size - length);
    return buffer.toString('utf8');
  } finally {
    await file.close();
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
