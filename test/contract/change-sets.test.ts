import { setTimeout as delay } from 'node:timers/promises';
import { CloudFormationClient, CreateStackCommand, waitUntilStackCreateComplete } from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll, describe } from 'vitest';
import { createChangeSets } from '#adapters/cloudformation/change-sets.ts';
import { type ChangeSetsUnderTest, changeSetsContract } from '../support/contracts/change-sets.ts';
import { createFakeChangeSets } from '../support/fakes/change-sets.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

const ACCOUNT = '111111111111';

function template(bus: string, more?: 'with-second-bus'): string {
  const resource = (name: string): object => ({ Type: 'AWS::Events::EventBus', Properties: { Name: name } });
  return JSON.stringify({
    Parameters: { Text: { Type: 'String' } },
    Resources: { Bus: resource(bus), ...(more === undefined ? {} : { Second: resource(`${bus}-2`) }) },
    Outputs: { Name: { Value: { Ref: 'Text' } } },
  });
}

describe('the fake', () => {
  const changeSets = createFakeChangeSets();
  changeSets.propose('asked', [
    { resource: 'Bus', type: 'AWS::Events::EventBus', action: 'modify', replacement: 'always', properties: ['Name'] },
    { resource: 'Second', type: 'AWS::Events::EventBus', action: 'add', replacement: 'never', properties: [] },
  ]);
  const under: ChangeSetsUnderTest = {
    changeSets,
    template,
    create: async (stack, bus) =>
      changeSets.put(stack, { status: 'CREATE_COMPLETE', outputs: { Name: 'x' }, tags: { owner: 'ada' } }, template(bus)),
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
      async create(StackName, bus) {
        const Parameters = [{ ParameterKey: 'Text', ParameterValue: 'x' }];
        const Tags = [{ Key: 'owner', Value: 'ada' }];
        await client.send(new CreateStackCommand({ StackName, TemplateBody: template(bus), Parameters, Tags }));
        await waitUntilStackCreateComplete({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { StackName });
      },
      pass: () => delay(100),
    };
  }, 70_000);
  afterAll(() => aws.stop());

  changeSetsContract(() => under);
});
