import { createTokens } from '#adapters/oidc/tokens.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import type { TokenReview } from '#model/access.ts';
import { readEnvironment } from '#runtime/environment.ts';
import { createLog } from '#runtime/log.ts';
import { type ReviewPorts, reviewToken } from './review-token.ts';

let connected: ReviewPorts | undefined;

/** Invoked by control plane instances for their API server. */
export async function handler(event: unknown): Promise<TokenReview> {
  connected ??= connect();
  try {
    return await reviewToken(event, connected);
  } catch (error) {
    connected.log.error('not reviewed', { reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
    throw error;
  }
}

function connect(): ReviewPorts {
  const environment = readEnvironment();
  return {
    objects: createObjects(environment.SLUICE_BUCKET, { region: environment.AWS_REGION }),
    tokens: createTokens(),
    clock: { now: () => new Date() },
    log: createLog({ function: 'token-review' }),
  };
}
