import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { parse } from 'yaml';
import * as z from 'zod';
import type { RecoverySet } from '../model/backup-records.ts';
import { InputError } from '../model/errors.ts';
import type { AuthoritySecret } from '../model/identity.ts';

/** Enough of a hash to tell one key from another; nothing of a random key of 32 bytes can be computed from it. */
const SHOWN = 16;

const Configuration = z.object({
  resources: z.array(
    z.object({
      providers: z.array(z.record(z.string(), z.object({ keys: z.array(z.object({ name: z.string(), secret: z.string() })).optional() }))),
    }),
  ),
});

/**
 * What a backup needs beside its snapshot, by fingerprint: with which identity it can be restored, and that this identity is
 * still the one. No key is in it.
 * @param version of the authority's secret, as Secrets Manager names it
 * @throws InputError when the identity can't be read
 */
export function recoverySetOf(files: AuthoritySecret, version: string): RecoverySet {
  try {
    return {
      identityVersion: version,
      authorities: Object.fromEntries(
        (['ca', 'etcd-ca', 'front-proxy-ca'] as const).map((name) => [name, fingerprintOf(new X509Certificate(files[`${name}.crt`]).raw)]),
      ),
      serviceAccountKey: fingerprintOf(createPublicKey(files['sa.pub']).export({ type: 'spki', format: 'der' })),
      encryptionKeys: encryptionKeysOf(files['encryption.yaml']),
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(`the cluster's identity can't be read: ${reason.split('\n')[0]}`, { cause });
  }
}

function encryptionKeysOf(yaml: string): RecoverySet['encryptionKeys'] {
  const { resources } = Configuration.parse(parse(yaml));
  const keys = resources.flatMap(({ providers }) =>
    providers.flatMap((provider) => Object.values(provider).flatMap((one) => one.keys ?? [])),
  );
  return keys.map(({ name, secret }) => ({ name, fingerprint: fingerprintOf(Buffer.from(secret, 'base64')) }));
}

function fingerprintOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, SHOWN);
}
