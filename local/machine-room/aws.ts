import {
  AutoScalingClient,
  type AutoScalingGroup,
  DescribeLifecycleHooksCommand,
  paginateDescribeAutoScalingGroups,
} from '@aws-sdk/client-auto-scaling';
import { CloudFormationClient, DescribeStacksCommand, type Stack } from '@aws-sdk/client-cloudformation';
import { DescribeLaunchTemplateVersionsCommand, DescribeSubnetsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { GetInstanceProfileCommand, IAMClient } from '@aws-sdk/client-iam';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { AssumeRoleCommand, GetAccessKeyInfoCommand, STSClient } from '@aws-sdk/client-sts';
import * as z from 'zod';
import { NotFoundError } from '#model/errors.ts';
import { parseJson } from './ignition.ts';
import type { Hook } from './lifecycle.ts';
import type { GroupSpec, Zone } from './scaling.ts';

/** What the room reads of one account. All calls may throw the SDK's errors; callers look again at the next round. */
export interface AccountView {
  /** Groups with the tags `sluice:cluster` and `sluice:role`. */
  groups(): Promise<GroupSpec[]>;
  /** Lifecycle hooks of a group for one transition; none once the group is gone. */
  hooks(group: string, transition: Hook['transition']): Promise<Hook[]>;
  /** One version's user data (base64), instance type and instance profile. @throws NotFoundError */
  launchTemplate(id: string, version: string): Promise<LaunchData>;
  /** Parameters and outputs of a stack; undefined when there is no such stack. */
  stackValues(name: string): Promise<Readonly<Record<string, string>> | undefined>;
  object(bucket: string, key: string): Promise<Buffer>;
  /** Files of a secret: name to text. undefined while there is no such secret. */
  secretFiles(id: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** What the metadata of an instance holds: credentials of the profile's role, in a session named by the instance. */
  roleSession(profileArn: string, instance: string): Promise<RoleSession>;
  /** Invokes a function as a role's session. */
  invoke(session: RoleSession, name: string, payload: string): Promise<{ readonly failed: boolean; readonly text: string }>;
  readonly region: string;
  /** What a request to STS is signed for. */
  readonly stsHost: string;
}

export interface RoleSession {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

interface LaunchData {
  readonly userData: string;
  readonly instanceType: string;
  readonly profileArn: string | undefined;
}

interface Clients {
  readonly scaling: AutoScalingClient;
  readonly stacks: CloudFormationClient;
  readonly ec2: EC2Client;
  readonly s3: S3Client;
  readonly secrets: SecretsManagerClient;
}

/** The account in the emulator: its access key is the account's number. */
export function accountView(endpoint: string, region: string, account: string): AccountView {
  const config = { endpoint, region, credentials: { accessKeyId: account, secretAccessKey: 'local' } };
  const clients: Clients = {
    scaling: new AutoScalingClient(config),
    stacks: new CloudFormationClient(config),
    ec2: new EC2Client(config),
    s3: new S3Client({ ...config, forcePathStyle: true }),
    secrets: new SecretsManagerClient(config),
  };
  const subnets = new Map<string, Zone>();
  return {
    groups: () => readGroups(clients, account, subnets),
    hooks: (group, transition) => readHooks(clients.scaling, group, transition),
    launchTemplate: (id, version) => readLaunchTemplate(clients.ec2, id, version),
    stackValues: (name) => readStack(clients.stacks, name),
    object: async (bucket, key) => {
      const { Body } = await clients.s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      if (Body === undefined) throw new NotFoundError(`s3://${bucket}/${key} has no content`);
      return Buffer.from(await Body.transformToByteArray());
    },
    secretFiles: (id) => readSecret(clients.secrets, id),
    roleSession: (profileArn, instance) => roleSession(config, account, profileArn, instance),
    invoke: async (credentials, name, payload) => {
      const answer = await new LambdaClient({ endpoint, region, credentials }).send(
        new InvokeCommand({ FunctionName: name, Payload: payload }),
      );
      return { failed: answer.FunctionError !== undefined, text: Buffer.from(answer.Payload ?? []).toString('utf8') };
    },
    region,
    stsHost: new URL(endpoint).host,
  };
}

async function readGroups(clients: Clients, account: string, subnets: Map<string, Zone>): Promise<GroupSpec[]> {
  const specs: GroupSpec[] = [];
  for await (const page of paginateDescribeAutoScalingGroups({ client: clients.scaling }, {})) {
    for (const group of page.AutoScalingGroups ?? []) {
      const tag = (key: string): string | undefined => group.Tags?.find((candidate) => candidate.Key === key)?.Value;
      const cluster = tag('sluice:cluster');
      const role = tag('sluice:role');
      if (cluster === undefined || role === undefined) continue;
      specs.push(await groupSpec(clients, account, { cluster, role }, group, subnets));
    }
  }
  return specs;
}

async function groupSpec(
  clients: Clients,
  account: string,
  owner: { cluster: string; role: string },
  group: AutoScalingGroup,
  subnets: Map<string, Zone>,
): Promise<GroupSpec> {
  const template = group.LaunchTemplate ?? group.MixedInstancesPolicy?.LaunchTemplate?.LaunchTemplateSpecification;
  const id = template?.LaunchTemplateId ?? '';
  const version = template?.Version ?? '$Default';
  const ids = (group.VPCZoneIdentifier ?? '').split(',').filter(Boolean);
  const bySubnet = ids.length > 0 ? await readSubnets(clients.ec2, ids, subnets) : [];
  return {
    account,
    ...owner,
    name: group.AutoScalingGroupName ?? '',
    arn: group.AutoScalingGroupARN ?? '',
    min: group.MinSize ?? 0,
    max: group.MaxSize ?? 0,
    declaredDesired: group.DesiredCapacity ?? group.MinSize ?? 0,
    zones: bySubnet.length > 0 ? bySubnet : (group.AvailabilityZones ?? []).map((name) => ({ name })),
    launchTemplate: { id, name: template?.LaunchTemplateName ?? '', version: await resolveVersion(clients.ec2, id, version) },
    tags: (group.Tags ?? []).map((tag) => ({ key: tag.Key ?? '', value: tag.Value ?? '', propagate: tag.PropagateAtLaunch ?? false })),
    createdAt: group.CreatedTime ?? new Date(0),
    subnetIds: ids.join(','),
  };
}

/** Zones of subnets in the given order; a subnet never changes, so each is asked for once. */
async function readSubnets(ec2: EC2Client, ids: readonly string[], known: Map<string, Zone>): Promise<Zone[]> {
  const unknown = ids.filter((id) => !known.has(id));
  if (unknown.length > 0) {
    const { Subnets } = await ec2.send(new DescribeSubnetsCommand({ SubnetIds: unknown }));
    for (const subnet of Subnets ?? []) {
      if (subnet.SubnetId === undefined || subnet.AvailabilityZone === undefined || subnet.CidrBlock === undefined) continue;
      known.set(subnet.SubnetId, { name: subnet.AvailabilityZone, cidr: subnet.CidrBlock });
    }
  }
  return ids.map((id) => known.get(id)).filter((zone) => zone !== undefined);
}

async function readHooks(client: AutoScalingClient, group: string, transition: Hook['transition']): Promise<Hook[]> {
  const { LifecycleHooks } = await client.send(new DescribeLifecycleHooksCommand({ AutoScalingGroupName: group }));
  return (LifecycleHooks ?? [])
    .filter((hook) => hook.LifecycleTransition === transition)
    .map((hook) => ({
      name: hook.LifecycleHookName ?? '',
      transition,
      heartbeatSeconds: hook.HeartbeatTimeout ?? 3600,
      defaultResult: hook.DefaultResult === 'CONTINUE' ? 'CONTINUE' : 'ABANDON',
    }));
}

async function resolveVersion(ec2: EC2Client, id: string, version: string): Promise<string> {
  if (/^\d+$/.test(version) || id === '') return version;
  const { LaunchTemplateVersions } = await ec2.send(
    new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateId: id, Versions: [version] }),
  );
  return String(LaunchTemplateVersions?.[0]?.VersionNumber ?? version);
}

async function readLaunchTemplate(ec2: EC2Client, id: string, version: string): Promise<LaunchData> {
  const { LaunchTemplateVersions } = await ec2.send(
    new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateId: id, Versions: [version] }),
  );
  const data = LaunchTemplateVersions?.[0]?.LaunchTemplateData;
  if (data?.UserData === undefined) throw new NotFoundError(`launch template ${id} version ${version} has no user data`);
  return { userData: data.UserData, instanceType: data.InstanceType ?? '', profileArn: data.IamInstanceProfile?.Arn };
}

