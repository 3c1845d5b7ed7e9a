import { planClient, trustedAuthorities, validity } from '#domain/identity.ts';
import { secretIds } from '#domain/names.ts';
import { NotFoundError } from '#model/errors.ts';
import { AuthoritySecret, type ClientIdentity } from '#model/identity.ts';
import type { Authority } from '#ports/authority.ts';
import type { Clock } from '#ports/clock.ts';
import type { Secrets } from '#ports/secrets.ts';

/**
 * Mints the certificate of 30 minutes by which Sluice enters a cluster's API (`kubernetes`) or etcd.
 * @throws NotFoundError when the cluster has no identity yet; TransientError
 */
export async function mintClient(
  ports: { secrets: Secrets; authority: Authority; clock: Clock },
  cluster: string,
  target: 'kubernetes' | 'etcd',
): Promise<ClientIdentity> {
  const text = await ports.secrets.get(secretIds.authority(cluster));
  if (text === undefined) throw new NotFoundError(`cluster ${cluster} has no identity: issue-identity must run first`);
  const files = AuthoritySecret.parse(JSON.parse(text));
  const { signer, request } = planClient(target);
  const ca = { certificate: files[`${signer}.crt`], key: files[`${signer}.key`] };
  const pair = await ports.authority.issue(ca, { ...request, ...validity('client', ports.clock.now()) });
  const trusted = target === 'kubernetes' ? trustedAuthorities(files) : ca.certificate;
  return { ca: trusted, cert: pair.certificate, key: pair.key };
}
