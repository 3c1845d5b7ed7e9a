import type { TimelineLine } from './timeline.ts';

export interface Terminal {
  /** A headline of a part of the run. */
  headline(text: string): void;
  line(text: string): void;
  timeline(line: TimelineLine): void;
  /** One line at the bottom that moves; only where the output is a terminal. Empty text removes it. */
  status(text: string): void;
  /** Seconds since the start. */
  elapsedSeconds(): number;
}

const COLOURS = { dim: '2', bold: '1', green: '32', red: '31', yellow: '33', cyan: '36' } as const;

/** Terminal output: plain lines where it is no terminal, colours and a moving line where it is. */
export function createTerminal(output: NodeJS.WriteStream, startedAt: Date): Terminal {
  const fancy = output.isTTY === true && process.env['NO_COLOR'] === undefined;
  let status = '';
  const paint = (colour: keyof typeof COLOURS, text: string): string => (fancy ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text);
  const elapsedSeconds = (): number => (Date.now() - startedAt.getTime()) / 1000;
  const write = (text: string): void => {
    if (fancy && status !== '') output.write('\r\u001b[2K');
    output.write(`${text}\n`);
    if (fancy && status !== '') output.write(status);
  };
  const clock = (): string => paint('dim', clockText(elapsedSeconds()));
  return {
    elapsedSeconds,
    headline: (text) => write(`\n${clock()} ${paint('bold', text)}`),
    line: (text) => write(`${clock()} ${text}`),
    status(text) {
      if (!fancy) return;
      status = text === '' ? '' : paint('cyan', text.slice(0, (output.columns ?? 100) - 1));
      output.write(`\r\u001b[2K${status}`);
    },
    timeline(line) {
      const who = `${line.machine.padEnd(14)} ${paint('bold', line.subject.padEnd(14))}`;
      const what = {
        started: paint('dim', 'started'),
        state: line.state,
        waiting: `${line.state}: ${paint('yellow', line.detail)}`,
        succeeded: paint('green', 'done'),
        failed: paint('red', `failed in ${line.state} ${line.detail}`),
      }[line.kind];
      write(`${clock()} ${who} ${what}`);
    },
  };
}

/** `04:07` for 247 seconds. */
export function clockText(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${String(Math.floor(whole / 60)).padStart(2, '0')}:${String(whole % 60).padStart(2, '0')}`;
}
