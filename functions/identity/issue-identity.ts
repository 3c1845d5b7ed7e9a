import * as z from 'zod';
import { advanceAuthority, type GenerationMaker, newAuthority } from '#domain/generations.ts';
import { type ClusterIdentityPlan, encryptionConfiguration, isDue, planIdentity, type SecretPlan, validity } from '#domain/identity.ts';
import { secretIds } from '#domain/names.ts';
import { identityOf } from '#domain/rotation.ts';
import { type IdentityVersions, Versions } from '#model/configuration.ts';
import { ConflictError, RefusedError, TransientError } from '#model/errors.ts';
import { AuthoritySecret, IdentityFiles } from '#model/identity.ts';
import { Timestamp } from '#model/primitives.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Authority } from '#ports/authority.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import type { Secrets, SecretVersion } from '#ports/secrets.ts';
import { defineStep } from '#ports/step.ts';
import { publishedKeys, publishKeys } from './publish-keys.ts';

export interface IdentityPorts {
  readonly secrets: Secrets;
  readonly authority: Authority;
  readonly clock: Clock;
  /** The bucket that everybody may read. */
  readonly issuer: ObjectStore;
}

/**
 * Makes a cluster's identity, and brings it to the generations that the configuration wants (without a render: keeps those
 * that it has): the authority first, by create-if-absent and only in place of the version that was read, so that two runs at
 * once end in one authority; then its public keys are published; then come the secrets made from it. A later call adds what is missing, renews what ends soon, and
 * changes nothing else. Answers the first end of any certificate.
 * @throws RefusedError, ConflictError when another run wrote meanwhile, TransientError
 */
export const issueIdentity = defineStep({
  name: 'issue-identity',
  input: z.object({ cluster: ClusterRef, render: z.object({ versions: z.object({ identity: Versions.shape.identity }) }).optional() }),
  output: z.object({ created: z.boolean(), version: z.literal(1), expires: Timestamp }),
  async run({ cluster, render }, ports: IdentityPorts) {
    const tags = { 'sluice:cluster': cluster.name };
    const published = await publishedKeys(cluster, ports.issuer);
    const authority = await ensureAuthority(cluster.name, render && identityOf(render.versions), ports, tags);
    await publishKeys(cluster, authority.files['sa.pub'], published, ports.issuer);
    const plan = planIdentity(cluster);
    const parts: readonly (readonly [string, keyof ClusterIdentityPlan])[] = [
      [secretIds.etcd(cluster.name), 'etcd'],
      [secretIds.controlPlane(cluster.name), 'controlPlane'],
    ];
    const secrets = await Promise.all(parts.map(([id, part]) => ensureSecret(id, plan[part], authority.files, ports, tags)));
    const created = authority.created || secrets.some((secret) => secret.changed);
    return { created, version: 1 as const, expires: firstEnd([authority.files, ...secrets.map(({ files }) => files)], ports.authority) };
  },
});

type Tags = Readonly<Record<string, string>>;

async function ensureAuthority(
  cluster: string,
  wanted: IdentityVersions | undefined,
  ports: IdentityPorts,
  tags: Tags,
): Promise<{ files: AuthoritySecret; created: boolean }> {
  const id = secretIds.authority(cluster);
  const there = await ports.secrets.getVersion(id);
  if (there !== undefined) return { files: await advance(id, there, cluster, wanted, ports), created: false };
  const made = await newAuthority(await makeAuthority(cluster, ports), wanted, makerOf(cluster, ports));
  if (await ports.secrets.create(id, JSON.stringify(made), tags)) return { files: made, created: true };
  const others = await ports.secrets.getVersion(id);
  if (others === undefined) throw new TransientError(`${id} was just made by another run but can't be read yet`);
  return { files: await advance(id, others, cluster, wanted, ports), created: false };
}

/** A generation that is dropped stays in the version of the secret before, which Secrets Manager keeps. */
async function advance(
  id: string,
  there: SecretVersion,
  cluster: string,
  wanted: IdentityVersions | undefined,
  ports: IdentityPorts,
): Promise<AuthoritySecret> {
  const next = await advanceAuthority(parseAuthority(id, there.value), wanted, makerOf(cluster, ports));
  await replaceIfOther(id, there, JSON.stringify(next), ports);
  return next;
}

