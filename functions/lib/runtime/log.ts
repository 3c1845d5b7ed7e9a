import type { Log } from '#ports/log.ts';

/** JSON lines on standard output; `fields` set once are on every line. */
export function createLog(fields: Readonly<Record<string, unknown>> = {}): Log {
  const write = (level: string, message: string, more: Readonly<Record<string, unknown>> = {}): void => {
    process.stdout.write(`${JSON.stringify({ level, message, ...fields, ...more })}\n`);
  };
  return {
    info: (message, more) => write('info', message, more),
    warn: (message, more) => write('warn', message, more),
    error: (message, more) => write('error', message, more),
  };
}
