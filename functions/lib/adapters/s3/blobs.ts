import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { PutObjectCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { RefusedError, TransientError } from '#model/errors.ts';
import type { Blobs, StoredBlob } from '#ports/blobs.ts';
import { mapAwsError, statusOf } from '../aws/errors.ts';
import { diskError } from '../files/disk-full.ts';
import { type Destination, type MultipartLimits, uploadParts } from './multipart.ts';
import { openObject } from './open-object.ts';

/** A single PutObject up to here: one request that S3 checks against the SHA-256 of the whole. */
const SINGLE_PUT_BYTES = 16 * 1024 * 1024;

export interface BlobsOptions extends S3ClientConfig {
  /** Files above this go in parts; for tests. */
  readonly singlePutBytes?: number;
  readonly limits?: MultipartLimits;
}

/** Big objects of one bucket. */
export function createBlobs(bucket: string, { singlePutBytes = SINGLE_PUT_BYTES, limits, ...config }: BlobsOptions = {}): Blobs {
  const s3 = new S3Client({
    forcePathStyle: true,
    requestHandler: { connectionTimeout: 5_000, requestTimeout: 60_000 },
    ...config,
  });
  return {
    async uploadFile(key, path, expected) {
      const { size } = await stat(path);
      const destination: Destination = { s3, bucket, key, metadata: { sha256: expected.sha256 } };
      if (size > singlePutBytes) return uploadParts(destination, path, { bytes: size, sha256: expected.sha256 }, limits);
      return putWhole(destination, path, expected.sha256);
    },
    downloadFile: (key, path) => download(s3, bucket, key, path),
  };
}

async function putWhole({ s3, bucket, key, metadata }: Destination, path: string, sha256: string): Promise<boolean> {
  const body = await readFile(path);
  const found = createHash('sha256').update(body).digest('hex');
  if (found !== sha256) throw new RefusedError(`${path} has changed since it was written: ${found} instead of ${sha256}`);
  try {
    const checksum = Buffer.from(sha256, 'hex').toString('base64');
    await s3.send(
      new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, Metadata: metadata, ChecksumSHA256: checksum, IfNoneMatch: '*' }),
    );
    return true;
  } catch (error) {
    if (statusOf(error) === 412) return false;
    throw mapAwsError(error, `write s3://${bucket}/${key}`);
  }
}

async function download(s3: S3Client, bucket: string, key: string, path: string): Promise<StoredBlob | undefined> {
  const what = `read s3://${bucket}/${key}`;
  const object = await openObject(s3, bucket, key);
  if (object === undefined) return undefined;
  const hash = createHash('sha256');
  let bytes = 0;
  async function* hashed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  try {
    await pipeline(object.body, hashed, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
  } catch (error) {
    const full = diskError(error, path);
    if (full instanceof RefusedError) throw full;
    throw new TransientError(`could not ${what} whole: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (object.bytes !== undefined && object.bytes !== bytes) {
    throw new TransientError(`could not ${what} whole: ${bytes} of ${object.bytes} bytes came`);
  }
  return { bytes, sha256: hash.digest('hex') };
}
