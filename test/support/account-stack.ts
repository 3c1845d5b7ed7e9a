import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CloudFormationClient, CreateStackCommand, waitUntilStackCreateComplete } from '@aws-sdk/client-cloudformation';
import { createStacks } from '#adapters/cloudformation/stacks.ts';

const TEMPLATE = join(import.meta.dirname, '../../channels/bootstrap/account.yaml');

/** The account's own stack without the functions: what a cluster's stacks import. @param network the cluster's /16 */
export async function deployAccountStack(
  client: CloudFormationClient,
  network: string,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const parameters = { HubAccount: '100000000001', Network: network, ...more };
  await client.send(
    new CreateStackCommand({
      StackName: 'sluice-account',
      TemplateBody: readFileSync(TEMPLATE, 'utf8'),
      Capabilities: ['CAPABILITY_NAMED_IAM'],
      Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue })),
    }),
  );
  await waitUntilStackCreateComplete({ client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { StackName: 'sluice-account' }).catch(
    async (error: unknown) => {
      throw new Error(JSON.stringify(await createStacks(client).failures('sluice-account')), { cause: error });
    },
  );
}
