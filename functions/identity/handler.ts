import { createSecrets } from '#adapters/secrets-manager/secrets.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { createClusterSideHandler } from '#runtime/cluster-side.ts';
import { readEnvironment } from '#runtime/environment.ts';
import { deleteIdentity } from './delete-identity.ts';
import { type IdentityPorts, issueIdentity } from './issue-identity.ts';

export const handler = createClusterSideHandler<IdentityPorts>([issueIdentity, deleteIdentity], async () => ({
  secrets: createSecrets({}, readEnvironment().SLUICE_SECRETS_KEY),
  authority: createAuthority(),
  clock: { now: () => new Date() },
}));
