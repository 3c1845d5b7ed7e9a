import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { TransientError } from '#model/errors.ts';
import { mapAwsError } from './errors.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

/** Renewed this long before their end, so that no call starts with credentials that end under way. */
const RENEW_BEFORE_SECONDS = 300;

/**
 * Credentials of the hub's role in a cluster's account, kept per (role, session) until shortly before their end. The
 * session name is the execution's name: CloudTrail in the cluster's account then tells which execution acted.
 */
export function createRoleCredentials(region: string): (roleArn: string, session: string) => Promise<Credentials> {
  const sts = new STSClient({ region });
  const kept = new Map<string, Credentials>();
  return async (roleArn, session) => {
    const key = `${roleArn} ${session}`;
    const known = kept.get(key);
    if (known !== undefined && known.expiration.getTime() - Date.now() > RENEW_BEFORE_SECONDS * 1000) return known;
    const credentials = await assume(sts, roleArn, session);
    if (kept.size > 200) kept.clear();
    kept.set(key, credentials);
    return credentials;
  };
}

async function assume(sts: STSClient, roleArn: string, session: string): Promise<Credentials> {
  const what = `assume ${roleArn}: deploy channels/bootstrap/account.yaml in that account`;
  const answer = await sts
    .send(new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: session.slice(0, 64), DurationSeconds: 3600 }))
    .catch((error: unknown) => {
      throw mapAwsError(error, what);
    });
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer.Credentials ?? {};
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration)
    throw new TransientError(`could not ${what}: no credentials in the answer`);
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken, expiration: Expiration };
}
