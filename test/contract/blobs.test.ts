import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBlobs } from '#adapters/s3/blobs.ts';
import { sha256 } from '#domain/hash.ts';
import { RefusedError } from '#model/errors.ts';
import { type MemoryS3, startMemoryS3 } from '../support/backup-faults/memory-s3.ts';
import { blobsContract } from '../support/contracts/blobs.ts';
import { createFakeBlobs } from '../support/fakes/blobs.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

const ACCOUNT = '111111111111';
const MIB = 1024 * 1024;
/** S3 wants 5 MiB for each part but the last. */
const LIMITS = { partBytes: 5 * MIB, concurrency: 2 };

describe('the fake', () => {
  const blobs = createFakeBlobs();
  blobsContract(() => blobs, 5000);
});

describe('the store in memory that faults are tried on', () => {
  let memory: MemoryS3;
  beforeAll(async () => {
    memory = await startMemoryS3(() => undefined);
  });
  afterAll(() => memory.close());
  const config = () => ({ endpoint: memory.endpoint, region: 'eu-central-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });

  describe('with one request', () => {
    blobsContract(() => createBlobs('small', config()), 7000);
  });

  describe('with parts', () => {
    // A store of its own: keys are those of one bucket.
    let parts: MemoryS3;
    beforeAll(async () => {
      parts = await startMemoryS3(() => undefined);
    });
    afterAll(() => parts.close());
    const limits = { partBytes: 2000, concurrency: 2 };
    blobsContract(() => createBlobs('parts', { ...config(), endpoint: parts.endpoint, singlePutBytes: 0, limits }), 7001);

    it('leaves no parts behind, after all of that', () => {
      expect([...parts.objects.keys()].sort()).toEqual(['once', 'there/and/back']);
      expect(parts.uploads.size).toBe(0);
    });
  });
});

describe('S3', () => {
  let aws: Ministack;
  let s3: S3Client;
  beforeAll(async () => {
    aws = await startMinistack();
    s3 = new S3Client({ ...aws.of(ACCOUNT), forcePathStyle: true });
    for (const bucket of ['small', 'parts', 'broken']) await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  }, 70_000);
  afterAll(() => aws.stop());

  describe('with one request', () => {
    blobsContract(() => createBlobs('small', aws.of(ACCOUNT)), 70_000);
  });

  describe('with parts', () => {
    blobsContract(() => createBlobs('parts', { ...aws.of(ACCOUNT), singlePutBytes: 0, limits: LIMITS }), 12 * MIB + 7);

    it('leaves no parts behind, after all of that', async () => {
      expect(await left(s3, 'parts')).toEqual({ keys: ['once', 'there/and/back'], uploads: 0 });
    });
  });

  it('leaves neither object nor parts when a part is refused', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-broken-'));
    const path = join(directory, 'file');
    const content = Buffer.alloc(12 * MIB, 'x');
    writeFileSync(path, content);
    let parts = 0;
    const refusing = createBlobs('broken', {
      ...aws.of(ACCOUNT),
      endpoint: await proxy(aws.endpoint, (url) => url.includes('partNumber=') && ++parts === 2),
      singlePutBytes: 0,
      limits: LIMITS,
      maxAttempts: 1,
    });

    const upload = refusing.uploadFile('big', path, { sha256: sha256(content) });

    await expect(upload).rejects.toBeInstanceOf(RefusedError);
    expect(await left(s3, 'broken')).toEqual({ keys: [], uploads: 0 });
    rmSync(directory, { recursive: true });
  });
});

describe('a part', () => {
  it('is signed by its checksum, not by a second hash of its bytes', async () => {
    const memory = await startMemoryS3(() => undefined);
    const directory = mkdtempSync(join(tmpdir(), 'sluice-signed-'));
    const path = join(directory, 'file');
    const content = Buffer.alloc(5000, 'x');
    writeFileSync(path, content);
    const seen: IncomingHttpHeaders[] = [];
    const endpoint = await proxy(memory.endpoint, (url, headers) => {
      if (url.includes('partNumber=')) seen.push(headers);
      return false;
    });
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
    const limits = { partBytes: 2000, concurrency: 2 };
    const blobs = createBlobs('parts', { endpoint, region: 'eu-central-1', credentials, singlePutBytes: 0, limits });

    await blobs.uploadFile('signed', path, { sha256: sha256(content) });

    expect(seen).toHaveLength(3);
    for (const headers of seen) {
      expect(headers['x-amz-content-sha256']).toBe('UNSIGNED-PAYLOAD');
      expect(headers['x-amz-checksum-crc32']).toMatch(/^[\w+/]{6}==$/);
      expect(headers.authorization).toMatch(/SignedHeaders=[^,]*x-amz-checksum-crc32/);
    }
    rmSync(directory, { recursive: true });
    await memory.close();
  });
});

async function left(s3: S3Client, bucket: string): Promise<{ keys: (string | undefined)[]; uploads: number }> {
  const objects = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  const uploads = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  return { keys: (objects.Contents ?? []).map((object) => object.Key), uploads: (uploads.Uploads ?? []).length };
}

const proxies: Server[] = [];
afterAll(() => {
  for (const server of proxies) server.close();
});

/** Passes requests on, except those that it is to refuse. */
async function proxy(endpoint: string, refuse: (url: string, headers: IncomingHttpHeaders) => boolean): Promise<string> {
  const server = createServer((incoming, answer) => {
    const { method, url = '', headers } = incoming;
    if (refuse(url, headers)) {
      incoming.resume();
      answer.writeHead(403, { 'content-type': 'application/xml' }).end('<Error><Code>AccessDenied</Code><Message>no</Message></Error>');
      return;
    }
    const outgoing = request(`${endpoint}${url}`, { method, headers }, (result) => {
      answer.writeHead(result.statusCode ?? 500, result.headers);
      result.pipe(answer);
    });
    outgoing.on('error', () => answer.destroy());
    answer.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  proxies.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}
