import { createAuthority } from '#adapters/x509/authority.ts';
import { secretIds } from '#domain/names.ts';
import type { IdentityVersions } from '#model/configuration.ts';
import type { ClusterRef } from '#model/settings.ts';
import { issueIdentity } from '../../functions/identity/issue-identity.ts';
import { createFakeSecrets } from './fakes/secrets.ts';

/** The secret `authority` of a cluster as the identity's step makes it. @param identity generations; absent: the first of each */
export async function authoritySecret(cluster: ClusterRef, identity?: Partial<IdentityVersions>): Promise<string> {
  const secrets = createFakeSecrets();
  const ports = { secrets, authority: createAuthority(), clock: { now: () => new Date('2026-01-01T00:00:00Z') } };
  await issueIdentity.run({ cluster, ...(identity === undefined ? {} : { render: { versions: { identity } } }) }, ports, {
    execution: 'update-1',
  });
  const text = secrets.values.get(secretIds.authority(cluster.name));
  if (text === undefined) throw new Error('issue-identity made no authority');
  return text;
}
