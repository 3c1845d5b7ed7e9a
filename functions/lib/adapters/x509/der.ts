import { InputError } from '#model/errors.ts';

/** The few forms of DER (ITU-T X.690) that certificates need. */
export type Der = Uint8Array;

function tlv(tag: number, content: Der): Der {
  return Buffer.concat([Buffer.from([tag, ...length(content.length)]), content]);
}

function length(bytes: number): number[] {
  if (bytes < 0x80) return [bytes];
  const digits: number[] = [];
  for (let rest = bytes; rest > 0; rest >>>= 8) digits.unshift(rest & 0xff);
  return [0x80 | digits.length, ...digits];
}

export function sequence(...parts: readonly Der[]): Der {
  return tlv(0x30, Buffer.concat(parts));
}

export function set(...parts: readonly Der[]): Der {
  return tlv(0x31, Buffer.concat(parts));
}

/** A positive integer from its big-endian bytes. */
export function integer(bytes: Der): Der {
  const start = bytes.findIndex((byte) => byte !== 0);
  const short = start === -1 ? Buffer.from([0]) : bytes.subarray(start);
  return tlv(0x02, (short[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), short]) : short);
}

export function boolean(value: boolean): Der {
  return tlv(0x01, Buffer.from([value ? 0xff : 0]));
}

/** Bits from their bytes; `unused` counts the unused bits of the last byte. */
export function bitString(bytes: Der, unused = 0): Der {
  return tlv(0x03, Buffer.concat([Buffer.from([unused]), bytes]));
}

export function octetString(bytes: Der): Der {
  return tlv(0x04, bytes);
}

export function utf8String(text: string): Der {
  return tlv(0x0c, Buffer.from(text, 'utf8'));
}

/** @param dotted for example `2.5.4.3` */
export function objectId(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
}

/** A time to the second: UTCTime until 2049, GeneralizedTime later, as RFC 5280 wants. */
export function time(date: Date): Der {
  const digits = date
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '');
  if (date.getUTCFullYear() < 2050) return tlv(0x17, Buffer.from(digits.slice(2), 'ascii'));
  return tlv(0x18, Buffer.from(digits, 'ascii'));
}

/** A context-specific tag around (explicit) or instead of (implicit) the content's own tag. */
export function context(number: number, content: Der, form: 'constructed' | 'primitive'): Der {
  return tlv((form === 'constructed' ? 0xa0 : 0x80) | number, content);
}

/** The elements of a constructed value, each with its own tag and length. */
export function elements(der: Der): Der[] {
  const { start, end } = span(der, 0);
  const found: Der[] = [];
  for (let at = start; at < end; ) {
    const next = span(der, at).end;
    found.push(der.subarray(at, next));
    at = next;
  }
  return found;
}

/** A value without its tag and length. */
export function contentOf(der: Der): Der {
  const { start, end } = span(der, 0);
  return der.subarray(start, end);
}

/** Where a value's content begins and ends. @throws InputError when the bytes end before it */
function span(der: Der, at: number): { start: number; end: number } {
  const first = der[at + 1] ?? 0;
  const digits = first < 0x80 ? 0 : first & 0x7f;
  let size = digits === 0 ? first & 0x7f : 0;
  for (let index = 0; index < digits; index++) size = size * 256 + (der[at + 2 + index] ?? 0);
  const start = at + 2 + digits;
  // A length that somebody else wrote decides how long `elements` goes on.
  if (start + size > der.length) throw new InputError('the value is longer than its bytes');
  return { start, end: start + size };
}
