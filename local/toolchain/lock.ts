import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as z from 'zod';

const Owner = z.object({ pid: z.int(), started: z.string() });

/** A lock folder without an owner file is older than this only when its maker died between the two calls. */
const NAMELESS_GRACE_MS = 5000;
const POLL_MS = 250;

/**
 * Takes a lock, a folder that only one process can make, waiting for another process that holds it; returns the call
 * that frees it. A lock whose owner is gone is taken over. The lock saves double work and no more: what is built under
 * it is published by a rename, so that even two holders at once would do no harm.
 * @throws the signal's reason when aborted while waiting
 */
export async function takeLock(path: string, signal: AbortSignal, onWait: () => void): Promise<() => Promise<void>> {
  while (!(await tryTake(path))) {
    onWait();
    if (await isStale(path)) await moveAway(path);
    else await pause(POLL_MS, undefined, { signal });
  }
  return () => rm(path, { recursive: true, force: true });
}

async function tryTake(path: string): Promise<boolean> {
  try {
    await mkdir(path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
  const owner: z.infer<typeof Owner> = { pid: process.pid, started: await startOf(process.pid) };
  await writeFile(join(path, 'owner.json'), JSON.stringify(owner));
  return true;
}

async function isStale(path: string): Promise<boolean> {
  const owner = await readOwner(path);
  if (owner !== undefined) return !isAlive(owner.pid) || (await startOf(owner.pid)) !== owner.started;
  const made = await stat(path).catch(() => undefined);
  return made !== undefined && Date.now() - made.mtimeMs > NAMELESS_GRACE_MS;
}

async function readOwner(path: string): Promise<z.infer<typeof Owner> | undefined> {
  try {
    return Owner.parse(JSON.parse(await readFile(join(path, 'owner.json'), 'utf8')));
  } catch {
    // Absent or half written: its maker is at it right now, or died; the folder's age tells which.
    return undefined;
  }
}

/** Only one of several waiters can rename the stale folder; the others find it gone and try to take the lock. */
async function moveAway(path: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  await rename(path, aside).catch(() => undefined);
  await rm(aside, { recursive: true, force: true });
}

/** True while a process with this id exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** When a process started, in the kernel's ticks, so that a reused id is told apart; empty where there is no /proc. */
async function startOf(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
