/** What a node waits for before it is Ready: a network configuration and kube-proxy. */
export function networkDaemonSet(): unknown {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'network', namespace: 'kube-system' },
    spec: {
      selector: { matchLabels: { application: 'network' } },
      template: {
        metadata: { labels: { application: 'network' } },
        spec: {
          hostNetwork: true,
          tolerations: [{ operator: 'Exists' }],
          containers: [
            { name: 'cni', image: 'cni:1' },
            { name: 'kube-proxy', image: 'kube-proxy:1' },
          ],
          volumes: [{ name: 'cni', hostPath: { path: '/etc/cni/net.d' } }],
        },
      },
    },
  };
}

export function webDeployment(replicas: number): unknown {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { application: 'web' } },
      template: { metadata: { labels: { application: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
    },
  };
}
