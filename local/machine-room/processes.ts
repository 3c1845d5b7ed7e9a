import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface ProcessSpec {
  /** Name for diagnosis, for example `i-0ab12/kube-apiserver`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly logFile: string;
  readonly restart: 'no' | 'on-failure' | 'always';
  /** Pause before a restart; after five early ends in a row it doubles each time, up to ten seconds. */
  readonly restartSeconds: number;
  /** Told of each end that was not asked for, and how it goes on. */
  readonly onEnd: (how: string, restartsInSeconds: number | undefined) => void;
}

export interface RunningProcess {
  /** Asks by SIGTERM and kills after the grace. Resolves when the whole process is gone. */
  stop(graceSeconds: number): Promise<void>;
  /** Stands still: its connections stay and nothing answers. It is not started again either until it thaws. */
  freeze(): void;
  thaw(): void;
}

export interface ProcessTable {
  start(spec: ProcessSpec): RunningProcess;
  list(): { name: string; pid: number }[];
  /** Kills what is still there and ends the watchdog. */
  close(): Promise<void>;
}

/** A process that ran this long was up: the count of early ends begins again. */
const STEADY_SECONDS = 10;
/** systemd pauses the same time always and gives up after five starts in ten seconds; here it goes on, more slowly. */
const EVEN_RESTARTS = 5;
const LONGEST_PAUSE_SECONDS = 10;

/**
 * Kills the process groups listed in the file when its standard input ends, that is when the room's process is gone
 * however it ended. Pid and start time must both match: a pid used again by somebody else is left alone.
 */
const WATCHDOG = `
while read -r _; do :; done
while read -r pid start; do
  [ "$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f20)" = "$start" ] && kill -KILL "-$pid"
done < "$1"
`;

/**
 * Starts processes in groups of their own and sees that none outlives the room: `processes.txt` in the directory lists
 * pid and start time of each; leftovers of an earlier room listed there are killed first.
 */
export function createProcessTable(directory: string): ProcessTable {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'processes.txt');
  killLeftovers(file);
  const children = new Map<number, { name: string; start: string; ended: Promise<void> }>();
  const save = (): void => writeFileSync(file, [...children].map(([pid, child]) => `${pid} ${child.start}\n`).join(''));
  save();
  const watchdog = spawn('/bin/sh', ['-c', WATCHDOG, 'sluice-machine-room-watchdog', file], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const watchdogGone = new Promise((resolve) => watchdog.once('exit', resolve));
  watchdog.unref();
  const killAll = (): void => {
    for (const pid of children.keys()) signalGroup(pid, 'SIGKILL');
  };
  let closed = false;
  process.on('exit', killAll);

  const launch = (spec: ProcessSpec): ChildProcess => {
    mkdirSync(dirname(spec.logFile), { recursive: true });
    const log = openSync(spec.logFile, 'a');
    const child = spawn(spec.command, [...spec.args], {
      detached: true,
      cwd: spec.directory,
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: spec.directory, ...spec.environment },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const { pid } = child;
    if (pid === undefined) return child;
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => {
        // Whatever the process started itself goes with it.
        signalGroup(pid, 'SIGKILL');
        children.delete(pid);
        save();
        resolve();
      });
    });
    children.set(pid, { name: spec.name, start: startTime(pid) ?? '', ended });
    save();
    return child;
  };

  return {
    start: (spec) => supervise(spec, launch, () => closed),
    list: () => [...children].map(([pid, child]) => ({ name: child.name, pid })),
    close: async () => {
      closed = true;
      const ends = [...children.values()].map((child) => child.ended);
      killAll();
      await Promise.all(ends);
      process.off('exit', killAll);
      // Waited for, it keeps this process alive; else Node would end with the wait unsettled and exit code 13.
      watchdog.ref();
      watchdog.stdin?.end();
      await watchdogGone;
    },
  };
}

/** Keeps one process running by its restart rule. */
function supervise(spec: ProcessSpec, launch: (spec: ProcessSpec) => ChildProcess, closed: () => boolean): RunningProcess {
  let stopping = false;
  let earlyEnds = 0;
  let current: ChildProcess | undefined;
  let timer: NodeJS.Timeout | undefined;
  let frozen = false;
  let due = false;

  const run = (): void => {
    if (stopping || closed()) return;
    due = frozen;
    if (frozen) return;
    const startedAt = Date.now();
    const child = launch(spec);
    current = child;
    const onEnd = (how: string, failed: boolean): void => {
      current = undefined;
      if (stopping || closed()) return;
      const again = spec.restart === 'always' || (spec.restart === 'on-failure' && failed);
      if (!again) {
        spec.onEnd(how, undefined);
        return;
      }
      earlyEnds = Date.now() - startedAt > STEADY_SECONDS * 1000 ? 0 : earlyEnds + 1;
      const factor = 2 ** Math.max(0, earlyEnds - EVEN_RESTARTS);
      const pause = Math.min(Math.max(LONGEST_PAUSE_SECONDS, spec.restartSeconds), Math.max(spec.restartSeconds, 0.1) * factor);
      spec.onEnd(how, pause);
      timer = setTimeout(run, pause * 1000);
    };
    child.once('error', (error) => child.pid === undefined && onEnd(`cannot start: ${error.message}`, true));
    child.once('exit', (code, signal) => onEnd(signal === null ? `ended with code ${code}` : `ended by ${signal}`, code !== 0));
  };

  run();
  return {
    stop: async (graceSeconds) => {
      stopping = true;
      clearTimeout(timer);
      if (current !== undefined) await end(current, graceSeconds);
    },
    freeze: () => {
      frozen = true;
      if (current?.pid !== undefined) signalGroup(current.pid, 'SIGSTOP');
    },
    thaw: () => {
      frozen = false;
      if (current?.pid !== undefined) signalGroup(current.pid, 'SIGCONT');
      if (due) run();
    },
  };
}

async function end(child: ChildProcess, graceSeconds: number): Promise<void> {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  if (graceSeconds > 0) {
    signalGroup(pid, 'SIGTERM');
    const timeout = new AbortController();
    await Promise.race([gone, delay(graceSeconds * 1000, undefined, { signal: timeout.signal }).catch(() => undefined)]);
    timeout.abort();
  }
  if (child.exitCode === null && child.signalCode === null) signalGroup(pid, 'SIGKILL');
  await gone;
}

function killLeftovers(file: string): void {
  for (const line of readLines(file)) {
    const [pid, start] = line.split(' ');
    if (pid !== undefined && start !== undefined && start !== '' && startTime(Number(pid)) === start) signalGroup(Number(pid), 'SIGKILL');
  }
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Start time of a process in clock ticks since boot, field 22 of proc_pid_stat(5); undefined when there is none. */
export function startTime(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19];
  } catch {
    // No such process: that is the answer.
    return undefined;
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
