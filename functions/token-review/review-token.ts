import { refused, reviewPerson } from '#domain/access.ts';
import { accountKeys } from '#domain/names.ts';
import { ClusterAccess, type TokenReview, TokenReviewRequest, type TokenReviewStatus } from '#model/access.ts';
import { InputError, RefusedError } from '#model/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { Log } from '#ports/log.ts';
import type { ObjectStore } from '#ports/objects.ts';
import type { Tokens } from '#ports/tokens.ts';

export interface ReviewPorts {
  readonly objects: Pick<ObjectStore, 'get'>;
  readonly tokens: Tokens;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Says who a token is of, and which groups he has at the cluster: the TokenReview of the API server's webhook. The settings
 * are read each time; the API server keeps an answer for two minutes.
 * @throws InputError, TransientError: the API server then asks again, and lets nobody in meanwhile
 */
export async function reviewToken(event: unknown, ports: ReviewPorts): Promise<TokenReview> {
  const parsed = TokenReviewRequest.safeParse(event);
  // What was sent is not told: it holds a token.
  if (!parsed.success) throw new InputError('not a TokenReview of authentication.k8s.io/v1 with its cluster');
  const { cluster, review } = parsed.data;
  const status = await statusOf(cluster, review.spec.token, ports);
  const { authenticated, user, error } = status;
  ports.log.info('token reviewed', { cluster, authenticated, username: user?.username, groups: user?.groups, reason: error });
  return { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', status };
}

async function statusOf(cluster: string, token: string, { objects, tokens, clock }: ReviewPorts): Promise<TokenReviewStatus> {
  const stored = await objects.get(accountKeys.access(cluster));
  if (stored === undefined) return refused(`nobody can log in to ${cluster}: its channel file has no login, or did not go out yet`);
  const access = ClusterAccess.parse(JSON.parse(stored.body));
  const { login } = access;
  if (login === undefined) return refused(`the channel file of ${cluster} has no login`);
  try {
    return reviewPerson(access, login, await tokens.verify(token, login.issuer, login.audience), clock.now());
  } catch (error) {
    if (error instanceof RefusedError) return refused(error.message);
    throw error;
  }
}
