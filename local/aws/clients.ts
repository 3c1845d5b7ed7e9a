import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { createObjects } from '#adapters/s3/objects.ts';
import { bucketName } from '#domain/names.ts';
import type { ObjectStore } from '#ports/objects.ts';

/** Where the emulated AWS answers. */
export interface AwsSite {
  readonly endpoint: string;
  readonly region: string;
}

/** Clients that act as one account: the emulator takes a 12-digit access key for the account. */
export interface AccountClients {
  readonly account: string;
  readonly cloudFormation: CloudFormationClient;
  readonly lambda: LambdaClient;
  readonly s3: S3Client;
  readonly secrets: SecretsManagerClient;
  readonly stepFunctions: SFNClient;
  /** The account's Sluice bucket. */
  readonly objects: ObjectStore;
}

export function accountClients({ endpoint, region }: AwsSite, account: string): AccountClients {
  const config = { endpoint, region, credentials: { accessKeyId: account, secretAccessKey: 'local' } };
  return {
    account,
    cloudFormation: new CloudFormationClient(config),
    lambda: new LambdaClient(config),
    s3: new S3Client({ ...config, forcePathStyle: true }),
    secrets: new SecretsManagerClient(config),
    stepFunctions: new SFNClient(config),
    objects: createObjects(bucketName(account, region), config),
  };
}
