import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { createInterface } from 'node:readline';
import { SluiceError } from '#model/errors.ts';

/** Lines of a failed command's output that its error shows. */
const TAIL_LINES = 30;
/** Time between SIGTERM and SIGKILL of an aborted command. */
const KILL_AFTER_MS = 5000;

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  /** Runs at a low priority, so that a build leaves the machine usable; the lowest would starve it beside anything. */
  readonly nice?: boolean;
  /** Takes each line of stderr; true keeps it out of the log and of the error (noise). */
  readonly onLine?: (line: string) => boolean;
  /** Takes each line of stdout instead of returning them. */
  readonly onOutput?: (line: string) => void;
  /** File that the command and its output are appended to. */
  readonly logFile?: string;
  readonly timeoutMs?: number;
}

const running = new Set<number>();
process.on('exit', () => {
  for (const pid of running) killGroup(pid, 'SIGKILL');
});

/**
 * Runs a command in a process group of its own and returns its stdout. The group ends with the signal, the timeout or
 * this process. @throws SluiceError with the last 30 lines of the output
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  options.signal?.throwIfAborted();
  const output: string[] = [];
  const tail: string[] = [];
  const keep = (line: string): void => {
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    if (options.logFile !== undefined) appendFileSync(options.logFile, `${line}\n`);
  };
  if (options.logFile !== undefined) appendFileSync(options.logFile, `$ ${[command, ...args].join(' ')}\n`);

  const code = await new Promise<number | string>((resolve) => {
    const child = spawn(command, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    const stop = guard(child.pid, options);
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (options.onOutput !== undefined) return options.onOutput(line);
      output.push(line);
      keep(line);
    });
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (options.onLine?.(line) !== true) keep(line);
    });
    child.once('error', (error) => {
      stop();
      resolve(error.message);
    });
    child.once('close', (status, signal) => {
      stop();
      resolve(status ?? signal ?? 'no exit code');
    });
  });

  options.signal?.throwIfAborted();
  if (code === 0) return output.join('\n');
  throw new SluiceError(`\`${command} ${args[0] ?? ''}\` ended with ${code}. The last lines of its output:\n${tail.join('\n')}`);
}

/** Keeps watch over a child: priority, abort, timeout, end of this process. Returns what ends the watch. */
function guard(pid: number | undefined, options: RunOptions): () => void {
  if (pid === undefined) return () => undefined;
  running.add(pid);
  if (options.nice === true) lowerPriority(pid);
  let kill: NodeJS.Timeout | undefined;
  const abort = (): void => {
    killGroup(pid, 'SIGTERM');
    kill ??= setTimeout(() => killGroup(pid, 'SIGKILL'), KILL_AFTER_MS).unref();
  };
  const timeout = options.timeoutMs === undefined ? undefined : setTimeout(abort, options.timeoutMs);
  options.signal?.addEventListener('abort', abort, { once: true });
  return () => {
    running.delete(pid);
    clearTimeout(timeout);
    clearTimeout(kill);
    options.signal?.removeEventListener('abort', abort);
  };
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, 10);
  } catch {
    // Politeness only: the child may have ended already, or the system forbids it.
  }
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone, which is what was wanted.
  }
}
