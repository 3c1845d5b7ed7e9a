import { createObjects } from '#adapters/s3/objects.ts';
import { createSecrets } from '#adapters/secrets-manager/secrets.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { createClusterSideHandler } from '#runtime/cluster-side.ts';
import { readEnvironment, required } from '#runtime/environment.ts';
import { deleteIdentity } from './delete-identity.ts';
import { type IdentityPorts, issueIdentity } from './issue-identity.ts';

export const handler = createClusterSideHandler<IdentityPorts>([issueIdentity, deleteIdentity], async () => ({
  secrets: createSecrets({}, readEnvironment().SLUICE_SECRETS_KEY),
  authority: createAuthority(),
  issuer: createObjects(required(readEnvironment(), 'SLUICE_ISSUER_BUCKET'), {}, 'application/json'),
  clock: { now: () => new Date() },
}));
