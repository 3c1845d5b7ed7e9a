import { afterAll, beforeAll, describe } from 'vitest';
import { createSecrets } from '#adapters/secrets-manager/secrets.ts';
import type { Secrets } from '#ports/secrets.ts';
import { secretsContract } from '../support/contracts/secrets.ts';
import { createFakeSecrets } from '../support/fakes/secrets.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

describe('the fake', () => {
  const secrets = createFakeSecrets();
  secretsContract(() => secrets);
});

describe('Secrets Manager', () => {
  let aws: Ministack;
  let secrets: Secrets;
  beforeAll(async () => {
    aws = await startMinistack();
    secrets = createSecrets(aws.of('111111111111'));
  }, 70_000);
  afterAll(() => aws.stop());

  secretsContract(() => secrets);
});
