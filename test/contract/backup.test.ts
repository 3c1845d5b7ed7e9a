import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callOnce } from '#adapters/etcd/connection.ts';
import { createEtcdDrill } from '#adapters/etcd/drill.ts';
import { createEtcd } from '#adapters/etcd/etcd.ts';
import { encode } from '#adapters/etcd/protobuf.ts';
import { createBinaries } from '#adapters/files/binaries.ts';
import { createScratch } from '#adapters/files/scratch.ts';
import { createSigner } from '#adapters/kms/signer.ts';
import { createBlobs } from '#adapters/s3/blobs.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import { requiredLayers } from '#domain/backup.ts';
import { proofOf } from '#domain/backup-proof.ts';
import { sha256 } from '#domain/hash.ts';
import { accountKeys, bucketName } from '#domain/names.ts';
import { BackupNotProvenError, ClusterUnreachableError } from '#model/errors.ts';
import type { Etcd } from '#ports/etcd.ts';
import type { Signer } from '#ports/signer.ts';
import { proveSnapshot } from '../../functions/drill/prove-snapshot.ts';
import { checkMembers } from '../../functions/etcd/check-members.ts';
import { takeSnapshot } from '../../functions/etcd/take-snapshot.ts';
import { writeManifest } from '../../functions/manifest/write-manifest.ts';
import { binary } from '../support/binaries.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

const CONTEXT = { execution: 'backup-1' };
const PODS = 20;
/** More than what is on its way between etcd and a consumer that stands still. */
const VALUE_BYTES = 1024 * 1024;

let plane: ControlPlane;
let aws: Ministack;
let s3: S3Client;
let bucket: string;
let etcd: Etcd;
let signer: Signer;
const root = mkdtempSync(join(tmpdir(), 'sl-'));

beforeAll(async () => {
  plane = await startControlPlane({ api: false });
  aws = await startMinistack();
  const { account, region } = plane.cluster;
  bucket = bucketName(account, region);
  s3 = new S3Client({ ...aws.of(account), forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const kms = new KMSClient(aws.of(account));
  const key = await kms.send(new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }));
  signer = createSigner(key.KeyMetadata?.Arn ?? '', aws.of(account));
  etcd = createEtcd({ endpoints: [plane.etcdEndpoint], identity: await plane.client('etcd') });
  for (let pod = 0; pod < PODS; pod++) await put(`/registry/pods/default/pod-${pod}`, 'x'.repeat(VALUE_BYTES));
  await put('/registry/services/specs/default/kubernetes', 'x');
  await publishTools();
}, 120_000);
afterAll(async () => {
  await plane.stop();
  await aws.stop();
  rmSync(root, { recursive: true });
});

describe('a backup of a real etcd', () => {
  it('is proven as a file, and restored: booted, at the live revision, with every key', async () => {
    const { revision } = await checkMembers.run({ cluster: plane.cluster }, ports(), CONTEXT);

    const written = await backup();

    const text = (await ports().objects.get(written.manifestKey))?.body ?? '';
    const { manifest, problems } = proofOf(text, requiredLayers(false), (await signer.publicKey()).pem);
    expect(problems).toEqual([]);
    expect(proofOf(text.replace('"pods": 20', '"pods": 21'), requiredLayers(false), (await signer.publicKey()).pem).problems).toHaveLength(
      1,
    );
    expect(written).toMatchObject({
      proven: true,
      layers: { L0: 'holds', L1: 'holds', L2: 'holds', L3: 'holds', L4: 'holds', L5: 'holds' },
    });
    expect(manifest?.etcd).toMatchObject({ revision, version: '3.6.16', members: 1 });
    expect(manifest?.counts).toEqual({ pods: PODS, 'services/specs': 1 });
    expect(readdirSync(root)).toEqual(['sluice-binaries']);
  });

  it('is not proven when the revision is one that the live member did not have', async () => {
    const taken = await snapshot();

    const { verdicts } = await prove({ ...taken, bracket: { from: taken.bracket.to + 1, to: taken.bracket.to + 9 } });

    expect(verdicts).toMatchObject([
      { layer: 'L4', verdict: 'holds' },
      { layer: 'L5', verdict: 'fails' },
    ]);
  });

  it('is not proven when one bit of the stored object is flipped', async () => {
    const taken = await snapshot();
    const content = await flipped(taken.key);
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: taken.key, Body: content }));

    const { verdicts } = await prove(taken);

    expect(verdicts).toMatchObject([
      { layer: 'L4', verdict: 'fails' },
      { layer: 'L5', verdict: 'not-run' },
    ]);
  });

  it('does not restore with one bit flipped, nor cut off', async () => {
    const taken = await snapshot();
    const content = await flipped(taken.key);

    const cut = content.subarray(0, content.length - 4096);

    await expect(restore('damaged', content)).rejects.toBeInstanceOf(BackupNotProvenError);
    await expect(restore('cut', cut)).rejects.toThrow(/etcdutl snapshot restore ended with 1/);
  });

  it('leaves nothing when etcd is killed in the middle of the stream', async () => {
    const members = await checkMembers.run({ cluster: plane.cluster }, ports(), CONTEXT);
    const before = await left();
    const dying: Etcd = {
      ...etcd,
      async *snapshot(endpoint) {
        for await (const chunk of etcd.snapshot(endpoint)) {
          await plane.killEtcd();
          yield chunk;
        }
      },
    };

    const run = takeSnapshot.run({ cluster: plane.cluster, checkMembers: members }, { ...ports(), etcd: async () => dying }, CONTEXT);

    await expect(run).rejects.toBeInstanceOf(ClusterUnreachableError);
    expect(await left()).toEqual(before);
    expect(before.uploads).toBe(0);
    expect(readdirSync(root)).toEqual(['sluice-binaries']);
  });
});

