import {
  CreateActivityCommand,
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  GetActivityTaskCommand,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createExecutions } from '#adapters/step-functions/executions.ts';
import { RefusedError } from '#model/errors.ts';
import { until } from '../support/child.ts';
import { type ExecutionsUnderTest, executionsContract } from '../support/contracts/executions.ts';
import { createFakeExecutions } from '../support/fakes/executions.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

const ACCOUNT = '111111111111';
const REGION = 'eu-central-1';

describe('the fake', () => {
  const executions = createFakeExecutions();
  const under: ExecutionsUnderTest = {
    executions,
    end: async (name, status, detail) => executions.set('waiter', name, { status, ...detail }),
  };
  executionsContract(() => under);
});

describe('Step Functions', () => {
  let aws: Ministack;
  let under: ExecutionsUnderTest;
  const before = { ...process.env };
  beforeAll(async () => {
    aws = await startMinistack();
    // The adapter takes the SDK's own variables, as it does in a Lambda function.
    Object.assign(process.env, { AWS_ENDPOINT_URL: aws.endpoint, AWS_ACCESS_KEY_ID: ACCOUNT, AWS_SECRET_ACCESS_KEY: 'test' });
    under = await waiter(new SFNClient(aws.of(ACCOUNT)));
  }, 70_000);
  afterAll(async () => {
    for (const name of ['AWS_ENDPOINT_URL', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
    await aws.stop();
  });

  executionsContract(() => under);

  it('refuses a machine that is not deployed', async () => {
    const start = under.executions.start('absent', 'one', {});

    await expect(start).rejects.toThrow(RefusedError);
    await expect(start).rejects.toThrow('could not start absent one: StateMachineDoesNotExist');
  });
});

/** A machine of one activity, so that the test ends each execution as it likes. */
async function waiter(client: SFNClient): Promise<ExecutionsUnderTest> {
  const { activityArn } = await client.send(new CreateActivityCommand({ name: 'wait' }));
  const wait = { Type: 'Task', Resource: activityArn, Parameters: { 'name.$': '$$.Execution.Name' }, End: true };
  const definition = JSON.stringify({ StartAt: 'wait', States: { wait } });
  await client.send(
    new CreateStateMachineCommand({ name: 'sluice-waiter', definition, roleArn: `arn:aws:iam::${ACCOUNT}:role/state-machines` }),
  );
  const tokens = new Map<string, string>();
  const tokenOf = (name: string): Promise<string> =>
    until(`the task of ${name}`, async () => {
      if (tokens.has(name)) return tokens.get(name);
      const { taskToken, input } = await client.send(new GetActivityTaskCommand({ activityArn }));
      if (taskToken !== undefined) tokens.set((JSON.parse(input ?? '{}') as { name: string }).name, taskToken);
      return tokens.get(name);
    });
  return {
    executions: createExecutions({ account: ACCOUNT, region: REGION, prefix: 'sluice-' }),
    async end(name, how, detail) {
      const executionArn = `arn:aws:states:${REGION}:${ACCOUNT}:execution:sluice-waiter:${name}`;
      if (how === 'ABORTED') await client.send(new StopExecutionCommand({ executionArn, ...detail }));
      if (how === 'FAILED') await client.send(new SendTaskFailureCommand({ taskToken: await tokenOf(name), ...detail }));
      if (how === 'SUCCEEDED') await client.send(new SendTaskSuccessCommand({ taskToken: await tokenOf(name), output: '{}' }));
      await until(`the end of ${name}`, async () => {
        const { status } = await client.send(new DescribeExecutionCommand({ executionArn }));
        return status === how ? true : undefined;
      });
    },
  };
}
