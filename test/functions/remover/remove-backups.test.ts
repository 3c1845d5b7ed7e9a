import { beforeEach, describe, expect, it } from 'vitest';
import { RefusedError, TransientError } from '#model/errors.ts';
import type { BackupChanges } from '#model/removal.ts';
import { removeBackups } from '../../../functions/remover/remove-backups.ts';
import { CLUSTER } from '../../support/cluster-ref.ts';
import { createFakeVersions, type FakeVersions } from '../../support/fakes/versions.ts';
import { signingKeyPair } from '../../support/signing.ts';
import { KEYS, type MadeBackup, makeBackup, signed, store } from '../../support/stored-backup.ts';

const DAY = 24 * 3600 * 1000;
const NOW = new Date('2026-06-15T12:00:00Z');
const CHANGES: BackupChanges = { holdDays: 7, open: [], ended: {}, suspicious: [] };

let versions: FakeVersions;
let clock: Date;
beforeEach(() => {
  versions = createFakeVersions(NOW);
  clock = NOW;
});

/** Stored when it was taken. */
function there(daysAgo: number, words: Partial<Parameters<typeof makeBackup>[0]> = {}, over: Parameters<typeof store>[2] = {}): MadeBackup {
  const takenAt = new Date(NOW.getTime() - daysAgo * DAY);
  const backup = makeBackup({ takenAt, ...words });
  versions.setTime(takenAt);
  store(versions, backup, over);
  versions.setTime(NOW);
  return backup;
}

function run(changes: BackupChanges | null = CHANGES) {
  const signer = { publicKey: async () => ({ key: 'key/account', pem: KEYS.publicKey }), macFits: async () => false };
  return removeBackups.run({ cluster: CLUSTER, changes }, { versions, signer, clock: { now: () => clock } }, { execution: 'run-1' });
}

const isThere = (backup: MadeBackup): boolean => versions.current(backup.snapshotKey) !== undefined;
/** Two of one day, so that the second of them is of no class but the hourly. */
function oldAndNewest(): { old: MadeBackup; newest: MadeBackup } {
  there(400.4);
  const old = there(400.3);
  return { old, newest: there(0.1) };
}

