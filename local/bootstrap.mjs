// What `npm start` and `npm test` run: `node local/bootstrap.mjs start|test|toolchain [arguments]`. Plain JavaScript
// without dependencies, for it runs before there are any, on any Node from 20 on. It checks what a machine must have,
// installs the npm packages when they don't match package-lock.json, and hands over to the real entry on their Node 24.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The clock of everything that is timed begins here. */
const STARTED_AT = Date.now();
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MODULES = join(ROOT, 'node_modules');
const STAMP = join(MODULES, '.sluice-lock');
const TAIL_LINES = 30;
/** npm and the terminal both send Ctrl-C; what comes within this time is one press. */
const SAME_PRESS_MS = 1000;
const PYTHONS = ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];
const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };
const ENTRIES = { test: ['local/test.ts'], toolchain: ['local/toolchain/build.ts'] };

/** What is told to the child or to npm when this process is asked to end. */
let forward = (signal) => process.exit(signal === 'SIGINT' ? 130 : 143);
let lastSignal = 0;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    const now = Date.now();
    if (now - lastSignal < SAME_PRESS_MS) return;
    lastSignal = now;
    forward(signal);
  });
}

const [command, ...args] = process.argv.slice(2);
if (command === undefined) fail('usage: node local/bootstrap.mjs start|test|toolchain [arguments]');
say(`Sluice ${command}: Node ${process.versions.node}, looking for Python and git`);
checkNode();
const python = findPython();
checkGit();
await installPackages();
handOver();

function checkNode() {
  if (Number(process.versions.node.split('.')[0]) < 20) fail(`Node 20 or newer is needed; this is ${process.versions.node}.`);
}

/** The first Python >= 3.10 that can make virtual environments. */
function findPython() {
  const probe = 'import sys; assert sys.version_info >= (3, 10); print(sys.executable); import venv, ensurepip';
  let withoutVenv;
  for (const candidate of process.env.SLUICE_PYTHON ? [process.env.SLUICE_PYTHON] : PYTHONS) {
    const { status, stdout } = spawnSync(candidate, ['-c', probe], { encoding: 'utf8' });
    if (status === 0) return stdout.trim();
    if (stdout) withoutVenv ??= candidate;
  }
  if (withoutVenv !== undefined) {
    fail(`${withoutVenv} lacks the modules venv and ensurepip; install them (Debian and Ubuntu: apt-get install python3-venv).`);
  }
  return fail('Python 3.10 or newer is needed on PATH (or named in SLUICE_PYTHON); none was found.');
}

function checkGit() {
  if (spawnSync('git', ['--version']).status !== 0) fail('git is needed on PATH; none was found.');
}

async function installPackages() {
  const lock = readFileSync(join(ROOT, 'package-lock.json'));
  const hash = createHash('sha256').update(lock).digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === hash) return;
  if (!matchesLock(lock)) await npmInstall();
  writeFileSync(STAMP, hash);
}

/** True when npm installed exactly what the lock says: packages that somebody else has installed are not installed again. */
function matchesLock(lock) {
  try {
    const installed = JSON.parse(readFileSync(join(MODULES, '.package-lock.json'), 'utf8')).packages;
    const { '': _root, ...wanted } = JSON.parse(lock.toString()).packages;
    const same = Object.entries(installed).every(([path, entry]) => wanted[path]?.integrity === entry.integrity);
    return same && Object.entries(wanted).every(([path, entry]) => entry.optional === true || path in installed);
  } catch {
    // No packages, or not npm's: they are installed.
    return false;
  }
}

/**
 * The locked packages. Not `npm ci`: it refuses a lock that lacks another system's optional binaries, which a registry
 * that serves one system's only can't give.
 */
async function npmInstall() {
  const started = Date.now();
  const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`;
  say('installing npm packages (about a minute the first time)');
  const timer = setInterval(() => say(`installing npm packages, ${seconds()}`), 10_000);
  // Under `npm start` this is the npm that runs; elsewhere the one on PATH.
  const npm = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const tail = [];
  const code = await new Promise((resolve) => {
    const child = spawn(npm[0], [...npm.slice(1), 'install', '--no-save', '--no-audit', '--no-fund'], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    forward = (signal) => {
      kill(-child.pid, signal);
      process.exit(130);
    };
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => tail.push(...data.toString().split('\n')));
    child.once('error', (error) => resolve(error.message));
    child.once('close', resolve);
  });
  clearInterval(timer);
  if (code !== 0) {
    fail(
      `\`npm install\` ended with ${code}. Is the npm registry reachable? The last lines of its output:\n${tail.slice(-TAIL_LINES).join('\n')}`,
    );
  }
  say(`npm packages installed in ${seconds()}`);
}

/** The Node of the packages, or this one where it is as new: Lambdas and TypeScript files need 24. */
function findNode() {
  const own = join(MODULES, 'node', 'bin', 'node');
  if (spawnSync(own, ['--version']).status === 0) return own;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  return fail(`${own} does not run. Were install scripts refused? Run \`npm rebuild node\` and start again.`);
}

/** Runs the entry in a process group of its own, so that it gets each signal once, from here, and passes its end through. */
function handOver() {
  const node = findNode();
  const entry = ENTRIES[command] ?? ['local/main.ts', command];
  const path = [dirname(node), join(MODULES, '.bin'), process.env.PATH ?? ''].join(delimiter);
  const child = spawn(node, [join(ROOT, entry[0]), ...entry.slice(1), ...args], {
    // The channel closes when this process is gone, however it ended: the entry sees 'disconnect'.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, PATH: path, SLUICE_PYTHON: python, SLUICE_STARTED_AT: String(STARTED_AT) },
    cwd: ROOT,
    detached: true,
  });
  forward = (signal) => kill(child.pid, signal);
  process.on('SIGWINCH', () => kill(child.pid, 'SIGWINCH'));
  child.once('error', (error) => fail(`${node} could not be started: ${error.message}`));
  child.once('exit', (code, signal) => process.exit(code ?? 128 + (SIGNAL_NUMBERS[signal] ?? 0)));
}

function kill(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended; its exit is on the way.
  }
}

function say(line) {
  process.stdout.write(`${line}\n`);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
