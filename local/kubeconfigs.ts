import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { stringify } from 'yaml';
import * as z from 'zod';
import { createAuthority } from '#adapters/x509/authority.ts';
import { secretIds } from '#domain/names.ts';
import { API_PORT, clusterAddresses } from '#domain/network.ts';
import type { AccountClients } from './aws/clients.ts';

const Authority = z.object({ 'ca.crt': z.string(), 'ca.key': z.string(), 'ca-bundle.crt': z.string().optional() });

/** The certificate of an administrator at the machine is valid for a day. */
const VALID_MINUTES = 24 * 60;

/**
 * Writes `<name>-admin.kubeconfig` and `<name>-read-only.kubeconfig` of a cluster; answers their paths. An administrator of
 * the machine signs himself a certificate; a reader comes as people do, by a token of the issuer.
 */
export async function writeKubeconfigs(
  clients: AccountClients,
  cluster: { name: string; network: string },
  directory: string,
  token: string,
): Promise<{ admin: string; readOnly: string }> {
  const secret = await clients.secrets.send(new GetSecretValueCommand({ SecretId: secretIds.authority(cluster.name) }));
  const authority = Authority.parse(JSON.parse(secret.SecretString ?? '{}'));
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const write = async (kind: string, user: Readonly<Record<string, string>>): Promise<string> => {
    const path = join(directory, `${cluster.name}-${kind}.kubeconfig`);
    await writeFile(path, kubeconfig(cluster, authority['ca-bundle.crt'] ?? authority['ca.crt'], user), { mode: 0o600 });
    return path;
  };
  return { admin: await write('admin', await administrator(authority)), readOnly: await write('read-only', { token }) };
}

async function administrator(authority: z.infer<typeof Authority>): Promise<Record<string, string>> {
  const now = Date.now();
  const { certificate, key } = await createAuthority().issue(
    { certificate: authority['ca.crt'], key: authority['ca.key'] },
    {
      commonName: 'local-admin',
      organizations: ['system:masters'],
      usages: ['client'],
      from: new Date(now - 60_000),
      until: new Date(now + VALID_MINUTES * 60_000),
    },
  );
  return { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) };
}

function kubeconfig({ name, network }: { name: string; network: string }, ca: string, user: Readonly<Record<string, string>>): string {
  const server = `https://${clusterAddresses(network).api}:${API_PORT}`;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(ca), 'tls-server-name': 'kubernetes' } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
