import { createObjects } from '#adapters/s3/objects.ts';
import { createSecrets } from '#adapters/secrets-manager/secrets.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { readEnvironment } from '#runtime/environment.ts';
import { createLog } from '#runtime/log.ts';
import { type BreakGlassAnswer, type BreakGlassPorts, issueBreakGlass } from './issue-break-glass.ts';

let connected: BreakGlassPorts | undefined;

/** Invoked by people, as the role `sluice-break-glass`. */
export async function handler(event: unknown): Promise<BreakGlassAnswer> {
  connected ??= connect();
  return issueBreakGlass(event, connected);
}

function connect(): BreakGlassPorts {
  const { SLUICE_BUCKET, AWS_REGION } = readEnvironment();
  return {
    objects: createObjects(SLUICE_BUCKET, { region: AWS_REGION }),
    secrets: createSecrets({}),
    authority: createAuthority(),
    clock: { now: () => new Date() },
    log: createLog({ function: 'break-glass' }),
  };
}
