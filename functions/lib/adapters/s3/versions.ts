import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutObjectRetentionCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { TransientError } from '#model/errors.ts';
import type { ObjectVersion, VersionFacts, Versions } from '#ports/versions.ts';
import { codeOf, mapAwsError, statusOf } from '../aws/errors.ts';
import { createObjects } from './objects.ts';

/** The versions of an S3 bucket. Nothing here goes round Object Lock (`BypassGovernanceRetention`). */
export function createVersions(bucket: string, config: S3ClientConfig = {}): Versions {
  const s3 = new S3Client({ forcePathStyle: true, ...config });
  const name = (key: string, version: string): string => `version ${version} of s3://${bucket}/${key}`;

  async function look(key: string, version: string): Promise<VersionFacts | undefined> {
    const answer = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key, VersionId: version })).catch((error: unknown) => {
      if (isGone(error)) return undefined;
      throw mapAwsError(error, `look at ${name(key, version)}`);
    });
    if (answer === undefined) return undefined;
    if (answer.ETag === undefined || answer.ContentLength === undefined) {
      throw new TransientError(`could not look at ${name(key, version)}: the answer has no entity tag or no length`);
    }
    const lock = answer.ObjectLockLegalHoldStatus === 'ON' ? 'open' : answer.ObjectLockRetainUntilDate;
    return { bytes: answer.ContentLength, etag: answer.ETag, sha256: answer.Metadata?.['sha256'], lock };
  }

  return {
    list: (prefix) => listVersions(s3, bucket, prefix),
    async read(key, version) {
      const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: version })).catch((error: unknown) => {
        if (isGone(error)) return undefined;
        throw mapAwsError(error, `read ${name(key, version)}`);
      });
      return answer?.Body?.transformToString('utf-8');
    },
    look,
    async remove(key, version) {
      try {
        await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, VersionId: version }));
        return true;
      } catch (error) {
        if (isGone(error)) return true;
        // S3 refuses by the same code whether Object Lock or a missing right stands against it.
        if (statusOf(error) === 403 && isKept(await look(key, version))) return false;
        throw mapAwsError(error, `remove ${name(key, version)}`);
      }
    },
    async keepUntil(key, version, until) {
      const known = await look(key, version);
      if (known?.lock === 'open' || (known?.lock !== undefined && known.lock >= until)) return true;
      const Retention = { Mode: 'GOVERNANCE' as const, RetainUntilDate: until };
      try {
        await s3.send(new PutObjectRetentionCommand({ Bucket: bucket, Key: key, VersionId: version, Retention }));
        return true;
      } catch (error) {
        if (/missing Object ?Lock ?Configuration/i.test(error instanceof Error ? error.message : '')) return false;
        throw mapAwsError(error, `keep ${name(key, version)}`);
      }
    },
    now: createObjects(bucket, config).now,
  };
}

/** A version that is gone answers 404; an id that the bucket never gave answers 400. */
function isGone(error: unknown): boolean {
  return statusOf(error) === 404 && codeOf(error) !== 'NoSuchBucket';
}

function isKept(facts: VersionFacts | undefined): boolean {
  return facts?.lock === 'open' || (facts?.lock !== undefined && facts.lock > new Date());
}

async function listVersions(s3: S3Client, bucket: string, prefix: string): Promise<ObjectVersion[]> {
  const found: ObjectVersion[] = [];
  let from: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
  while (from !== undefined) {
    const page: ListObjectVersionsCommandOutput = await s3
      .send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, ...from }))
      .catch((error: unknown) => {
        throw mapAwsError(error, `list the versions of s3://${bucket}/${prefix}`);
      });
    for (const one of page.Versions ?? []) found.push(versionOf(one, 'object', one.Size));
    for (const one of page.DeleteMarkers ?? []) found.push(versionOf(one, 'delete-marker', 0));
    from = page.IsTruncated === true ? markersOf(page, bucket) : undefined;
  }
  return found;
}

function markersOf(page: ListObjectVersionsCommandOutput, bucket: string): { KeyMarker: string; VersionIdMarker?: string } {
  const { NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page;
  // A list that ends too early would hide what is newest.
  if (KeyMarker === undefined) throw new TransientError(`the list of versions of ${bucket} says that there is more, and not where`);
  return VersionIdMarker === undefined ? { KeyMarker } : { KeyMarker, VersionIdMarker };
}

interface Listed {
  readonly Key?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly IsLatest?: boolean | undefined;
  readonly LastModified?: Date | undefined;
}

function versionOf(
  { Key, VersionId, IsLatest, LastModified }: Listed,
  kind: ObjectVersion['kind'],
  bytes: number | undefined,
): ObjectVersion {
  if (Key === undefined || VersionId === undefined || LastModified === undefined || bytes === undefined) {
    throw new TransientError(`the list of versions has an entry without key, id, time or size: ${Key ?? 'no key'}`);
  }
  return { key: Key, version: VersionId, latest: IsLatest === true, kind, bytes, storedAt: LastModified };
}
