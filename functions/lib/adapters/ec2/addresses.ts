import { DescribeInstancesCommand, EC2Client, type EC2ClientConfig } from '@aws-sdk/client-ec2';
import { TransientError } from '#model/errors.ts';
import type { Addresses } from '#ports/addresses.ts';
import { codeOf, mapAwsError } from '../aws/errors.ts';

/** More instances than one answer of EC2 has are never asked for: these are a cluster's few control planes. */
const LARGEST = 100;

/** Addresses by EC2 of the function's own account. */
export function createAddresses(config: EC2ClientConfig = {}): Addresses {
  const client = new EC2Client(config);
  return async (instances) => {
    if (instances.length === 0) return new Map();
    const command = new DescribeInstancesCommand({ InstanceIds: instances.slice(0, LARGEST) });
    const answer = await client.send(command).catch((error: unknown) => {
      // One of them is gone since its group was read, or EC2 does not know a new one everywhere yet.
      if (codeOf(error) === 'InvalidInstanceID.NotFound')
        throw new TransientError(`an instance of ${instances.join(', ')} is not there any more, or not yet: look again`, { cause: error });
      throw mapAwsError(error, 'read the addresses of instances');
    });
    const found = answer.Reservations?.flatMap(({ Instances }) => Instances ?? []) ?? [];
    return new Map(
      found.flatMap(({ InstanceId: id, PrivateIpAddress: address }) => (id === undefined || address === undefined ? [] : [[id, address]])),
    );
  };
}
