import { beforeEach, describe, expect, it } from 'vitest';
import { RefusedError, TransientError } from '#model/errors.ts';
import { copyBackups } from '../../../functions/remover/copy-backups.ts';
import { CLUSTER } from '../../support/cluster-ref.ts';
import { createFakeCopies, type FakeCopies } from '../../support/fakes/copies.ts';
import { createFakeVersions, type FakeVersions } from '../../support/fakes/versions.ts';
import { KEYS, type MadeBackup, makeBackup, store } from '../../support/stored-backup.ts';

const DAY = 24 * 3600 * 1000;
const NOW = new Date('2026-06-15T12:00:00Z');
const CHANGES = { holdDays: 7, open: [] as string[], ended: {}, suspicious: [] as string[] };

let versions: FakeVersions;
let copies: FakeCopies;
beforeEach(() => {
  versions = createFakeVersions(NOW);
  copies = createFakeCopies(versions);
});

function there(daysAgo: number, words: Partial<Parameters<typeof makeBackup>[0]> = {}, over: Parameters<typeof store>[2] = {}): MadeBackup {
  const takenAt = new Date(NOW.getTime() - daysAgo * DAY);
  const backup = makeBackup({ takenAt, ...words });
  versions.setTime(takenAt);
  store(versions, backup, over);
  versions.setTime(NOW);
  return backup;
}

function run(changes: typeof CHANGES | null = CHANGES) {
  const signer = { publicKey: async () => ({ key: 'key/account', pem: KEYS.publicKey }), macFits: async () => false };
  const ports = { versions, copies, signer, clock: { now: () => NOW } };
  return copyBackups.run({ cluster: CLUSTER, changes }, ports, { execution: 'run-1' });
}

describe('copy-backups', () => {
  it('copies the first of a day and no second one, the manifest after its snapshot was hashed there', async () => {
    const daily = there(2.4);
    there(2.3);

    const result = await run();

    expect(copies.copied).toEqual([daily.snapshotKey, daily.manifestKey]);
    expect(copies.stored.get(daily.snapshotKey)).toBe(daily.snapshot);
    expect(result).toEqual({ wanted: true, copied: 1, there: 1, missing: 0, newest: daily.id, told: [] });
  });

  it('copies none twice, and the newest first, five of a run', async () => {
    const days = [6, 5, 4, 3, 2, 1, 0].map((age) => there(age + 0.3));

    const first = await run();
    const second = await run();

    expect(first).toMatchObject({ copied: 5, there: 5, missing: 2, newest: days[6]?.id });
    expect(second).toMatchObject({ copied: 2, there: 7, missing: 0, newest: days[6]?.id });
    expect(copies.copied.filter((key) => key.endsWith('snapshot.db'))).toEqual(
      [6, 5, 4, 3, 2, 1, 0].map((index) => days[index]?.snapshotKey),
    );
    expect(await run()).toMatchObject({ copied: 0, there: 7 });
  });

  it('copies what a change was begun with, as long as it is held', async () => {
    const revision = 'a'.repeat(40);
    there(2.4);
    const held = there(2.3, { purpose: revision });

    await run({ ...CHANGES, open: [revision] });

    expect(copies.copied).toContain(held.snapshotKey);
  });

  it('copies nothing that is not proven, suspicious or not as it should be', async () => {
    const strange = there(1.3);
    there(2.3, { proven: false });
    there(3.3, {}, { manifest: false });
    const marked = there(4.3);
    versions.mark(marked.snapshotKey);

    expect(await run({ ...CHANGES, suspicious: [strange.id] })).toMatchObject({ copied: 0, there: 0, missing: 0, newest: null });
  });

  it.each([
    ['is another', () => 'something else', /its copy has 14 bytes with the SHA-256/],
    ['is cut', (_: string, body: string) => body.slice(1), /its copy has/],
    ['is not there', () => undefined, /its copy was made and is not there/],
  ])('tells a copy that %s, gives it no manifest, and copies it again the next time', async (_, spoils, reason) => {
    const backup = there(1.3);
    copies.spoils = spoils;
    expect(await run()).toMatchObject({ copied: 0, there: 0, missing: 1, newest: null, told: [expect.stringMatching(reason)] });
    expect(copies.stored.has(backup.manifestKey)).toBe(false);

    copies.spoils = undefined;

    expect(await run()).toMatchObject({ copied: 1, there: 1, missing: 0, told: [] });
    expect(copies.stored.get(backup.snapshotKey)).toBe(backup.snapshot);
  });

  it('says that no second bucket is wanted', async () => {
    there(1.3);

    expect(await copyBackups.run({ cluster: CLUSTER, changes: CHANGES }, { ...portsWithout() }, { execution: 'run-1' })).toMatchObject({
      wanted: false,
      copied: 0,
    });
    expect(copies.copied).toEqual([]);
  });

  it('says why it could not', async () => {
    there(1.3);
    await expect(run(null)).rejects.toThrow(RefusedError);
    copies.fails = new TransientError('no answer');
    await expect(run()).rejects.toThrow(TransientError);
  });
});

function portsWithout() {
  return {
    versions,
    copies: undefined,
    signer: { publicKey: async () => ({ key: '', pem: '' }), macFits: async () => false },
    clock: { now: () => NOW },
  };
}
