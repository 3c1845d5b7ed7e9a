import { randomBytes } from 'node:crypto';
import {
  CreateBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CopiesOptions, createCopies } from '#adapters/s3/copies.ts';
import { RefusedError, TransientError } from '#model/errors.ts';
import { copiesContract, type TwoBuckets } from '../support/contracts/copies.ts';
import { createFakeCopies } from '../support/fakes/copies.ts';
import { createFakeVersions } from '../support/fakes/versions.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

const ACCOUNT = '111111111111';
const MIB = 1024 * 1024;
let aws: Ministack;
let s3: S3Client;
beforeAll(async () => {
  aws = await startMinistack();
  s3 = new S3Client({ ...aws.of(ACCOUNT), forcePathStyle: true });
  for (const Bucket of ['first', 'second']) {
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  }
}, 70_000);
afterAll(() => aws.stop());

function buckets(options: CopiesOptions = {}): TwoBuckets {
  return {
    copies: createCopies('first', 'second', { ...aws.of(ACCOUNT), ...options }),
    async write(Key, Body) {
      const answer = await s3.send(new PutObjectCommand({ Bucket: 'first', Key, Body, Metadata: { sha256: 'noted' } }));
      return answer.VersionId ?? '';
    },
  };
}

describe('the fake', () => {
  copiesContract(() => {
    const versions = createFakeVersions();
    return { copies: createFakeCopies(versions), write: async (key, body) => versions.write(key, body) };
  });
});

describe('S3', () => {
  copiesContract(() => buckets());

  it('copies what is too large for one request in parts, with its metadata', async () => {
    const { copies, write } = buckets({ singleCopyBytes: MIB, partBytes: 5 * MIB });
    const body = randomBytes(6 * MIB).toString('hex');
    const version = await write('large', body);

    await copies.copy('large', version, body.length);

    expect(await copies.hash('large')).toMatchObject({ bytes: body.length });
    expect((await s3.send(new HeadObjectCommand({ Bucket: 'second', Key: 'large' }))).Metadata).toEqual({ sha256: 'noted' });
  });

  it('leaves no parts of a copy that failed', async () => {
    const { copies, write } = buckets({ singleCopyBytes: MIB, partBytes: 5 * MIB });
    const version = await write('short', 'x'.repeat(6 * MIB));

    // More than there is: a part of it can't be copied.
    await expect(copies.copy('short', version, 20 * MIB)).rejects.toThrow(/could not copy s3:\/\/first\/short to s3:\/\/second/);

    expect((await s3.send(new ListMultipartUploadsCommand({ Bucket: 'second' }))).Uploads ?? []).toEqual([]);
    expect(await copies.hash('short')).toBeUndefined();
  });

  it('says what it could not copy, and where', async () => {
    const gone = createCopies('first', 'no-such-bucket', aws.of(ACCOUNT));
    const version = await buckets().write('kept', 'x');

    await expect(gone.copy('kept', version, 1)).rejects.toThrow(RefusedError);
    await expect(gone.copy('kept', version, 1)).rejects.toThrow('could not copy s3://first/kept to s3://no-such-bucket: NoSuchBucket');
    const silent = createCopies('first', 'second', { ...aws.of(ACCOUNT), endpoint: 'http://127.0.0.1:9', maxAttempts: 1 });
    for (const call of [() => silent.copy('kept', version, 1), () => silent.hash('kept'), () => silent.list('kept')]) {
      await expect(call()).rejects.toThrow(TransientError);
    }
  });
});
