import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createScratch } from '#adapters/files/scratch.ts';

// Each starts a process, which a busy machine delays.
vi.setConfig({ testTimeout: 120_000 });

const CHILD = resolve(import.meta.dirname, '../../../support/spool-child.ts');
/** `ulimit -f` counts blocks of 512 bytes in dash, of 1,024 in bash: what is written is far above both. */
const LIMIT_BLOCKS = 100;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sl-scratch-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('a disk that gets full', () => {
  it.each([
    ['in the middle of a snapshot', 3 * 1024 * 1024],
    // A single write then takes a part, and fails only when it is asked for the rest.
    ['within the last write', 900 * 1024],
  ])('%s is told as what it is, and nothing is left of the file', async (_, bytes) => {
    const told = await spoolWithin(bytes, LIMIT_BLOCKS);

    expect(told).toMatchObject({ name: 'RefusedError', message: expect.stringContaining('the disk is full at') });
    expect(readdirSync(root)).toEqual([]);
  });

  it('is not met below the limit', async () => {
    expect(await spoolWithin(40_000, LIMIT_BLOCKS)).toEqual({ bytes: 40_000, onDisk: 40_000 });
  });
});

describe('a process that is killed while it has a directory', () => {
  it('leaves it to the next one, which takes it away and no other', async () => {
    const killed = await startHolder();
    const alive = await startHolder();
    const other = join(root, 'sl-of-somebody');
    mkdirSync(other);
    killed.child.kill('SIGKILL');
    await once(killed.child, 'exit');
    const before = existsSync(killed.directory);

    const mine = await createScratch(root).withDirectory(async (directory) => {
      await createScratch(root).withDirectory(async () => undefined);
      return { there: existsSync(directory), killed: existsSync(killed.directory), alive: existsSync(alive.directory) };
    });

    alive.child.kill('SIGKILL');
    await once(alive.child, 'exit');
    expect(before).toBe(true);
    expect(mine).toEqual({ there: true, killed: false, alive: true });
    expect(existsSync(other)).toBe(true);
  });
});

async function spoolWithin(bytes: number, blocks: number): Promise<unknown> {
  const script = `ulimit -f ${blocks}; exec "$0" "$@"`;
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', script, process.execPath, CHILD, root, String(bytes)]);
  return JSON.parse(stdout);
}

async function startHolder(): Promise<{ child: ChildProcess; directory: string }> {
  const child = spawn(process.execPath, [CHILD, root], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, directory: (JSON.parse(line.toString('utf8')) as { directory: string }).directory };
}
