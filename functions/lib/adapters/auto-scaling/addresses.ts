import { DescribeSubnetsCommand, EC2Client, type EC2ClientConfig } from '@aws-sdk/client-ec2';
import type { Instances } from '#ports/instances.ts';

/** An account whose network has no endpoint of EC2 lets the connection hang. */
const CONNECT_MILLISECONDS = 2000;
const ANSWER_MILLISECONDS = 5000;

/** Free addresses by EC2's own count. Whatever the reason is that it can't be had: then nobody can tell, and callers take less. */
export function createFreeAddresses(config: EC2ClientConfig): Instances['freeAddresses'] {
  const timeouts = { connectionTimeout: CONNECT_MILLISECONDS, requestTimeout: ANSWER_MILLISECONDS };
  const client = new EC2Client({ maxAttempts: 2, requestHandler: timeouts, ...config });
  return async (subnets) => {
    if (subnets.length === 0) return undefined;
    const answer = await client.send(new DescribeSubnetsCommand({ SubnetIds: [...subnets] })).catch(() => undefined);
    const counts = new Map(
      (answer?.Subnets ?? []).flatMap(({ SubnetId: id, AvailableIpAddressCount: count }) =>
        id === undefined || count === undefined ? [] : [[id, count] as const],
      ),
    );
    return subnets.every((subnet) => counts.has(subnet)) ? counts : undefined;
  };
}
