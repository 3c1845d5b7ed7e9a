/** A certificate and its private key, both PEM (the key as PKCS #8). */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface LeafRequest {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  /** Subject alternative names. */
  readonly dns?: readonly string[];
  readonly addresses?: readonly string[];
  readonly usages: readonly ('server' | 'client')[];
  readonly from: Date;
  readonly until: Date;
}

/** Makes key pairs and certificates (ECDSA P-256, SHA-256). */
export interface Authority {
  /** A self-signed certificate authority that may sign leaves only. */
  createAuthority(commonName: string, from: Date, until: Date): Promise<KeyPair>;
  issue(authority: KeyPair, request: LeafRequest): Promise<KeyPair>;
  /**
   * A certificate for the key of a certificate request (PKCS #10, ECDSA P-256) that its sender has; all else of it is ours.
   * @throws InputError
   */
  certify(authority: KeyPair, csr: string, request: LeafRequest): Promise<string>;
  /** Whether the authority's key signed the certificate, and when that ends. @throws InputError when it can't be read */
  inspect(authority: string, certificate: string): { issued: boolean; until: Date };
  /** A key pair without certificate, for signing tokens. */
  createSigningKey(): Promise<{ key: string; publicKey: string }>;
  /** Random bytes as base64. */
  randomKey(bytes: number): string;
}
