import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import * as z from 'zod';
import { RefusedError, TransientError } from '#model/errors.ts';
import type { Tokens } from '#ports/tokens.ts';

/** Signatures by key pairs only: a shared secret would let this function make tokens. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const TIMEOUT_MILLISECONDS = 3000;
/** Keys are asked for again after this long, and at once for a key that is not known, but not more often than every 30 s. */
const KEPT_MILLISECONDS = 10 * 60 * 1000;
const CLOCK_TOLERANCE_SECONDS = 30;

/** What an issuer serves below `/.well-known/openid-configuration`. */
const Discovery = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https$/ }) });

/** Tokens of OpenID Connect issuers, whose keys are fetched and kept. */
export function createTokens(fetcher: typeof globalThis.fetch = globalThis.fetch): Tokens {
  const kept = new Map<string, { keys: JWTVerifyGetKey; until: number }>();
  const keysOf = async (issuer: string): Promise<JWTVerifyGetKey> => {
    const known = kept.get(issuer);
    if (known !== undefined && known.until > Date.now()) return known.keys;
    const url = new URL(await jwksUrl(issuer, fetcher));
    const options = { timeoutDuration: TIMEOUT_MILLISECONDS, cacheMaxAge: KEPT_MILLISECONDS, [customFetch]: fetcher };
    const keys = createRemoteJWKSet(url, options);
    kept.set(issuer, { keys, until: Date.now() + KEPT_MILLISECONDS });
    return keys;
  };
  return {
    async verify(token, issuer, audience) {
      const keys = await keysOf(issuer);
      try {
        const options = { issuer, audience, algorithms: ALGORITHMS, requiredClaims: ['exp'], clockTolerance: CLOCK_TOLERANCE_SECONDS };
        return (await jwtVerify(token, keys, options)).payload;
      } catch (error) {
        throw mapped(error, issuer);
      }
    },
  };
}

async function jwksUrl(issuer: string, fetcher: typeof globalThis.fetch): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  try {
    const answer = await fetcher(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS) });
    if (!answer.ok) throw new TransientError(`${url} answers ${answer.status}`);
    const found = Discovery.parse(await answer.json());
    if (found.issuer !== issuer) throw new TransientError(`${url} is of issuer ${found.issuer}`);
    return found.jwks_uri;
  } catch (error) {
    throw error instanceof TransientError ? error : new TransientError(`could not read ${url}: ${String(error)}`, { cause: error });
  }
}

/** The library's errors say what is wrong with a token, and hold nothing of it. */
function mapped(error: unknown, issuer: string): RefusedError | TransientError {
  const message = error instanceof Error ? error.message : String(error);
  const unreachable = error instanceof errors.JWKSTimeout || error instanceof TypeError || !(error instanceof errors.JOSEError);
  // A bad answer of the issuer is a plain JOSEError, without a code of its own.
  const issuers = error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC';
  if (unreachable || issuers) return new TransientError(`could not get the keys of ${issuer}: ${message}`, { cause: error });
  return new RefusedError(`the token is not valid: ${message}`, { cause: error });
}
