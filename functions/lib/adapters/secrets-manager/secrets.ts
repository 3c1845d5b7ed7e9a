import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  type SecretsManagerClientConfig,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { NotFoundError } from '#model/errors.ts';
import type { Secrets } from '#ports/secrets.ts';
import { codeOf, mapAwsError } from '../aws/errors.ts';

/** Label of a version that is written and not yet the current one. */
const NEXT = 'sluice-next';

/** Secrets Manager of the function's own account. @param key KMS key of secrets that are made; absent: the service's own */
export function createSecrets(config: SecretsManagerClientConfig = {}, key?: string): Secrets {
  const client = new SecretsManagerClient(config);
  return {
    async get(id) {
      try {
        const answer = await client.send(new GetSecretValueCommand({ SecretId: id }));
        return answer.SecretString;
      } catch (error) {
        if (codeOf(error) === 'ResourceNotFoundException') return undefined;
        throw mapAwsError(error, `read secret ${id}`);
      }
    },
    async getVersion(id, label) {
      const VersionStage = label ?? 'AWSCURRENT';
      try {
        const { SecretString, VersionId = '' } = await client.send(new GetSecretValueCommand({ SecretId: id, VersionStage }));
        return SecretString === undefined ? undefined : { value: SecretString, version: VersionId };
      } catch (error) {
        if (codeOf(error) === 'ResourceNotFoundException') return undefined;
        throw mapAwsError(error, `read version ${VersionStage} of secret ${id}`);
      }
    },
    async create(id, value, tags) {
      const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
      try {
        await client.send(
          new CreateSecretCommand({ Name: id, SecretString: value, Tags, ...(key === undefined ? {} : { KmsKeyId: key }) }),
        );
        return true;
      } catch (error) {
        if (codeOf(error) === 'ResourceExistsException') return false;
        throw mapAwsError(error, `create secret ${id}`);
      }
    },
    async replace(id, value, version) {
      try {
        const { VersionId } = await client.send(new PutSecretValueCommand({ SecretId: id, SecretString: value, VersionStages: [NEXT] }));
        const stage = { VersionStage: 'AWSCURRENT', MoveToVersionId: VersionId, RemoveFromVersionId: version };
        // The one call that fails when the label has gone from the version that was read.
        await client.send(new UpdateSecretVersionStageCommand({ SecretId: id, ...stage }));
        return true;
      } catch (error) {
        if (codeOf(error) === 'InvalidParameterException') return false;
        if (codeOf(error) === 'ResourceNotFoundException') throw new NotFoundError(`there is no secret ${id}`, { cause: error });
        throw mapAwsError(error, `write secret ${id}`);
      }
    },
    async delete(id, recoveryDays) {
      const how = recoveryDays === undefined ? { ForceDeleteWithoutRecovery: true } : { RecoveryWindowInDays: recoveryDays };
      await client.send(new DeleteSecretCommand({ SecretId: id, ...how })).catch((error: unknown) => {
        if (codeOf(error) === 'ResourceNotFoundException') return;
        throw mapAwsError(error, `delete secret ${id}`);
      });
    },
  };
}
