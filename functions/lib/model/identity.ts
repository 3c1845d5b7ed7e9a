import * as z from 'zod';
import { IdentityVersions } from './configuration.ts';

const Pem = z.string().startsWith('-----BEGIN ');

/** `generations.json` of an authority: each kind's generations by number, and which of them are in use how. */
export const Generations = z.object({
  state: IdentityVersions,
  clusterCa: z.record(z.string(), z.object({ certificate: Pem, key: Pem })),
  serviceAccounts: z.record(z.string(), z.object({ key: Pem, publicKey: Pem })),
  encryption: z.record(z.string(), z.string().min(1)),
});
export type Generations = z.infer<typeof Generations>;

/**
 * Files of the secret `sluice/<cluster>/authority`: what everything else of a cluster's identity is made from. `ca` and `sa` are
 * the generations that issue; bundles hold all that are trusted.
 */
export const AuthoritySecret = z.object({
  'ca.crt': Pem,
  'ca.key': Pem,
  'etcd-ca.crt': Pem,
  'etcd-ca.key': Pem,
  'front-proxy-ca.crt': Pem,
  'front-proxy-ca.key': Pem,
  'sa.key': Pem,
  'sa.pub': Pem,
  'encryption.yaml': z.string().min(1),
  'ca-bundle.crt': Pem.optional(),
  'generations.json': z.string().optional(),
});
export type AuthoritySecret = z.infer<typeof AuthoritySecret>;

const Base64Url = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'Must be 32 bytes in base64url.');

/** The public keys of a cluster's service accounts as the world reads them (RFC 7517): nothing that is not named here. */
export const PublicKeySet = z.strictObject({
  keys: z.array(
    z.strictObject({
      kty: z.literal('EC'),
      crv: z.literal('P-256'),
      x: Base64Url,
      y: Base64Url,
      kid: Base64Url,
      use: z.literal('sig'),
      alg: z.literal('ES256'),
    }),
  ),
});
export type PublicKeySet = z.infer<typeof PublicKeySet>;

/** Files of a secret that instances fetch: file name -> content. */
export const IdentityFiles = z.record(z.string(), z.string());
export type IdentityFiles = z.infer<typeof IdentityFiles>;

/** What a client of a cluster's API or etcd needs: the authority to trust, its own certificate and key, all PEM. */
export interface ClientIdentity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}
