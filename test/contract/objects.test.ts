import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createObjects } from '#adapters/s3/objects.ts';
import { RefusedError, TransientError } from '#model/errors.ts';
import { objectsContract } from '../support/contracts/objects.ts';
import { createFakeObjects } from '../support/fakes/objects.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

const ACCOUNT = '111111111111';

describe('the fake', () => {
  const objects = createFakeObjects();
  objectsContract(() => objects);
});

describe('S3', () => {
  let aws: Ministack;
  beforeAll(async () => {
    aws = await startMinistack();
    await new S3Client({ ...aws.of(ACCOUNT), forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'contract' }));
  }, 70_000);
  afterAll(() => aws.stop());

  objectsContract(() => createObjects('contract', aws.of(ACCOUNT)));

  it('names bucket and key of what is refused', async () => {
    const objects = createObjects('no-such-bucket', aws.of(ACCOUNT));

    await expect(objects.put('a/key', 'x')).rejects.toThrow(RefusedError);
    await expect(objects.put('a/key', 'x')).rejects.toThrow('could not write s3://no-such-bucket/a/key: NoSuchBucket');
    await expect(objects.list('a/')).rejects.toThrow('could not list s3://no-such-bucket/a/');
  });

  it('says that a store which does not answer may answer soon', async () => {
    const objects = createObjects('contract', { ...aws.of(ACCOUNT), endpoint: 'http://127.0.0.1:9', maxAttempts: 1 });

    await expect(objects.get('a')).rejects.toThrow(TransientError);
    await expect(objects.now()).rejects.toThrow(TransientError);
  });
});
