// One measured thing in a process of its own, told as a line of JSON: seconds, and the largest memory that it had.
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import * as z from 'zod';
import { createEtcd } from '#adapters/etcd/etcd.ts';
import { withFile } from '#adapters/files/random-access.ts';
import { createScratch } from '#adapters/files/scratch.ts';
import { createBlobs } from '#adapters/s3/blobs.ts';
import { checkTrailer, readContent } from '#domain/snapshot/verify.ts';

const Work = z.discriminatedUnion('act', [
  z.object({ act: z.literal('verify'), path: z.string() }),
  z.object({
    act: z.literal('stream'),
    endpoint: z.string(),
    identity: z.string(),
    directory: z.string(),
    s3: z.unknown(),
    bucket: z.string(),
    key: z.string(),
  }),
  z.object({ act: z.literal('lib-storage'), path: z.string(), s3: z.unknown(), bucket: z.string(), key: z.string() }),
  z.object({ act: z.literal('own-upload'), path: z.string(), sha256: z.string(), s3: z.unknown(), bucket: z.string(), key: z.string() }),
]);
type Work = z.infer<typeof Work>;

const work = Work.parse(JSON.parse(process.argv[2] ?? ''));
const from = process.hrtime.bigint();
const found = await run(work);
const seconds = Number(process.hrtime.bigint() - from) / 1e9;
process.stdout.write(`${JSON.stringify({ seconds, megabytes: process.resourceUsage().maxRSS / 1024, ...found })}\n`);

async function run(one: Work): Promise<Record<string, unknown>> {
  switch (one.act) {
    case 'verify':
      return withFile(one.path, (file) => {
        const trailer = checkTrailer(file, () => undefined);
        if (!trailer.whole) throw new Error(trailer.reason);
        const middle = process.hrtime.bigint();
        const { hashes, revision } = readContent(file, () => undefined);
        return { hash: hashes[0]?.hash, revision, contentSeconds: Number(process.hrtime.bigint() - middle) / 1e9 };
      });
    case 'stream': {
      // As take-snapshot does it: to the disk at etcd's pace, then up.
      const etcd = createEtcd({ endpoints: [one.endpoint], identity: JSON.parse(readFileSync(one.identity, 'utf8')) });
      const chunks = async function* () {
        for await (const { bytes } of etcd.snapshot(one.endpoint)) yield bytes;
      };
      return createScratch(one.directory).withDirectory(async (directory) => {
        const path = join(directory, 'snapshot.db');
        const file = await createScratch(one.directory).spool(chunks(), path);
        const spooled = Number(process.hrtime.bigint() - from) / 1e9;
        await createBlobs(one.bucket, one.s3 as S3ClientConfig).uploadFile(one.key, path, { sha256: file.sha256 });
        return { bytes: file.bytes, spoolSeconds: spooled };
      });
    }
    case 'own-upload':
      await createBlobs(one.bucket, one.s3 as S3ClientConfig).uploadFile(one.key, one.path, { sha256: one.sha256 });
      return {};
    case 'lib-storage': {
      const file = await open(one.path, 'r');
      const client = new S3Client({ forcePathStyle: true, ...(one.s3 as S3ClientConfig) });
      const params = { Bucket: one.bucket, Key: one.key, Body: file.createReadStream(), ChecksumAlgorithm: 'SHA256' as const };
      await new Upload({ client, params, partSize: 16 * 1024 * 1024, queueSize: 4 }).done();
      return {};
    }
  }
}