/** Two keys of one generation would be two authorities by one name, so the one that comes second starts anew. */
async function replaceIfOther(id: string, there: SecretVersion, value: string, { secrets }: IdentityPorts): Promise<void> {
  if (value === there.value || (await secrets.replace(id, value, there.version))) return;
  throw new ConflictError(`${id} was written by another run meanwhile`);
}

function makerOf(cluster: string, { authority, clock }: IdentityPorts): GenerationMaker {
  return {
    clusterCa: (generation) => {
      const { from, until } = validity('authority', clock.now());
      return authority.createAuthority(generation === 1 ? `${cluster}-ca` : `${cluster}-ca-${generation}`, from, until);
    },
    serviceAccounts: () => authority.createSigningKey(),
    encryption: () => authority.randomKey(32),
  };
}

function parseAuthority(id: string, text: string): AuthoritySecret {
  const parsed = AuthoritySecret.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new RefusedError(`${id} is incomplete: ${z.prettifyError(parsed.error)}; restore an earlier version of the secret`);
}

async function makeAuthority(cluster: string, { authority, clock }: IdentityPorts): Promise<AuthoritySecret> {
  const { from, until } = validity('authority', clock.now());
  const [ca, etcd, frontProxy, serviceAccounts] = await Promise.all([
    authority.createAuthority(`${cluster}-ca`, from, until),
    authority.createAuthority(`${cluster}-etcd-ca`, from, until),
    authority.createAuthority(`${cluster}-front-proxy-ca`, from, until),
    authority.createSigningKey(),
  ]);
  return {
    'ca.crt': ca.certificate,
    'ca.key': ca.key,
    'etcd-ca.crt': etcd.certificate,
    'etcd-ca.key': etcd.key,
    'front-proxy-ca.crt': frontProxy.certificate,
    'front-proxy-ca.key': frontProxy.key,
    'sa.key': serviceAccounts.key,
    'sa.pub': serviceAccounts.publicKey,
    'encryption.yaml': encryptionConfiguration([{ name: 'key1', secret: authority.randomKey(32) }]),
  };
}

async function ensureSecret(
  id: string,
  plan: SecretPlan,
  authority: AuthoritySecret,
  ports: IdentityPorts,
  tags: Tags,
): Promise<{ files: IdentityFiles; changed: boolean }> {
  const there = await ports.secrets.getVersion(id);
  const known = there === undefined ? {} : IdentityFiles.parse(JSON.parse(there.value));
  const made = await makeDue(known, plan, authority, ports);
  const files = { ...known, ...made };
  if (Object.keys(made).length === 0) return { files, changed: false };
  const value = JSON.stringify(files);
  if (there === undefined) return { files, changed: await ports.secrets.create(id, value, tags) };
  await replaceIfOther(id, there, value, ports);
  return { files, changed: true };
}

/** Copies that differ from the authority, and certificates that are missing, of another generation, or end soon. */
async function makeDue(files: IdentityFiles, plan: SecretPlan, authority: AuthoritySecret, ports: IdentityPorts): Promise<IdentityFiles> {
  const made: IdentityFiles = {};
  const now = ports.clock.now();
  for (const [name, source] of Object.entries(plan.copies)) {
    const value = authority[source];
    if (value !== undefined && files[name] !== value) made[name] = value;
  }
  for (const { file, signer, request } of plan.leaves) {
    const ca = { certificate: authority[`${signer}.crt`], key: authority[`${signer}.key`] };
    const there = files[`${file}.crt`];
    const found = there === undefined || files[`${file}.key`] === undefined ? undefined : ports.authority.inspect(ca.certificate, there);
    if (found?.issued === true && !isDue(found.until, now)) continue;
    const pair = await ports.authority.issue(ca, { ...request, ...validity('leaf', now) });
    made[`${file}.crt`] = pair.certificate;
    made[`${file}.key`] = pair.key;
  }
  return made;
}

/** The first end of a certificate among files. */
function firstEnd(secrets: readonly Readonly<Record<string, string | undefined>>[], authority: Authority): string {
  const certificates = secrets.flatMap((files) =>
    Object.entries(files).flatMap(([name, text]) => (name.endsWith('.crt') && text !== undefined ? [text] : [])),
  );
  const ends = certificates.map((text) => authority.inspect(text, text).until.getTime());
  return new Date(Math.min(...ends)).toISOString();
}