describe('remove-backups', () => {
  it('removes what no class keeps, the manifest before the snapshot, and says what is left', async () => {
    const { old, newest } = oldAndNewest();

    const result = await run();

    expect(versions.removed.slice(-2)).toEqual([old.manifestKey, old.snapshotKey]);
    expect(isThere(newest)).toBe(true);
    expect(result).toMatchObject({ removed: 2, kept: 1, left: 0, locked: 0, unclear: 0, newest: newest.id, told: [] });
    expect(result.keptBytes).toBe(newest.snapshot.length + JSON.stringify(newest.manifest).length);
  });

  it('removes nothing of another cluster whose name begins alike', async () => {
    const other = there(900, { cluster: `${CLUSTER.name}-b` });
    oldAndNewest();

    await run();

    expect(versions.removed.length).toBeGreaterThan(0);
    expect(isThere(other)).toBe(true);
  });

  it('keeps the newest that is proven and the newest that was restored, however old', async () => {
    const restored = there(800);
    const proven = there(700, { restored: false });
    const failed = there(600, { proven: false });

    await run();

    expect([isThere(restored), isThere(proven), isThere(failed)]).toEqual([true, true, false]);
  });

  it('removes nothing while none is proven', async () => {
    there(800, { proven: false });
    there(0, { proven: false });

    expect(await run()).toMatchObject({ removed: 0, kept: 2, newest: null });
  });

  it('does not take one that is suspicious for the newest that is proven', async () => {
    const good = there(500);
    const strange = there(0.1);

    const result = await run({ ...CHANGES, suspicious: [strange.id] });

    expect(isThere(good)).toBe(true);
    expect(result.newest).toBe(good.id);
  });

  it.each([
    ['signed by another key', (backup: MadeBackup) => ({ ...backup, manifest: signed(backup.manifest, signingKeyPair().privateKey) })],
    ['changed after it was signed', (backup: MadeBackup) => ({ ...backup, manifest: { ...backup.manifest, takenAt: NOW.toISOString() } })],
    ['not signed', ({ manifest: { signature: _, ...manifest }, ...backup }: MadeBackup) => ({ ...backup, manifest })],
    ['of another cluster', (backup: MadeBackup) => ({ ...backup, manifest: signed({ ...backup.manifest, cluster: 'other' }) })],
    [
      'of a snapshot with another length',
      (backup: MadeBackup) => ({ ...backup, manifest: signed({ ...backup.manifest, object: { ...backup.manifest.object, bytes: 1 } }) }),
    ],
    ['no JSON', (backup: MadeBackup) => ({ ...backup, manifest: undefined as never })],
  ])('keeps one whose manifest is %s, and tells it', async (_, change) => {
    oldAndNewest();
    const strange = change(makeBackup({ takenAt: new Date(NOW.getTime() - 900 * DAY) }));
    versions.setTime(new Date(NOW.getTime() - 900 * DAY));
    versions.write(strange.snapshotKey, strange.snapshot, { sha256: strange.sha256 });
    versions.write(strange.manifestKey, strange.manifest === undefined ? '{' : JSON.stringify(strange.manifest));
    versions.setTime(NOW);

    const result = await run();

    expect(isThere(strange)).toBe(true);
    expect(result).toMatchObject({ removed: 2, unclear: 1 });
    expect(result.told).toEqual([expect.stringContaining(strange.id)]);
  });

  it('keeps one that somebody has deleted by hand or written again, and one with an object beside it', async () => {
    oldAndNewest();
    const [marked, again, beside] = [there(900), there(901), there(902)];
    versions.mark(marked.snapshotKey);
    versions.write(again.snapshotKey, 'another');
    versions.write(beside.snapshotKey.replace('snapshot.db', 'notes.txt'), 'mine');

    const result = await run();

    expect(result).toMatchObject({ removed: 2, unclear: 3, told: [{}, {}, {}].map(() => expect.any(String)) });
    expect(versions.removed.some((key) => [marked, again, beside].some(({ id }) => key.includes(id)))).toBe(false);
  });

  it('keeps a manifest without a snapshot, and does not take it for the newest', async () => {
    const good = there(500);
    const ghost = makeBackup({ takenAt: new Date(NOW.getTime() - DAY) });
    versions.write(ghost.manifestKey, JSON.stringify(ghost.manifest));

    const result = await run();

    expect(isThere(good)).toBe(true);
    expect(result).toMatchObject({ newest: good.id, unclear: 1, told: [`${ghost.id}: its manifest is there and its snapshot is not`] });
  });

  it('removes a snapshot without a manifest once it is old, by the clock of the store too', async () => {
    there(0.1);
    const failed = there(8, {}, { manifest: false });
    const running = makeBackup({ takenAt: new Date(NOW.getTime() - 400 * DAY) });
    store(versions, running, { manifest: false });

    await run();

    expect([isThere(failed), isThere(running)]).toEqual([false, true]);
  });

  it('keeps what a suspicious one was compared with, and takes none that came after for good', async () => {
    there(400.4);
    const good = there(400.3);
    const first = there(399);
    const later = there(0.1);

    const result = await run({ ...CHANGES, suspiciousFrom: first.id });
    expect([isThere(good), isThere(later)]).toEqual([true, true]);
    expect(result.newest).toBe(good.id);
  });

  it('keeps what is held by its name, whatever its age', async () => {
    const { old, newest } = oldAndNewest();

    await run({ ...CHANGES, held: [old.id] });

    expect([isThere(old), isThere(newest)]).toEqual([true, true]);
    expect(versions.removed.length).toBeGreaterThan(0);
  });

  it('removes nothing while it is not known which changes may need one, or which is suspicious', async () => {
    oldAndNewest();

    await expect(run(null)).rejects.toThrow(/nothing is removed: which changes of alpha-1/);

    expect(versions.removed).toEqual([]);
  });

  it('is not hurried by a clock that is ahead', async () => {
    const [second, newest] = [there(0.4), there(0.1)];
    there(0.6);
    clock = new Date(NOW.getTime() + 4000 * DAY);

    expect(await run()).toMatchObject({ removed: 0, kept: 3 });
    expect([isThere(second), isThere(newest)]).toEqual([true, true]);
  });

  describe('holds', () => {
    const REVISION = 'a'.repeat(40);
    const held = () => [there(40.5), there(40.4, { purpose: REVISION }), there(0.1)] as const;

    it.each([
      ['has begun and not ended', { ...CHANGES, open: [REVISION] }, true],
      ['ended six days ago', { ...CHANGES, ended: { [REVISION]: new Date(NOW.getTime() - 6 * DAY).toISOString() } }, true],
      ['ended eight days ago', { ...CHANGES, ended: { [REVISION]: new Date(NOW.getTime() - 8 * DAY).toISOString() } }, false],
      ['is not known any more', CHANGES, false],
    ])('keep the backup of a change that %s: %o', async (_, changes, stays) => {
      const [, backup] = held();

      await run(changes);

      expect(isThere(backup)).toBe(stays);
    });

    it.each(['open' as const, new Date(NOW.getTime() + DAY)])('of Object Lock (%s) keep both objects, and are told', async (lock) => {
      there(400.5);
      const backup = there(400.4, {}, { lock });
      there(0.1);

      const result = await run();

      expect([versions.current(backup.manifestKey), versions.current(backup.snapshotKey)]).not.toContain(undefined);
      expect(result).toMatchObject({ removed: 1, locked: 1, told: [expect.stringContaining(backup.id)] });
    });

    it('that are set at the last moment keep the object', async () => {
      const { old } = oldAndNewest();
      let looked = 0;
      versions.beforeEach = async (operation, key) => {
        if (operation === 'look' && key === old.snapshotKey) looked += 1;
        if (operation !== 'remove' || key !== old.manifestKey) return;
        versions.beforeEach = undefined;
        for (const one of await versions.list(key)) await versions.keepUntil(key, one.version, new Date(NOW.getTime() + DAY));
      };

      expect(await run()).toMatchObject({ removed: 1, locked: 1 });
      expect(looked).toBe(1);
      expect(isThere(old)).toBe(true);
    });
  });

  describe('has Object Lock keep', () => {
    const REVISION = 'b'.repeat(40);
    const locksOf = async (backup: MadeBackup) => {
      const found = await versions.list(`backups/${CLUSTER.name}/${backup.id}/`);
      return Promise.all(found.map(async ({ key, version }) => (await versions.look(key, version))?.lock));
    };
    const inDays = (days: number): Date => new Date(NOW.getTime() + days * DAY);

    it('both objects to the end of their longest class, and leaves the hourly ones to the bucket', async () => {
      const [weekly, hourly] = [there(3.5), there(3.4)];

      const result = await run();

      // Taken and stored at whole seconds.
      expect(await locksOf(weekly)).toEqual([inDays(366 - 3.5), inDays(366 - 3.5)]);
      expect(await locksOf(hourly)).toEqual([undefined, undefined]);
      expect(result.objectLock).toBe(true);
    });

    it('what a change was begun with: always to the next look and the days after its end', async () => {
      there(6.4);
      const backup = there(6.3, { purpose: REVISION });
      there(0);

      await run({ ...CHANGES, open: [REVISION] });
      expect(await locksOf(backup)).toEqual([inDays(8), inDays(8)]);
      // Never shorter.
      await run({ ...CHANGES, ended: { [REVISION]: NOW.toISOString() } });

      expect(await locksOf(backup)).toEqual([inDays(8), inDays(8)]);
    });

    it('nothing where the bucket has none, and tells it', async () => {
      there(3.5);
      versions.hasObjectLock = false;

      expect(await run()).toMatchObject({ objectLock: false, kept: 1 });
    });
  });

  it.each([
    ['goes away', (newest: MadeBackup) => versions.remove(newest.snapshotKey, versionOf(newest.snapshotKey))],
    ['loses its manifest', (newest: MadeBackup) => versions.remove(newest.manifestKey, versionOf(newest.manifestKey))],
  ])('stops when the newest proven backup %s meanwhile', async (_, harm) => {
    const { old, newest } = oldAndNewest();
    for (const { key, version } of await versions.list('')) known.set(key, version);
    versions.beforeEach = async (operation) => {
      if (operation !== 'look') return;
      versions.beforeEach = undefined;
      await harm(newest);
    };

    await expect(run()).rejects.toThrow(RefusedError);

    expect(isThere(old)).toBe(true);
    expect(versions.removed.filter((key) => !key.includes(newest.id))).toEqual([]);
  });
  const known = new Map<string, string>();
  const versionOf = (key: string): string => known.get(key) ?? '';

  it('stops when the newest proven backup is not what its manifest says', async () => {
    there(400.4);
    const newest = makeBackup({ takenAt: NOW });
    versions.write(newest.manifestKey, JSON.stringify(newest.manifest));
    versions.write(newest.snapshotKey, newest.snapshot.replace('snapshot', 'SNAPSHOT'));

    await expect(run()).rejects.toThrow(/nothing more is removed: backup .* has the SHA-256/);

    expect(versions.removed).toEqual([]);
  });

  it('ends in the middle, and the next run goes on: nothing vouches for what is half gone', async () => {
    const { old } = oldAndNewest();
    versions.beforeEach = (operation, key) => {
      if (operation === 'remove' && key === old.snapshotKey) throw new TransientError('no answer');
    };
    await expect(run()).rejects.toThrow(TransientError);
    expect([versions.current(old.manifestKey), versions.current(old.snapshotKey)]).toEqual([undefined, old.snapshot]);
    versions.beforeEach = undefined;

    await run();

    expect(isThere(old)).toBe(false);
  });

  it('removes a hundred at most, the oldest first', async () => {
    for (let index = 0; index < 104; index += 1) there(500 - index / 100, { salt: String(index) });
    there(0.1);

    const first = await run();
    const second = await run();

    expect(first).toMatchObject({ removed: 100 });
    expect(first.left + first.kept).toBeGreaterThan(first.left);
    expect(second.removed).toBe(first.left);
  });
});
