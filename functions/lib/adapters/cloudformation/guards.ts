import {
  CloudFormationClient,
  DescribeStacksCommand,
  GetStackPolicyCommand,
  SetStackPolicyCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import { hubRoleArn } from '#domain/names.ts';
import type { AccountStackGuards, StackGuards } from '#ports/stack-guards.ts';
import { createRoleCredentials } from '../aws/credentials.ts';
import { mapAwsError } from '../aws/errors.ts';

/** Guards of cluster accounts' stacks, each entered by the account's hub role. */
export function createAccountStackGuards(region: string): AccountStackGuards {
  const credentialsOf = createRoleCredentials(region);
  return {
    of: (account, accountRegion, session) =>
      createStackGuards(
        new CloudFormationClient({ region: accountRegion, credentials: () => credentialsOf(hubRoleArn(account), session) }),
      ),
  };
}

/** One account's guards. */
export function createStackGuards(client: CloudFormationClient): StackGuards {
  return {
    async read(stack) {
      const failed = (error: unknown): never => {
        throw mapAwsError(error, `read what guards stack ${stack}`);
      };
      const [described, policy] = await Promise.all([
        client.send(new DescribeStacksCommand({ StackName: stack })).catch(failed),
        client.send(new GetStackPolicyCommand({ StackName: stack })).catch(failed),
      ]);
      const body = policy.StackPolicyBody;
      return {
        terminationProtected: described.Stacks?.[0]?.EnableTerminationProtection ?? false,
        policy: body === undefined || body === '' ? undefined : body,
      };
    },
    async setPolicy(stack, policy) {
      await client.send(new SetStackPolicyCommand({ StackName: stack, StackPolicyBody: policy })).catch((error: unknown) => {
        throw mapAwsError(error, `set the policy of stack ${stack}`);
      });
    },
    protect: (stack) => setTerminationProtection(client, stack, true),
  };
}

/** On after a stack was made; off right before a deletion that was decided on. */
export async function setTerminationProtection(client: CloudFormationClient, stack: string, on: boolean): Promise<void> {
  await client
    .send(new UpdateTerminationProtectionCommand({ StackName: stack, EnableTerminationProtection: on }))
    .catch((error: unknown) => {
      if (!on && error instanceof Error && /does not exist/i.test(error.message)) return;
      throw mapAwsError(error, `switch the termination protection of stack ${stack} ${on ? 'on' : 'off'}`);
    });
}
