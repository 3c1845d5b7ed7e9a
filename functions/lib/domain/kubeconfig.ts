import type { ClientIdentity } from '../model/identity.ts';

/** A kubeconfig for one API server with an embedded client certificate; JSON, which is YAML too. */
export function kubeconfigOf(server: string, serverName: string, { ca, cert, key }: ClientIdentity): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'cluster', cluster: { server, 'tls-server-name': serverName, 'certificate-authority-data': base64(ca) } }],
    users: [{ name: 'sluice', user: { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) } }],
    contexts: [{ name: 'cluster', context: { cluster: 'cluster', user: 'sluice' } }],
    'current-context': 'cluster',
  });
}
