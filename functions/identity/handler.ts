import { createObjects } from '#adapters/s3/objects.ts';
import { createSecrets } from '#adapters/secrets-manager/secrets.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { issuerBucketName } from '#domain/names.ts';
import { createClusterSideHandler } from '#runtime/cluster-side.ts';
import { readEnvironment } from '#runtime/environment.ts';
import { deleteIdentity } from './delete-identity.ts';
import { type IdentityPorts, issueIdentity } from './issue-identity.ts';

export const handler = createClusterSideHandler<IdentityPorts>([issueIdentity, deleteIdentity], async () => {
  const { SLUICE_SECRETS_KEY, SLUICE_ACCOUNT, AWS_REGION } = readEnvironment();
  return {
    secrets: createSecrets({}, SLUICE_SECRETS_KEY),
    authority: createAuthority(),
    issuer: createObjects(issuerBucketName(SLUICE_ACCOUNT, AWS_REGION), {}, 'application/json'),
    clock: { now: () => new Date() },
  };
});
