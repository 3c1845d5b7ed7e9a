import { createHash, createPublicKey } from 'node:crypto';
import { GetPublicKeyCommand, KMSClient, type KMSClientConfig, SignCommand } from '@aws-sdk/client-kms';
import { RefusedError, TransientError } from '#model/errors.ts';
import type { Signer } from '#ports/signer.ts';
import { mapAwsError } from '../aws/errors.ts';

const ALGORITHM = 'ECDSA_SHA_256';

/** A key of KMS for signing, of the kind `ECC_NIST_P256`. @param key its id or ARN */
export function createSigner(key: string, config: KMSClientConfig = {}): Signer {
  const kms = new KMSClient(config);
  return {
    async publicKey() {
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
    },
    async sign(text) {
      // A text of more than 4096 bytes KMS takes as its digest only.
      const Message = createHash('sha256').update(text).digest();
      const answer = await kms
        .send(new SignCommand({ KeyId: key, Message, MessageType: 'DIGEST', SigningAlgorithm: ALGORITHM }))
        .catch((error: unknown) => {
          throw mapAwsError(error, `sign by the key ${key}`);
        });
      if (answer.Signature === undefined) throw new TransientError(`could not sign by the key ${key}: KMS told no signature`);
      return Buffer.from(answer.Signature).toString('base64');
    },
  };
}
