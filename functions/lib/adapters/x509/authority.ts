import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIPv4 } from 'node:net';
import { InputError } from '#model/errors.ts';
import type { Authority, KeyPair, LeafRequest } from '#ports/authority.ts';
import {
  bitString,
  boolean,
  contentOf,
  context,
  type Der,
  elements,
  integer,
  objectId,
  octetString,
  sequence,
  set,
  time,
  utf8String,
} from './der.ts';
import { requestedKey } from './requests.ts';

const ECDSA_WITH_SHA256 = sequence(objectId('1.2.840.10045.4.3.2'));
const COMMON_NAME = '2.5.4.3';
const ORGANIZATION = '2.5.4.10';
const USAGES = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

/**
 * Certificates by RFC 5280 made with node's own crypto: ECDSA P-256, SHA-256, random serial numbers of 16 bytes. Written
 * here because the libraries for it are larger than the rest of the function; Go's parsers read them in the contract test.
 */
export function createAuthority(): Authority {
  return {
    async createAuthority(commonName, from, until) {
      const { publicKey, privateKey } = newKeys();
      const name = distinguishedName(commonName, []);
      const extensions = [
        extension('2.5.29.19', sequence(boolean(true), integer(Buffer.from([0]))), true),
        // digitalSignature, keyCertSign, cRLSign
        extension('2.5.29.15', bitString(Buffer.from([0b1000_0110]), 1), true),
        extension('2.5.29.14', octetString(keyId(publicKey))),
      ];
      const made = certificate({ issuer: name, subject: name, publicKey, signer: privateKey, from, until, extensions });
      return { certificate: pemOf(made), key: privatePem(privateKey) };
    },
    async issue(authority, request) {
      const { publicKey, privateKey } = newKeys();
      return { certificate: pemOf(leaf(authority, request, publicKey)), key: privatePem(privateKey) };
    },
    async certify(authority, csr, request) {
      return pemOf(leaf(authority, request, requestedKey(csr)));
    },
    inspect(authority, certificate) {
      const read = parseCertificate(certificate);
      return { issued: read.verify(parseCertificate(authority).publicKey), until: new Date(read.validTo) };
    },
    async createSigningKey() {
      const { publicKey, privateKey } = newKeys();
      return { key: privatePem(privateKey), publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
    },
    randomKey: (bytes) => randomBytes(bytes).toString('base64'),
  };
}

function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new InputError('not a certificate in PEM', { cause: error });
  }
}

function leaf(authority: KeyPair, request: LeafRequest, publicKey: KeyObject): Der {
  const issuer = new X509Certificate(authority.certificate);
  if (!issuer.ca) throw new InputError('the authority certificate may not sign certificates: basicConstraints lacks CA');
  const names = [...(request.dns ?? []).map(dnsName), ...(request.addresses ?? []).map(ipAddress)];
  const extensions = [
    extension('2.5.29.19', sequence(), true),
    extension('2.5.29.15', bitString(Buffer.from([0b1000_0000]), 7), true),
    extension('2.5.29.37', sequence(...request.usages.map((usage) => objectId(USAGES[usage])))),
    extension('2.5.29.35', sequence(context(0, keyId(issuer.publicKey), 'primitive'))),
    ...(names.length === 0 ? [] : [extension('2.5.29.17', sequence(...names))]),
  ];
  const subject = distinguishedName(request.commonName, request.organizations ?? []);
  const signer = createPrivateKey(authority.key);
  const { from, until } = request;
  return certificate({ issuer: subjectOf(issuer), subject, publicKey, signer, from, until, extensions });
}

function certificate(what: {
  issuer: Der;
  subject: Der;
  publicKey: KeyObject;
  signer: KeyObject;
  from: Date;
  until: Date;
  extensions: readonly Der[];
}): Der {
  const version3 = context(0, integer(Buffer.from([2])), 'constructed');
  // The first bit stays 0 so that the number is positive in 16 bytes.
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const signed = sequence(
    version3,
    integer(serial),
    ECDSA_WITH_SHA256,
    what.issuer,
    sequence(time(what.from), time(what.until)),
    what.subject,
    spki(what.publicKey),
    context(3, sequence(...what.extensions), 'constructed'),
  );
  const signature = sign('sha256', signed, { key: what.signer, dsaEncoding: 'der' });
  return sequence(signed, ECDSA_WITH_SHA256, bitString(signature));
}

function newKeys(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function spki(key: KeyObject): Der {
  return key.export({ type: 'spki', format: 'der' });
}

/** RFC 5280 4.2.1.2 (1): SHA-1 of the public key's bits; an identifier, not a protection. */
function keyId(key: KeyObject): Der {
  const bits = elements(spki(createPublicKey(key.export({ type: 'spki', format: 'pem' }))))[1];
  if (bits === undefined) throw new InputError('not a public key');
  return createHash('sha1').update(contentOf(bits).subarray(1)).digest();
}

/** Subject of a certificate as it is encoded there: issuer and subject are compared byte by byte. */
function subjectOf(certificate: X509Certificate): Der {
  const signed = elements(certificate.raw)[0];
  const subject = signed === undefined ? undefined : elements(signed)[5];
  if (subject === undefined) throw new InputError('not a version 3 certificate');
  return subject;
}

function distinguishedName(commonName: string, organizations: readonly string[]): Der {
  const part = (id: string, text: string): Der => set(sequence(objectId(id), utf8String(text)));
  return sequence(...organizations.map((organization) => part(ORGANIZATION, organization)), part(COMMON_NAME, commonName));
}

function extension(id: string, value: Der, critical = false): Der {
  return sequence(objectId(id), ...(critical ? [boolean(true)] : []), octetString(value));
}

function dnsName(name: string): Der {
  return context(2, Buffer.from(name, 'ascii'), 'primitive');
}

function ipAddress(address: string): Der {
  if (!isIPv4(address)) throw new InputError(`not an IPv4 address: ${address}`);
  return context(7, Buffer.from(address.split('.').map(Number)), 'primitive');
}

function pemOf(der: Der): string {
  const body = Buffer.from(der)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
}

function privatePem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
