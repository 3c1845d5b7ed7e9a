import * as z from 'zod';
import { type ClusterIdentityPlan, encryptionConfiguration, planIdentity, type SecretPlan, validity } from '#domain/identity.ts';
import { secretIds } from '#domain/names.ts';
import { RefusedError, TransientError } from '#model/errors.ts';
import { AuthoritySecret, IdentityFiles } from '#model/identity.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Authority } from '#ports/authority.ts';
import type { Clock } from '#ports/clock.ts';
import type { Secrets } from '#ports/secrets.ts';
import { defineStep } from '#ports/step.ts';

export interface IdentityPorts {
  readonly secrets: Secrets;
  readonly authority: Authority;
  readonly clock: Clock;
}

/**
 * Makes a cluster's identity once: the authority first, by create-if-absent, so that two runs at once end in one
 * authority; then the secrets made from it. A later call adds what is missing and changes nothing that is there.
 */
export const issueIdentity = defineStep({
  name: 'issue-identity',
  input: z.object({ cluster: ClusterRef }),
  output: z.object({ created: z.boolean(), version: z.literal(1) }),
  async run({ cluster }, ports: IdentityPorts) {
    const tags = { 'sluice:cluster': cluster.name };
    const authority = await ensureAuthority(cluster.name, ports, tags);
    const plan = planIdentity(cluster);
    const parts: readonly (readonly [string, keyof ClusterIdentityPlan])[] = [
      [secretIds.etcd(cluster.name), 'etcd'],
      [secretIds.controlPlane(cluster.name), 'controlPlane'],
    ];
    const added = await Promise.all(parts.map(([id, part]) => ensureSecret(id, plan[part], authority.files, ports, tags)));
    return { created: authority.created || added.includes(true), version: 1 as const };
  },
});

type Tags = Readonly<Record<string, string>>;

async function ensureAuthority(cluster: string, ports: IdentityPorts, tags: Tags): Promise<{ files: AuthoritySecret; created: boolean }> {
  const id = secretIds.authority(cluster);
  const there = await ports.secrets.get(id);
  if (there !== undefined) return { files: parseAuthority(id, there), created: false };
  const made = await makeAuthority(cluster, ports);
  if (await ports.secrets.create(id, JSON.stringify(made), tags)) return { files: made, created: true };
  const others = await ports.secrets.get(id);
  if (others === undefined) throw new TransientError(`${id} was just made by another run but can't be read yet`);
  return { files: parseAuthority(id, others), created: false };
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
    'encryption.yaml': encryptionConfiguration(authority.randomKey(32)),
  };
}

/** True when something was added. */
async function ensureSecret(id: string, plan: SecretPlan, authority: AuthoritySecret, ports: IdentityPorts, tags: Tags): Promise<boolean> {
  const there = await ports.secrets.get(id);
  const files = there === undefined ? {} : IdentityFiles.parse(JSON.parse(there));
  const missing = await makeMissing(files, plan, authority, ports);
  if (Object.keys(missing).length === 0) return false;
  const value = JSON.stringify({ ...files, ...missing });
  if (there === undefined) return ports.secrets.create(id, value, tags);
  await ports.secrets.put(id, value);
  return true;
}

async function makeMissing(
  files: IdentityFiles,
  plan: SecretPlan,
  authority: AuthoritySecret,
  ports: IdentityPorts,
): Promise<IdentityFiles> {
  const made: IdentityFiles = {};
  for (const [name, source] of Object.entries(plan.copies)) if (files[name] === undefined) made[name] = authority[source];
  for (const { file, signer, request } of plan.leaves) {
    if (files[`${file}.crt`] !== undefined && files[`${file}.key`] !== undefined) continue;
    const ca = { certificate: authority[`${signer}.crt`], key: authority[`${signer}.key`] };
    const pair = await ports.authority.issue(ca, { ...request, ...validity('leaf', ports.clock.now()) });
    made[`${file}.crt`] = pair.certificate;
    made[`${file}.key`] = pair.key;
  }
  return made;
}
