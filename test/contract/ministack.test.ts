import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient, CreateStackCommand, waitUntilStackCreateComplete } from '@aws-sdk/client-cloudformation';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../support/child.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

let aws: Ministack;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-ministack-'));
  aws = await startMinistack();
}, 70_000);
afterAll(async () => {
  await aws.stop();
  await rm(directory, { recursive: true, force: true });
});

test('a function at work in one account is not touched when another account gets one of the same name', async () => {
  const first = await deploy('111111111111');
  const begun = join(directory, 'begun');
  const release = join(directory, 'release');
  const answer = first.send(new InvokeCommand({ FunctionName: 'waiting', Payload: JSON.stringify({ begun, release }) }));
  await until('the first function to be at work', async () => (await exists(begun)) || undefined, undefined, 30);

  await deploy('222222222222');
  await writeFile(release, '');

  const { FunctionError, Payload } = await answer;
  expect({ error: FunctionError, text: new TextDecoder().decode(Payload) }).toEqual({ error: undefined, text: '"released"' });
}, 60_000);

const CODE = `
const { existsSync, writeFileSync } = require('node:fs');
exports.handler = async ({ begun, release }) => {
  writeFileSync(begun, '');
  while (!existsSync(release)) await new Promise((done) => setTimeout(done, 20));
  return 'released';
};`;

/** Makes the function by CloudFormation, as account stacks do; answers a client of its account. */
async function deploy(account: string): Promise<LambdaClient> {
  const client = new CloudFormationClient(aws.of(account));
  const Properties = {
    FunctionName: 'waiting',
    Runtime: 'nodejs22.x',
    Handler: 'index.handler',
    Timeout: 60,
    Role: `arn:aws:iam::${account}:role/any`,
    Code: { ZipFile: CODE },
  };
  const template = { Resources: { Waiting: { Type: 'AWS::Lambda::Function', Properties } } };
  await client.send(new CreateStackCommand({ StackName: 'waiting', TemplateBody: JSON.stringify(template) }));
  await waitUntilStackCreateComplete({ client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 }, { StackName: 'waiting' });
  return new LambdaClient(aws.of(account));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
