import { didYouMean } from '#domain/suggest.ts';
import { InputError } from '#model/errors.ts';

/** Exit codes of every command (docs/command.md). */
export const EXIT = { clean: 0, findings: 1, couldNotRun: 2 } as const;

/** Where a command reads and writes; all that it knows of the process. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  /** Whether standard output shows colours. */
  readonly colours: boolean;
  /** Whether a person sees standard error, so that a line on it may be written over. */
  readonly progress?: boolean;
  /** The folder that relative paths begin at. */
  readonly directory: string;
}

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** The whole help text. */
  readonly help: string;
  /** @returns the exit code @throws SluiceError when it could not run: exit code 2, the message says what to do */
  run(args: readonly string[], terminal: Terminal): Promise<number>;
}

/**
 * Runs a call of node:util's parseArgs; what it refuses becomes an InputError with a suggestion.
 * @param options names without dashes
 */
export function readArguments<T>(parse: () => T, options: readonly string[]): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof TypeError) || !('code' in error) || !String(error.code).startsWith('ERR_PARSE_ARGS')) throw error;
    const option = /'(?<option>-[^' ]*)/.exec(error.message)?.groups?.['option'] ?? '';
    if (error.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw new InputError(`${error.message.split('. ')[0]}.`, { cause: error });
    const meant = didYouMean(
      option,
      options.map((name) => `--${name}`),
    );
    throw new InputError(`There is no option ${option}.${meant}`, { cause: error });
  }
}

/** The one path that a command takes, or its default. @throws InputError for more */
export function onePath(positionals: readonly string[], fallback: string): string {
  if (positionals.length > 1) throw new InputError(`One path is enough; ${positionals.slice(1).join(' ')} is too much.`);
  return positionals[0] ?? fallback;
}
