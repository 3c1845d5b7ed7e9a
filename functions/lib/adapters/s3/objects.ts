import {
  GetObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { bucketName, hubRoleArn } from '#domain/names.ts';
import { TransientError } from '#model/errors.ts';
import type { AccountObjects, ObjectStore, StoredObject } from '#ports/objects.ts';
import { createRoleCredentials } from '../aws/credentials.ts';
import { mapAwsError, statusOf } from '../aws/errors.ts';

/** An S3 bucket as ObjectStore. Conditional writes use If-None-Match and If-Match. @param type of what is written, for readers who go by it */
export function createObjects(bucket: string, config: S3ClientConfig = {}, type?: string): ObjectStore {
  const s3 = new S3Client({ forcePathStyle: true, ...config });
  const clock = createStoreClock(s3, bucket);

  async function read(key: string) {
    try {
      return await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw mapAwsError(error, `read s3://${bucket}/${key}`);
    }
  }

  /** True when written; false when the condition (412) or a concurrent write (409) refused it. */
  async function write(key: string, body: string | Uint8Array, condition: { IfNoneMatch?: string; IfMatch?: string }): Promise<boolean> {
    try {
      await s3.send(
        new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ...(type === undefined ? {} : { ContentType: type }), ...condition }),
      );
      return true;
    } catch (error) {
      const status = statusOf(error);
      if (status === 412 || status === 409 || (status === 404 && condition.IfMatch !== undefined)) return false;
      throw mapAwsError(error, `write s3://${bucket}/${key}`);
    }
  }

  return {
    async get(key): Promise<StoredObject | undefined> {
      const answer = await read(key);
      if (answer === undefined) return undefined;
      const body = (await answer.Body?.transformToString('utf-8')) ?? '';
      if (answer.ETag === undefined || answer.LastModified === undefined)
        throw new TransientError(`no entity tag for s3://${bucket}/${key}`);
      return { body, etag: answer.ETag, lastModified: answer.LastModified };
    },
    async getBytes(key) {
      const answer = await read(key);
      return answer?.Body?.transformToByteArray();
    },
    async put(key, body) {
      await write(key, body, {});
    },
    putIfAbsent: (key, body) => write(key, body, { IfNoneMatch: '*' }),
    putIfMatch: (key, body, etag) => write(key, body, { IfMatch: etag }),
    list: (prefix) => listKeys(s3, bucket, prefix),
    now: clock,
  };
}

/** The buckets of cluster accounts, each entered by the account's hub role. */
export function createAccountObjects(region: string): AccountObjects {
  const credentialsOf = createRoleCredentials(region);
  return {
    of(account, accountRegion, session) {
      return createObjects(bucketName(account, accountRegion), {
        region: accountRegion,
        credentials: () => credentialsOf(hubRoleArn(account), session),
      });
    },
  };
}

async function listKeys(s3: S3Client, bucket: string, prefix: string): Promise<string[]> {
  const found: string[] = [];
  let token: string | undefined;
  do {
    const page = await s3
      .send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...(token === undefined ? {} : { ContinuationToken: token }) }))
      .catch((error: unknown) => {
        throw mapAwsError(error, `list s3://${bucket}/${prefix}`);
      });
    for (const entry of page.Contents ?? []) if (entry.Key !== undefined) found.push(entry.Key);
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return found.sort();
}

/** Reads the Date header of S3's answers: one clock for all holders of locks, whatever their machines think. */
function createStoreClock(s3: S3Client, bucket: string): () => Promise<Date> {
  return async () => {
    let date: string | undefined;
    const command = new HeadBucketCommand({ Bucket: bucket });
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const response: unknown = result.response;
        date = dateHeader(response);
        return result;
      },
      { step: 'deserialize', priority: 'high', name: 'readDateHeader' },
    );
    await s3.send(command).catch((error: unknown) => {
      throw mapAwsError(error, `read the clock of s3://${bucket}`);
    });
    const time = date === undefined ? Number.NaN : Date.parse(date);
    if (Number.isNaN(time)) throw new TransientError(`no Date header in the answer of s3://${bucket}`);
    return new Date(time);
  };
}

function dateHeader(response: unknown): string | undefined {
  if (response === null || typeof response !== 'object' || !('headers' in response)) return undefined;
  const headers = response.headers;
  if (headers === null || typeof headers !== 'object') return undefined;
  const entry = Object.entries(headers).find(([name]) => name.toLowerCase() === 'date');
  return typeof entry?.[1] === 'string' ? entry[1] : undefined;
}
