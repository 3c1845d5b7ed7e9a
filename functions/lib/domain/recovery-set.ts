import { createPublicKey, X509Certificate } from 'node:crypto';
import type { AuthoritySecret } from '../model/identity.ts';
import type { RecoverySet } from '../model/records.ts';
import { generationsOf } from './generations.ts';
import { sha256 } from './hash.ts';

/**
 * What must be at hand, besides the snapshot, to bring its cluster back: named by versions, fingerprints and ids, never by keys.
 * @param version that Secrets Manager gave this version of the secret
 * @throws InputError when the authority holds no encryption key
 */
export function recoverySetOf(secret: string, version: string, files: AuthoritySecret): RecoverySet {
  const { state, clusterCa, serviceAccounts } = generationsOf(files);
  const issuedFirst = (trusted: readonly number[], issues: number): number[] => [issues, ...trusted.filter((one) => one !== issues)];
  return {
    identity: { secret, version },
    encryptionKeys: issuedFirst(state.encryption.trusted, state.encryption.issues).map((generation) => `key${generation}`),
    clusterCa: issuedFirst(state.clusterCa.trusted, state.clusterCa.issues).map((one) => fingerprint(clusterCa[one]?.certificate ?? '')),
    etcdCa: fingerprint(files['etcd-ca.crt']),
    frontProxyCa: fingerprint(files['front-proxy-ca.crt']),
    serviceAccountKeys: issuedFirst(state.serviceAccounts.trusted, state.serviceAccounts.issues).map((one) =>
      keyId(serviceAccounts[one]?.publicKey ?? ''),
    ),
  };
}

/** SHA-256 of a certificate's DER as 64 hex digits, as `openssl x509 -fingerprint -sha256` shows it with colons. */
function fingerprint(pem: string): string {
  return sha256(new X509Certificate(pem).raw);
}

/** The `kid` in the tokens that the API server signs: SHA-256 of the public key's DER, base64url. */
function keyId(publicKey: string): string {
  const der = createPublicKey(publicKey).export({ type: 'spki', format: 'der' });
  return Buffer.from(sha256(der), 'hex').toString('base64url');
}
