import { Readable } from 'node:stream';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { TransientError } from '#model/errors.ts';
import { mapAwsError, statusOf } from '../aws/errors.ts';

/** An object's content as a stream, and its length where S3 tells it; undefined when there is no such object. @throws TransientError, RefusedError */
export async function openObject(
  s3: S3Client,
  bucket: string,
  key: string,
): Promise<{ readonly body: Readable; readonly bytes: number | undefined } | undefined> {
  const what = `read s3://${bucket}/${key}`;
  const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key })).catch((error: unknown) => {
    if (statusOf(error) === 404) return undefined;
    throw mapAwsError(error, what);
  });
  if (answer === undefined) return undefined;
  if (!(answer.Body instanceof Readable)) throw new TransientError(`could not ${what}: the answer has no body`);
  return { body: answer.Body, bytes: answer.ContentLength };
}
