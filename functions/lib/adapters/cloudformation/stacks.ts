import {
  CloudFormationClient,
  ContinueUpdateRollbackCommand,
  CreateChangeSetCommand,
  DeleteChangeSetCommand,
  DeleteStackCommand,
  DescribeChangeSetCommand,
  DescribeEventsCommand,
  DescribeStackEventsCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
  type Stack,
} from '@aws-sdk/client-cloudformation';
import { hubRoleArn, stackName } from '#domain/names.ts';
import type { AccountStacks, ChangeSetState, StackResource, StackState, Stacks } from '#ports/stacks.ts';
import { createRoleCredentials } from '../aws/credentials.ts';
import { codeOf, mapAwsError } from '../aws/errors.ts';
import { setTerminationProtection } from './guards.ts';

/** CloudFormation of cluster accounts, each entered by the account's hub role. */
export function createAccountStacks(region: string): AccountStacks {
  const credentialsOf = createRoleCredentials(region);
  return {
    of: (account, accountRegion, session) =>
      createStacks(new CloudFormationClient({ region: accountRegion, credentials: () => credentialsOf(hubRoleArn(account), session) })),
  };
}

/** One account's CloudFormation as Stacks. */
export function createStacks(client: CloudFormationClient): Stacks {
  async function describe(name: string): Promise<StackState | undefined> {
    try {
      const answer = await client.send(new DescribeStacksCommand({ StackName: name }));
      const stack = answer.Stacks?.[0];
      return stack === undefined || stack.StackStatus === 'DELETE_COMPLETE' ? undefined : stackState(stack);
    } catch (error) {
      if (missing(error)) return undefined;
      throw mapAwsError(error, `describe stack ${name}`);
    }
  }

  return {
    describe,
    async createChangeSet(request, type) {
      const command = new CreateChangeSetCommand({
        StackName: request.name,
        ChangeSetName: request.changeSet,
        ChangeSetType: type,
        TemplateBody: request.template,
        Capabilities: ['CAPABILITY_NAMED_IAM'],
        Parameters: Object.entries(request.parameters).map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue })),
        Tags: Object.entries(request.tags).map(([Key, Value]) => ({ Key, Value })),
      });
      await client.send(command).catch((error: unknown) => {
        if (codeOf(error) === 'AlreadyExistsException') return;
        throw mapAwsError(error, `create a change set for stack ${request.name}`);
      });
    },
    describeChangeSet: (stack, changeSet) => describeChangeSet(client, stack, changeSet),
    async executeChangeSet(stack, changeSet) {
      await client.send(new ExecuteChangeSetCommand({ StackName: stack, ChangeSetName: changeSet })).catch((error: unknown) => {
        throw mapAwsError(error, `execute the change set of stack ${stack}`);
      });
    },
    async deleteChangeSet(stack, changeSet) {
      await client.send(new DeleteChangeSetCommand({ StackName: stack, ChangeSetName: changeSet })).catch((error: unknown) => {
        if (missing(error)) return;
        throw mapAwsError(error, `delete the change set of stack ${stack}`);
      });
    },
    async deleteStack(name, retain = []) {
      await setTerminationProtection(client, name, false);
      const options = retain.length === 0 ? {} : { RetainResources: [...retain] };
      await client.send(new DeleteStackCommand({ StackName: name, ...options })).catch((error: unknown) => {
        throw mapAwsError(error, `delete stack ${name}`);
      });
    },
    async continueRollback(name, skip) {
      const options = skip.length === 0 ? {} : { ResourcesToSkip: [...skip] };
      await client.send(new ContinueUpdateRollbackCommand({ StackName: name, ...options })).catch((error: unknown) => {
        throw mapAwsError(error, `continue the rollback of stack ${name}`);
      });
    },
    resources: (name) => resources(client, name),
    failures: (name) => failures(client, name),
    listOfCluster: (cluster) => listOfCluster(client, cluster),
  };
}

async function describeChangeSet(client: CloudFormationClient, stack: string, changeSet: string): Promise<ChangeSetState | undefined> {
  try {
    const answer = await client.send(new DescribeChangeSetCommand({ StackName: stack, ChangeSetName: changeSet }));
    const replacements = (answer.Changes ?? [])
      .filter((change) => change.ResourceChange?.Replacement === 'True' || change.ResourceChange?.Action === 'Remove')
      .map((change) => change.ResourceChange?.LogicalResourceId ?? 'unknown');
    const reason = answer.StatusReason;
    const detail =
      reason === undefined ? {} : { reason: await withValidation(client, reason, { StackName: stack, ChangeSetName: changeSet }) };
    if (answer.ExecutionStatus === 'OBSOLETE') return { state: 'obsolete', replacements, ...detail };
    if (answer.ExecutionStatus?.startsWith('EXECUTE_') === true) return { state: 'executed', replacements, ...detail };
    if (answer.Status === 'CREATE_COMPLETE') return { state: 'ready', replacements, ...detail };
    if (answer.Status !== 'FAILED') return { state: 'creating', replacements, ...detail };
    // CloudFormation has no status of its own for this; the text is documented for `aws cloudformation deploy`.
    const noChanges = /didn't contain changes|No updates are to be performed/i.test(reason ?? '');
    return { state: noChanges ? 'no-changes' : 'failed', replacements, ...detail };
  } catch (error) {
    if (missing(error) || codeOf(error) === 'ChangeSetNotFoundException' || codeOf(error) === 'ChangeSetNotFound') return undefined;
    throw mapAwsError(error, `describe the change set of stack ${stack}`);
  }
}

