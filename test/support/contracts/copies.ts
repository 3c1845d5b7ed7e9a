import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Copies } from '#ports/copies.ts';

export interface TwoBuckets {
  readonly copies: Copies;
  /** Writes to the first bucket. @returns the version */
  write(key: string, body: string): Promise<string>;
}

const hashOf = (text: string): object => ({ bytes: text.length, sha256: createHash('sha256').update(text).digest('hex') });

/** The behaviour that every implementation of port Copies has. */
export function copiesContract(make: () => TwoBuckets): void {
  it('copies the version that it is told, under the same key, and reads it back', async () => {
    const { copies, write } = make();
    const version = await write('a/one two', 'first');
    await write('a/one two', 'second');

    await copies.copy('a/one two', version, 5);

    expect(await copies.hash('a/one two')).toEqual(hashOf('first'));
    expect(await copies.list('a/')).toEqual(['a/one two']);
  });

  it('takes the place of what is there', async () => {
    const { copies, write } = make();
    const [one, two] = [await write('again', 'first'), await write('again', 'second')];

    await copies.copy('again', one, 5);
    await copies.copy('again', two, 6);

    expect(await copies.hash('again')).toEqual(hashOf('second'));
  });

  it('knows what is not there, and lists below a prefix only', async () => {
    const { copies, write } = make();
    await copies.copy('b/1', await write('b/1', 'x'), 1);
    await copies.copy('bb/1', await write('bb/1', 'x'), 1);

    expect(await copies.list('b/')).toEqual(['b/1']);
    expect(await copies.hash('c')).toBeUndefined();
  });
}
