import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { InputError } from '#model/errors.ts';
import { contentOf, type Der, elements, objectId } from './der.ts';

const ECDSA_WITH_SHA256 = objectId('1.2.840.10045.4.3.2');
const PEM = /^-----BEGIN CERTIFICATE REQUEST-----\n([A-Za-z0-9+/=\n]+)-----END CERTIFICATE REQUEST-----\n?$/;

/**
 * The public key of a certificate request (PKCS #10, RFC 2986), once its signature shows that the sender has the private
 * one. Names and extensions that it asks for are not looked at. @throws InputError
 */
export function requestedKey(pem: string): KeyObject {
  try {
    return readRequest(pem);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError('the certificate request cannot be read', { cause: error });
  }
}

function readRequest(pem: string): KeyObject {
  const body = PEM.exec(pem)?.[1];
  if (body === undefined) throw new InputError('not a certificate request in PEM');
  const [info, algorithm, signature] = elements(Buffer.from(body, 'base64'));
  const spki = info === undefined ? undefined : elements(info)[2];
  if (info === undefined || algorithm === undefined || signature === undefined || spki === undefined)
    throw new InputError('the certificate request is not one of RFC 2986');
  if (!isSame(elements(algorithm)[0], ECDSA_WITH_SHA256))
    throw new InputError('the certificate request is not signed by ECDSA with SHA-256');
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new InputError('the key of the certificate request is not of the curve P-256');
  // The first byte of a bit string counts its unused bits.
  if (!verify('sha256', info, { key, dsaEncoding: 'der' }, contentOf(signature).subarray(1)))
    throw new InputError('the certificate request is not signed by its own key');
  return key;
}

function isSame(left: Der | undefined, right: Der): boolean {
  return left !== undefined && Buffer.from(left).equals(right);
}
