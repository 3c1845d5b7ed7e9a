import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { InputError, RefusedError } from '#model/errors.ts';
import { readDocument, readPointer } from '../../../../local/machine-room/ignition.ts';

const HASH = 'a'.repeat(64);

function userData(replace: unknown): string {
  return Buffer.from(JSON.stringify({ ignition: { version: '3.4.0', config: { replace } } })).toString('base64');
}

function read(document: unknown) {
  const bytes = Buffer.from(JSON.stringify(document));
  return readDocument(bytes, createHash('sha256').update(bytes).digest('hex'));
}

describe('readPointer', () => {
  it('reads bucket, key and hash', () => {
    const data = userData({ source: `s3://bucket/ignition/${HASH}.json`, verification: { hash: `sha256-${HASH}` } });

    expect(readPointer(data)).toEqual({ bucket: 'bucket', key: `ignition/${HASH}.json`, sha256: HASH });
  });

  it('refuses another source, a missing hash, and what is no pointer', () => {
    expect(() => readPointer(userData({ source: 'https://x/y', verification: { hash: `sha256-${HASH}` } }))).toThrow(/s3:/);
    expect(() => readPointer(userData({ source: 's3://b/k' }))).toThrow(/verification/);
    expect(() => readPointer(Buffer.from('#!/bin/sh').toString('base64'))).toThrow(InputError);
  });
});

describe('readDocument', () => {
  it('reads files of each encoding and units that are not masked', () => {
    const document = read({
      ignition: { version: '3.4.0' },
      storage: {
        files: [
          { path: '/a', mode: 420, contents: { source: 'data:,hello%20there' } },
          { path: '/b', contents: { source: `data:;base64,${Buffer.from('b').toString('base64')}` } },
          { path: '/c', contents: { source: `data:;base64,${gzipSync('c').toString('base64')}`, compression: 'gzip' } },
        ],
      },
      systemd: {
        units: [
          { name: 'x.service', contents: '[Service]' },
          { name: 'y.service', mask: true },
        ],
      },
    });

    expect(document.files.map(({ path, content }) => [path, content.toString()])).toEqual([
      ['/a', 'hello there'],
      ['/b', 'b'],
      ['/c', 'c'],
    ]);
    expect(document.units).toEqual([{ name: 'x.service', text: '[Service]' }]);
    expect(document.ignored).toEqual([]);
  });

  it('tells the parts that it does not act on', () => {
    const document = read({ ignition: { version: '3.4.0' }, storage: { disks: [] }, passwd: {} });

    expect(document.ignored).toEqual(['passwd', 'storage.disks']);
  });

  it('refuses bytes with another hash, and a file from elsewhere', () => {
    expect(() => readDocument(Buffer.from('{}'), HASH)).toThrow(RefusedError);
    expect(() => read({ ignition: { version: '3.4.0' }, storage: { files: [{ path: '/a', contents: { source: 'https://x' } }] } })).toThrow(
      /data: URL/,
    );
  });
});
