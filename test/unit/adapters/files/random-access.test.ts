import { appendFileSync, mkdtempSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { withFile } from '#adapters/files/random-access.ts';
import { contentLayer, trailerLayer } from '#domain/snapshot/verdicts.ts';
import type { RandomAccess } from '#ports/random-access.ts';
import { buildSnapshot } from '../../../support/bbolt.ts';

const CLOCK = { now: () => new Date(0) };
const folder = mkdtempSync(join(tmpdir(), 'sl-access-'));
const path = join(folder, 'snapshot.db');
const whole = buildSnapshot({ records: [{ main: 2, key: '/registry/pods/ns/one', value: 'x' }] });

beforeEach(() => writeFileSync(path, whole));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a file that is read', () => {
  it('gives what was done with it when it stays as it is', () => {
    expect(withFile(path, ({ bytes }) => bytes)).toBe(whole.length);
  });

  it.each([
    ['grows', () => appendFileSync(path, 'more'), 'was changed while it was read: run again on a copy'],
    ['is cut', () => truncateSync(path, 4096), 'was cut while it was read'],
    ['is written anew', () => utimesSync(path, 1, 1), 'was changed while it was read: run again on a copy'],
  ])('gives nothing when it %s between two reads, and says so', (_, change, message) => {
    const read = (file: RandomAccess): string => {
      let changed = false;
      const changing: RandomAccess = {
        bytes: file.bytes,
        read(offset, target) {
          file.read(offset, target);
          if (!changed) change();
          changed = true;
        },
      };
      const verdicts = [trailerLayer(changing, CLOCK, () => undefined), contentLayer(changing, CLOCK, () => undefined).verdict];
      return verdicts.map(({ verdict }) => verdict).join();
    };

    expect(() => withFile(path, read)).toThrow(expect.objectContaining({ name: 'InputError', message: expect.stringContaining(message) }));
  });
});