type Config = { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } };

async function roleSession(config: Config, account: string, profileArn: string, instance: string): Promise<RoleSession> {
  const name = profileArn.split('/').at(-1);
  const { InstanceProfile } = await new IAMClient(config).send(new GetInstanceProfileCommand({ InstanceProfileName: name }));
  const role = InstanceProfile?.Roles?.[0]?.RoleName;
  if (role === undefined) throw new NotFoundError(`instance profile ${name} has no role`);
  const { Credentials } = await new STSClient(config).send(
    new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${account}:role/${role}`, RoleSessionName: instance }),
  );
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = Credentials ?? {};
  if (!accessKeyId || !secretAccessKey || !sessionToken) throw new NotFoundError(`no credentials for role ${role}`);
  return { accessKeyId, secretAccessKey, sessionToken };
}

async function readStack(client: CloudFormationClient, name: string): Promise<Record<string, string> | undefined> {
  const stack = await client.send(new DescribeStacksCommand({ StackName: name })).then(
    (answer): Stack | undefined => answer.Stacks?.[0],
    (error: unknown) => {
      if (error instanceof Error && error.name === 'ValidationError') return undefined;
      throw error;
    },
  );
  if (stack === undefined || stack.StackStatus === 'DELETE_COMPLETE') return undefined;
  return Object.fromEntries([
    ...(stack.Parameters ?? []).map((parameter) => [parameter.ParameterKey ?? '', parameter.ParameterValue ?? '']),
    ...(stack.Outputs ?? []).map((output) => [output.OutputKey ?? '', output.OutputValue ?? '']),
  ]);
}

async function readSecret(client: SecretsManagerClient, id: string): Promise<Record<string, string> | undefined> {
  const text = await client.send(new GetSecretValueCommand({ SecretId: id })).then(
    (answer) => answer.SecretString,
    (error: unknown) => {
      if (error instanceof Error && error.name === 'ResourceNotFoundException') return undefined;
      throw error;
    },
  );
  return text === undefined ? undefined : parseJson(z.record(z.string().regex(/^[\w.-]+$/), z.string()), text, `secret ${id}`);
}

/** Account of an access key: the number itself, or what STS knows of a session's key. */
export function accountResolver(endpoint: string, region: string): (accessKey: string) => Promise<string> {
  const sts = new STSClient({ endpoint, region, credentials: { accessKeyId: '000000000000', secretAccessKey: 'local' } });
  const known = new Map<string, string>();
  return async (accessKey) => {
    if (/^\d{12}$/.test(accessKey)) return accessKey;
    const cached = known.get(accessKey);
    if (cached !== undefined) return cached;
    const { Account } = await sts.send(new GetAccessKeyInfoCommand({ AccessKeyId: accessKey }));
    if (Account === undefined) throw new NotFoundError(`no account is known for access key ${accessKey}`);
    known.set(accessKey, Account);
    return Account;
  };
}
