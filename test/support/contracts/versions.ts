import { expect, it } from 'vitest';
import type { Versions } from '#ports/versions.ts';

export interface VersionedBucket {
  readonly versions: Versions;
  /** Another way in: as a writer, and as a person who deletes without naming a version. */
  write(key: string, body: string, sha256: string): Promise<void>;
  mark(key: string): Promise<void>;
  /** What a reader without versions finds. */
  read(key: string): Promise<string | undefined>;
}

const DAY = 24 * 3600 * 1000;

/** The behaviour that every implementation of port Versions has, on a bucket with versions. @param objectLock whether it has that too */
export function versionsContract(make: () => VersionedBucket, objectLock: boolean): void {
  it('lists every version below a prefix, and says which is the latest', async () => {
    const { versions, write, mark } = make();
    await write('list/a', 'one', 'x');
    await write('list/a', 'three', 'x');
    await write('list/b', 'two', 'x');
    await write('listed/c', 'no', 'x');
    await mark('list/b');

    const found = await versions.list('list/');

    const told = found.map(({ key, kind, latest, bytes }) => `${key} ${kind} ${latest ? 'latest' : 'older'} ${bytes}`);
    expect(told.sort()).toEqual([
      'list/a object latest 5',
      'list/a object older 3',
      'list/b delete-marker latest 0',
      'list/b object older 3',
    ]);
    expect(new Set(found.map(({ version }) => version)).size).toBe(4);
    const now = await versions.now();
    for (const { storedAt } of found) expect(Math.abs(storedAt.getTime() - now.getTime())).toBeLessThan(60_000);
  });

  it('reads each version, and looks at it', async () => {
    const { versions, write } = make();
    await write('read', 'one', 'first');
    await write('read', 'two', 'second');

    const found = await versions.list('read');

    const texts = await Promise.all(found.map(({ key, version }) => versions.read(key, version)));
    const looks = await Promise.all(found.map(({ key, version }) => versions.look(key, version)));
    expect(texts.toSorted()).toEqual(['one', 'two']);
    expect(looks.map((look) => look?.sha256).toSorted()).toEqual(['first', 'second']);
    expect(looks.map((look) => look?.bytes)).toEqual([3, 3]);
  });

  it('removes the version that it is told, and no other; removed again is removed', async () => {
    const { versions, write, read } = make();
    await write('gone', 'one', 'x');
    await write('gone', 'two', 'x');
    const newest = (await versions.list('gone')).find(({ latest }) => latest);
    const version = newest?.version ?? '';

    const answers = [await versions.remove('gone', version), await versions.remove('gone', version)];

    expect(answers).toEqual([true, true]);
    expect(await versions.look('gone', version)).toBeUndefined();
    expect(await versions.read('gone', version)).toBeUndefined();
    expect((await versions.list('gone')).map(({ latest, kind }) => [latest, kind])).toEqual([[true, 'object']]);
    expect(await read('gone')).toBe('one');
  });

  const withLock = () =>
    it('keeps what Object Lock keeps: longer, never shorter', async () => {
      const { versions, write, read } = make();
      await write('kept', 'one', 'x');
      const version = (await versions.list('kept'))[0]?.version ?? '';
      const [week, month] = [7, 30].map((days) => new Date(Math.floor(Date.now() / 1000) * 1000 + days * DAY)) as [Date, Date];

      expect(await versions.keepUntil('kept', version, week)).toBe(true);
      expect(await versions.keepUntil('kept', version, month)).toBe(true);
      expect(await versions.keepUntil('kept', version, week)).toBe(true);

      expect((await versions.look('kept', version))?.lock).toEqual(month);
      expect(await versions.remove('kept', version)).toBe(false);
      expect(await read('kept')).toBe('one');
    });

  const withoutLock = () =>
    it('says that nothing keeps a version where the bucket has no Object Lock', async () => {
      const { versions, write } = make();
      await write('open', 'one', 'x');
      const version = (await versions.list('open'))[0]?.version ?? '';

      expect(await versions.keepUntil('open', version, new Date(Date.now() + DAY))).toBe(false);
      expect(await versions.remove('open', version)).toBe(true);
    });
  if (objectLock) withLock();
  else withoutLock();
}
