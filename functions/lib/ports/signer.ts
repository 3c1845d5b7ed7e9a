import type { ManifestSignature } from '#model/backup-records.ts';

/** Tells whether somebody's signature is one of the account's keys. */
export interface SignatureChecker {
  /** The signing key's id, and its public half, SPKI as PEM, by which anybody can check. @throws TransientError, RefusedError */
  publicKey(): Promise<{ key: string; pem: string }>;
  /** Whether the account's key for MACs made this value of a text; false where it has no such key. @throws TransientError, RefusedError */
  macFits(text: string, value: string): Promise<boolean>;
}

/**
 * Signs what others must be able to trust without asking who wrote it: ECDSA on P-256 over SHA-256, one key an account; or, by the
 * account's setting, a MAC by a key that never leaves KMS: then only KMS can tell whether it fits.
 */
export interface Signer extends SignatureChecker {
  /** How it signs, and the id of the key that it signs by. @throws TransientError, RefusedError */
  signs(): Promise<Pick<ManifestSignature, 'algorithm' | 'key'>>;
  /** The signature of a text, in base64: DER, or the MAC of its SHA-256. @throws TransientError, RefusedError */
  sign(text: string): Promise<string>;
}
