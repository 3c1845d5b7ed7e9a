import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CreateStackCommand,
  UpdateStackCommand,
  waitUntilStackCreateComplete,
  waitUntilStackUpdateComplete,
} from '@aws-sdk/client-cloudformation';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { PutObjectLockConfigurationCommand } from '@aws-sdk/client-s3';
import { CLASSES } from '#domain/backup-retention.ts';
import { sha256 } from '#domain/hash.ts';
import { bucketName, clusterSideFunctionName } from '#domain/names.ts';
import type { AccountClients } from './clients.ts';

const STACK = 'sluice-account';
const FUNCTIONS = [
  'identity',
  'cluster',
  'etcd',
  'manifest',
  'remover',
  'drill',
  'rehearsal',
  'join',
  'token-review',
  'break-glass',
] as const;

/**
 * Deploys channels/bootstrap/account.yaml into one account as an operator would: network, bucket and roles, the code into the
 * bucket, then the functions; and checks that they answer.
 */
export async function bootstrapAccount(root: string, clients: AccountClients, hubAccount: string, network: string): Promise<void> {
  const template = await readFile(join(root, 'channels/bootstrap/account.yaml'), 'utf8');
  const own = [
    { ParameterKey: 'HubAccount', ParameterValue: hubAccount },
    { ParameterKey: 'Network', ParameterValue: network },
  ];
  const common = { StackName: STACK, TemplateBody: template, Capabilities: ['CAPABILITY_NAMED_IAM' as const] };
  const wait = { client: clients.cloudFormation, maxWaitTime: 120, minDelay: 1, maxDelay: 1 };
  await clients.cloudFormation.send(new CreateStackCommand({ ...common, Parameters: own }));
  await waitUntilStackCreateComplete(wait, { StackName: STACK });
  await lockBucket(clients);

  const code = await Promise.all(FUNCTIONS.map((name) => uploadCode(root, clients, name)));
  await clients.cloudFormation.send(new UpdateStackCommand({ ...common, Parameters: [...own, ...code] }));
  await waitUntilStackUpdateComplete(wait, { StackName: STACK });
  await checkAnswers(clients);
}

/** The emulator's CloudFormation passes over the bucket's Object Lock; its S3 has it, as the template says. */
async function lockBucket({ s3, account, cloudFormation }: AccountClients): Promise<void> {
  const Bucket = bucketName(account, await cloudFormation.config.region());
  const Rule = { DefaultRetention: { Mode: 'GOVERNANCE' as const, Days: CLASSES.hourly } };
  await s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule } }));
}

async function uploadCode(root: string, clients: AccountClients, name: string): Promise<{ ParameterKey: string; ParameterValue: string }> {
  const zip = await readFile(join(root, '.build', `${name}.zip`));
  const key = `code/${name}-${sha256(zip).slice(0, 16)}.zip`;
  await clients.objects.put(key, zip);
  const parameter = name
    .split('-')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('');
  return { ParameterKey: `Code${parameter}`, ParameterValue: key };
}

/** Tries of the first invocation: a function that ends before it answers (Runtime.ExitError) is invoked again, as callers of Lambda do. */
const TRIES = 3;

/** An emulator may answer for a function whose code it could not read: only our own error proves that ours runs. */
async function checkAnswers(clients: AccountClients): Promise<void> {
  let text = '';
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const answer = await clients.lambda.send(new InvokeCommand({ FunctionName: clusterSideFunctionName('identity'), Payload: '{}' }));
    text = new TextDecoder().decode(answer.Payload);
    if (text.includes('InputError')) return;
    if (!text.includes('Runtime.ExitError')) break;
  }
  throw new Error(`sluice-identity in account ${clients.account} does not answer as it should: ${text.slice(0, 200)}`);
}
