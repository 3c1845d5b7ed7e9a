import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { stringify } from 'yaml';
import * as z from 'zod';
import { createAuthority } from '#adapters/x509/authority.ts';
import { secretIds } from '#domain/names.ts';
import { API_PORT, clusterAddresses } from '#domain/network.ts';
import type { KeyPair } from '#ports/authority.ts';
import type { AccountClients } from './aws/clients.ts';

const Authority = z.object({ 'ca.crt': z.string(), 'ca.key': z.string() });

/** Certificates for people at the machine: an administrator's and a reader's, valid for a day. */
const VALID_MINUTES = 24 * 60;

/** Writes `<name>-admin.kubeconfig` and `<name>-read-only.kubeconfig` of a cluster; answers their paths. */
export async function writeKubeconfigs(
  clients: AccountClients,
  cluster: { name: string; network: string },
  directory: string,
): Promise<{ admin: string; readOnly: string }> {
  const secret = await clients.secrets.send(new GetSecretValueCommand({ SecretId: secretIds.authority(cluster.name) }));
  const authority = Authority.parse(JSON.parse(secret.SecretString ?? '{}'));
  const server = `https://${clusterAddresses(cluster.network).api}:${API_PORT}`;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const write = async (kind: string, organization: string): Promise<string> => {
    const now = Date.now();
    const issued = await createAuthority().issue(
      { certificate: authority['ca.crt'], key: authority['ca.key'] },
      {
        commonName: `local-${kind}`,
        organizations: [organization],
        usages: ['client'],
        from: new Date(now - 60_000),
        until: new Date(now + VALID_MINUTES * 60_000),
      },
    );
    const path = join(directory, `${cluster.name}-${kind}.kubeconfig`);
    await writeFile(path, kubeconfig(cluster.name, server, authority['ca.crt'], issued), { mode: 0o600 });
    return path;
  };
  return { admin: await write('admin', 'system:masters'), readOnly: await write('read-only', 'sluice:read-only') };
}

function kubeconfig(name: string, server: string, ca: string, client: KeyPair): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(ca), 'tls-server-name': 'kubernetes' } }],
    users: [{ name, user: { 'client-certificate-data': base64(client.certificate), 'client-key-data': base64(client.key) } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  });
}