function ports() {
  const config = aws.of(plane.cluster.account);
  return {
    etcd: async () => etcd,
    objects: createObjects(bucket, config),
    blobs: createBlobs(bucket, { ...config, singlePutBytes: 0, limits: { partBytes: 5 * 1024 * 1024, concurrency: 2 } }),
    scratch: createScratch(root),
    binaries: createBinaries(root),
    drill: createEtcdDrill(),
    signer,
    clock: { now: () => new Date() },
  };
}

async function snapshot() {
  const members = await checkMembers.run({ cluster: plane.cluster }, ports(), CONTEXT);
  return takeSnapshot.run({ cluster: plane.cluster, checkMembers: members }, ports(), CONTEXT);
}

function prove(taken: Awaited<ReturnType<typeof snapshot>>) {
  const input = { cluster: plane.cluster, checkMembers: { version: '3.6.16' }, takeSnapshot: taken, drill: true };
  return proveSnapshot.run(input, ports(), CONTEXT);
}

async function backup() {
  const members = await checkMembers.run({ cluster: plane.cluster }, ports(), CONTEXT);
  const taken = await takeSnapshot.run({ cluster: plane.cluster, checkMembers: members }, ports(), CONTEXT);
  const proof = await prove(taken);
  const input = { cluster: plane.cluster, checkMembers: members, takeSnapshot: taken, proveSnapshot: proof, drill: false };
  return writeManifest.run(writeManifest.input.parse(input), ports(), CONTEXT);
}

async function flipped(key: string): Promise<Buffer> {
  const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const content = Buffer.from((await answer.Body?.transformToByteArray()) ?? new Uint8Array());
  const middle = content.length >> 1;
  content[middle] = (content[middle] ?? 0) ^ 1;
  return content;
}

async function restore(name: string, content: Uint8Array) {
  return createScratch(root).withDirectory(async (directory) => {
    const path = join(directory, name);
    const room = join(directory, 'room');
    writeFileSync(path, content);
    mkdirSync(room);
    return createEtcdDrill().restore({ etcd: binary('etcd'), etcdutl: binary('etcdutl'), snapshot: path, directory: room });
  });
}

async function put(key: string, value: string): Promise<void> {
  const method = {
    path: '/etcdserverpb.KV/Put',
    encode: (): Uint8Array =>
      encode([
        [1, key],
        [2, value],
      ]),
    decode: (): true => true,
  };
  await callOnce({ url: plane.etcdEndpoint, identity: await plane.client('etcd') }, method, undefined, 10_000);
}

async function publishTools(): Promise<void> {
  const { blobs, objects } = ports();
  const files = [];
  for (const file of ['etcd', 'etcdutl']) {
    const path = binary(file);
    const hash = sha256(readFileSync(path));
    await blobs.uploadFile(accountKeys.artifact('etcd', '3.6.16', hash, file), path, { sha256: hash });
    files.push({ file, sha256: hash, bytes: statSync(path).size });
  }
  await objects.put(
    accountKeys.artifactIndex('etcd', '3.6.16'),
    JSON.stringify({ name: 'etcd', version: '3.6.16', state: 'ready', files }),
  );
}

async function left(): Promise<{ keys: number; uploads: number }> {
  const objects = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  const uploads = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  return { keys: (objects.Contents ?? []).length, uploads: (uploads.Uploads ?? []).length };
}
