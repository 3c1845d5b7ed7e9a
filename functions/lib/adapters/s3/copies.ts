import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  S3Client,
  type S3ClientConfig,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { TransientError } from '#model/errors.ts';
import type { Copies } from '#ports/copies.ts';
import { mapAwsError } from '../aws/errors.ts';
import { createObjects } from './objects.ts';
import { openObject } from './open-object.ts';

/** S3 copies up to 5 GiB in one request; more goes in parts. */
const SINGLE_COPY_BYTES = 5 * 1024 ** 3;
const PART_BYTES = 1024 ** 3;

export interface CopiesOptions extends S3ClientConfig {
  /** For tests. */
  readonly singleCopyBytes?: number;
  readonly partBytes?: number;
}

/** Copies from one bucket to another, made by S3 itself. @param options with the region of the second bucket */
export function createCopies(
  from: string,
  to: string,
  { singleCopyBytes = SINGLE_COPY_BYTES, partBytes = PART_BYTES, ...config }: CopiesOptions = {},
): Copies {
  const s3 = new S3Client({ forcePathStyle: true, requestHandler: { connectionTimeout: 5_000, requestTimeout: 300_000 }, ...config });
  return {
    list: createObjects(to, config).list,
    async copy(key, version, bytes) {
      const source = `${from}/${encodeURIComponent(key)}?versionId=${version}`;
      try {
        if (bytes <= singleCopyBytes) await s3.send(new CopyObjectCommand({ Bucket: to, Key: key, CopySource: source }));
        else await copyParts({ s3, to, key, source, bytes, partBytes, version, from });
      } catch (error) {
        throw mapAwsError(error, `copy s3://${from}/${key} to s3://${to}`);
      }
    },
    async hash(key) {
      const what = `read s3://${to}/${key}`;
      const object = await openObject(s3, to, key);
      if (object === undefined) return undefined;
      const hash = createHash('sha256');
      let bytes = 0;
      try {
        for await (const chunk of object.body as AsyncIterable<Uint8Array>) {
          hash.update(chunk);
          bytes += chunk.length;
        }
      } catch (error) {
        throw new TransientError(`could not ${what} whole`, { cause: error });
      }
      return { bytes, sha256: hash.digest('hex') };
    },
  };
}

interface PartsCopy {
  readonly s3: S3Client;
  readonly from: string;
  readonly to: string;
  readonly key: string;
  readonly version: string;
  readonly source: string;
  readonly bytes: number;
  readonly partBytes: number;
}

/** The object appears at the end or not at all; an error takes the parts away. */
async function copyParts({ s3, from, to, key, version, source, bytes, partBytes }: PartsCopy): Promise<void> {
  // A copy in parts takes no metadata along.
  const { Metadata } = await s3.send(new HeadObjectCommand({ Bucket: from, Key: key, VersionId: version }));
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: to, Key: key, ...(Metadata && { Metadata }) }));
  const upload = { Bucket: to, Key: key, UploadId };
  try {
    const parts: CompletedPart[] = [];
    for (let at = 0; at < bytes; at += partBytes) {
      const CopySourceRange = `bytes=${at}-${Math.min(at + partBytes, bytes) - 1}`;
      const PartNumber = parts.length + 1;
      const answer = await s3.send(new UploadPartCopyCommand({ ...upload, PartNumber, CopySource: source, CopySourceRange }));
      const ETag = answer.CopyPartResult?.ETag;
      if (ETag === undefined) throw new TransientError(`S3 gave no entity tag for part ${PartNumber} of the copy of ${key}`);
      parts.push({ PartNumber, ETag });
    }
    await s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }));
  } catch (error) {
    // What is left of it the bucket's own rule takes away, should this fail too.
    await s3.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw error;
  }
}
