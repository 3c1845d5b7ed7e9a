import { execFile } from 'node:child_process';
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSigner } from '#adapters/kms/signer.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import { emptyIndex } from '#domain/backup-index.ts';
import { signedText } from '#domain/backup-proof.ts';
import { accountKeys, bucketName, keys } from '#domain/names.ts';
import { manifestOf } from '../support/backup-list.ts';
import { channelFile, clusterRecord, gitId } from '../support/fleet.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

const HUB = '000000000000';
const MAIN = new URL('../../cli/main.ts', import.meta.url).pathname;
const CHANNEL = channelFile('dev', 1);
const [ENTRY] = CHANNEL.clusters;
let aws: Ministack;
let id: string;

beforeAll(async () => {
  aws = await startMinistack();
  if (ENTRY === undefined) throw new Error('dev has a cluster');
  const hub = await bucketOf(HUB);
  const account = await bucketOf(ENTRY.account);
  const kms = new KMSClient(aws.of(ENTRY.account));
  const made = await kms.send(new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }));
  const key = made.KeyMetadata?.Arn ?? '';
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/sluice-backups', TargetKeyId: key }));
  const unsigned = manifestOf('dev-1', new Date(Date.now() - 60_000));
  id = unsigned.id;
  const signature = { algorithm: 'ECDSA_SHA_256' as const, key };
  const value = await createSigner(key, aws.of(ENTRY.account)).sign(signedText({ ...unsigned, signature }));
  await account.put(accountKeys.backup('dev-1', id, 'manifest.json'), JSON.stringify({ ...unsigned, signature: { ...signature, value } }));
  const commit = gitId('5');
  const put = (name: string, stored: unknown) => hub.put(name, JSON.stringify(stored));
  await put(keys.newestSettings(), { commit, seenAt: unsigned.takenAt });
  await put(keys.settings(commit), { commit, files: [{ path: 'channels/dev.yaml', content: JSON.stringify(CHANNEL) }] });
  await put(keys.cluster('dev-1'), clusterRecord(ENTRY, 'dev', gitId('b')));
  await put(keys.backupIndex('dev-1'), { ...emptyIndex('dev-1'), newestProven: { id, takenAt: unsigned.takenAt } });
});
afterAll(() => aws.stop());

test('lists and shows what is in the buckets of two accounts, its signature checked by the key of the account', async () => {
  const list = await sluice('backup', 'list', '--cluster', 'dev-1', '--role', 'readers');
  const show = await sluice('backup', 'show', 'dev-1', 'newest', '--role', 'readers', '--json');

  expect(list.error).toBe('');
  expect(list.out).toMatch(/dev-1 .* L0-L6 {3}fits .* fine\n/);
  expect(list.code).toBe(0);
  expect(JSON.parse(show.out)).toMatchObject({ ok: true, id, signature: 'fits', manifest: { cluster: 'dev-1' } });
});

test('asks the account’s KMS for a signature that is a MAC', async () => {
  if (ENTRY === undefined) throw new Error('the channel has no cluster');
  const kms = new KMSClient(aws.of(ENTRY.account));
  const made = await kms.send(new CreateKeyCommand({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }));
  const key = made.KeyMetadata?.Arn ?? '';
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/sluice-backups-mac', TargetKeyId: key }));
  const signer = createSigner('alias/sluice-backups', aws.of(ENTRY.account), key);
  const unsigned = manifestOf('dev-1', new Date(Date.now() - 30_000));
  const signature = await signer.signs();
  const value = await signer.sign(signedText({ ...unsigned, signature }));
  const stored = JSON.stringify({ ...unsigned, signature: { ...signature, value } });
  const objects = createObjects(bucketName(ENTRY.account, ENTRY.region), aws.of(ENTRY.account));
  await objects.put(accountKeys.backup('dev-1', unsigned.id, 'manifest.json'), stored);

  const whole = await sluice('backup', 'show', 'dev-1', unsigned.id, '--role', 'readers', '--json');
  await objects.put(accountKeys.backup('dev-1', unsigned.id, 'manifest.json'), stored.replace('"pods":420', '"pods":421'));
  const changed = await sluice('backup', 'show', 'dev-1', unsigned.id, '--role', 'readers', '--json');

  expect(JSON.parse(whole.out)).toMatchObject({ ok: true, signature: 'fits', manifest: { signature: { algorithm: 'HMAC_SHA_256' } } });
  expect(JSON.parse(changed.out)).toMatchObject({ ok: false, signature: 'does not fit' });
  expect([whole.code, changed.code]).toEqual([0, 1]);
});

test('says what it could not read where the account is another', async () => {
  const { code, out } = await sluice('backup', 'list');

  expect(code).toBe(2);
  expect(out).toContain('not looked at: could not read s3://sluice-');
});

async function bucketOf(account: string) {
  const config = aws.of(account);
  const Bucket = bucketName(account, config.region);
  await new S3Client({ ...config, forcePathStyle: true }).send(new CreateBucketCommand({ Bucket }));
  return createObjects(Bucket, config);
}

/** The command as a process, with the hub account's credentials in its environment. */
function sluice(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  const credentials = { AWS_ACCESS_KEY_ID: HUB, AWS_SECRET_ACCESS_KEY: 'test', AWS_ENDPOINT_URL: aws.endpoint };
  const env = { ...process.env, ...credentials, SLUICE_BUCKET: bucketName(HUB, 'eu-central-1') };
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { env }, (failure, out, error) =>
      resolve({ code: typeof failure?.code === 'number' ? failure.code : 0, out, error }),
    );
  });
}
