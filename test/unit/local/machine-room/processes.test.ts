import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createProcessTable, type ProcessSpec, type ProcessTable, startTime } from '../../../../local/machine-room/processes.ts';
import { eventually } from '../../../support/machine-room/world.ts';

let directory: string;
let table: ProcessTable;
let ends: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'processes-'));
  table = createProcessTable(directory);
  ends = [];
});

afterEach(async () => {
  await table.close();
  rmSync(directory, { recursive: true, force: true });
});

function spec(script: string, restart: ProcessSpec['restart'] = 'no'): ProcessSpec {
  return {
    name: 'test',
    command: '/bin/sh',
    args: ['-c', script],
    environment: {},
    directory,
    logFile: join(directory, 'log'),
    restart,
    restartSeconds: 0.01,
    onEnd: (how) => ends.push(how),
  };
}

function onlyPid(): number {
  return table.list()[0]?.pid ?? 0;
}

describe('the process table', () => {
  it('stops a process by SIGTERM, and by SIGKILL when it does not listen', async () => {
    const polite = table.start(spec('exec sleep 100'));
    await polite.stop(5);
    const deaf = table.start(spec('trap "" TERM; echo up; while :; do sleep 0.1; done'));
    await eventually('the trap is set', 5, () => readFileSync(join(directory, 'log'), 'utf8').includes('up') || undefined);
    await deaf.stop(0.2);

    expect(table.list()).toEqual([]);
    expect(ends).toEqual([]);
  });

  it('restarts by the rule and tells each end', async () => {
    const failing = table.start(spec('exit 3', 'on-failure'));
    table.start(spec('exit 0', 'on-failure'));
    await eventually('three ends', 5, () => (ends.length >= 3 ? true : undefined));
    await failing.stop(0);

    expect(ends.filter((how) => how === 'ended with code 0')).toHaveLength(1);
    expect(ends.filter((how) => how === 'ended with code 3').length).toBeGreaterThanOrEqual(2);
  });

  it('tells when a program cannot be started', async () => {
    table.start({ ...spec(''), command: join(directory, 'absent') });

    const how = await eventually('the end', 5, () => ends[0]);

    expect(how).toContain('cannot start');
  });

  it('ends children of a process with it, and everything on close', async () => {
    table.start(spec('sleep 100 & echo $! > child; wait'));
    const child = await eventually('the grandchild', 5, () => Number(readFileSync(join(directory, 'child'), 'utf8')) || undefined);
    const pid = onlyPid();

    await table.close();

    await eventually('both are gone', 5, () => (startTime(child) === undefined && startTime(pid) === undefined ? true : undefined));
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  it('kills what an earlier table left, and no process that only has its number', async () => {
    const left = spawn('/bin/sleep', ['100'], { detached: true, stdio: 'ignore' });
    const other = spawn('/bin/sleep', ['100'], { detached: true, stdio: 'ignore' });
    const ended = new Promise((resolve) => left.once('exit', resolve));
    const place = join(directory, 'next');
    const next = createProcessTable(place);
    await next.close();
    writeFileSync(join(place, 'processes.txt'), `${left.pid} ${startTime(left.pid ?? 0)}\n${other.pid} 1\n`);

    await createProcessTable(place).close();
    await ended;
    const survives = startTime(other.pid ?? 0) !== undefined;
    const gone = new Promise((resolve) => other.once('exit', resolve));
    other.kill('SIGKILL');
    await gone;

    expect(survives).toBe(true);
  });

  it('kills its processes when the owner dies without a word', async () => {
    const module = join(import.meta.dirname, '../../../../local/machine-room/processes.ts');
    const script = `import { createProcessTable } from ${JSON.stringify(module)};
      const table = createProcessTable(process.argv[1]);
      table.start({ name: 'x', command: '/bin/sleep', args: ['100'], environment: {}, directory: process.argv[1], logFile: process.argv[1] + '/log', restart: 'no', restartSeconds: 1, onEnd() {} });
      console.log(table.list()[0].pid); setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script, join(directory, 'owner')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = await new Promise<number>((resolve) => owner.stdout.once('data', (data: Buffer) => resolve(Number(data.toString()))));
    expect(startTime(pid)).toBeDefined();

    owner.kill('SIGKILL');

    await eventually('the process is gone', 5, () => (startTime(pid) === undefined ? true : undefined));
  });
});
