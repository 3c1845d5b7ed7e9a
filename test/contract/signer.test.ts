import { CreateKeyCommand, type KeySpec, type KeyUsageType, KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSigner } from '#adapters/kms/signer.ts';
import { RefusedError, TransientError } from '#model/errors.ts';
import { signerContract } from '../support/contracts/signer.ts';
import { createFakeSigner } from '../support/fakes/signer.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

describe('the fake', () => signerContract(createFakeSigner));
describe('the fake that signs by MACs', () => signerContract(() => Object.assign(createFakeSigner(), { byMac: true }), 'HMAC_SHA_256'));

describe('KMS', () => {
  let aws: Ministack;
  let key: string;
  let macKey: string;
  beforeAll(async () => {
    aws = await startMinistack();
    key = await keyOf('ECC_NIST_P256');
    macKey = await keyOf('HMAC_256', 'GENERATE_VERIFY_MAC');
  }, 70_000);
  afterAll(() => aws.stop());

  const config = () => aws.of('111111111111');
  const keyOf = async (KeySpec: KeySpec, KeyUsage: KeyUsageType = 'SIGN_VERIFY'): Promise<string> => {
    const made = await new KMSClient(config()).send(new CreateKeyCommand({ KeySpec, KeyUsage }));
    return made.KeyMetadata?.Arn ?? '';
  };

  signerContract(() => createSigner(key, config()));

  describe('by MACs', () => {
    signerContract(() => createSigner(key, config(), macKey), 'HMAC_SHA_256');

    it('checks by its own key, whoever made the MAC', async () => {
      const other = createSigner(key, config(), await keyOf('HMAC_256', 'GENERATE_VERIFY_MAC'));
      const value = await other.sign('a text');

      expect(await other.macFits('a text', value)).toBe(true);
      expect(await createSigner(key, config(), macKey).macFits('a text', value)).toBe(false);
      expect(await createSigner(key, config()).macFits('a text', value)).toBe(false);
    });

    it('names a key of another kind', async () => {
      await expect(createSigner(key, config(), key).sign('a text')).rejects.toBeInstanceOf(RefusedError);
      await expect(createSigner(key, config(), key).macFits('a text', 'eA==')).rejects.toBeInstanceOf(RefusedError);
    });
  });

  it('names a key that is not there, and one of another kind', async () => {
    const absent = createSigner(key.replace(/[^/]+$/, '00000000-0000-4000-8000-000000000000'), config());

    await expect(absent.sign('a text')).rejects.toBeInstanceOf(RefusedError);
    await expect(absent.publicKey()).rejects.toBeInstanceOf(RefusedError);
    await expect(createSigner(await keyOf('ECC_NIST_P384'), config()).publicKey()).rejects.toThrow(/must be one of the kind ECC_NIST_P256/);
  });

  it('leaves an AWS that does not answer to a retry', async () => {
    const signer = createSigner(key, { ...config(), endpoint: 'http://127.0.0.1:9', maxAttempts: 1 });

    await expect(signer.sign('a text')).rejects.toBeInstanceOf(TransientError);
  });
});
