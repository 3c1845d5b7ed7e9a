import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { clusterSideFunctionName, hubRoleArn } from '#domain/names.ts';
import { SluiceError, TransientError } from '#model/errors.ts';
import type { Reach } from '#ports/reach.ts';
import { createRoleCredentials } from '../aws/credentials.ts';
import { mapAwsError } from '../aws/errors.ts';

/** What a Lambda answers when its handler threw. */
const FunctionFailure = z.object({ errorType: z.string().default('Lambda.Unknown'), errorMessage: z.string().default('no message') });

/** Invokes the functions of a cluster's account. @param roleArn role of the account, by its id, that it does so under */
export function createReach(region: string, roleArn: (account: string) => string = hubRoleArn): Reach {
  const credentialsOf = createRoleCredentials(region);
  return {
    async invoke(cluster, target, payload, session) {
      const name = clusterSideFunctionName(target);
      const client = new LambdaClient({
        region: cluster.region,
        credentials: () => credentialsOf(roleArn(cluster.account), session),
        requestHandler: { requestTimeout: 905_000 },
        // A repeated invocation is the state machine's decision: its history then tells of each one.
        maxAttempts: 1,
      });
      const what = `invoke ${name} of ${cluster.name} in account ${cluster.account}`;
      const answer = await client
        .send(new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(payload) }))
        .catch((error: unknown) => {
          throw mapAwsError(error, what);
        });
      const text = new TextDecoder().decode(answer.Payload ?? new Uint8Array());
      const body = parseAnswer(text, what);
      if (answer.FunctionError === undefined) return body;
      throw remoteError(body, what);
    },
  };
}

function parseAnswer(text: string, what: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch (error) {
    throw new TransientError(`could not ${what}: the answer is not JSON`, { cause: error });
  }
}

/** The remote step's error under its own name, so that Retry and Catch of the hub's machines see it. */
function remoteError(body: unknown, what: string): Error {
  const failure = FunctionFailure.safeParse(body);
  if (!failure.success) return new TransientError(`could not ${what}: it failed without a reason`);
  const { errorType, errorMessage } = failure.data;
  const error = new SluiceError(errorMessage, { cause: what });
  Object.defineProperty(error, 'name', { value: errorType });
  return error;
}
