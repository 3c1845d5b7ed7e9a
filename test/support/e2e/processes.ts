import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { startTime } from '../../../local/machine-room/processes.ts';

/** A process that is told apart from a later one with the same id. */
export interface Seen {
  readonly pid: number;
  readonly start: string;
  readonly command: string;
}

/** A process and all that descend from it. */
export function processTree(root: number): Seen[] {
  const parents = new Map(allPids().map((pid) => [pid, parentOf(pid)]));
  const tree = new Set([root]);
  for (let before = 0; before !== tree.size; ) {
    before = tree.size;
    for (const [pid, parent] of parents) if (parent !== undefined && tree.has(parent)) tree.add(pid);
  }
  return [...tree].flatMap(seen);
}

/** Processes whose command line or environment names a folder, this one and its ancestors excepted. */
export function processesNaming(folder: string): Seen[] {
  return allPids()
    .filter((pid) => pid !== process.pid && pid !== process.ppid)
    .filter((pid) => text(`/proc/${pid}/cmdline`).includes(folder) || text(`/proc/${pid}/environ`).includes(folder))
    .flatMap(seen);
}

/** Those that still run; a zombie has ended. */
export function stillRunning(processes: readonly Seen[]): Seen[] {
  return processes.filter(({ pid, start }) => startTime(pid) === start && stateOf(pid) !== 'Z');
}

/** TCP addresses (`127.0.0.1:4566`) that the processes listen on. */
export function listenersOf(pids: readonly number[]): string[] {
  const sockets = new Set(pids.flatMap(socketsOf));
  return listeners()
    .filter(({ inode }) => sockets.has(inode))
    .map(({ address }) => address);
}

/** All TCP addresses that somebody listens on. */
export function allListeners(): string[] {
  return listeners().map(({ address }) => address);
}

function listeners(): { address: string; inode: string }[] {
  const listening = '0A';
  return text('/proc/net/tcp')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === listening)
    .map((fields) => ({ address: addressOf(fields[1] ?? ''), inode: fields[9] ?? '' }));
}

/** `0100007F:11D6` is 127.0.0.1:4566: the address in the machine's byte order, little-endian here, the port in the network's. */
function addressOf(hex: string): string {
  const [address = '', port = ''] = hex.split(':');
  const bytes = (address.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)).reverse();
  return `${bytes.join('.')}:${Number.parseInt(port, 16)}`;
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1];
      return inode === undefined ? [] : [inode];
    });
  } catch {
    // The process has ended meanwhile: it has no sockets.
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function seen(pid: number): Seen[] {
  const start = startTime(pid);
  return start === undefined ? [] : [{ pid, start, command: text(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').slice(0, 200) }];
}

function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Fields 3 and 4 of proc_pid_stat(5): state and parent. */
function statOf(pid: number): string[] {
  return text(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ');
}

function stateOf(pid: number): string | undefined {
  return statOf(pid)[0];
}

function parentOf(pid: number): number | undefined {
  const parent = Number(statOf(pid)[1]);
  return Number.isInteger(parent) ? parent : undefined;
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Gone, or another user's: nothing to read.
    return '';
  }
}
