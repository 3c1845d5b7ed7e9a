import { setTimeout as delay } from 'node:timers/promises';
import { CloudFormationClient, CreateStackCommand, waitUntilStackCreateComplete } from '@aws-sdk/client-cloudformation';
import { CreateBucketCommand, DeleteObjectCommand, HeadBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStacks } from '#adapters/cloudformation/stacks.ts';
import { until } from '../support/child.ts';
import { type StacksUnderTest, stacksContract } from '../support/contracts/stacks.ts';
import { createFakeStacks } from '../support/fakes/stacks.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

const ACCOUNT = '111111111111';

function template(bus: string): string {
  return JSON.stringify({
    Parameters: { Text: { Type: 'String' } },
    Resources: { Bus: { Type: 'AWS::Events::EventBus', Properties: { Name: bus } } },
    Outputs: { Name: { Value: { Ref: 'Text' } } },
  });
}

/** A wait condition that nobody signals fails after this, in which a test fills the bucket. */
const FAILS_AFTER_SECONDS = 4;

function bucketTemplate(bus: string, bucket: string, failing: boolean): string {
  const whole = JSON.parse(template(bus)) as { Resources: object };
  const waiting = {
    Handle: { Type: 'AWS::CloudFormation::WaitConditionHandle' },
    Never: {
      Type: 'AWS::CloudFormation::WaitCondition',
      DependsOn: 'Bucket',
      Properties: { Handle: { Ref: 'Handle' }, Timeout: String(FAILS_AFTER_SECONDS), Count: 1 },
    },
  };
  const Bucket = { Type: 'AWS::S3::Bucket', Properties: { BucketName: bucket } };
  return JSON.stringify({ ...whole, Resources: { ...whole.Resources, Bucket, ...(failing ? waiting : {}) } });
}

describe('the fake', () => {
  const stacks = createFakeStacks();
  stacks.setOutputs('created', { Name: 'one' });
  stacks.setOutputs('updated', { Name: 'two' });
  const full = { resource: 'Bucket', type: 'AWS::S3::Bucket', reason: 'the bucket is not empty' };
  const failure = { resource: 'Bus', type: 'AWS::Events::EventBus', reason: 'the bus is there already' };
  const under: StacksUnderTest = {
    stacks,
    pass: async () => stacks.advance(),
    template,
    failNext: async (stack) => stacks.failNext(stack, failure),
    // Each stack has the name of its bus.
    bucketTemplate(bus, bucket, failing) {
      if (failing) stacks.failNext(bus, full);
      return bucketTemplate(bus, bucket, failing);
    },
    fill: async (stack) => stacks.stick(stack, full),
    empty: async (stack) => stacks.unstick(stack),
    exists: async (stack) => stacks.left.get(stack)?.includes('Bucket') ?? false,
  };
  stacksContract(() => under, { keepsFullBuckets: true });
});

describe('CloudFormation', () => {
  let aws: Ministack;
  let under: StacksUnderTest;
  beforeAll(async () => {
    aws = await startMinistack();
    const client = new CloudFormationClient(aws.of(ACCOUNT));
    const s3 = new S3Client({ ...aws.of(ACCOUNT), forcePathStyle: true });
    const exists = (Bucket: string): Promise<boolean> =>
      s3.send(new HeadBucketCommand({ Bucket })).then(
        () => true,
        () => false,
      );
    under = {
      bucketTemplate,
      async fill(_, Bucket) {
        await until('the bucket', async () => ((await exists(Bucket)) ? true : undefined));
        await s3.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'kept' }));
      },
      empty: async (_, Bucket) => void (await s3.send(new DeleteObjectCommand({ Bucket, Key: 'kept' }))),
      exists: (_, bucket) => exists(bucket),
      stacks: createStacks(client),
      pass: () => delay(100),
      template,
      // A bus of that name in another stack is in the way.
      async failNext(stack, bus) {
        const StackName = `in-the-way-of-${stack}`;
        const Parameters = [{ ParameterKey: 'Text', ParameterValue: 'x' }];
        await client.send(new CreateStackCommand({ StackName, TemplateBody: template(bus), Parameters }));
        await waitUntilStackCreateComplete({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { StackName });
      },
    };
  }, 70_000);
  afterAll(() => aws.stop());

  stacksContract(() => under, { keepsFullBuckets: false });

  it('names the resource that early validation refuses', async () => {
    await new S3Client({ ...aws.of(ACCOUNT), forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'taken' }));
    const bucket = { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'taken' } };
    const request = {
      name: 'validated',
      template: JSON.stringify({ Resources: { Bucket: bucket } }),
      parameters: {},
      tags: {},
      changeSet: 'validated-1',
    };

    await under.stacks.createChangeSet(request, 'CREATE');
    await under.stacks.executeChangeSet('validated', 'validated-1');
    await until('the end', async () => ((await under.stacks.describe('validated'))?.status === 'ROLLBACK_COMPLETE' ? true : undefined));

    expect((await under.stacks.failures('validated'))[0]).toMatchObject({
      resource: 'Bucket',
      type: 'AWS::S3::Bucket',
      reason: expect.stringContaining('already exists'),
    });
  });
});
