import { expect, it } from 'vitest';
import type { ObjectStore } from '#ports/objects.ts';

/** The behaviour that every implementation of port ObjectStore has. */
export function objectsContract(make: () => ObjectStore): void {
  it('answers nothing for a key that is not there', async () => {
    expect(await make().get('absent')).toBeUndefined();
    expect(await make().getBytes('absent')).toBeUndefined();
    expect(await make().list('absent/')).toEqual([]);
  });

  it('gives back text and bytes as they were written', async () => {
    const objects = make();
    const bytes = Uint8Array.from([0, 255, 128, 10, 13]);

    await objects.put('kept/text', 'grün — ✓\n');
    await objects.put('kept/bytes', bytes);

    expect((await objects.get('kept/text'))?.body).toBe('grün — ✓\n');
    expect(await objects.getBytes('kept/bytes')).toEqual(bytes);
  });

  it('replaces without condition, and the entity tag tells', async () => {
    const objects = make();
    await objects.put('replaced', 'one');
    const before = await objects.get('replaced');

    await objects.put('replaced', 'two');

    const after = await objects.get('replaced');
    expect(after?.body).toBe('two');
    expect(after?.etag).not.toBe(before?.etag);
  });

  it('writes if absent once', async () => {
    const objects = make();

    const answers = [await objects.putIfAbsent('once', 'one'), await objects.putIfAbsent('once', 'two')];

    expect(answers).toEqual([true, false]);
    expect((await objects.get('once'))?.body).toBe('one');
  });

  it('writes on a matching entity tag only', async () => {
    const objects = make();
    await objects.put('swapped', 'one');
    const { etag = '' } = (await objects.get('swapped')) ?? {};

    const first = await objects.putIfMatch('swapped', 'two', etag);
    const stale = await objects.putIfMatch('swapped', 'three', etag);
    const absent = await objects.putIfMatch('never-written', 'x', etag);

    expect([first, stale, absent]).toEqual([true, false, false]);
    expect((await objects.get('swapped'))?.body).toBe('two');
    expect(await objects.get('never-written')).toBeUndefined();
  });

  it('lets one of many writers at once win', async () => {
    const objects = make();
    const values = Array.from({ length: 10 }, (_, index) => `value ${index}`);

    const created = await Promise.all(values.map((value) => objects.putIfAbsent('race', value)));
    const known = await objects.get('race');
    const swapped = await Promise.all(values.map((value) => objects.putIfMatch('race', `next ${value}`, known?.etag ?? '')));

    expect(created.filter(Boolean)).toHaveLength(1);
    expect(known?.body).toBe(values[created.indexOf(true)]);
    expect(swapped.filter(Boolean)).toHaveLength(1);
    expect((await objects.get('race'))?.body).toBe(`next ${values[swapped.indexOf(true)]}`);
  });

  it('lists the keys below a prefix in order, all of them', async () => {
    const objects = make();
    const numbers = Array.from({ length: 1005 }, (_, index) => `many/${String(index).padStart(4, '0')}`);
    for (let start = 0; start < numbers.length; start += 50)
      await Promise.all(numbers.slice(start, start + 50).map((key) => objects.put(key, key)));
    await objects.put('many-others', 'not below');

    expect(await objects.list('many/')).toEqual(numbers);
    expect(await objects.list('many/000')).toEqual(numbers.slice(0, 10));
  });

  it('has a clock by which its objects are dated', async () => {
    const objects = make();

    const before = await objects.now();
    await objects.put('dated', 'x');
    const written = (await objects.get('dated'))?.lastModified ?? new Date(0);
    const after = await objects.now();

    expect(written.getTime()).toBeGreaterThanOrEqual(before.getTime());
    expect(written.getTime()).toBeLessThanOrEqual(after.getTime());
  });
}
