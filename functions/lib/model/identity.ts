import * as z from 'zod';

const Pem = z.string().startsWith('-----BEGIN ');

/** Files of the secret `sluice/<cluster>/authority`: what everything else of a cluster's identity is made from. */
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
});
export type AuthoritySecret = z.infer<typeof AuthoritySecret>;

/** Files of a secret that instances fetch: file name -> content. */
export const IdentityFiles = z.record(z.string(), z.string());
export type IdentityFiles = z.infer<typeof IdentityFiles>;

/** What a client of a cluster's API or etcd needs: the authority to trust, its own certificate and key, all PEM. */
export interface ClientIdentity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}
