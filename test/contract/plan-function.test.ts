import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackResourcesCommand,
  waitUntilStackCreateComplete,
} from '@aws-sdk/client-cloudformation';
import {
  CreateFunctionCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  waitUntilFunctionActiveV2,
} from '@aws-sdk/client-lambda';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createStacks } from '#adapters/cloudformation/stacks.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import { bucketName, keys } from '#domain/names.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { bundle } from '../../cli/build.ts';
import { gitId } from '../support/fleet.ts';
import { hubResources, hubTemplate } from '../support/hub-rights.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';
import { referenceSettings, referenceSnapshot } from '../support/reference-fleet.ts';

const ROOT = join(import.meta.dirname, '../..');
const ACCOUNT = '100000000001';
const STACK = 'sluice-prod';
const [REVISION, SETTINGS] = [gitId('a'), gitId('b')];
const directory = mkdtempSync(join(tmpdir(), 'sluice-plan-'));
let aws: Ministack;
let lambda: LambdaClient;
let hub: ObjectStore;

beforeAll(async () => {
  // The emulator evaluates policies then: a function may what its role may, the account's own key may everything.
  aws = await startMinistack({ AUTH: 'true' });
  const config = aws.of(ACCOUNT);
  lambda = new LambdaClient(config);
  hub = createObjects(bucketName(ACCOUNT, config.region), config);
  const network = await deployNetworkAndRole();
  const { zip } = await bundle(ROOT, directory, 'plan');
  await deployFunction('sluice-plan', readFileSync(zip), network);
}, 180_000);
afterAll(async () => {
  await aws.stop();
  rmSync(directory, { recursive: true, force: true });
});

test('the function runs in the network of the template', async () => {
  const { VpcConfig } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: 'sluice-plan' }));

  expect(VpcConfig).toMatchObject({ SubnetIds: [expect.any(String), expect.any(String)], SecurityGroupIds: [expect.any(String)] });
});

test('its role is enough to validate', async () => {
  await hub.put(keys.snapshot(REVISION), JSON.stringify(referenceSnapshot({ 'pools.yaml': 'pools: [' }, REVISION)));
  await hub.put(keys.settings(SETTINGS), JSON.stringify(referenceSettings({}, SETTINGS)));
  const snapshotConfiguration = { baseRevision: null, headRevision: REVISION, baseSettingsCommit: SETTINGS, headSettingsCommit: SETTINGS };
  const input = { readPullRequest: { kind: 'configuration', baseRef: 'dev' }, snapshotConfiguration };

  const answer = await invoke('sluice-plan', { step: 'validate', machine: 'pull-request', state: 'validate', execution: 'pr-1', input });

  expect(answer).toMatchObject({ ok: false, findingsKey: expect.stringMatching(/^findings\//) });
  expect((await hub.get(answer['findingsKey'] ?? ''))?.body).toContain('channels/cluster/pools.yaml');
});

test('its role is enough for nothing else', async () => {
  const [check, lock] = [keys.check(gitId('c'), 'sluice'), keys.lock('dev-1')];
  for (const key of [check, lock, keys.cancel('pr-1'), keys.snapshot(REVISION)]) await hub.put(key, '{}');
  const own = await objectsOfRole();

  // That they are refused says something only where others are not.
  expect((await own.get(keys.snapshot(REVISION)))?.body).toBe('{}');
  expect(await own.putIfAbsent('renders/mine.json', '{}')).toBe(true);
  for (const key of [check, lock, keys.cancel('pr-1'), 'renders/mine.json', 'rollouts/r/plan.json'])
    await expect(own.get(key), key).rejects.toThrow(/read s3:.*denied/i);
  for (const key of [check, lock, keys.cancel('pr-2'), keys.snapshot(REVISION), keys.settings(SETTINGS), keys.cluster('dev-1')])
    await expect(own.put(key, 'mine'), key).rejects.toThrow(/write s3:.*denied/i);
});

/** Bucket, network and role as serverless.yml has them, but for a condition that this emulator does not know and would take for not met. */
async function deployNetworkAndRole(): Promise<{ SubnetIds: string[]; SecurityGroupIds: string[] }> {
  const names = Object.keys(hubResources).filter((name) => name.startsWith('Plan') || name === 'HubBucket');
  const template = JSON.stringify(hubTemplate(names)).replaceAll(',"Condition":{"Null":{"s3:if-none-match":"false"}}', '');
  expect(template).not.toContain('if-none-match');
  const client = new CloudFormationClient(aws.of(ACCOUNT));
  await client.send(new CreateStackCommand({ StackName: STACK, TemplateBody: template, Capabilities: ['CAPABILITY_NAMED_IAM'] }));
  await waitUntilStackCreateComplete({ client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { StackName: STACK }).catch(
    async (error: unknown) => {
      throw new Error(JSON.stringify(await createStacks(client).failures(STACK)), { cause: error });
    },
  );
  const { StackResources = [] } = await client.send(new DescribeStackResourcesCommand({ StackName: STACK }));
  const idsOf = (type: string) =>
    StackResources.flatMap(({ ResourceType, PhysicalResourceId }) => (ResourceType === type ? [PhysicalResourceId ?? ''] : []));
  return { SubnetIds: idsOf('AWS::EC2::Subnet'), SecurityGroupIds: idsOf('AWS::EC2::SecurityGroup') };
}

async function deployFunction(FunctionName: string, ZipFile: Uint8Array, VpcConfig?: object): Promise<void> {
  const { region } = aws.of(ACCOUNT);
  const Variables = { SLUICE_BUCKET: bucketName(ACCOUNT, region), SLUICE_ACCOUNT: ACCOUNT, AWS_ENDPOINT_URL: aws.endpoint };
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Runtime: 'nodejs24.x',
      Handler: 'handler.handler',
      Timeout: 60,
      Role: `arn:aws:iam::${ACCOUNT}:role/sluice-plan`,
      Code: { ZipFile },
      Environment: { Variables },
      ...(VpcConfig === undefined ? {} : { VpcConfig }),
    }),
  );
  await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { FunctionName });
}

async function invoke(FunctionName: string, payload: object): Promise<Record<string, string>> {
  const call = { startedAt: '2026-01-05T08:00:00Z', ...payload };
  const answer = await lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(call) }));
  const body: unknown = JSON.parse(new TextDecoder().decode(answer.Payload));
  if (answer.FunctionError !== undefined) throw new Error(JSON.stringify(body));
  return body as Record<string, string>;
}

/** The hub's bucket by what a function of this role is given as credentials. */
async function objectsOfRole(): Promise<ObjectStore> {
  const code =
    'exports.handler = async () => { const { env } = process; return { id: env.AWS_ACCESS_KEY_ID, key: env.AWS_SECRET_ACCESS_KEY, token: env.AWS_SESSION_TOKEN }; };';
  await deployFunction('credentials', zipSync({ 'handler.js': new TextEncoder().encode(code) }));
  const { id = '', key = '', token = '' } = await invoke('credentials', {});
  const config = aws.of(ACCOUNT);
  return createObjects(bucketName(ACCOUNT, config.region), {
    ...config,
    credentials: { accessKeyId: id, secretAccessKey: key, sessionToken: token },
  });
}
