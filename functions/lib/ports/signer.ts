/** Signs what others must be able to trust without asking who wrote it: ECDSA on P-256 over SHA-256, one key an account. */
export interface Signer {
  /** The key's id, and its public half, SPKI as PEM, by which anybody can check. @throws TransientError, RefusedError */
  publicKey(): Promise<{ key: string; pem: string }>;
  /** The signature of a text, DER in base64. @throws TransientError, RefusedError */
  sign(text: string): Promise<string>;
}
