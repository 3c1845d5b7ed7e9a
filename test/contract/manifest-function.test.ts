import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createScratch } from '#adapters/files/scratch.ts';
import { createSigner } from '#adapters/kms/signer.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import { requiredLayers } from '#domain/backup.ts';
import { proofOf } from '#domain/backup-proof.ts';
import { accountKeys, bucketName } from '#domain/names.ts';
import { checkMembers } from '../../functions/etcd/check-members.ts';
import { takeSnapshot } from '../../functions/etcd/take-snapshot.ts';
import { deployAccountStack } from '../support/account-stack.ts';
import { CLUSTER } from '../support/cluster-ref.ts';
import { createFakeBlobs } from '../support/fakes/blobs.ts';
import { createFakeEtcd } from '../support/fakes/etcd.ts';
import { deployFunction } from '../support/machine-room/account-function.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

const CONTEXT = { execution: 'b-delete-1' };
const SET = { identityVersion: 'v1', authorities: { ca: '0123456789abcdef' }, serviceAccountKey: '0123456789abcdef', encryptionKeys: [] };
let aws: Ministack;
let key: string;
const root = mkdtempSync(join(tmpdir(), 'sluice-manifest-'));

beforeAll(async () => {
  aws = await startMinistack();
  const config = aws.of(CLUSTER.account);
  await deployAccountStack(new CloudFormationClient(config), CLUSTER.network);
  const described = await new KMSClient(config).send(new DescribeKeyCommand({ KeyId: 'alias/sluice-backups' }));
  key = described.KeyMetadata?.Arn ?? '';
  await deployFunction(aws, CLUSTER.account, 'manifest', { SLUICE_SIGNING_KEY: key });
});
afterAll(async () => {
  await aws.stop();
  rmSync(root, { recursive: true });
});

async function invoke(step: string, machine: string, execution: string, stepInput: object, constants: object = {}) {
  const call = { step, machine, state: step, execution, startedAt: new Date().toISOString(), input: stepInput, with: constants };
  const answer = await new LambdaClient(aws.of(CLUSTER.account)).send(
    new InvokeCommand({ FunctionName: 'sluice-manifest', Payload: JSON.stringify(call) }),
  );
  return JSON.parse(new TextDecoder().decode(answer.Payload));
}

test("the account's function signs by the key that the account's stack made, and its gate goes by that", async () => {
  const config = aws.of(CLUSTER.account);

  const output = await invoke('write-manifest', 'backup-etcd', CONTEXT.execution, await input());

  expect(output).toMatchObject({ proven: true });
  const objects = createObjects(bucketName(CLUSTER.account, config.region), config);
  const text = (await objects.get(accountKeys.backup(CLUSTER.name, output.id, 'manifest.json')))?.body ?? '';
  const { manifest, problems } = proofOf(text, requiredLayers(true), (await createSigner(key, config).publicKey()).pem);
  expect(problems).toEqual([]);
  expect(manifest?.signature?.key).toBe(key);

  const asked = { cluster: CLUSTER, backup: { id: output.id } };
  const open = await invoke('check-backup-gate', 'delete-cluster', 'delete-1', asked, { change: 'deletion' });
  const shut = await invoke('check-backup-gate', 'delete-cluster', 'delete-2', asked, { change: 'deletion' });
  const update = { ...asked, revision: 'a'.repeat(40) };
  const other = await invoke('check-backup-gate', 'update-cluster', 'delete-1', update, { change: 'etcd' });
  expect(open).toMatchObject({ until: expect.any(String), reason: `backup ${output.id} is proven and fresh` });
  expect(shut).toMatchObject({
    errorType: 'BackupNotProvenError',
    errorMessage: expect.stringContaining('not under the lock of delete-2'),
  });
  expect(other).toMatchObject({ errorType: 'BackupNotProvenError', errorMessage: expect.stringContaining('taken by schedule') });

  const rehearsed = await invoke('check-rehearsal', 'rehearse-upgrade', 'rehearse-1', asked);
  expect(rehearsed).toMatchObject({
    id: output.id,
    snapshot: { key: manifest?.object.key },
    counts: manifest?.counts,
    kubernetes: '1.35.4',
  });
});

async function input(): Promise<object> {
  const etcd = createFakeEtcd();
  const ports = { etcd: async () => etcd, blobs: createFakeBlobs(), scratch: createScratch(root), clock: { now: () => new Date() } };
  const members = await checkMembers.run({ cluster: CLUSTER }, ports, CONTEXT);
  const taken = await takeSnapshot.run({ cluster: CLUSTER, checkMembers: members }, ports, CONTEXT);
  const holds = (layer: string): object => ({ layer, verdict: 'holds', reason: 'equal', seconds: 1 });
  return {
    cluster: CLUSTER,
    checkMembers: members,
    takeSnapshot: taken,
    proveSnapshot: { verdicts: [holds('L4'), holds('L5')], revision: 100, counts: {} },
    proveApi: { verdicts: [holds('L6')], kubernetes: '1.35.4', recoverySet: SET },
  };
}
