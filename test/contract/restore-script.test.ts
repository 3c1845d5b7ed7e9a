import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createObjects } from '#adapters/s3/objects.ts';
import { accountKeys } from '#domain/names.ts';
import type { RestoreOrder } from '#model/restore.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { binary } from '../support/binaries.ts';
import { snapshotOf, withDatabase } from '../support/etcd-database.ts';
import { missingTools, runBootScript, type ScriptRun } from '../support/machine-room/boot-script.ts';
import { REGION, temporaryDirectory } from '../support/machine-room/world.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

const ACCOUNT = '333333333335';
const CLUSTER = 'script';
const BUCKET = 'a-bucket';
const KEY = `backups/${CLUSTER}/b1/snapshot.db`;
const FILES = ['/opt/sluice/restore', '/opt/sluice/aws.sh', '/etc/sluice/restore-from.json', '/etc/sluice/member.json'];
const MARK = 'restored-r1';

let aws: Ministack;
let objects: ObjectStore;
let snapshot: Buffer;
const directory = temporaryDirectory();
let root: string;

// The machine room does the script's work in TypeScript; an image has what the script runs, a developer's machine may not.
describe.skipIf(missingTools().length > 0)('the script that restores a member (needs bash, curl, jq)', () => {
  beforeAll(async () => {
    aws = await startMinistack();
    const config = aws.of(ACCOUNT);
    const LocationConstraint = REGION;
    await new S3Client({ ...config, forcePathStyle: true }).send(
      new CreateBucketCommand({ Bucket: BUCKET, CreateBucketConfiguration: { LocationConstraint } }),
    );
    objects = createObjects(BUCKET, config);
    snapshot = await withDatabase(binary('etcd'), (target) => snapshotOf(target));
    await objects.put(KEY, snapshot);
  });
  afterAll(async () => {
    await aws?.stop();
    directory.remove();
  });
  beforeEach(() => {
    root = join(directory.path, 'member');
    mkdirSync(join(root, 'opt/bin'), { recursive: true });
    symlinkSync(binary('etcdutl'), join(root, 'opt/bin/etcdutl'));
    mkdirSync(join(root, 'var/lib/etcd/data/member'), { recursive: true });
    mkdirSync(join(root, 'etc/sluice/pki'), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('does nothing while nothing is ordered, and does not ask again', async () => {
    await objects.put(accountKeys.restoreOrder('another'), order());

    expect(await run()).toMatchObject({ code: 0 });
    await give({});
    expect(await run()).toMatchObject({ code: 0 });

    expect(volume()).toEqual(['data']);
    await objects.put(accountKeys.restoreOrder(CLUSTER), order({ state: 'done' }));
  });

  it('does not obey an order that was left behind for more than a day', async () => {
    await give({ orderedAt: new Date(Date.now() - 25 * 3600_000).toISOString() });

    expect(await run()).toMatchObject({ code: 0, errors: expect.stringContaining('older than a day') });
    expect(volume()).toEqual(['data']);
  });

  it('puts the backup in the place of the data, which it keeps; the next instance on this volume finds it done', async () => {
    await give({});

    const ran = await run();

    expect(ran.code, ran.errors).toBe(0);
    expect(volume()).toEqual(['data', 'data.before-r1', MARK]);
    expect(readdirSync(join(root, 'var/lib/etcd/data/member'))).toEqual(['snap', 'wal']);
    expect(readdirSync(join(root, 'var/lib/etcd/data.before-r1/member'))).toEqual([]);
    rmSync(join(root, 'etc/sluice/restore.looked'));
    writeFileSync(join(root, 'var/lib/etcd/data/touched'), '');
    expect(await run()).toMatchObject({ code: 0 });
    expect(existsSync(join(root, 'var/lib/etcd/data/touched'))).toBe(true);
  });

  it.each([
    ['before anything was moved', () => mkdirSync(join(root, 'var/lib/etcd/restoring/data'), { recursive: true })],
    [
      'when the data of before was moved',
      () => {
        rmSync(join(root, 'var/lib/etcd/data'), { recursive: true });
        mkdirSync(join(root, 'var/lib/etcd/data.before-r1/member'), { recursive: true });
      },
    ],
  ])('goes on where it was stopped: %s', async (_, stopped) => {
    await give({});
    stopped();

    const ran = await run();

    expect(ran.code, ran.errors).toBe(0);
    expect(volume()).toEqual(['data', 'data.before-r1', MARK]);
    expect(existsSync(join(root, 'var/lib/etcd/data.before-r1/member'))).toBe(true);
    expect(readdirSync(join(root, 'var/lib/etcd/data/member'))).toEqual(['snap', 'wal']);
  });

  it('does not restore again what was restored when it was stopped right before its mark', async () => {
    await give({});
    mkdirSync(join(root, 'var/lib/etcd/data.before-r1'));
    writeFileSync(join(root, 'var/lib/etcd/data/touched'), '');

    expect(await run()).toMatchObject({ code: 0 });

    expect(existsSync(join(root, 'var/lib/etcd/data/touched'))).toBe(true);
    expect(volume()).toContain(MARK);
  });

  it.each([
    ['the backup is not what was ordered', () => give({ sha256: 'b'.repeat(64) })],
    ['the backup is gone', () => give({ key: 'backups/script/gone/snapshot.db' })],
    ['the order is no order', () => objects.put(accountKeys.restoreOrder(CLUSTER), '{"half')],
    [
      'etcdutl fails',
      async () => {
        await give({});
        rmSync(join(root, 'opt/bin/etcdutl'));
        writeFileSync(join(root, 'opt/bin/etcdutl'), '#!/bin/sh\nexit 1\n');
        chmodSync(join(root, 'opt/bin/etcdutl'), 0o755);
      },
    ],
  ])('fails and leaves the data where it is when %s', async (_, prepare) => {
    await prepare();

    const ran = await run();

    expect(ran.code).not.toBe(0);
    expect(volume().filter((name) => name !== 'restoring')).toEqual(['data']);
    expect(existsSync(join(root, 'etc/sluice/restore.looked'))).toBe(false);
  });
});

function order(change: Partial<RestoreOrder> = {}): string {
  const sha256 = createHash('sha256').update(snapshot).digest('hex');
  const whole: RestoreOrder = {
    ...{ id: 'r1', state: 'ordered', key: KEY, sha256, revision: 1, token: 'script-r1', bump: 1_000_000_000, old: ['1'] },
    ...{ fenced: [], execution: 'restore-a', fence: 1, orderedAt: new Date().toISOString() },
    ...change,
  };
  return JSON.stringify(whole);
}

function give(change: Partial<RestoreOrder>): Promise<void> {
  return objects.put(accountKeys.restoreOrder(CLUSTER), order(change));
}

function volume(): string[] {
  return readdirSync(join(root, 'var/lib/etcd')).sort();
}

function run(): Promise<ScriptRun> {
  return runBootScript(root, FILES, {
    ...{ id: 'i-1', region: REGION, cluster: CLUSTER, awsEndpoint: aws.endpoint },
    session: { accessKeyId: ACCOUNT, secretAccessKey: 'local', sessionToken: 'none' },
    variables: {
      BUCKET,
      ETCD_INITIAL_CLUSTER: `etcd-${REGION}a=https://127.93.0.11:2380`,
      ETCD_ENDPOINTS: 'https://127.93.0.11:2379',
    },
    facts: { INSTANCE_ADDRESS: '127.93.0.11', INSTANCE_ZONE: `${REGION}a`, INSTANCE_SEAT: 'a' },
  });
}
