import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import * as z from 'zod';
import { Refusal } from '../refusal.ts';
import type { World } from './world.ts';

/** An installation token lives one hour (GitHub docs, "Generating an installation access token"). */
const TOKEN_LIFE_MS = 3600_000;
/** A JSON web token may end at most 10 minutes ahead; clocks may differ by a minute. */
const JWT_LIFE_S = 600;
const SKEW_S = 60;

const Header = z.object({ alg: z.literal('RS256') });
const Claims = z.object({ iss: z.union([z.string(), z.number()]), iat: z.number(), exp: z.number() });

/** Who a request comes from. */
export type Caller = 'operator' | 'installation' | 'app';

/** Verifies an App's JSON web token. @throws Refusal 401 in GitHub's words */
export function verifyAppToken(world: World, token: string, nowSeconds = Date.now() / 1000): void {
  const [header = '', claims = '', signature = ''] = token.split('.');
  const key = createPublicKey(world.settings.app.publicKey);
  const signed = verify('RSA-SHA256', Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url'));
  const parsed = Claims.safeParse(decode(claims));
  if (!signed || !Header.safeParse(decode(header)).success || !parsed.success)
    throw new Refusal(401, 'A JSON web token could not be decoded');
  const { iss, iat, exp } = parsed.data;
  if (String(iss) !== String(world.settings.app.id)) throw new Refusal(401, "'Issuer' claim ('iss') must be an Integer");
  if (exp <= nowSeconds) {
    throw new Refusal(
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  }
  if (exp > nowSeconds + JWT_LIFE_S + SKEW_S) throw new Refusal(401, "'Expiration time' claim ('exp') is too far in the future");
  if (iat > nowSeconds + SKEW_S) {
    throw new Refusal(401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued");
  }
}

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString());
  } catch {
    return undefined;
  }
}

/** Makes an installation token; only its hash is kept. */
export function issueToken(world: World): { token: string; expiresAt: string } {
  const token = `ghs_${randomBytes(27).toString('base64url').replaceAll(/[-_]/g, 'x')}`;
  const expiresAt = new Date(Date.now() + TOKEN_LIFE_MS).toISOString().replace(/\.\d+Z$/, 'Z');
  const { tokens } = world.store.state;
  tokens.splice(0, tokens.length, ...tokens.filter((known) => Date.parse(known.expiresAt) > Date.now()));
  tokens.push({ sha256: hash(token), expiresAt });
  world.store.touch();
  return { token, expiresAt };
}

/** Whose a token is; undefined when it is nobody's or has ended. JSON web tokens are not looked at here. */
export function callerOfToken(world: World, token: string): 'operator' | 'installation' | undefined {
  if (hash(token) === hash(world.settings.operator.token)) return 'operator';
  const sha256 = hash(token);
  const known = world.store.state.tokens.some((issued) => issued.sha256 === sha256 && Date.parse(issued.expiresAt) > Date.now());
  return known ? 'installation' : undefined;
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
