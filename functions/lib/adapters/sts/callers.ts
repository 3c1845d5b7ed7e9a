import { GetCallerIdentityCommand, STSClient, type STSClientConfig } from '@aws-sdk/client-sts';
import { TransientError } from '#model/errors.ts';
import type { Callers, SignedRequest } from '#ports/callers.ts';
import { mapAwsError } from '../aws/errors.ts';

/** What the signer of a request has to sign, byte for byte. */
const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';

/** STS of the function's own region. Only that endpoint is ever called: where a request goes is not the sender's to say. */
export function createCallers(config: STSClientConfig = {}): Callers {
  return {
    async identify(request) {
      // A refused signature stays refused; whoever asks tries again.
      const client = new STSClient({ ...config, maxAttempts: 1, signer: signerOf(request) });
      try {
        const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}));
        if (Account === undefined || Arn === undefined) throw new TransientError('STS answered without an identity');
        return { account: Account, arn: Arn };
      } catch (error) {
        throw error instanceof TransientError ? error : mapAwsError(error, 'find out who signed the request');
      } finally {
        client.destroy();
      }
    },
  };
}

/** In place of a signature of ours, the one that came. */
function signerOf({ authorization, date, token, bound }: SignedRequest): NonNullable<STSClientConfig['signer']> {
  return {
    async sign(request) {
      return {
        ...request,
        method: 'POST',
        path: '/',
        query: {},
        body: BODY,
        headers: {
          host: request.headers['host'] ?? request.hostname,
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': String(BODY.length),
          'x-amz-date': date,
          'x-amz-security-token': token,
          authorization,
          ...bound,
        },
      };
    },
  };
}
