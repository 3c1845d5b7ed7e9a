import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { RefusedError, TransientError } from '#model/errors.ts';
import { mapAwsError, statusOf } from '../aws/errors.ts';

export interface Destination {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly key: string;
  readonly metadata: Record<string, string>;
}

/** `partBytes` is raised for files that would need more than 10,000 parts; memory is `partBytes` x `concurrency`. */
export interface MultipartLimits {
  readonly partBytes: number;
  readonly concurrency: number;
}

const LIMITS: MultipartLimits = { partBytes: 8 * 1024 * 1024, concurrency: 4 };
/** S3 allows 10,000 parts. */
const MAX_PARTS = 10_000;

/**
 * Uploads a file in parts, read from disk at S3's pace into a few buffers that are used again. S3 checks the CRC-32 of
 * each part as it comes, and the length of the whole; the CRC-32 that it tells of the whole is compared with that of the file,
 * whose SHA-256 is checked on the way. (A SHA-256 S3 could tell of each part only.) The object appears at
 * the end or not at all; an error takes the parts away.
 * @returns false when the key is taken already
 * @throws TransientError, RefusedError, also when the file no longer has this length and hash
 */
export async function uploadParts(
  destination: Destination,
  path: string,
  expected: { bytes: number; sha256: string },
  limits: MultipartLimits = LIMITS,
): Promise<boolean> {
  const { s3, bucket, key, metadata } = destination;
  const what = `write s3://${bucket}/${key}`;
  const begun = await s3
    .send(
      new CreateMultipartUploadCommand({
        Bucket: bucket,
        Key: key,
        Metadata: metadata,
        ChecksumAlgorithm: 'CRC32',
        ChecksumType: 'FULL_OBJECT',
      }),
    )
    .catch((error: unknown) => {
      throw mapAwsError(error, what);
    });
  if (begun.UploadId === undefined) throw new TransientError(`could not ${what}: no upload id in the answer`);
  const upload = { ...destination, uploadId: begun.UploadId };
  try {
    const { parts, checksum } = await sendParts(upload, path, expected, limits);
    await complete(upload, parts, expected, checksum);
    return true;
  } catch (error) {
    await abort(upload, error);
    if (statusOf(error) === 412) return false;
    throw error instanceof RefusedError || error instanceof TransientError ? error : mapAwsError(error, what);
  }
}

type Upload = Destination & { readonly uploadId: string };

async function sendParts(
  upload: Upload,
  path: string,
  expected: { bytes: number; sha256: string },
  limits: MultipartLimits,
): Promise<{ parts: CompletedPart[]; checksum: string }> {
  const partBytes = Math.max(limits.partBytes, Math.ceil(expected.bytes / MAX_PARTS));
  const file = await open(path, 'r');
  const failed = new AbortController();
  try {
    const reader = createPartReader(file, partBytes, Math.ceil(expected.bytes / partBytes));
    const parts: CompletedPart[] = [];
    const workers = Array.from({ length: limits.concurrency }, () =>
      sendFrom(reader, upload, Buffer.allocUnsafe(partBytes), parts, failed),
    );
    await Promise.allSettled(workers);
    // The first failure counts; those after it only say that they were stopped.
    if (failed.signal.aborted) throw failed.signal.reason;
    const { bytes, sha256, checksum } = reader.result();
    if (bytes !== expected.bytes || sha256 !== expected.sha256) {
      throw new RefusedError(`${path} has changed since it was written: ${bytes} bytes with ${sha256} instead of ${expected.sha256}`);
    }
    return { parts: parts.sort((left, right) => (left.PartNumber ?? 0) - (right.PartNumber ?? 0)), checksum };
  } finally {
    await file.close();
  }
}

interface PartReader {
  /** Fills the buffer with the next part; undefined at the end. Parts are read one after another. */
  next(buffer: Buffer): Promise<{ number: number; body: Buffer; checksum: string } | undefined>;
  /** `checksum`: CRC-32 of the whole. */
  result(): { bytes: number; sha256: string; checksum: string };
}

function createPartReader(file: FileHandle, partBytes: number, count: number): PartReader {
  const hash = createHash('sha256');
  let whole = 0;
  let bytes = 0;
  let number = 0;
  let turn: Promise<unknown> = Promise.resolve();

  async function readNext(buffer: Buffer) {
    if (number >= count) return undefined;
    const body = buffer.subarray(0, await readFully(file, buffer, number * partBytes));
    hash.update(body);
    whole = crc32(body, whole);
    bytes += body.length;
    number += 1;
    return { number, body, checksum: checksumOf(crc32(body)) };
  }

  return {
    next(buffer) {
      const mine = turn.then(() => readNext(buffer));
      // The order of turns must survive a failed read; the reader of that part reports it.
      turn = mine.catch(() => undefined);
      return mine;
    },
    result: () => ({ bytes, sha256: hash.digest('hex'), checksum: checksumOf(whole) }),
  };
}

