import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateFunctionCommand, LambdaClient, waitUntilFunctionActiveV2 } from '@aws-sdk/client-lambda';
import { bucketName } from '#domain/names.ts';
import { bundle } from '../../../cli/build.ts';
import type { Ministack } from '../ministack.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** The function `sluice-join` of an account. @param instances where EC2 and Auto Scaling answer */
export async function deployJoinFunction(aws: Ministack, account: string, instances: string): Promise<void> {
  await deployFunction(aws, account, 'join', { AWS_ENDPOINT_URL_EC2: instances, AWS_ENDPOINT_URL_AUTO_SCALING: instances });
}

/** A function of an account from its own bundle, as account.yaml deploys it. @param variables of its environment, besides its own. @param seconds after which a call ends */
export async function deployFunction(
  aws: Ministack,
  account: string,
  folder: string,
  variables: Readonly<Record<string, string>> = {},
  seconds = 30,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), `sluice-${folder}-`));
  const FunctionName = `sluice-${folder}`;
  try {
    const { zip } = await bundle(ROOT, directory, folder);
    const config = aws.of(account);
    const client = new LambdaClient(config);
    const Variables = {
      SLUICE_BUCKET: bucketName(account, config.region),
      SLUICE_ACCOUNT: account,
      AWS_ENDPOINT_URL: aws.endpoint,
      ...variables,
    };
    await client.send(
      new CreateFunctionCommand({
        FunctionName,
        Runtime: 'nodejs24.x',
        Handler: 'handler.handler',
        Timeout: seconds,
        Role: `arn:aws:iam::${account}:role/sluice-side-${folder}`,
        Code: { ZipFile: readFileSync(zip) },
        Environment: { Variables },
      }),
    );
    await waitUntilFunctionActiveV2({ client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 }, { FunctionName });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
