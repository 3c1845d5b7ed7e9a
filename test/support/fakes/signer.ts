import { createHmac, sign } from 'node:crypto';
import type { Signer } from '#ports/signer.ts';
import { signingKeyPair } from '../signing.ts';

export interface FakeSigner extends Signer {
  readonly publicKeyPem: string;
  /** How many texts were signed. */
  signed: number;
  /** What the next calls throw; undefined switches it off. */
  fails: Error | undefined;
  /** Signs by another key than the one that it shows, as a wrong setting would. */
  wrongKey: boolean;
  /** Signs by MACs. */
  byMac: boolean;
}

/** KMS in memory: one key pair of P-256, and one key for MACs. */
export function createFakeSigner(): FakeSigner {
  const pair = signingKeyPair();
  const other = signingKeyPair();
  const macBy = (secret: string, text: string): string => createHmac('sha256', secret).update(text).digest('base64');
  const signer: FakeSigner = {
    publicKeyPem: pair.publicKey,
    signed: 0,
    fails: undefined,
    wrongKey: false,
    byMac: false,
    async signs() {
      if (signer.fails !== undefined) throw signer.fails;
      return signer.byMac ? { algorithm: 'HMAC_SHA_256', key: 'key/fake-mac' } : { algorithm: 'ECDSA_SHA_256', key: 'key/fake' };
    },
    async sign(text) {
      if (signer.fails !== undefined) throw signer.fails;
      signer.signed += 1;
      const { privateKey } = signer.wrongKey ? other : pair;
      if (signer.byMac) return macBy(privateKey, text);
      return sign('sha256', Buffer.from(text), privateKey).toString('base64');
    },
    async publicKey() {
      if (signer.fails !== undefined) throw signer.fails;
      return { key: 'key/fake', pem: pair.publicKey };
    },
    async macFits(text, value) {
      if (signer.fails !== undefined) throw signer.fails;
      return macBy(pair.privateKey, text) === value;
    },
  };
  return signer;
}
