import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '#adapters/x509/authority.ts';
import { keysDocument } from '#domain/token-issuer.ts';
import { InputError } from '#model/errors.ts';
import { CLUSTER } from '../../support/cluster-ref.ts';

let pair: { key: string; publicKey: string };
beforeAll(async () => {
  pair = await createAuthority().createSigningKey();
});

describe('the document of public keys', () => {
  it('holds each key of a bundle once, in its order', async () => {
    const other = await createAuthority().createSigningKey();
    const read = (bundle: string) => JSON.parse(keysDocument(CLUSTER, bundle).body).keys as { kid: string }[];

    const [first, second] = [read(pair.publicKey), read(other.publicKey)];

    expect(read(`${pair.publicKey}${other.publicKey}`)).toEqual([...first, ...second]);
    expect(first[0]).toMatchObject({ kty: 'EC', crv: 'P-256', use: 'sig', alg: 'ES256' });
    expect(Object.keys(first[0] ?? {}).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  });

  it('is empty for a cluster without keys', () => {
    expect(keysDocument(CLUSTER, '').body).toBe('{"keys":[]}');
  });

  it.each([
    ['a private key', () => pair.key],
    ['a private key beside a public one', () => `${pair.publicKey}${pair.key}`],
    ['a text', () => 'no key'],
    [
      'a key of another kind',
      () => generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    ],
  ])('is refused for %s', (_, bundle) => {
    expect(() => keysDocument(CLUSTER, bundle())).toThrow(InputError);
  });
});
