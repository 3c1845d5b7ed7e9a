import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { PutObjectCommand, PutObjectLockConfigurationCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSigner } from '#adapters/kms/signer.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import { createVersions } from '#adapters/s3/versions.ts';
import { signedText } from '#domain/backup-proof.ts';
import { bucketName } from '#domain/names.ts';
import { RemovedBackups } from '#model/removal.ts';
import type { Versions } from '#ports/versions.ts';
import { removeBackups } from '../../functions/remover/remove-backups.ts';
import { deployAccountStack } from '../support/account-stack.ts';
import { CLUSTER } from '../support/cluster-ref.ts';
import { deployFunction } from '../support/machine-room/account-function.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';
import { type BackupWords, type MadeBackup, makeBackup } from '../support/stored-backup.ts';

const DAY = 24 * 3600 * 1000;
const CHANGES = { holdDays: 7, open: [], ended: {}, suspicious: [] };
const Bucket = bucketName(CLUSTER.account, CLUSTER.region);
let aws: Ministack;
let s3: S3Client;
let key: string;

beforeAll(async () => {
  aws = await startMinistack();
  const config = aws.of(CLUSTER.account);
  s3 = new S3Client({ ...config, forcePathStyle: true });
  await deployAccountStack(new CloudFormationClient(config), CLUSTER.network);
  // The emulator's CloudFormation passes over it.
  await s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled' } }));
  const described = await new KMSClient(config).send(new DescribeKeyCommand({ KeyId: 'alias/sluice-backups' }));
  key = described.KeyMetadata?.Arn ?? '';
}, 70_000);
afterAll(() => aws.stop());

/** Stored as the functions do, signed by the account's key. */
async function put(words: BackupWords): Promise<MadeBackup> {
  const made = makeBackup(words);
  const signature = { algorithm: 'ECDSA_SHA_256' as const, key };
  const value = await createSigner(key, aws.of(CLUSTER.account)).sign(signedText({ ...made.manifest, signature }));
  const manifest = { ...made.manifest, signature: { ...signature, value } };
  const put = (Key: string, Body: string, Metadata: Record<string, string> = {}) =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body, Metadata }));
  await put(made.snapshotKey, made.snapshot, { sha256: made.sha256 });
  await put(made.manifestKey, JSON.stringify(manifest));
  return { ...made, manifest };
}

/** What the store has, as if each object had been stored when its backup was taken: a real one has its own clock. */
function aged(versions: Versions, made: readonly MadeBackup[]): Versions {
  const takenAt = (name: string): Date | undefined => {
    const found = made.find(({ id }) => name.includes(id));
    return found && new Date(found.manifest.takenAt);
  };
  return {
    ...versions,
    list: async (prefix) => (await versions.list(prefix)).map((one) => ({ ...one, storedAt: takenAt(one.key) ?? one.storedAt })),
  };
}

test("the account's function reads what is there, and removes nothing that is young", async () => {
  const config = aws.of(CLUSTER.account);
  await deployFunction(aws, CLUSTER.account, 'remover', { SLUICE_SIGNING_KEY: key });
  const backup = await put({ cluster: 'young-1', takenAt: new Date(Date.now() - 1000 * DAY) });
  const input = { cluster: { ...CLUSTER, name: 'young-1' }, changes: CHANGES };
  const call = {
    step: 'remove-backups',
    machine: 'backup-fleet',
    state: 'remove-backups',
    execution: 'run-1',
    startedAt: new Date().toISOString(),
  };

  const answer = await new LambdaClient(config).send(
    new InvokeCommand({ FunctionName: 'sluice-remover', Payload: JSON.stringify({ ...call, input, with: {} }) }),
  );

  const result = RemovedBackups.parse(JSON.parse(new TextDecoder().decode(answer.Payload)));
  expect(result).toMatchObject({ removed: 0, kept: 1, unclear: 0, newest: backup.id, told: [] });
});

test('what no class keeps goes with all its versions, but what Object Lock keeps', async () => {
  const config = aws.of(CLUSTER.account);
  const at = (days: number): Date => new Date(Math.floor(Date.now() / 1000) * 1000 - days * DAY);
  const day = 500;
  const made = [await put({ takenAt: at(day) }), await put({ takenAt: at(day - 0.001) }), await put({ takenAt: at(day - 0.002) })];
  const newest = await put({ takenAt: at(0.01) });
  const versions = createVersions(Bucket, config);
  const locked = made[1];
  for (const one of await versions.list(`backups/${CLUSTER.name}/${locked?.id}/snapshot.db`)) {
    expect(await versions.keepUntil(one.key, one.version, new Date(Date.now() + DAY))).toBe(true);
  }
  const ports = { versions: aged(versions, [...made, newest]), signer: createSigner(key, config), clock: { now: () => new Date() } };

  const result = await removeBackups.run({ cluster: CLUSTER, changes: CHANGES }, ports, { execution: 'run-1' });

  expect(result).toMatchObject({ removed: 2, kept: 2, locked: 1, unclear: 0, newest: newest.id, objectLock: true });
  expect(result.told).toEqual([expect.stringContaining(`${locked?.id}: Object Lock keeps it until`)]);
  const left = await createObjects(Bucket, config).list(`backups/${CLUSTER.name}/`);
  expect(left).toEqual([locked, newest].flatMap((one) => [one?.manifestKey, one?.snapshotKey]).sort());
  // No version and no mark is left of what went.
  expect((await versions.list(`backups/${CLUSTER.name}/`)).map((one) => one.key).sort()).toEqual(left);
  // The first of its month, week and day: S3 keeps it as long as its longest class does.
  const looks = (await versions.list(newest.snapshotKey)).map((one) => versions.look(one.key, one.version));
  expect((await Promise.all(looks))[0]?.lock).toEqual(new Date(Date.parse(newest.manifest.takenAt) + 366 * DAY));
});
