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
import { accountKeys, bucketName } from '#domain/names.ts';
import { askProof } from '#facts/backup-proof.ts';
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
const root = mkdtempSync(join(tmpdir(), 'sluice-manifest-'));

beforeAll(async () => {
  aws = await startMinistack();
});
afterAll(async () => {
  await aws.stop();
  rmSync(root, { recursive: true });
});

/** The function of an account whose stack says how manifests are signed; answers the ARN of the key. */
async function deploy(cluster: typeof CLUSTER, signature: 'asymmetric' | 'hmac'): Promise<string> {
  const config = aws.of(cluster.account);
  await deployAccountStack(new CloudFormationClient(config), cluster.network, { ManifestSignature: signature });
  const keyOf = async (alias: string): Promise<string> =>
    (await new KMSClient(config).send(new DescribeKeyCommand({ KeyId: alias }))).KeyMetadata?.Arn ?? '';
  const key = await keyOf('alias/sluice-backups');
  const mac = signature === 'hmac' ? await keyOf('alias/sluice-backups-mac') : 'none';
  await deployFunction(aws, cluster.account, 'manifest', { SLUICE_SIGNING_KEY: key, SLUICE_MAC_KEY: mac });
  return signature === 'hmac' ? mac : key;
}

async function invoke(
  cluster: typeof CLUSTER,
  step: string,
  machine: string,
  execution: string,
  stepInput: object,
  constants: object = {},
) {
  const call = { step, machine, state: step, execution, startedAt: new Date().toISOString(), input: stepInput, with: constants };
  const answer = await new LambdaClient(aws.of(cluster.account)).send(
    new InvokeCommand({ FunctionName: 'sluice-manifest', Payload: JSON.stringify(call) }),
  );
  return JSON.parse(new TextDecoder().decode(answer.Payload));
}

test.each([
  ['asymmetric', CLUSTER, 'ECDSA_SHA_256'],
  ['hmac', { ...CLUSTER, account: '222222222222' }, 'HMAC_SHA_256'],
] as const)(
  "the account's function signs by the key that the account's stack made (%s), and its gate goes by that",
  async (by, cluster, algorithm) => {
    const config = aws.of(cluster.account);
    const key = await deploy(cluster, by);

    const output = await invoke(cluster, 'write-manifest', 'backup-etcd', CONTEXT.execution, await input(cluster));

    expect(output).toMatchObject({ proven: true });
    const objects = createObjects(bucketName(cluster.account, config.region), config);
    const text = (await objects.get(accountKeys.backup(cluster.name, output.id, 'manifest.json')))?.body ?? '';
    const { manifest, problems } = await askProof(text, requiredLayers(true), createSigner('alias/sluice-backups', config, key));
    expect(problems).toEqual([]);
    expect(manifest?.signature).toMatchObject({ algorithm, key });

    const asked = { cluster, backup: { id: output.id } };
    const open = await invoke(cluster, 'check-backup-gate', 'delete-cluster', 'delete-1', asked, { change: 'deletion' });
    const shut = await invoke(cluster, 'check-backup-gate', 'delete-cluster', 'delete-2', asked, { change: 'deletion' });
    const update = { ...asked, revision: 'a'.repeat(40) };
    const other = await invoke(cluster, 'check-backup-gate', 'update-cluster', 'delete-1', update, { change: 'etcd' });
    expect(open).toMatchObject({ until: expect.any(String), reason: `backup ${output.id} is proven and fresh` });
    expect(shut).toMatchObject({
      errorType: 'BackupNotProvenError',
      errorMessage: expect.stringContaining('not under the lock of delete-2'),
    });
    expect(other).toMatchObject({ errorType: 'BackupNotProvenError', errorMessage: expect.stringContaining('taken by schedule') });

    const rehearsed = await invoke(cluster, 'check-rehearsal', 'rehearse-upgrade', 'rehearse-1', asked);
    expect(rehearsed).toMatchObject({
      id: output.id,
      snapshot: { key: manifest?.object.key },
      counts: manifest?.counts,
      kubernetes: '1.35.4',
    });
  },
);

async function input(cluster: typeof CLUSTER): Promise<object> {
  const etcd = createFakeEtcd();
  const ports = { etcd: async () => etcd, blobs: createFakeBlobs(), scratch: createScratch(root), clock: { now: () => new Date() } };
  const members = await checkMembers.run({ cluster }, ports, CONTEXT);
  const taken = await takeSnapshot.run({ cluster: CLUSTER, checkMembers: members }, ports, CONTEXT);
  const holds = (layer: string): object => ({ layer, verdict: 'holds', reason: 'equal', seconds: 1 });
  return {
    cluster,
    checkMembers: members,
    takeSnapshot: taken,
    proveSnapshot: { verdicts: [holds('L4'), holds('L5')], revision: 100, counts: {} },
    proveApi: { verdicts: [holds('L6')], kubernetes: '1.35.4', recoverySet: SET },
  };
}
