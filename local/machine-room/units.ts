import { InputError } from '#model/errors.ts';

/** What the room uses of a systemd service unit. */
export interface Unit {
  readonly name: string;
  readonly type: string;
  /** Each ExecStart line as it stands, unsplit; several only for Type=oneshot. */
  readonly execStart: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Paths on the instance; `optional` for those written with a leading hyphen. */
  readonly environmentFiles: readonly { readonly path: string; readonly optional: boolean }[];
  readonly restart: 'no' | 'on-failure' | 'always';
  readonly restartSeconds: number;
  /** Names from After=; a unit starts after those of them that exist. */
  readonly after: readonly string[];
}

type Entries = ReadonlyMap<string, readonly string[]>;

/** Parses a unit file by the rules of systemd.syntax(7): continuation lines, comments, an empty value resets a list. @throws InputError */
export function parseUnit(name: string, text: string): Unit {
  const entries = parseEntries(name, text);
  const list = (key: string): readonly string[] => entries.get(key) ?? [];
  const last = (key: string): string | undefined => list(key).at(-1);
  return {
    name,
    type: last('Service.Type') ?? 'simple',
    execStart: list('Service.ExecStart'),
    environment: Object.fromEntries(list('Service.Environment').flatMap((line) => splitWords(line).map((word) => assignment(name, word)))),
    environmentFiles: list('Service.EnvironmentFile').map((path) => ({ path: path.replace(/^-/, ''), optional: path.startsWith('-') })),
    restart: restartOf(name, last('Service.Restart') ?? 'no'),
    restartSeconds: secondsOf(name, last('Service.RestartSec') ?? '100ms'),
    after: list('Unit.After').flatMap((line) => line.split(/\s+/).filter(Boolean)),
  };
}

function parseEntries(name: string, text: string): Entries {
  const entries = new Map<string, string[]>();
  let section = '';
  for (const line of joinContinuations(text)) {
    const header = /^\[(.+)\]$/.exec(line)?.[1];
    if (header !== undefined) {
      section = header;
      continue;
    }
    const cut = line.indexOf('=');
    if (cut < 1 || section === '') throw new InputError(`unit ${name}: cannot read the line "${line}"; write Key=value below a [Section]`);
    const key = `${section}.${line.slice(0, cut).trim()}`;
    const value = line.slice(cut + 1).trim();
    entries.set(key, value === '' ? [] : [...(entries.get(key) ?? []), value]);
  }
  return entries;
}

/** A backslash at the end joins the next line by a space; comment lines between are skipped. */
function joinContinuations(text: string): string[] {
  const lines: string[] = [];
  let open: string | undefined;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (/^[#;]/.test(line)) continue;
    const whole = open === undefined ? line : `${open} ${line}`;
    open = whole.endsWith('\\') ? whole.slice(0, -1).trimEnd() : undefined;
    if (open === undefined && whole !== '') lines.push(whole);
  }
  if (open !== undefined && open !== '') lines.push(open);
  return lines;
}

function assignment(unit: string, word: string): [string, string] {
  const cut = word.indexOf('=');
  if (cut < 1) throw new InputError(`unit ${unit}: Environment has "${word}"; write NAME=value`);
  return [word.slice(0, cut), word.slice(cut + 1)];
}

function restartOf(unit: string, text: string): Unit['restart'] {
  if (text === 'no' || text === 'always' || text === 'on-failure') return text;
  throw new InputError(`unit ${unit}: Restart=${text} is not emulated; use no, on-failure or always`);
}

/** Seconds between two runs of a timer unit, by OnUnitInactiveSec. @throws InputError */
export function timerSeconds(name: string, text: string): number {
  const span = parseEntries(name, text).get('Timer.OnUnitInactiveSec')?.at(-1);
  if (span === undefined) throw new InputError(`unit ${name}: only timers with OnUnitInactiveSec are emulated`);
  return secondsOf(name, span);
}

/** Time spans of systemd.time(7), as far as RestartSec needs them. */
function secondsOf(unit: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|sec|min|m|h)?$/.exec(text);
  if (match === null) throw new InputError(`unit ${unit}: cannot read the time span "${text}"; write for example 2s`);
  const factor = { ms: 0.001, s: 1, sec: 1, min: 60, m: 60, h: 3600 }[match[2] ?? 's'] ?? 1;
  return Number(match[1]) * factor;
}

/** Splits by spaces; single and double quotes group, a backslash escapes. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let index = 0; index < line.length; index += 1) {
    const char = line.charAt(index);
    if (char === '\\' && quote !== "'") {
      index += 1;
      word = (word ?? '') + line.charAt(index);
    } else if (quote !== '') {
      if (char === quote) quote = '';
      else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  return word === undefined ? words : [...words, word];
}

/**
 * Words of an ExecStart line with `${NAME}` put in from the unit's environment; `$$` is a dollar and `%%` a percent
 * sign. systemd puts nothing for an unknown name; the room refuses, since no unit of ours means that.
 * @throws InputError
 */
export function execWords(unit: string, line: string, environment: Readonly<Record<string, string>>): string[] {
  return splitWords(line.replace(/^[-@:+!|]+(?=\/)/, '')).map((word) =>
    word
      .replace(/\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (whole: string, name: string | undefined) => {
        if (whole === '$$' || name === undefined) return '$';
        const value = environment[name];
        if (value === undefined)
          throw new InputError(`unit ${unit}: ExecStart uses \${${name}}, which is neither in Environment nor in an EnvironmentFile`);
        return value;
      })
      .replaceAll('%%', '%'),
  );
}

/** Text of an EnvironmentFile: NAME=value lines, comments, optional quotes. */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const pairs = text
    .split('\n')
    .map((line) => /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map((match): [string, string] => [match[1] ?? '', splitWords(match[2] ?? '').join(' ')]);
  return Object.fromEntries(pairs);
}

/** Units in start order: each after those of its After= that are in the list, else as listed. A cycle ends in list order. */
export function startOrder(units: readonly Unit[]): Unit[] {
  const byName = new Map(units.map((unit) => [unit.name, unit]));
  const ordered = new Set<Unit>();
  const visiting = new Set<string>();
  const visit = (unit: Unit): void => {
    if (ordered.has(unit) || visiting.has(unit.name)) return;
    visiting.add(unit.name);
    for (const name of unit.after) {
      const earlier = byName.get(name);
      if (earlier !== undefined) visit(earlier);
    }
    ordered.add(unit);
  };
  units.forEach(visit);
  return [...ordered];
}
