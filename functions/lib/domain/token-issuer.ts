import { createHash, createPublicKey } from 'node:crypto';
import { InputError } from '../model/errors.ts';
import { PublicKeySet } from '../model/identity.ts';
import { issuerKeys, tokenIssuer } from './names.ts';

/** A document that everybody may read, by its key in the bucket. */
export interface PublicDocument {
  readonly key: string;
  readonly body: string;
}

/**
 * What OpenID Connect Discovery 1.0 asks of an issuer: where its keys are, and how it signs. The endpoint by which people would
 * log in is the name that Kubernetes gives itself: there is none.
 */
export function discoveryDocument(cluster: { name: string; account: string; region: string }): PublicDocument {
  const issuer = `https://${tokenIssuer(cluster)}`;
  const body = {
    issuer,
    jwks_uri: `${issuer}/openid/v1/jwks`,
    authorization_endpoint: 'urn:kubernetes:programmatic_authorization',
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    claims_supported: ['sub', 'iss'],
  };
  return { key: issuerKeys.configuration(cluster.name), body: JSON.stringify(body) };
}

/**
 * The public keys by which tokens of the cluster's service accounts are verified (RFC 7517). @param bundle PEM of all keys that
 * are trusted, as in `sa.pub`
 * @throws InputError when it holds anything else than public keys
 */
export function keysDocument(cluster: { name: string }, bundle: string): PublicDocument {
  const keys = bundle === '' ? [] : blocksOf(bundle).map(publicKeyOf);
  return { key: issuerKeys.keys(cluster.name), body: JSON.stringify(PublicKeySet.parse({ keys })) };
}

function blocksOf(bundle: string): string[] {
  const blocks = bundle.match(/-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g) ?? [];
  const rest = blocks.reduce((text, block) => text.replace(block, ''), bundle);
  // A private key has a public one in it: whoever passes it here by mistake must not get an answer.
  if (blocks.length === 0 || rest.trim() !== '') throw new InputError('only public keys in PEM can be published');
  return blocks;
}

/** Each member by its name: what else a key may hold is not copied. */
function publicKeyOf(pem: string): PublicKeySet['keys'][number] {
  const key = createPublicKey(pem);
  const { kty, crv, x, y } = key.export({ format: 'jwk' });
  const parsed = PublicKeySet.shape.keys.element.safeParse({ kty, crv, x, y, kid: keyIdOf(pem), use: 'sig', alg: 'ES256' });
  if (parsed.success) return parsed.data;
  throw new InputError('a key that signs tokens must be of the curve P-256', { cause: parsed.error });
}

/** The id that the API server writes into a token: SHA-256 of the key's DER in base64url without padding. */
function keyIdOf(pem: string): string {
  return createHash('sha256')
    .update(createPublicKey(pem).export({ type: 'spki', format: 'der' }))
    .digest('base64url');
}