/** The stack's own status when CloudFormation begins an operation; a rollback belongs to the operation that it ends. */
const OPERATION_STARTS = new Set(['CREATE_IN_PROGRESS', 'UPDATE_IN_PROGRESS', 'DELETE_IN_PROGRESS', 'IMPORT_IN_PROGRESS']);

async function failures(client: CloudFormationClient, name: string): Promise<{ resource: string; type: string; reason: string }[]> {
  const answer = await client.send(new DescribeStackEventsCommand({ StackName: name })).catch((error: unknown) => {
    if (missing(error)) return undefined;
    throw mapAwsError(error, `read the events of stack ${name}`);
  });
  const events = answer?.StackEvents ?? [];
  // Newest first; what lies before the start of the last operation belongs to an older one.
  const start = events.findIndex((event) => event.PhysicalResourceId === event.StackId && OPERATION_STARTS.has(event.ResourceStatus ?? ''));
  const failed = (start === -1 ? events : events.slice(0, start))
    .filter((event) => event.ResourceStatus?.endsWith('_FAILED'))
    .map((event) => ({
      resource: event.LogicalResourceId ?? 'unknown',
      type: event.ResourceType ?? 'unknown',
      reason: event.ResourceStatusReason ?? 'no reason given',
    }))
    .reverse();
  const pointer = failed.some(({ reason }) => NAMES_EVENTS.test(reason));
  return pointer ? [...(await validationErrors(client, { StackName: name })), ...failed] : failed;
}

async function resources(client: CloudFormationClient, name: string): Promise<StackResource[]> {
  const answer = await client.send(new DescribeStackResourcesCommand({ StackName: name })).catch((error: unknown) => {
    if (missing(error)) return undefined;
    throw mapAwsError(error, `read the resources of stack ${name}`);
  });
  return (answer?.StackResources ?? []).map((found) => ({
    resource: found.LogicalResourceId ?? 'unknown',
    type: found.ResourceType ?? 'unknown',
    status: found.ResourceStatus ?? 'UNKNOWN',
    reason: found.ResourceStatusReason ?? '',
    physicalId: found.PhysicalResourceId ?? '',
  }));
}

/** CloudFormation's early validation names no resource in a status reason; it points to its API DescribeEvents. */
const NAMES_EVENTS = /DescribeEvents/;

async function withValidation(
  client: CloudFormationClient,
  reason: string,
  of: { StackName: string; ChangeSetName: string },
): Promise<string> {
  if (!NAMES_EVENTS.test(reason)) return reason;
  const errors = await validationErrors(client, of);
  return errors.length === 0 ? reason : errors.map((error) => `${error.type} ${error.resource}: ${error.reason}`).join('; ');
}

/** What early validation found in the last operation. */
async function validationErrors(client: CloudFormationClient, of: { StackName: string; ChangeSetName?: string }) {
  const answer = await client.send(new DescribeEventsCommand({ ...of, Filters: { FailedEvents: true } })).catch((error: unknown) => {
    throw mapAwsError(error, `read what CloudFormation found wrong with stack ${of.StackName}`);
  });
  const errors = (answer.OperationEvents ?? []).filter((event) => event.EventType === 'VALIDATION_ERROR');
  return errors
    .filter((event) => event.OperationId === errors[0]?.OperationId)
    .map((event) => ({
      resource: event.LogicalResourceId ?? 'unknown',
      type: event.ResourceType ?? 'unknown',
      reason: event.ValidationStatusReason ?? 'no reason given',
    }));
}

async function listOfCluster(client: CloudFormationClient, cluster: string): Promise<StackState[]> {
  const found: StackState[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(new DescribeStacksCommand(token === undefined ? {} : { NextToken: token })).catch((error: unknown) => {
      throw mapAwsError(error, 'list stacks');
    });
    for (const stack of page.Stacks ?? []) {
      if (stack.StackStatus === 'DELETE_COMPLETE') continue;
      const state = stackState(stack);
      if (state.tags['sluice:cluster'] === cluster || isShellOf(cluster, state)) found.push(state);
    }
    token = page.NextToken;
  } while (token !== undefined);
  return found;
}

/** A stack that has nothing but a change set need not show the tags that it will get: it is known by its name. */
function isShellOf(cluster: string, { name, status, tags }: StackState): boolean {
  if (status !== 'REVIEW_IN_PROGRESS' || tags['sluice:cluster'] !== undefined) return false;
  const prefix = stackName(cluster, '');
  return name.startsWith(prefix) && /^(network|etcd|control-plane|pool-[a-z0-9-]+)$/.test(name.slice(prefix.length));
}

function stackState(stack: Stack): StackState {
  return {
    name: stack.StackName ?? '',
    status: stack.StackStatus ?? 'UNKNOWN',
    ...(stack.StackStatusReason === undefined ? {} : { statusReason: stack.StackStatusReason }),
    parameters: Object.fromEntries((stack.Parameters ?? []).map((entry) => [entry.ParameterKey ?? '', entry.ParameterValue ?? ''])),
    outputs: Object.fromEntries((stack.Outputs ?? []).map((entry) => [entry.OutputKey ?? '', entry.OutputValue ?? ''])),
    tags: Object.fromEntries((stack.Tags ?? []).map((entry) => [entry.Key ?? '', entry.Value ?? ''])),
  };
}

function missing(error: unknown): boolean {
  return error instanceof Error && /does not exist/i.test(error.message);
}
