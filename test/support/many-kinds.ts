/** One object of many kinds, as people write them, so that validation meets more than the reference fleet has. */
const POD = {
  serviceAccountName: 'default',
  securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
  affinity: {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 100, podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'many' } } } },
      ],
    },
  },
  tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoSchedule' }],
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: 'topology.kubernetes.io/zone',
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: { app: 'many' } },
    },
  ],
  containers: [
    {
      name: 'one',
      image: 'registry.example.net/one:1.0.0',
      args: ['--port=8080'],
      env: [
        { name: 'A', value: 'b' },
        { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
      ],
      ports: [
        { name: 'http', containerPort: 8080 },
        { name: 'dns', containerPort: 53, protocol: 'UDP' },
      ],
      resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '64Mi' } },
      livenessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 10 },
      readinessProbe: { tcpSocket: { port: 8080 } },
      lifecycle: { preStop: { exec: { command: ['sleep', '5'] } } },
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      volumeMounts: [{ name: 'config', mountPath: '/etc/one', readOnly: true }],
    },
  ],
  volumes: [
    { name: 'config', configMap: { name: 'many', items: [{ key: 'a', path: 'a' }], defaultMode: 420 } },
    { name: 'scratch', emptyDir: { sizeLimit: '1Gi' } },
  ],
};
const TEMPLATE = { metadata: { labels: { app: 'many' }, annotations: { 'example.net/note': 'yes, it may' } }, spec: POD };
const SELECTOR = { matchLabels: { app: 'many' } };

function many(apiVersion: string, kind: string, rest: object, namespaced = true): object {
  return {
    apiVersion,
    kind,
    metadata: { name: 'many', ...(namespaced ? { namespace: 'default' } : {}), labels: { app: 'many' } },
    ...rest,
  };
}

const CLAIM = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'many' };
const RULES = [{ apiGroups: ['', 'apps'], resources: ['pods', 'deployments/scale'], verbs: ['get', 'list'] }];
const WEBHOOK = {
  name: 'many.example.net',
  admissionReviewVersions: ['v1'],
  sideEffects: 'None',
  clientConfig: { service: { name: 'many', namespace: 'default', path: '/', port: 443 }, caBundle: 'aGVsbG8=' },
  rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
  failurePolicy: 'Ignore',
};

