import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createObjects } from '#adapters/s3/objects.ts';
import { createVersions } from '#adapters/s3/versions.ts';
import { RefusedError, TransientError } from '#model/errors.ts';
import { type VersionedBucket, versionsContract } from '../support/contracts/versions.ts';
import { createFakeVersions } from '../support/fakes/versions.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

const ACCOUNT = '111111111111';
let aws: Ministack;
let s3: S3Client;
beforeAll(async () => {
  aws = await startMinistack();
  s3 = new S3Client({ ...aws.of(ACCOUNT), forcePathStyle: true });
  for (const Bucket of ['plain', 'locked']) {
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  }
  // As CloudFormation does with a bucket that is there already.
  await s3.send(new PutObjectLockConfigurationCommand({ Bucket: 'locked', ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled' } }));
}, 70_000);
afterAll(() => aws.stop());

function bucket(Bucket: string): VersionedBucket {
  return {
    versions: createVersions(Bucket, aws.of(ACCOUNT)),
    write: async (Key, Body, sha256) => void (await s3.send(new PutObjectCommand({ Bucket, Key, Body, Metadata: { sha256 } }))),
    mark: async (Key) => void (await s3.send(new DeleteObjectCommand({ Bucket, Key }))),
    read: async (key) => (await createObjects(Bucket, aws.of(ACCOUNT)).get(key))?.body,
  };
}

function fake(hasObjectLock: boolean): VersionedBucket {
  const versions = createFakeVersions(new Date());
  versions.hasObjectLock = hasObjectLock;
  return {
    versions,
    write: async (key, body, sha256) => void versions.write(key, body, { sha256 }),
    mark: async (key) => versions.mark(key),
    read: async (key) => versions.current(key),
  };
}

describe('the fake', () => {
  describe('with Object Lock', () => versionsContract(() => fake(true), true));
  describe('without', () => versionsContract(() => fake(false), false));
});

describe('S3', () => {
  describe('with Object Lock', () => versionsContract(() => bucket('locked'), true));
  describe('without', () => versionsContract(() => bucket('plain'), false));

  it('removes nothing under a legal hold, and leaves the hold alone', async () => {
    const { versions, write } = bucket('locked');
    await write('held', 'one', 'x');
    await s3.send(new PutObjectLegalHoldCommand({ Bucket: 'locked', Key: 'held', LegalHold: { Status: 'ON' } }));
    const version = (await versions.list('held'))[0]?.version ?? '';

    expect((await versions.look('held', version))?.lock).toBe('open');
    expect(await versions.keepUntil('held', version, new Date(Date.now() + 1000))).toBe(true);
    expect(await versions.remove('held', version)).toBe(false);
  });

  it('lists more than one page', async () => {
    const { versions, write } = bucket('plain');
    const names = Array.from({ length: 1010 }, (_, index) => `many/${String(index).padStart(4, '0')}`);
    for (let at = 0; at < names.length; at += 50) await Promise.all(names.slice(at, at + 50).map((name) => write(name, 'x', 'x')));

    const found = await versions.list('many/');

    expect(found.map(({ key }) => key).toSorted()).toEqual(names);
  });

  it('says which bucket it can not read, and that a store which does not answer may answer soon', async () => {
    const gone = createVersions('no-such-bucket', aws.of(ACCOUNT));
    await expect(gone.list('a')).rejects.toThrow(RefusedError);
    await expect(gone.list('a')).rejects.toThrow('could not list the versions of s3://no-such-bucket/a: NoSuchBucket');
    const silent = createVersions('plain', { ...aws.of(ACCOUNT), endpoint: 'http://127.0.0.1:9', maxAttempts: 1 });
    const calls = [
      () => silent.list('a'),
      () => silent.read('a', 'v'),
      () => silent.look('a', 'v'),
      () => silent.remove('a', 'v'),
      () => silent.now(),
    ];
    for (const call of calls) await expect(call()).rejects.toThrow(TransientError);
  });
});
