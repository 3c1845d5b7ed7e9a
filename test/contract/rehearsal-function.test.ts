import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBlobs } from '#adapters/s3/blobs.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import { createSecrets } from '#adapters/secrets-manager/secrets.ts';
import { sha256 } from '#domain/hash.ts';
import { accountKeys, bucketName, secretIds } from '#domain/names.ts';
import { RehearsalResult } from '#model/rehearsal.ts';
import type { Reach } from '#ports/reach.ts';
import { askAccount } from '../../functions/rehearse/ask-account.ts';
import { deployAccountStack } from '../support/account-stack.ts';
import { binary } from '../support/binaries.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { deployFunction } from '../support/machine-room/account-function.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';
import { snapshotOf } from '../support/plane-snapshot.ts';

const [TODAY, TO] = ['1.35.4', { kubernetes: '1.36.3', etcd: '3.6.16' }];
const ID = '20260105T060000Z-422a689b6051';
const root = mkdtempSync(join(tmpdir(), 'sl-'));
let aws: Ministack;
let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane({ version: TODAY });
  await plane.stopApi();
  aws = await startMinistack();
  const config = aws.of(plane.cluster.account);
  await deployAccountStack(new CloudFormationClient(config), plane.cluster.network);
  await deployFunction(aws, plane.cluster.account, 'rehearsal', {}, 300);
  const id = secretIds.authority(plane.cluster.name);
  await createSecrets(config).create(id, (await plane.secrets.get(id)) ?? '', {});
}, 180_000);
afterAll(async () => {
  await plane.stop();
  await aws.stop();
  rmSync(root, { recursive: true });
});

test("an account's function rehearses on a backup in its bucket, by the binaries that are published there", async () => {
  const { account } = plane.cluster;
  const config = aws.of(account);
  const blobs = createBlobs(bucketName(account, config.region), config);
  const { path, revision, counts } = await snapshotOf(plane, root, 'taken');
  const snapshot = { key: accountKeys.backup(plane.cluster.name, ID, 'snapshot.db'), sha256: sha256(readFileSync(path)) };
  await blobs.uploadFile(snapshot.key, path, snapshot);
  const input = { cluster: plane.cluster, checkRehearsal: { id: ID, snapshot, revision, counts, kubernetes: TODAY }, to: TO };
  const call = {
    ...{ step: 'prove-upgrade', machine: 'rehearse-upgrade', state: 'prove-upgrade', execution: 'rehearse-1' },
    ...{ startedAt: new Date().toISOString(), input, with: {} },
  };

  const before = await askAccount(call, { reach: reach() });
  await publish('kubernetes', TO.kubernetes, { 'kube-apiserver': binary('kube-apiserver', TO.kubernetes) });
  await publish('etcd', TO.etcd, { etcd: binary('etcd'), etcdutl: binary('etcdutl') });
  const after = await askAccount(call, { reach: reach() });

  expect(before).toMatchObject({
    outcome: 'not-rehearsed',
    reason: expect.stringContaining('no artifact artifacts/kubernetes/1.36.3.json'),
  });
  expect(after).toMatchObject({ outcome: 'passed', reason: expect.stringContaining('etcd 3.6.16 and kube-apiserver 1.36.3 serves') });

  async function publish(name: string, version: string, files: Readonly<Record<string, string>>): Promise<void> {
    const entries = [];
    for (const [file, from] of Object.entries(files)) {
      const hash = sha256(readFileSync(from));
      await blobs.uploadFile(accountKeys.artifact(name, version, hash, file), from, { sha256: hash });
      entries.push({ file, sha256: hash, bytes: 1 });
    }
    const objects = createObjects(bucketName(account, config.region), config);
    await objects.put(accountKeys.artifactIndex(name, version), JSON.stringify({ name, version, state: 'ready', files: entries }));
  }
}, 400_000);

/** As the hub reaches an account, but for the role, which the emulator does not ask for. */
function reach(): Reach {
  return {
    async invoke({ account }, target, payload) {
      const client = new LambdaClient({ ...aws.of(account), requestHandler: { requestTimeout: 305_000 } });
      const answer = await client.send(new InvokeCommand({ FunctionName: `sluice-${target}`, Payload: JSON.stringify(payload) }));
      const body = JSON.parse(new TextDecoder().decode(answer.Payload));
      expect(RehearsalResult.safeParse(body)).toMatchObject({ success: true });
      return body;
    },
  };
}
