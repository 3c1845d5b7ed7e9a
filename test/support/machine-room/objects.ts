/** Rights of the node agents, as the fleet's `nodes` component gives them. */
export function nodeRights(): { path: string; body: unknown }[] {
  const rule = (apiGroups: string[], resources: string[], verbs: string[]): unknown => ({ apiGroups, resources, verbs });
  return [
    {
      path: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
      body: {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: 'sluice:nodes' },
        rules: [
          rule([''], ['nodes', 'pods'], ['create', 'get', 'list', 'watch', 'update', 'patch', 'delete']),
          rule([''], ['nodes/status', 'pods/status'], ['get', 'update', 'patch']),
          rule(['', 'events.k8s.io'], ['events'], ['create', 'update', 'patch']),
          rule(['coordination.k8s.io'], ['leases'], ['create', 'get', 'list', 'watch', 'update', 'patch', 'delete']),
        ],
      },
    },
    {
      path: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
      body: {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'sluice:nodes' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'sluice:nodes' },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'sluice:nodes' }],
      },
    },
  ];
}

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
