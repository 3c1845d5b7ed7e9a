import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { ExecutionStatus, Executions } from '#ports/executions.ts';
import { codeOf, mapAwsError } from '../aws/errors.ts';

/** Step Functions as Executions. @param prefix what precedes a machine's name, for example `sluice-` */
export function createExecutions({ account, region, prefix }: { account: string; region: string; prefix: string }): Executions {
  const client = new SFNClient({ region });
  const machineArn = (machine: string): string => `arn:aws:states:${region}:${account}:stateMachine:${prefix}${machine}`;
  const executionArn = (machine: string, name: string): string =>
    `arn:aws:states:${region}:${account}:execution:${prefix}${machine}:${name}`;

  return {
    async start(machine, name, input) {
      try {
        await client.send(new StartExecutionCommand({ stateMachineArn: machineArn(machine), name, input: JSON.stringify(input) }));
        return { existed: false };
      } catch (error) {
        if (codeOf(error) === 'ExecutionAlreadyExists') return { existed: true };
        throw mapAwsError(error, `start ${machine} ${name}`);
      }
    },
    async describe(machine, name): Promise<ExecutionStatus | undefined> {
      try {
        const answer = await client.send(new DescribeExecutionCommand({ executionArn: executionArn(machine, name) }));
        const status = answer.status === 'PENDING_REDRIVE' || answer.status === undefined ? 'RUNNING' : answer.status;
        return {
          status,
          ...(answer.error === undefined ? {} : { error: answer.error }),
          ...(answer.cause === undefined ? {} : { cause: answer.cause }),
          ...(answer.input === undefined ? {} : { input: answer.input }),
        };
      } catch (error) {
        if (codeOf(error) === 'ExecutionDoesNotExist') return undefined;
        throw mapAwsError(error, `describe ${machine} ${name}`);
      }
    },
    link: (machine, name) =>
      `https://${region}.console.aws.amazon.com/states/home?region=${region}#/v2/executions/details/${executionArn(machine, name)}`,
  };
}
