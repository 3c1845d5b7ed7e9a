import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { didYouMean } from '#domain/suggest.ts';
import { SluiceError } from '#model/errors.ts';
import { backup } from './commands/backup.ts';
import { type Command, EXIT, type Terminal } from './commands/command.ts';
import { init } from './commands/init.ts';
import { plan } from './commands/plan.ts';
import { validate } from './commands/validate.ts';

const COMMANDS: readonly Command[] = [validate, plan, init, backup];

const width = Math.max(...COMMANDS.map(({ name }) => name.length));
const OVERVIEW = `Usage: sluice <command> [options]

${COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n')}

sluice <command> --help tells more. Exit codes: 0 clean, 1 findings, 2 could not run.
`;

/** Runs one command line. @returns the exit code */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined) {
    terminal.error(OVERVIEW);
    return EXIT.couldNotRun;
  }
  if (name === '--version') {
    terminal.out(`${version()}\n`);
    return EXIT.clean;
  }
  if (['help', '--help', '-h'].includes(name)) return help(rest[0], terminal);
  const command = COMMANDS.find((one) => one.name === name);
  if (command === undefined) return unknown(name, terminal);
  if (rest.includes('--help') || rest.includes('-h')) return help(name, terminal);
  try {
    return await command.run(rest, terminal);
  } catch (error) {
    terminal.error(`sluice ${name}: ${error instanceof SluiceError ? error.message : unexpected(error)}\n`);
    return EXIT.couldNotRun;
  }
}

function help(name: string | undefined, terminal: Terminal): number {
  const command = COMMANDS.find((one) => one.name === name);
  if (name !== undefined && command === undefined) return unknown(name, terminal);
  terminal.out(command?.help ?? OVERVIEW);
  return EXIT.clean;
}

function unknown(name: string, terminal: Terminal): number {
  const names = COMMANDS.map((one) => one.name);
  terminal.error(`There is no command ${name}.${didYouMean(name, names)} Commands: ${names.join(', ')}.\n`);
  return EXIT.couldNotRun;
}

function unexpected(error: unknown): string {
  return `this is a mistake of sluice, not yours: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

function version(): string {
  const text = readFileSync(join(import.meta.dirname, '../package.json'), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}

/** Colours on a terminal only, and never with NO_COLOR (https://no-color.org). */
function processTerminal(): Terminal {
  const noColour = process.env['NO_COLOR'] ?? '';
  return {
    out: (text) => void process.stdout.write(text),
    error: (text) => void process.stderr.write(text),
    colours: process.stdout.isTTY === true && noColour === '' && process.env['TERM'] !== 'dumb',
    progress: process.stderr.isTTY === true,
    directory: process.cwd(),
  };
}

if (import.meta.main) {
  // A reader that ends early, such as `head`, is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? EXIT.clean : EXIT.couldNotRun));
  process.exitCode = await main(process.argv.slice(2), processTerminal());
}
