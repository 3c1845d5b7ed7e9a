import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSnapshot, sealed } from '../../support/bbolt.ts';
import { runSluice } from '../../support/fleet-repository.ts';

const whole = buildSnapshot({ records: [{ main: 2, key: '/registry/pods/ns/one', value: 'x' }] });
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sl-verify-'));
  writeFileSync(join(folder, 'whole.db'), whole);
  writeFileSync(join(folder, 'cut.db'), whole.subarray(0, -4096));
  const damaged = Buffer.from(whole.subarray(0, -32));
  damaged.writeUInt16LE(0x40, 2 * 4096 + 8);
  writeFileSync(join(folder, 'damaged.db'), sealed(damaged));
  writeFileSync(join(folder, 'empty.db'), '');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('sluice backup verify', () => {
  it('tells of a whole file its layers, revision, hash, counts and version', async () => {
    const { code, out } = await runSluice(folder, ['backup', 'verify', 'whole.db', '--json']);

    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      layers: [
        { layer: 'L1', verdict: 'holds' },
        { layer: 'L2', verdict: 'holds' },
        { layer: 'L3', verdict: 'not-run' },
      ],
      revision: 2,
      hash: { revision: 2, compactRevision: -1 },
      counts: { kinds: { pods: 1 }, namespaces: { ns: 1 } },
      version: { storage: '3.6.0', cluster: null },
    });
  });

  it('names the layer of the damage and the place', async () => {
    const cut = await runSluice(folder, ['backup', 'verify', 'cut.db']);
    const damaged = await runSluice(folder, ['backup', 'verify', 'damaged.db']);
    const empty = await runSluice(folder, ['backup', 'verify', 'empty.db']);

    expect([cut.code, damaged.code, empty.code]).toEqual([1, 1, 1]);
    expect(cut.out).toMatch(/^Damaged: cut\.db \(L1, L2\)/);
    expect(damaged.out).toMatch(/L1 {2}holds.*\n.*L2 {2}FAILS .*page 2: has type 64/);
    expect(empty.out).toContain('0 bytes');
  });

  it.each([
    [['backup'], 'What is to be done'],
    [['backup', 'verfy', 'whole.db'], 'verify'],
    [['backup', 'verify'], 'Which file'],
    [['backup', 'verify', 'missing.db'], 'cannot be opened'],
    [['backup', 'verify', '.'], 'is no file'],
    [['backup', 'verify', 'whole.db', '--hash', 'x'], '--hash is not a number'],
    [['backup', 'verify', 'whole.db', '--revision', '9'], 'newer than the file'],
  ])('could not run: %j', async (args, message) => {
    const { code, error } = await runSluice(folder, args);

    expect(code).toBe(2);
    expect(error).toContain(message);
  });
});
