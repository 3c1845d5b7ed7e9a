import { createHash, createPublicKey } from 'node:crypto';
import {
  GenerateMacCommand,
  GetPublicKeyCommand,
  KMSClient,
  type KMSClientConfig,
  KMSInvalidMacException,
  SignCommand,
  VerifyMacCommand,
} from '@aws-sdk/client-kms';
import { RefusedError, TransientError } from '#model/errors.ts';
import type { Signer } from '#ports/signer.ts';
import { mapAwsError } from '../aws/errors.ts';

const ALGORITHM = 'ECDSA_SHA_256';
const MAC = 'HMAC_SHA_256';

/**
 * Keys of KMS for signing, by id or ARN.
 * @param key of the kind `ECC_NIST_P256`
 * @param macKey of the kind `HMAC_256`; with it texts are signed by that one, and those signed by either are checked
 */
export function createSigner(key: string, config: KMSClientConfig = {}, macKey?: string): Signer {
  const kms = new KMSClient(config);
  const publicKey: Signer['publicKey'] = async () => {
    const what = `read the public half of the key ${key}`;
    const answer = await kms.send(new GetPublicKeyCommand({ KeyId: key })).catch((error: unknown) => {
      throw mapAwsError(error, what);
    });
    if (answer.PublicKey === undefined || answer.KeyId === undefined) throw new TransientError(`could not ${what}: KMS told none`);
    if (answer.SigningAlgorithms?.includes(ALGORITHM) !== true) {
      throw new RefusedError(`the key ${key} does not sign by ${ALGORITHM}: it must be one of the kind ECC_NIST_P256`);
    }
    const spki = createPublicKey({ key: Buffer.from(answer.PublicKey), format: 'der', type: 'spki' });
    return { key: answer.KeyId, pem: spki.export({ type: 'spki', format: 'pem' }).toString() };
  };
  return {
    publicKey,
    signs: async () => (macKey === undefined ? { algorithm: ALGORITHM, key: (await publicKey()).key } : { algorithm: MAC, key: macKey }),
    async sign(text) {
      const value = macKey === undefined ? await signatureBy(kms, key, text) : await macBy(kms, macKey, text);
      return Buffer.from(value).toString('base64');
    },
    async macFits(text, value) {
      if (macKey === undefined) return false;
      const asked = { KeyId: macKey, Message: digestOf(text), MacAlgorithm: MAC, Mac: Buffer.from(value, 'base64') } as const;
      try {
        return (await kms.send(new VerifyMacCommand(asked))).MacValid === true;
      } catch (error) {
        if (error instanceof KMSInvalidMacException) return false;
        throw mapAwsError(error, `check a MAC by the key ${macKey}`);
      }
    },
  };
}

async function signatureBy(kms: KMSClient, key: string, text: string): Promise<Uint8Array> {
  const answer = await kms
    .send(new SignCommand({ KeyId: key, Message: digestOf(text), MessageType: 'DIGEST', SigningAlgorithm: ALGORITHM }))
    .catch((error: unknown) => {
      throw mapAwsError(error, `sign by the key ${key}`);
    });
  if (answer.Signature === undefined) throw new TransientError(`could not sign by the key ${key}: KMS told no signature`);
  return answer.Signature;
}

async function macBy(kms: KMSClient, key: string, text: string): Promise<Uint8Array> {
  const answer = await kms
    .send(new GenerateMacCommand({ KeyId: key, Message: digestOf(text), MacAlgorithm: MAC }))
    .catch((error: unknown) => {
      throw mapAwsError(error, `sign by the key ${key}`);
    });
  if (answer.Mac === undefined) throw new TransientError(`could not sign by the key ${key}: KMS told no MAC`);
  return answer.Mac;
}

/** A text of more than 4096 bytes KMS takes as its digest only. */
function digestOf(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
