import { generateKeyPairSync } from 'node:crypto';

/** A key pair as KMS makes one for `ECC_NIST_P256`; both PEM. */
export function signingKeyPair(namedCurve = 'P-256'): { privateKey: string; publicKey: string } {
  return generateKeyPairSync('ec', {
    namedCurve,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
}
