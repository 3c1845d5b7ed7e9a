import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RefusedError } from '#model/errors.ts';
import type { Blobs } from '#ports/blobs.ts';

/** The behaviour that every implementation of port Blobs has; @param bytes size of the files that are moved */
export function blobsContract(make: () => Blobs, bytes: number): void {
  let directory: string;
  let path: string;
  let sha256: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-blobs-'));
    path = join(directory, 'file');
    const content = Buffer.alloc(bytes, 'content of a big object, ');
    writeFileSync(path, content);
    sha256 = hashOf(content);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('brings a file there and back', async () => {
    const blobs = make();
    const back = join(directory, 'back');

    const uploaded = await blobs.uploadFile('there/and/back', path, { sha256 });
    const stored = await blobs.downloadFile('there/and/back', back);

    expect(uploaded).toBe(true);
    expect(stored).toEqual({ bytes, sha256 });
    expect(hashOf(readFileSync(back))).toBe(sha256);
  });

  it('never overwrites', async () => {
    const blobs = make();
    const other = join(directory, 'other');
    writeFileSync(other, Buffer.alloc(bytes, 'other '));
    await blobs.uploadFile('once', path, { sha256 });

    const second = await blobs.uploadFile('once', other, { sha256: hashOf(readFileSync(other)) });
    const stored = await blobs.downloadFile('once', join(directory, 'once'));

    expect(second).toBe(false);
    expect(stored?.sha256).toBe(sha256);
  });

  it('stores nothing of a file that is not what it was said to be', async () => {
    const blobs = make();

    const upload = blobs.uploadFile('changed', path, { sha256: hashOf(Buffer.from('before')) });

    await expect(upload).rejects.toBeInstanceOf(RefusedError);
    expect(await blobs.downloadFile('changed', join(directory, 'changed'))).toBeUndefined();
  });

  it('says that an object is not there', async () => {
    expect(await make().downloadFile('absent', join(directory, 'absent'))).toBeUndefined();
  });
}

function hashOf(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
