import { AutoScalingClient, DescribeAutoScalingGroupsCommand, DescribeAutoScalingInstancesCommand } from '@aws-sdk/client-auto-scaling';
import { DescribeInstancesCommand, EC2Client, type Instance } from '@aws-sdk/client-ec2';
import { GetInstanceProfileCommand, IAMClient } from '@aws-sdk/client-iam';
import type { Machine, Machines } from '#ports/machines.ts';
import { codeOf, mapAwsError } from '../aws/errors.ts';

interface Clients {
  readonly ec2: EC2Client;
  readonly scaling: AutoScalingClient;
  readonly iam: IAMClient;
}

/** What a client of one of the three services is made with. */
type Config = ConstructorParameters<typeof EC2Client>[0] & object;

/** Instances of the function's own account and region. */
export function createMachines(config: Config = {}): Machines {
  const clients: Clients = { ec2: new EC2Client(config), scaling: new AutoScalingClient(config), iam: new IAMClient(config) };
  return {
    async find(id) {
      try {
        const instance = await findInstance(clients.ec2, id);
        if (instance === undefined) return undefined;
        const [roles, group] = await Promise.all([rolesOf(clients.iam, instance), groupOf(clients.scaling, id)]);
        return { id, state: instance.State?.Name ?? 'unknown', address: instance.PrivateIpAddress, roles, group };
      } catch (error) {
        throw mapAwsError(error, `look at instance ${id}`);
      }
    },
  };
}

async function findInstance(ec2: EC2Client, id: string): Promise<Instance | undefined> {
  try {
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
    return Reservations?.flatMap(({ Instances }) => Instances ?? []).find(({ InstanceId }) => InstanceId === id);
  } catch (error) {
    if (codeOf(error) === 'InvalidInstanceID.NotFound') return undefined;
    throw error;
  }
}

async function rolesOf(iam: IAMClient, instance: Instance): Promise<string[]> {
  const name = instance.IamInstanceProfile?.Arn?.split('/').at(-1);
  if (name === undefined) return [];
  const { InstanceProfile } = await iam.send(new GetInstanceProfileCommand({ InstanceProfileName: name }));
  return (InstanceProfile?.Roles ?? []).flatMap(({ RoleName }) => RoleName ?? []);
}

async function groupOf(scaling: AutoScalingClient, id: string): Promise<Machine['group']> {
  const { AutoScalingInstances } = await scaling.send(new DescribeAutoScalingInstancesCommand({ InstanceIds: [id] }));
  const member = AutoScalingInstances?.find(({ InstanceId }) => InstanceId === id);
  const name = member?.AutoScalingGroupName;
  if (member === undefined || name === undefined) return undefined;
  const { AutoScalingGroups } = await scaling.send(new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] }));
  const tags = AutoScalingGroups?.find(({ AutoScalingGroupName }) => AutoScalingGroupName === name)?.Tags ?? [];
  return {
    name,
    tags: Object.fromEntries(tags.map(({ Key, Value }) => [Key ?? '', Value ?? ''])),
    lifecycleState: member.LifecycleState ?? 'unknown',
    healthStatus: member.HealthStatus ?? 'unknown',
  };
}