export const MANY_KINDS: readonly object[] = [
  many('apps/v1', 'Deployment', {
    spec: {
      replicas: 2,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
      selector: SELECTOR,
      template: TEMPLATE,
    },
  }),
  many('apps/v1', 'DaemonSet', { spec: { updateStrategy: { type: 'OnDelete' }, selector: SELECTOR, template: TEMPLATE } }),
  many('apps/v1', 'StatefulSet', {
    spec: {
      serviceName: 'many',
      replicas: 1,
      podManagementPolicy: 'Parallel',
      selector: SELECTOR,
      template: TEMPLATE,
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: CLAIM }],
    },
  }),
  many('batch/v1', 'CronJob', {
    spec: {
      schedule: '*/5 * * * *',
      concurrencyPolicy: 'Forbid',
      jobTemplate: { spec: { backoffLimit: 1, template: { spec: { ...POD, restartPolicy: 'OnFailure' } } } },
    },
  }),
  many('v1', 'Service', {
    spec: {
      selector: { app: 'many' },
      ports: [
        { name: 'http', port: 80, targetPort: 'http' },
        { name: 'other', port: 81, targetPort: 81 },
      ],
    },
  }),
  many('v1', 'ConfigMap', { data: { a: 'b' }, binaryData: { c: 'aGVsbG8=' } }),
  many('v1', 'PersistentVolumeClaim', { spec: CLAIM }),
  many('v1', 'LimitRange', { spec: { limits: [{ type: 'Container', default: { memory: '64Mi' }, defaultRequest: { cpu: '10m' } }] } }),
  many('v1', 'ResourceQuota', {
    spec: {
      hard: { pods: '10', 'requests.cpu': '4' },
      scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['low'] }] },
    },
  }),
  many('v1', 'ServiceAccount', { automountServiceAccountToken: false, imagePullSecrets: [{ name: 'pull' }] }),
  many('networking.k8s.io/v1', 'Ingress', {
    spec: {
      rules: [
        {
          host: 'many.example.net',
          http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'many', port: { number: 80 } } } }] },
        },
      ],
    },
  }),
  many('networking.k8s.io/v1', 'NetworkPolicy', {
    spec: {
      podSelector: {},
      policyTypes: ['Ingress'],
      ingress: [{ from: [{ namespaceSelector: {} }, { ipBlock: { cidr: '10.0.0.0/8' } }], ports: [{ port: 80, protocol: 'TCP' }] }],
    },
  }),
  many('networking.k8s.io/v1', 'IngressClass', { spec: { controller: 'example.net/many' } }, false),
  many('policy/v1', 'PodDisruptionBudget', { spec: { maxUnavailable: '50%', selector: SELECTOR } }),
  many('autoscaling/v2', 'HorizontalPodAutoscaler', {
    spec: {
      minReplicas: 1,
      maxReplicas: 3,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'many' },
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } }],
    },
  }),
  many('rbac.authorization.k8s.io/v1', 'Role', { rules: RULES }),
  many('rbac.authorization.k8s.io/v1', 'RoleBinding', {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'many' },
    subjects: [{ kind: 'ServiceAccount', name: 'many', namespace: 'default' }],
  }),
  many('rbac.authorization.k8s.io/v1', 'ClusterRole', { rules: [...RULES, { nonResourceURLs: ['/metrics'], verbs: ['get'] }] }, false),
  many('scheduling.k8s.io/v1', 'PriorityClass', { value: 1000, globalDefault: false, description: 'Many.' }, false),
  many(
    'storage.k8s.io/v1',
    'StorageClass',
    { provisioner: 'ebs.csi.aws.com', volumeBindingMode: 'WaitForFirstConsumer', parameters: { type: 'gp3' } },
    false,
  ),
  many(
    'storage.k8s.io/v1',
    'CSIDriver',
    { spec: { attachRequired: true, podInfoOnMount: false, volumeLifecycleModes: ['Persistent'] } },
    false,
  ),
  many('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', { webhooks: [WEBHOOK] }, false),
  many(
    'admissionregistration.k8s.io/v1',
    'MutatingWebhookConfiguration',
    { webhooks: [{ ...WEBHOOK, reinvocationPolicy: 'Never' }] },
    false,
  ),
  many(
    'admissionregistration.k8s.io/v1',
    'ValidatingAdmissionPolicy',
    {
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }] },
        validations: [{ expression: 'object.spec.containers.size() > 0', message: 'none' }],
      },
    },
    false,
  ),
  many(
    'flowcontrol.apiserver.k8s.io/v1',
    'PriorityLevelConfiguration',
    { spec: { type: 'Limited', limited: { nominalConcurrencyShares: 10, limitResponse: { type: 'Reject' } } } },
    false,
  ),
  {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'gates.example.net' },
    spec: {
      group: 'example.net',
      scope: 'Namespaced',
      names: { kind: 'Gate', plural: 'gates' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: {
                  type: 'object',
                  required: ['size'],
                  properties: {
                    size: { type: 'integer', minimum: 1, maximum: 9 },
                    mode: { type: 'string', enum: ['fast', 'safe'] },
                    port: { anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true },
                    note: { type: 'string', nullable: true, maxLength: 20 },
                    any: { 'x-kubernetes-preserve-unknown-fields': true },
                    empty: { type: 'object' },
                    tags: { type: 'object', additionalProperties: { type: 'string' } },
                    steps: {
                      type: 'array',
                      'x-kubernetes-list-type': 'map',
                      'x-kubernetes-list-map-keys': ['name'],
                      items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, level: { type: 'integer' } } },
                    },
                  },
                },
              },
            },
          },
        },
      ],
    },
  },
  many('example.net/v1', 'Gate', {
    spec: {
      size: 3,
      mode: 'fast',
      port: 'http',
      note: 'a note',
      any: { a: [1] },
      empty: {},
      tags: { a: 'b' },
      steps: [{ name: 'a', level: 1 }, { name: 'b' }],
    },
  }),
  many('v1', 'Pod', {
    spec: { ...POD, initContainers: [{ name: 'first', image: 'registry.example.net/first:1.0.0', restartPolicy: 'Always' }] },
  }),
  many('batch/v1', 'Job', {
    spec: { backoffLimit: 1, ttlSecondsAfterFinished: 60, template: { spec: { ...POD, restartPolicy: 'Never' } } },
  }),
  many(
    'v1',
    'PersistentVolume',
    {
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        csi: { driver: 'ebs.csi.aws.com', volumeHandle: 'vol-1', fsType: 'ext4' },
        claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: 'many', namespace: 'default' },
      },
    },
    false,
  ),
  {
    ...many(
      'apiregistration.k8s.io/v1',
      'APIService',
      {
        spec: {
          group: 'other.example.net',
          version: 'v1',
          groupPriorityMinimum: 100,
          versionPriority: 100,
          service: { name: 'many', namespace: 'default' },
          caBundle: 'aGVsbG8=',
        },
      },
      false,
    ),
    metadata: { name: 'v1.other.example.net' },
  },
  many(
    'admissionregistration.k8s.io/v1',
    'ValidatingAdmissionPolicyBinding',
    { spec: { policyName: 'many', validationActions: ['Deny'], matchResources: { namespaceSelector: { matchLabels: { a: 'b' } } } } },
    false,
  ),
  many(
    'flowcontrol.apiserver.k8s.io/v1',
    'FlowSchema',
    {
      spec: {
        matchingPrecedence: 1000,
        priorityLevelConfiguration: { name: 'many' },
        distinguisherMethod: { type: 'ByUser' },
        rules: [
          {
            subjects: [{ kind: 'ServiceAccount', serviceAccount: { name: 'many', namespace: 'default' } }],
            resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
          },
        ],
      },
    },
    false,
  ),
  many(
    'node.k8s.io/v1',
    'RuntimeClass',
    { handler: 'runc', overhead: { podFixed: { cpu: '10m' } }, scheduling: { nodeSelector: { a: 'b' } } },
    false,
  ),
  many('discovery.k8s.io/v1', 'EndpointSlice', {
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.1.2.3'], conditions: { ready: true } }],
    ports: [{ name: 'http', port: 80 }],
  }),
  many('coordination.k8s.io/v1', 'Lease', { spec: { holderIdentity: 'one', leaseDurationSeconds: 15, leaseTransitions: 0 } }),
  {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'doors.example.net', annotations: { 'api-approved.kubernetes.io': 'unapproved, example' } },
    spec: {
      group: 'example.net',
      scope: 'Cluster',
      names: { kind: 'Door', plural: 'doors', singular: 'door', listKind: 'DoorList', shortNames: ['dr'], categories: ['all'] },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {}, scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' } },
          additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size', priority: 0 }],
          selectableFields: [{ jsonPath: '.spec.mode' }],
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: { type: 'object', properties: { size: { type: 'integer' }, mode: { type: 'string' } } },
                status: { type: 'object', properties: { size: { type: 'integer' } } },
              },
            },
          },
        },
      ],
    },
  },
];
