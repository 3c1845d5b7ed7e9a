import {
  CloudFormationClient,
  CreateChangeSetCommand,
  DeleteChangeSetCommand,
  DescribeChangeSetCommand,
  type DescribeChangeSetCommandOutput,
  DescribeStacksCommand,
  type ResourceChange,
  type ResourceChangeDetail,
} from '@aws-sdk/client-cloudformation';
import { previewRoleArn } from '#domain/names.ts';
import type { AccountChangeSets, ChangeSets, ProposedChange, ProposedChanges } from '#ports/change-sets.ts';
import { createRoleCredentials } from '../aws/credentials.ts';
import { codeOf, mapAwsError } from '../aws/errors.ts';

/** Change sets of cluster accounts, each entered by the account's role for plans. */
export function createAccountChangeSets(region: string): AccountChangeSets {
  const credentialsOf = createRoleCredentials(region);
  return {
    of: (account, accountRegion, session) =>
      createChangeSets(
        new CloudFormationClient({ region: accountRegion, credentials: () => credentialsOf(previewRoleArn(account), session) }),
      ),
  };
}

/** One account's CloudFormation as ChangeSets. */
export function createChangeSets(client: CloudFormationClient): ChangeSets {
  return {
    async stack(name) {
      const answer = await client.send(new DescribeStacksCommand({ StackName: name })).catch((error: unknown) => {
        if (missing(error)) return undefined;
        throw mapAwsError(error, `describe stack ${name}`);
      });
      const stack = answer?.Stacks?.[0];
      if (stack?.StackStatus === undefined || stack.StackStatus === 'DELETE_COMPLETE') return undefined;
      return {
        status: stack.StackStatus,
        outputs: Object.fromEntries((stack.Outputs ?? []).map((entry) => [entry.OutputKey ?? '', entry.OutputValue ?? ''])),
        tags: Object.fromEntries((stack.Tags ?? []).map((entry) => [entry.Key ?? '', entry.Value ?? ''])),
      };
    },
    async request({ stack, name, template, parameters, tags }) {
      const command = new CreateChangeSetCommand({
        StackName: stack,
        ChangeSetName: name,
        ChangeSetType: 'UPDATE',
        Description: 'For the plan of a pull request; never executed',
        TemplateBody: template,
        Capabilities: ['CAPABILITY_NAMED_IAM'],
        Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue })),
        Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      });
      await client.send(command).catch((error: unknown) => {
        if (codeOf(error) === 'AlreadyExistsException') return;
        throw mapAwsError(error, `create a change set for stack ${stack}`);
      });
    },
    read: (stack, name) => readAll(client, stack, name),
    async remove(stack, name) {
      await client.send(new DeleteChangeSetCommand({ StackName: stack, ChangeSetName: name })).catch((error: unknown) => {
        if (missing(error)) return;
        throw mapAwsError(error, `delete the change set ${name} of stack ${stack}`);
      });
    },
  };
}

/** All pages: a page holds at most 1 MB of changes. */
async function readAll(client: CloudFormationClient, stack: string, name: string): Promise<ProposedChanges | undefined> {
  const changes: ProposedChange[] = [];
  let token: string | undefined;
  let answer: DescribeChangeSetCommandOutput | undefined;
  do {
    const page = { StackName: stack, ChangeSetName: name, ...(token === undefined ? {} : { NextToken: token }) };
    answer = await client.send(new DescribeChangeSetCommand(page)).catch((error: unknown) => {
      if (missing(error)) return undefined;
      throw mapAwsError(error, `describe the change set ${name} of stack ${stack}`);
    });
    if (answer === undefined) return undefined;
    changes.push(...(answer.Changes ?? []).flatMap(({ ResourceChange: change }) => (change === undefined ? [] : [proposed(change)])));
    token = answer.NextToken;
  } while (token !== undefined);
  return { state: stateOf(answer), ...(answer.StatusReason === undefined ? {} : { reason: answer.StatusReason }), changes };
}

function stateOf({ Status, StatusReason }: DescribeChangeSetCommandOutput): ProposedChanges['state'] {
  if (Status === 'CREATE_COMPLETE') return 'ready';
  if (Status !== 'FAILED') return 'creating';
  // CloudFormation has no status of its own for this; the text is documented for `aws cloudformation deploy`.
  return /didn't contain changes|No updates are to be performed/i.test(StatusReason ?? '') ? 'no-changes' : 'failed';
}

function proposed(change: ResourceChange): ProposedChange {
  const action = change.Action === 'Add' ? 'add' : change.Action === 'Remove' ? 'remove' : 'modify';
  const replacement = change.Replacement === 'True' ? 'always' : change.Replacement === 'Conditional' ? 'may' : 'never';
  const details = (change.Details ?? []).toSorted((left, right) => recreation(left) - recreation(right));
  const properties = [...new Set(details.flatMap(propertyOf))];
  return { resource: change.LogicalResourceId ?? 'unknown', type: change.ResourceType ?? 'unknown', action, replacement, properties };
}

function recreation({ Target }: ResourceChangeDetail): number {
  return ['Always', 'Conditionally', 'Never'].indexOf(Target?.RequiresRecreation ?? 'Never');
}

function propertyOf({ Target, CausingEntity, ChangeSource }: ResourceChangeDetail): string[] {
  const name = Target?.Name ?? Target?.Attribute;
  if (name === undefined) return [];
  const fromResource = ChangeSource === 'ResourceReference' || ChangeSource === 'ResourceAttribute';
  return [fromResource && CausingEntity !== undefined ? `${name} (by ${CausingEntity})` : name];
}

function missing(error: unknown): boolean {
  return error instanceof Error && (/does not exist/i.test(error.message) || /ChangeSetNotFound/.test(error.name));
}
