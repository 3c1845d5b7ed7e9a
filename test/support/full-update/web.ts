import type { Manifest } from '#model/render.ts';

/** A service of two replicas on real nodes, made as one that wants no failed request: it goes on serving until nobody sends to it. */
export function webObjects(image: string, address: string): Manifest[] {
  const labels = { application: 'web' };
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'default' },
      spec: { clusterIP: address, selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
    },
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'web', namespace: 'default' },
      spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            nodeSelector: { workload: 'web' },
            tolerations: [{ key: 'machine-room/real', operator: 'Exists' }],
            affinity: {
              podAntiAffinity: {
                requiredDuringSchedulingIgnoredDuringExecution: [
                  { labelSelector: { matchLabels: labels }, topologyKey: 'kubernetes.io/hostname' },
                ],
              },
            },
            terminationGracePeriodSeconds: 20,
            containers: [
              {
                name: 'web',
                image,
                imagePullPolicy: 'Never',
                args: ['netexec', '--http-port=8080'],
                ports: [{ containerPort: 8080 }],
                readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 },
                lifecycle: { preStop: { sleep: { seconds: 5 } } },
                resources: { requests: { cpu: '50m', memory: '32Mi' }, limits: { memory: '128Mi' } },
              },
            ],
          },
        },
      },
    },
  ] as unknown as Manifest[];
}