/**
 * The signature covers the part's CRC-32, which S3 checks; the way there is TLS'. Signing the bytes themselves would be a second
 * SHA-256 of all of them, more than half a second of processor time for each gigabyte.
 */
function leavePayloadUnsigned(command: UploadPartCommand): UploadPartCommand {
  command.middlewareStack.add(
    (next) => (args) => {
      const { request } = args;
      if (typeof request === 'object' && request !== null && 'headers' in request)
        Object.assign(request.headers as object, { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' });
      return next(args);
    },
    { step: 'build', name: 'leavePayloadUnsigned' },
  );
  return command;
}

/** As S3 writes a CRC-32: big-endian, base64. */
function checksumOf(sum: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(sum);
  return bytes.toString('base64');
}

async function sendFrom(
  reader: PartReader,
  upload: Upload,
  buffer: Buffer,
  parts: CompletedPart[],
  failed: AbortController,
): Promise<void> {
  try {
    while (!failed.signal.aborted) {
      const part = await reader.next(buffer);
      if (part === undefined) return;
      const command = new UploadPartCommand({
        Bucket: upload.bucket,
        Key: upload.key,
        UploadId: upload.uploadId,
        PartNumber: part.number,
        Body: part.body,
        ChecksumCRC32: part.checksum,
      });
      const answer = await upload.s3.send(leavePayloadUnsigned(command), { abortSignal: failed.signal });
      if (answer.ETag === undefined) throw new TransientError(`S3 gave no entity tag for part ${part.number} of ${upload.key}`);
      parts.push({ PartNumber: part.number, ETag: answer.ETag, ChecksumCRC32: part.checksum });
    }
  } catch (error) {
    // The other workers stop at once: an upload that is aborted while parts arrive would keep them.
    failed.abort(error);
    throw error;
  }
}

async function complete(
  upload: Upload,
  parts: CompletedPart[],
  expected: { bytes: number; sha256: string },
  checksum: string,
): Promise<void> {
  const command = new CompleteMultipartUploadCommand({
    Bucket: upload.bucket,
    Key: upload.key,
    UploadId: upload.uploadId,
    MultipartUpload: { Parts: parts },
    MpuObjectSize: expected.bytes,
    ChecksumType: 'FULL_OBJECT',
    IfNoneMatch: '*',
  });
  const answer = await upload.s3.send(command).catch(async (error: unknown) => {
    // The answer to a first try was lost: the upload is gone because the object is there.
    if (statusOf(error) === 404 && (await isThere(upload, expected))) return undefined;
    // Somebody else wrote it meanwhile: S3 asks for a new upload.
    if (statusOf(error) === 409) throw new TransientError(`${upload.key} was written at the same time`, { cause: error });
    throw error;
  });
  if (answer === undefined) return;
  if (answer.ChecksumType === 'FULL_OBJECT' && answer.ChecksumCRC32 !== undefined && answer.ChecksumCRC32 !== checksum) {
    throw new RefusedError(`S3 made ${upload.key} with the CRC-32 ${answer.ChecksumCRC32} of a file with ${checksum}: don't use it`);
  }
}

async function isThere({ s3, bucket, key }: Upload, expected: { bytes: number; sha256: string }): Promise<boolean> {
  const found = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key })).catch((error: unknown) => {
    if (statusOf(error) === 404) return undefined;
    throw mapAwsError(error, `look at s3://${bucket}/${key}`);
  });
  return found?.ContentLength === expected.bytes && found.Metadata?.['sha256'] === expected.sha256;
}

/** Takes the parts away. When that fails too, both reasons are told: the parts cost money until the bucket's rule ends them. */
async function abort({ s3, bucket, key, uploadId }: Upload, reason: unknown): Promise<void> {
  await s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId })).catch((error: unknown) => {
    if (statusOf(error) === 404) return;
    const first = reason instanceof Error ? reason.message : String(reason);
    throw mapAwsError(error, `abort the upload ${uploadId} of s3://${bucket}/${key} after: ${first}`);
  });
}

async function readFully(file: FileHandle, buffer: Buffer, position: number): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}
