import { X509Certificate } from 'node:crypto';
import { walk } from '../template.ts';
import type { ValuePath } from '../yaml-source.ts';
import { containers } from './pods.ts';
import { FAILS, type Policy, type Violation, WARNS } from './policy.ts';
import type { PolicyObject } from './subject.ts';
import { entriesAt, listAt, textAt } from './values.ts';

const SECRET_NAME = /(password|passwd|secret|token|api_?key|private_?key|credential)s?$/i;
/** Names of files, of other objects, of switches: they say where a secret is, and are none. */
const REFERENCE = /^(\/|\$|true$|false$|\d+[smhd]?$|https?:|arn:)/;
const KEY_MATERIAL = /-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b/;

export const secretValues: Policy = {
  id: 'secret-value',
  title: 'No secret is written out in a manifest',
  why: 'what is in Git is known to everybody who can read it, for ever.',
  fix: "take the value from the account's Secrets Manager, and replace it: it is known.",
  levels: FAILS,
  check: ({ objects }) => [...environmentSecrets(objects), ...configMapSecrets(objects), ...keyMaterial(objects)],
};

function environmentSecrets(objects: readonly PolicyObject[]): Violation[] {
  return containers(objects).flatMap(({ pod, body, path }) =>
    listAt(body, ['env']).flatMap((variable, index) => {
      const name = textAt(variable, ['name']) ?? '';
      return isSecret(name, textAt(variable, ['value']))
        ? [pod.object.violation([...path, 'env', index, 'value'], `the value of ${name} is written out. Take it from a secret.`)]
        : [];
    }),
  );
}

function configMapSecrets(objects: readonly PolicyObject[]): Violation[] {
  return objects
    .filter(({ manifest }) => manifest.kind === 'ConfigMap')
    .flatMap((object) =>
      entriesAt(object.manifest, ['data']).flatMap(([key, value]) =>
        typeof value === 'string' && !value.includes('\n') && isSecret(key, value)
          ? [object.violation(['data', key], `the value of ${key} is written out. Take it from a secret.`)]
          : [],
      ),
    );
}

function keyMaterial(objects: readonly PolicyObject[]): Violation[] {
  return objects.flatMap((object) =>
    textsOf(object)
      .filter(({ text }) => KEY_MATERIAL.test(text))
      .map(({ path }) => object.violation(path, 'it has a private key or an AWS access key. Replace that key: it is known.')),
  );
}

function isSecret(name: string, value: string | undefined): boolean {
  return value !== undefined && value !== '' && SECRET_NAME.test(name) && !REFERENCE.test(value);
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
/** Days before its end at which a certificate is told of. */
const NOTICE_DAYS = 30;
const DAY = 86_400_000;

export const certificateExpiry: Policy = {
  id: 'certificate-expiry',
  title: `No certificate in the configuration ends within ${NOTICE_DAYS} days`,
  why: 'an expired certificate of a webhook or an authority stops all that trusts it, at a time that nobody chose.',
  fix: 'replace the certificate.',
  levels: WARNS,
  check: ({ objects, now }) =>
    objects.flatMap((object) =>
      textsOf(object).flatMap(({ text, path }) =>
        certificatesIn(text).flatMap((certificate) => {
          const days = Math.floor((Date.parse(certificate.validTo) - Date.parse(now)) / DAY);
          if (days > NOTICE_DAYS) return [];
          const when = days < 0 ? 'has ended' : `ends in ${days} ${days === 1 ? 'day' : 'days'}`;
          return [object.violation(path, `its certificate of ${certificate.subject.split('\n').at(-1) ?? ''} ${when}. Replace it.`)];
        }),
      ),
    ),
};

/** Certificates in PEM, written out or, as in a webhook's caBundle, in base64. What can't be read is for its user to say. */
function certificatesIn(text: string): X509Certificate[] {
  const plain = text.startsWith('LS0tLS1CRUdJTi') ? Buffer.from(text, 'base64').toString('utf8') : text;
  return [...plain.matchAll(CERTIFICATE)].flatMap(([pem]) => {
    try {
      return [new X509Certificate(pem)];
    } catch {
      return [];
    }
  });
}

function textsOf(object: PolicyObject): { text: string; path: ValuePath }[] {
  const found: { text: string; path: ValuePath }[] = [];
  walk(object.manifest, [], (value, path) => {
    if (typeof value === 'string') found.push({ text: value, path });
  });
  return found;
}
