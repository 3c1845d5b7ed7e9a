/** One spec of a report that was run; skipped ones are not listed. */
export interface SpecResult {
  /** As in the report, without Ginkgo's leading `[It] `. */
  readonly name: string;
  readonly passed: boolean;
  readonly message: string;
  readonly seconds: number;
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
/** A tag with its attributes; quoted values may hold `>`. Comments, CDATA and declarations are cut out before. */
const TAG = /<(\/?)([A-Za-z][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/g;
const ATTRIBUTE = /([\w.:-]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/g;

/**
 * Reads the specs of a JUnit report as Ginkgo writes it. Only `testcase` elements and the `failure`, `error` and
 * `skipped` elements inside them count; a document type is refused, entities beside XML's own stay text. A report that is cut off gives the specs
 * that it holds whole: what was asked for and is missing then counts as not run.
 */
export function parseJunit(xml: string): SpecResult[] {
  // Ginkgo writes none; what a document type declares could look like specs.
  if (/<!DOCTYPE/i.test(xml)) return [];
  const found: SpecResult[] = [];
  let open: { name: string; seconds: number; skipped: boolean; message: string | undefined } | undefined;
  for (const tag of clean(xml).matchAll(TAG)) {
    const [, closing, element, rest = '', empty] = tag;
    if (element === 'testcase') {
      if (closing !== '/') open = { ...caseOf(rest), skipped: false, message: undefined };
      if (closing !== '/' && empty !== '/') continue;
      if (open !== undefined && !open.skipped) found.push(resultOf(open));
      open = undefined;
    } else if (open !== undefined && closing !== '/') {
      if (element === 'skipped') open.skipped = true;
      if (element === 'failure' || element === 'error') open.message ??= attributes(rest).get('message') ?? 'failed without a message';
    }
  }
  return found;
}

function caseOf(text: string): { name: string; seconds: number } {
  const values = attributes(text);
  const seconds = Number(values.get('time') ?? '0');
  return { name: plainName(values.get('name') ?? ''), seconds: Number.isFinite(seconds) ? seconds : 0 };
}

function resultOf({ name, seconds, message }: { name: string; seconds: number; message: string | undefined }): SpecResult {
  return { name, passed: message === undefined, message: message ?? '', seconds };
}

/** A spec's name without the node type that Ginkgo puts before it. */
export function plainName(name: string): string {
  return name.replace(/^\[It\] /, '').trim();
}

/** What the requested specs came to. Only specs that were asked for count; setup nodes count when they fail. */
export interface Judgement {
  readonly passed: number;
  readonly failures: readonly { readonly name: string; readonly message: string }[];
  /** Requested specs that are not in the reports. */
  readonly missing: readonly string[];
}

/** Compares what was asked for with what ran. A spec that ran twice must have passed twice. */
export function judge(requested: readonly string[], results: readonly SpecResult[]): Judgement {
  const wanted = new Set(requested.map(plainName));
  const ran = new Set(results.map((result) => result.name));
  const failed = results.filter((result) => !result.passed);
  const failures = failed.map(({ name, message }) => ({ name, message }));
  const failedNames = new Set(failures.map((failure) => failure.name));
  const passed = [...wanted].filter((name) => ran.has(name) && !failedNames.has(name)).length;
  return { passed, failures, missing: [...wanted].filter((name) => !ran.has(name)) };
}

/** Regular expression for Ginkgo's --focus that matches exactly these specs. */
export function focusOf(specs: readonly string[]): string {
  const escaped = specs.map((name) => plainName(name).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return `(?:^| )(?:${escaped.join('|')})$`;
}

function clean(xml: string): string {
  return xml.replace(/<!--[\s\S]*?(?:-->|$)|<!\[CDATA\[[\s\S]*?(?:\]\]>|$)|<\?[\s\S]*?(?:\?>|$)/g, ' ');
}

function attributes(text: string): Map<string, string> {
  return new Map([...text.matchAll(ATTRIBUTE)].map(([, name = '', double, single]) => [name, decodeEntities(double ?? single ?? '')]));
}

function decodeEntities(text: string): string {
  return text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|(\w+));/g, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const code = hex === undefined ? Number.parseInt(decimal, 10) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
