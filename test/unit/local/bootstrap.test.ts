import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder, writeProgram } from '../../support/toolchain/recipes.ts';

const BOOTSTRAP = join(import.meta.dirname, '../../../local/bootstrap.mjs');
const PACKAGE = { name: 'project', version: '1.0.0' };
const LOCK = { ...PACKAGE, lockfileVersion: 3, requires: true, packages: { '': PACKAGE } };

/** A project without dependencies whose entry tells its arguments and does what `entry` says. */
function projectWith(entry: string): string {
  const project = temporaryFolder();
  mkdirSync(join(project, 'local'));
  cpSync(BOOTSTRAP, join(project, 'local', 'bootstrap.mjs'));
  writeFileSync(join(project, 'package.json'), JSON.stringify(PACKAGE));
  writeFileSync(join(project, 'package-lock.json'), JSON.stringify(LOCK));
  writeFileSync(join(project, 'local', 'main.ts'), `console.log('main', process.argv.slice(2).join(' '));\n${entry}`);
  writeFileSync(join(project, 'local', 'test.ts'), `console.log('test', process.argv.slice(2).join(' '));\n${entry}`);
  return project;
}

/** Programs that do what `npm`, `git` and `python3` do as far as the bootstrap goes. */
function programs(...names: string[]): string {
  const folder = temporaryFolder();
  for (const name of names) writeProgram(join(folder, name), '/usr/bin/python-of-the-test');
  if (names.includes('npm')) writeFileSync(join(folder, 'npm'), '#!/bin/sh\n/bin/mkdir -p node_modules && echo "$@" >> npm-calls\n');
  symlinkSync(process.execPath, join(folder, 'node'));
  return folder;
}

function start(project: string, path: string, ...args: string[]): ChildProcess {
  const { npm_execpath: _npm, SLUICE_PYTHON: _python, ...env } = process.env;
  const child = spawn(process.execPath, [join(project, 'local', 'bootstrap.mjs'), ...args], { env: { ...env, PATH: path } });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function run(project: string, path: string, ...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = start(project, path, ...args);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (output += String(data)));
  const [code] = await once(child, 'close');
  return { code, output };
}

test('start installs the packages once, then hands over to the entry with its arguments', async () => {
  const project = projectWith('');
  const path = programs('npm', 'git', 'python3');

  const first = await run(project, path, 'start', '--exit');
  const second = await run(project, path, 'start', '--exit');

  expect(first).toMatchObject({
    code: 0,
    output: expect.stringMatching(/^Sluice start: Node[\s\S]*installing npm packages[\s\S]*main start --exit\n$/),
  });
  expect(second).toMatchObject({ code: 0, output: expect.not.stringContaining('installing') });
  expect(existsSync(join(project, 'node_modules', '.sluice-lock'))).toBe(true);
});

test('a changed lock is installed again', async () => {
  const project = projectWith('');
  const path = programs('npm', 'git', 'python3');
  await run(project, path, 'test');
  writeFileSync(join(project, 'package-lock.json'), JSON.stringify({ ...LOCK, version: '1.0.1' }));

  const { output } = await run(project, path, 'test', '-t', 'name');

  expect(output).toMatch(/installing npm packages[\s\S]*test -t name\n$/);
});

test('packages that somebody installed from the same lock are taken as they are', async () => {
  const project = projectWith('');
  mkdirSync(join(project, 'node_modules'));
  writeFileSync(join(project, 'node_modules', '.package-lock.json'), JSON.stringify({ ...LOCK, packages: {} }));

  const { code, output } = await run(project, programs('npm', 'git', 'python3'), 'start');

  expect(code).toBe(0);
  expect(output).not.toContain('installing');
});

test.each([
  ['Python', ['npm', 'git'], /Python 3\.10 or newer is needed/],
  ['git', ['npm', 'python3'], /git is needed/],
])('without %s it says what is needed and installs nothing', async (_name, names, message) => {
  const project = projectWith('');

  const { code, output } = await run(project, programs(...names), 'start');

  expect(code).toBe(1);
  expect(output).toMatch(message);
  expect(existsSync(join(project, 'node_modules'))).toBe(false);
});

test("a failed install shows the end of npm's output", async () => {
  const project = projectWith('');
  const path = programs('git', 'python3');
  writeFileSync(join(path, 'npm'), '#!/bin/sh\necho "npm error network"\nexit 7\n', { mode: 0o755 });

  const { code, output } = await run(project, path, 'start');

  expect(code).toBe(1);
  expect(output).toMatch(/`npm install` ended with 7[\s\S]*npm error network/);
});

test('the exit code of the entry is passed through', async () => {
  const { code } = await run(projectWith('process.exit(5);'), programs('npm', 'git', 'python3'), 'start');

  expect(code).toBe(5);
});

test('signals that come together reach the entry once, and its exit code comes back', async () => {
  const entry = `let seen = 0;
    process.on('SIGINT', () => { seen++; if (seen === 1) setTimeout(() => process.exit(40 + seen), 200); });
    setInterval(() => {}, 1000); console.log('up');`;
  const child = start(projectWith(entry), programs('npm', 'git', 'python3'), 'start');
  await new Promise<void>((resolve) => child.stdout?.on('data', (data) => String(data).includes('up') && resolve()));

  child.kill('SIGINT');
  child.kill('SIGINT');
  const [code] = await once(child, 'close');

  expect(code).toBe(41);
});

test('the entry learns that the bootstrap is gone, however it ended', async () => {
  const project = projectWith(`import { writeFileSync } from 'node:fs';
    process.once('disconnect', () => { writeFileSync('gone', ''); process.exit(); });
    console.log('up');`);
  const child = start(project, programs('npm', 'git', 'python3'), 'start');
  await new Promise<void>((resolve) => child.stdout?.on('data', (data) => String(data).includes('up') && resolve()));

  child.kill('SIGKILL');
  await once(child, 'close');

  expect(existsSync(join(project, 'gone'))).toBe(true);
});

test('an old Python, or one that cannot make environments, is not taken', () => {
  const folder = temporaryFolder();
  const fake = join(folder, 'python3');
  writeFileSync(fake, '#!/bin/sh\nexit 1\n', { mode: 0o755 });

  const { status, stderr } = spawnSync(process.execPath, [BOOTSTRAP, 'start'], { encoding: 'utf8', env: { PATH: dirname(fake) } });

  expect(status).toBe(1);
  expect(stderr).toContain('Python 3.10 or newer is needed');
});
