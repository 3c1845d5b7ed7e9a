import { CloudFormationClient, CreateStackCommand, DeleteStackCommand, waitUntilStackCreateComplete } from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStackGuards } from '#adapters/cloudformation/guards.ts';
import { createStacks } from '#adapters/cloudformation/stacks.ts';
import { stackPolicy } from '#domain/stack-policy.ts';
import { RefusedError } from '#model/errors.ts';
import { until } from '../support/child.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

const ACCOUNT = '111111111111';
const NAME = 'guarded';

describe('what guards a stack', () => {
  let aws: Ministack;
  let client: CloudFormationClient;
  beforeAll(async () => {
    aws = await startMinistack();
    client = new CloudFormationClient(aws.of(ACCOUNT));
    const TemplateBody = JSON.stringify({ Resources: { Bus: { Type: 'AWS::Events::EventBus', Properties: { Name: NAME } } } });
    await client.send(new CreateStackCommand({ StackName: NAME, TemplateBody }));
    await waitUntilStackCreateComplete({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { StackName: NAME });
  }, 90_000);
  afterAll(() => aws?.stop());

  it('is nothing at first, and is read as it was set', async () => {
    const guards = createStackGuards(client);
    const policy = stackPolicy('etcd') ?? '';

    const before = await guards.read(NAME);
    await guards.setPolicy(NAME, policy);
    await guards.protect(NAME);

    expect(before).toEqual({ terminationProtected: false, policy: undefined });
    expect(await guards.read(NAME)).toEqual({ terminationProtected: true, policy });
  });

  it('refuses a deletion by hand, and lets that through which takes it off', async () => {
    const stacks = createStacks(client);

    await expect(client.send(new DeleteStackCommand({ StackName: NAME }))).rejects.toThrow(/[Tt]ermination ?[Pp]rotection/);
    await stacks.deleteStack(NAME);

    await until('the stack is gone', async () => ((await stacks.describe(NAME)) === undefined ? true : undefined));
    await expect(createStackGuards(client).read(NAME)).rejects.toBeInstanceOf(RefusedError);
  });
});
