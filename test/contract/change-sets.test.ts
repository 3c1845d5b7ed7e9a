import { setTimeout as delay } from 'node:timers/promises';
import { CloudFormationClient, CreateStackCommand, waitUntilStackCreateComplete } from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll, describe } from 'vitest';
import { createChangeSets } from '#adapters/cloudformation/change-sets.ts';
import { type ChangeSetsUnderTest, changeSetsContract } from '../support/contracts/change-sets.ts';
import { createFakeChangeSets } from '../support/fakes/change-sets.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

const ACCOUNT = '111111111111';

function template(queue: string, more?: 'with-second-queue'): string {
  const resource = (name: string): object => ({ Type: 'AWS::SQS::Queue', Properties: { QueueName: name } });
  return JSON.stringify({
    Parameters: { Text: { Type: 'String' } },
    Resources: { Queue: resource(queue), ...(more === undefined ? {} : { Second: resource(`${queue}-2`) }) },
    Outputs: { Name: { Value: { Ref: 'Text' } } },
  });
}

describe('the fake', () => {
  const changeSets = createFakeChangeSets();
  changeSets.propose('asked', [
    { resource: 'Queue', type: 'AWS::SQS::Queue', action: 'modify', replacement: 'always', properties: ['QueueName'] },
    { resource: 'Second', type: 'AWS::SQS::Queue', action: 'add', replacement: 'never', properties: [] },
  ]);
  const under: ChangeSetsUnderTest = {
    changeSets,
    template,
    create: async (stack, queue) =>
      changeSets.put(stack, { status: 'CREATE_COMPLETE', outputs: { Name: 'x' }, tags: { owner: 'ada' } }, template(queue)),
    pass: async () => changeSets.advance(),
  };
  changeSetsContract(() => under);
});

describe('CloudFormation', () => {
  let aws: Ministack;
  let under: ChangeSetsUnderTest;
  beforeAll(async () => {
    aws = await startMinistack();
    const client = new CloudFormationClient(aws.of(ACCOUNT));
    under = {
      changeSets: createChangeSets(client),
      template,
      async create(StackName, queue) {
        const Parameters = [{ ParameterKey: 'Text', ParameterValue: 'x' }];
        const Tags = [{ Key: 'owner', Value: 'ada' }];
        await client.send(new CreateStackCommand({ StackName, TemplateBody: template(queue), Parameters, Tags }));
        await waitUntilStackCreateComplete({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { StackName });
      },
      pass: () => delay(100),
    };
  }, 70_000);
  afterAll(() => aws.stop());

  changeSetsContract(() => under);
});
