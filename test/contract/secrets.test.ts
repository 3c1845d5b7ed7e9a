import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe } from 'vitest';
import { createSecrets } from '#adapters/secrets-manager/secrets.ts';
import type { Secrets } from '#ports/secrets.ts';
import { secretsContract } from '../support/contracts/secrets.ts';
import { createFakeSecrets } from '../support/fakes/secrets.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

describe('the fake', () => {
  const secrets = createFakeSecrets();
  const label = async (id: string, name: string, value: string): Promise<void> => void secrets.labelled.set(`${id}@${name}`, value);
  secretsContract(() => ({ secrets, label }));
});

describe('Secrets Manager', () => {
  let aws: Ministack;
  let secrets: Secrets;
  let operator: SecretsManagerClient;
  beforeAll(async () => {
    aws = await startMinistack();
    secrets = createSecrets(aws.of('111111111111'));
    operator = new SecretsManagerClient(aws.of('111111111111'));
  }, 70_000);
  afterAll(() => aws.stop());

  secretsContract(() => ({
    secrets,
    async label(id, label, value) {
      await operator.send(new PutSecretValueCommand({ SecretId: id, SecretString: value, VersionStages: [label] }));
    },
  }));
});
