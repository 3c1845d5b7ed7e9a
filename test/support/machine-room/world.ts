import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStacksCommand,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createAuthority } from '#adapters/x509/authority.ts';
import { mintClient } from '#adapters/x509/clients.ts';
import { bucketName, stackName } from '#domain/names.ts';
import type { ClientIdentity } from '#model/identity.ts';
import type { ClusterRef } from '#model/settings.ts';
import { issueIdentity } from '../../../functions/identity/issue-identity.ts';
import { createFakeObjects } from '../fakes/objects.ts';
import { createFakeSecrets } from '../fakes/secrets.ts';

export const REGION = 'eu-central-1';

/** Looks every 100 ms until `look` answers something. @throws at the deadline with the last error */
export async function eventually<T>(what: string, seconds: number, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const end = Date.now() + seconds * 1000;
  let last: unknown = 'nothing';
  while (Date.now() < end) {
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what}: not within ${seconds} s; last: ${String(last)}`);
}

export function temporaryDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'machine-room-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A cluster's account as the test writes it: documents, secrets, stacks. */
export interface Cell {
  readonly cluster: ClusterRef;
  /** Identity of an administrator. */
  admin(): Promise<ClientIdentity>;
  /** Sluice's own client of a target. */
  client(target: 'kubernetes' | 'etcd'): Promise<ClientIdentity>;
  /** Writes the cluster's secrets; instances wait for them. */
  issueIdentity(): Promise<void>;
  putDocument(document: { text: string; sha256: string }): Promise<void>;
  putStack(role: string, template: string, parameters: Readonly<Record<string, string>>): Promise<void>;
  updateStack(role: string, template: string, parameters: Readonly<Record<string, string>>): Promise<void>;
  deleteStack(role: string): Promise<void>;
}

/** @param bootstrapped the account has its own stack, with its bucket, already */
export async function createCell(endpoint: string, cluster: ClusterRef, bootstrapped = false): Promise<Cell> {
  const config = { endpoint, region: REGION, credentials: { accessKeyId: cluster.account, secretAccessKey: 'local' } };
  const stacks = new CloudFormationClient(config);
  const s3 = new S3Client({ ...config, forcePathStyle: true });
  const manager = new SecretsManagerClient(config);
  const bucket = bucketName(cluster.account, REGION);
  if (!bootstrapped) await s3.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint: REGION } }));
  const secrets = createFakeSecrets();
  const ports = { secrets, authority: createAuthority(), clock: { now: () => new Date() }, issuer: createFakeObjects() };
  await issueIdentity.run({ cluster }, ports, { execution: 'test' });
  const asked = (role: string, template: string, parameters: Readonly<Record<string, string>>) => ({
    StackName: stackName(cluster.name, role),
    TemplateBody: template,
    Parameters: Object.entries({ Bucket: bucket, ...parameters }).map(([ParameterKey, ParameterValue]) => ({
      ParameterKey,
      ParameterValue,
    })),
  });
  const settled = (role: string, states: readonly string[]): Promise<true> =>
    eventually(`stack ${role}`, 20, async () => {
      const { Stacks } = await stacks.send(new DescribeStacksCommand({ StackName: stackName(cluster.name, role) }));
      return states.includes(Stacks?.[0]?.StackStatus ?? '') || undefined;
    });
  return {
    cluster,
    admin: () => mintClient(ports, cluster.name, 'kubernetes'),
    client: (target) => mintClient(ports, cluster.name, target),
    issueIdentity: async () => {
      for (const [Name, SecretString] of secrets.values) await manager.send(new CreateSecretCommand({ Name, SecretString }));
    },
    putDocument: async ({ text, sha256 }) => {
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: `ignition/${sha256}.json`, Body: text }));
    },
    putStack: async (role, template, parameters) => {
      await stacks.send(new CreateStackCommand(asked(role, template, parameters)));
      await settled(role, ['CREATE_COMPLETE']);
    },
    updateStack: async (role, template, parameters) => {
      await stacks.send(new UpdateStackCommand(asked(role, template, parameters)));
      await settled(role, ['UPDATE_COMPLETE']);
    },
    deleteStack: async (role) => {
      await stacks.send(new DeleteStackCommand({ StackName: stackName(cluster.name, role) }));
    },
  };
}
