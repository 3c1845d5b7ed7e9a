import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { afterEach, describe, expect, it } from 'vitest';
import { createLaunchFailure } from '#adapters/auto-scaling/launch-failure.ts';

let server: Server | undefined;
afterEach(() => server?.close());

interface Told {
  readonly description: string;
  readonly code: string;
  readonly message?: string;
}

/** Activities as AWS tells them, the newest first. */
async function lookAt(activities: readonly Told[], status = 200) {
  const members = activities.map(
    ({ description, code, message }, index) =>
      `<member><ActivityId>${index}</ActivityId><AutoScalingGroupName>g</AutoScalingGroupName><Cause>c</Cause><Description>${description}</Description><StartTime>2026-01-01T0${9 - index}:00:00Z</StartTime><StatusCode>${code}</StatusCode>${message === undefined ? '' : `<StatusMessage>${message}</StatusMessage>`}</member>`,
  );
  const body = `<DescribeScalingActivitiesResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><DescribeScalingActivitiesResult><Activities>${members.join('')}</Activities></DescribeScalingActivitiesResult></DescribeScalingActivitiesResponse>`;
  const started = createServer((_, response) => response.writeHead(status, { 'content-type': 'text/xml' }).end(body));
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  const { port } = started.address() as AddressInfo;
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new AutoScalingClient({ endpoint: `http://127.0.0.1:${port}`, region: 'eu-central-1', credentials, maxAttempts: 1 });
  return createLaunchFailure(client)('g');
}

const LIMIT = { description: 'Launching a new EC2 instance.  Status Reason: the limit', code: 'Failed', message: 'the limit' };
const GOOD = { description: 'Launching a new EC2 instance: i-1', code: 'Successful' };

describe('why AWS starts no instance', () => {
  it('is what it said of the newest launch that is over, with terminations and tries under way left aside', async () => {
    const ending = { description: 'Terminating EC2 instance: i-2', code: 'Successful' };
    const trying = { description: 'Launching a new EC2 instance', code: 'InProgress' };

    expect(await lookAt([trying, ending, LIMIT, GOOD])).toEqual({ message: 'the limit', at: new Date('2026-01-01T07:00:00Z') });
  });

  it.each<[string, readonly Told[], number]>([
    ['the newest launch went well', [GOOD, LIMIT], 200],
    ['there was none', [], 200],
    ['only terminations failed', [{ description: 'Terminating EC2 instance: i-2', code: 'Failed', message: 'no' }], 200],
    ['it can’t be read', [LIMIT], 400],
  ])('is nothing where %s', async (_, activities, status) => {
    expect(await lookAt(activities, status)).toBeUndefined();
  });
});
