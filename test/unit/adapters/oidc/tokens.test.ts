import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createTokens } from '#adapters/oidc/tokens.ts';
import { RefusedError, TransientError } from '#model/errors.ts';

const ISSUER = 'https://login.example.com/realm';
const NOW = Math.floor(Date.now() / 1000);
const CLAIMS = { iss: ISSUER, aud: 'sluice', sub: 'ann', exp: NOW + 600 };

function issuer(answers: Record<string, unknown> = {}) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const asked: string[] = [];
  const documents: Record<string, unknown> = {
    [`${ISSUER}/.well-known/openid-configuration`]: { issuer: ISSUER, jwks_uri: 'https://login.example.com/keys' },
    'https://login.example.com/keys': { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256' }] },
    ...answers,
  };
  const fetcher: typeof fetch = async (input) => {
    const url = String(input);
    asked.push(url);
    const document = documents[url];
    if (document === undefined) throw new TypeError('fetch failed');
    return document instanceof Response ? document : Response.json(document);
  };
  return { tokens: createTokens(fetcher), asked, privateKey, publicKey };
}

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function token(key: KeyObject, claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): string {
  const signed = `${part({ alg: 'ES256', kid: 'k', ...header })}.${part({ ...CLAIMS, ...claims })}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

describe('a token', () => {
  it('is verified by the keys of its issuer, which are asked for once', async () => {
    const { tokens, asked, privateKey } = issuer();

    const claims = await tokens.verify(token(privateKey), ISSUER, 'sluice');
    await tokens.verify(token(privateKey), ISSUER, 'sluice');

    expect(claims['sub']).toBe('ann');
    expect(asked).toHaveLength(2);
  });

  it.each<[string, Record<string, unknown>]>([
    ['it has ended', { exp: NOW - 60 }],
    ['it has no end', { exp: undefined }],
    ['it is not valid yet', { nbf: NOW + 600 }],
    ['it is for another audience', { aud: 'other' }],
    ['it is of another issuer', { iss: 'https://other.example.com' }],
  ])('is refused when %s', async (_, claims) => {
    const { tokens, privateKey } = issuer();

    await expect(tokens.verify(token(privateKey, claims), ISSUER, 'sluice')).rejects.toBeInstanceOf(RefusedError);
  });

  it('is refused when another key signed it, none did, or a shared secret', async () => {
    const { tokens, publicKey } = issuer();
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const unsigned = `${part({ alg: 'none' })}.${part(CLAIMS)}.`;
    const hmacHead = `${part({ alg: 'HS256', kid: 'k' })}.${part(CLAIMS)}`;
    const secret = publicKey.export({ type: 'spki', format: 'pem' });
    const shared = `${hmacHead}.${createHmac('sha256', secret).update(hmacHead).digest('base64url')}`;

    for (const bad of [token(stranger), unsigned, shared, 'not-a-token', ''])
      await expect(tokens.verify(bad, ISSUER, 'sluice')).rejects.toBeInstanceOf(RefusedError);
  });

  it.each<[string, Record<string, unknown>]>([
    ['does not answer', { [`${ISSUER}/.well-known/openid-configuration`]: undefined }],
    ['answers as another issuer', { [`${ISSUER}/.well-known/openid-configuration`]: { issuer: 'https://x', jwks_uri: 'https://x/keys' } }],
    [
      'has keys without TLS',
      { [`${ISSUER}/.well-known/openid-configuration`]: { issuer: ISSUER, jwks_uri: 'http://login.example.com/keys' } },
    ],
    ['has no keys to be got', { 'https://login.example.com/keys': undefined }],
    ['answers an error for its keys', { 'https://login.example.com/keys': new Response('no', { status: 500 }) }],
  ])('is neither good nor bad while the issuer %s', async (_, answers) => {
    const { tokens, privateKey } = issuer(answers);

    await expect(tokens.verify(token(privateKey), ISSUER, 'sluice')).rejects.toBeInstanceOf(TransientError);
  });
});
