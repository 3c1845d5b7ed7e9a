import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAuthority } from '#adapters/x509/authority.ts';

const DAY_MILLISECONDS = 24 * 3600 * 1000;
const AUDIENCE = 'sluice';

export interface LocalIssuer {
  readonly url: string;
  readonly audience: string;
  /** PEM of the authority that its certificate is of: what asks it must trust this. */
  readonly ca: string;
  /** A token for a person, valid for a day. */
  token(user: string, groups: readonly string[]): string;
  close(): Promise<void>;
}

/** An OpenID Connect issuer on loopback, as far as its tokens are verified: discovery, keys, and tokens for the asking. */
export async function startLocalIssuer(): Promise<LocalIssuer> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);
  const { certificate, key, ca } = await certify();
  let url = '';
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const documents: Readonly<Record<string, unknown>> = {
      '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/keys` },
      '/keys': { keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' }] },
    };
    const document = documents[request.url ?? ''];
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(document ?? {}));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  // Bound to a TCP port, so address() is an AddressInfo.
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    audience: AUDIENCE,
    ca,
    token: (user, groups) => signToken(privateKey, kid, { iss: url, aud: AUDIENCE, sub: user, groups }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function certify(): Promise<{ certificate: string; key: string; ca: string }> {
  const authority = createAuthority();
  const from = new Date(Date.now() - DAY_MILLISECONDS);
  const until = new Date(Date.now() + 30 * DAY_MILLISECONDS);
  const ca = await authority.createAuthority('local-issuer-ca', from, until);
  const request = { commonName: 'local-issuer', addresses: ['127.0.0.1'], usages: ['server' as const], from, until };
  const { certificate, key } = await authority.issue(ca, request);
  return { certificate, key, ca: ca.certificate };
}

/** A JWT signed by ES256. */
function signToken(key: KeyObject, kid: string, claims: Readonly<Record<string, unknown>>): string {
  const now = Math.floor(Date.now() / 1000);
  const parts = [
    { alg: 'ES256', typ: 'JWT', kid },
    { ...claims, iat: now, nbf: now - 60, exp: now + DAY_MILLISECONDS / 1000 },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  const signature = sign('sha256', Buffer.from(parts.join('.')), { key, dsaEncoding: 'ieee-p1363' });
  return [...parts, signature.toString('base64url')].join('.');
}
