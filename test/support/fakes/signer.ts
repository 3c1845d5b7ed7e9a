import { sign } from 'node:crypto';
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
}

/** KMS in memory: one key pair of P-256. */
export function createFakeSigner(): FakeSigner {
  const pair = signingKeyPair();
  const other = signingKeyPair();
  const signer: FakeSigner = {
    publicKeyPem: pair.publicKey,
    signed: 0,
    fails: undefined,
    wrongKey: false,
    async sign(text) {
      if (signer.fails !== undefined) throw signer.fails;
      signer.signed += 1;
      const key = signer.wrongKey ? other.privateKey : pair.privateKey;
      return sign('sha256', Buffer.from(text), key).toString('base64');
    },
    async publicKey() {
      if (signer.fails !== undefined) throw signer.fails;
      return { key: 'key/fake', pem: pair.publicKey };
    },
  };
  return signer;
}
