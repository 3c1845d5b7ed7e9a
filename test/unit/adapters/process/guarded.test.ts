import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startGuarded, tailOf } from '#adapters/process/guarded.ts';

const MODULE = join(import.meta.dirname, '../../../../functions/lib/adapters/process/guarded.ts');

describe('a guarded process', () => {
  let directory: string;
  let log: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-guarded-'));
    log = join(directory, 'log');
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('tells the exit code and keeps what was written', async () => {
    const running = startGuarded({ command: '/bin/sh', args: ['-c', 'echo "one $0"; exit 3', 'two words'], directory, log });

    const code = await running.exited;

    expect(code).toBe(3);
    expect(await tailOf(log, 100)).toBe('one two words\n');
  });

  it('gets nothing of our environment', async () => {
    const running = startGuarded({ command: '/usr/bin/env', args: [], directory, log });

    await running.exited;
    const names = (await tailOf(log, 2000)).split('\n').map((line) => line.split('=')[0]);

    expect(names).toContain('HOME');
    expect(names.filter((name) => !['HOME', 'TMPDIR', 'PATH', 'PWD', 'OLDPWD', 'SHLVL', '_', ''].includes(name ?? ''))).toEqual([]);
  });

  it('ends with all that it has started', async () => {
    const running = startGuarded({ command: '/bin/sh', args: ['-c', 'sleep 60 & echo $! > pids; echo $$ >> pids; wait'], directory, log });
    const pids = await pidsIn(join(directory, 'pids'), 2);

    await running.end();
    await running.end();

    await expect.poll(() => pids.filter(runs), { timeout: 5_000 }).toEqual([]);
  });

  it('leaves nothing of its own behind when it ends by itself', async () => {
    const running = startGuarded({ command: '/bin/sh', args: ['-c', 'sleep 60 & echo $! > pids'], directory, log });
    const pids = await pidsIn(join(directory, 'pids'), 1);

    await running.exited;

    await expect.poll(() => pids.filter(runs), { timeout: 5_000 }).toEqual([]);
  });

  it('ends when its parent is killed', async () => {
    const script = `
      const { startGuarded } = await import(${JSON.stringify(MODULE)});
      startGuarded({ command: '/bin/sh', args: ['-c', 'sleep 60 & echo $! > pids; echo $$ >> pids; wait'], directory: ${JSON.stringify(directory)}, log: ${JSON.stringify(log)} });
    `;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'ignore' });
    const pids = await pidsIn(join(directory, 'pids'), 2);

    parent.kill('SIGKILL');
    await once(parent, 'exit');

    await expect.poll(() => pids.filter(runs), { timeout: 5_000 }).toEqual([]);
  });

  it('tells the end of a command that is not there', async () => {
    const running = startGuarded({ command: join(directory, 'absent'), args: [], directory, log });

    expect(await running.exited).toBe(127);
  });
});

async function pidsIn(path: string, count: number): Promise<number[]> {
  const read = (): number[] => (existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').map(Number).filter(Boolean) : []);
  await expect.poll(() => read().length, { timeout: 10_000 }).toBe(count);
  return read();
}

function runs(pid: number): boolean {
  // A killed child of init may wait a moment to be collected.
  return existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
}
