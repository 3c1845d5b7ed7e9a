import * as z from 'zod';
import { Manifest } from './render.ts';

/** Failure answer of the Kubernetes API (`Status` of meta/v1). */
export const Status = z.looseObject({
  kind: z.literal('Status'),
  status: z.string().default(''),
  message: z.string().default(''),
  reason: z.string().default(''),
  code: z.number().optional(),
  details: z
    .looseObject({
      causes: z
        .array(z.looseObject({ reason: z.string().optional(), message: z.string().optional(), field: z.string().optional() }))
        .optional(),
      retryAfterSeconds: z.number().optional(),
    })
    .optional(),
});
export type Status = z.infer<typeof Status>;

/** Answer of `/api/v1` and `/apis/<group>/<version>`: the kinds there. */
export const ResourceList = z.looseObject({
  resources: z.array(z.looseObject({ name: z.string(), kind: z.string(), namespaced: z.boolean() })),
});

/** A page of a list; its items lack apiVersion and kind. */
export const ObjectList = z.looseObject({
  metadata: z.looseObject({ continue: z.string().optional(), remainingItemCount: z.number().optional() }).default({}),
  items: z.array(z.looseObject({ metadata: Manifest.shape.metadata })).nullable(),
});
export type ObjectList = z.infer<typeof ObjectList>;

/** Answer of `/version`. */
export const ServerVersion = z.looseObject({ gitVersion: z.string().regex(/^v\d+\.\d+\.\d+/) });

/** Who applied or changed which fields of an object; absent where the server keeps no account. */
export const ManagedFields = z.array(
  z.looseObject({
    manager: z.string().default(''),
    operation: z.string().default(''),
    apiVersion: z.string().default(''),
    subresource: z.string().optional(),
    /** A tree of `f:<field>`, `k:<item by its keys>` and `v:<value of a set>`; a leaf is empty. */
    fieldsV1: z.record(z.string(), z.unknown()).optional(),
  }),
);
export type ManagedFields = z.infer<typeof ManagedFields>;

/** Answer of `/api`: where its server says that it is. */
export const RootVersions = z.looseObject({
  serverAddressByClientCIDRs: z.array(z.looseObject({ serverAddress: z.string() })).default([]),
});

export const Condition = z.looseObject({
  type: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
});
export type Condition = z.infer<typeof Condition>;

const Labels = z.record(z.string(), z.string()).default({});

const Metadata = z.looseObject({
  name: z.string(),
  namespace: z.string().default(''),
  uid: z.string().default(''),
  labels: Labels,
  annotations: Labels,
  generation: z.number().default(0),
  creationTimestamp: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  finalizers: z.array(z.string()).default([]),
  ownerReferences: z
    .array(z.looseObject({ kind: z.string(), name: z.string(), uid: z.string(), controller: z.boolean().optional() }))
    .default([]),
  resourceVersion: z.string().optional(),
});

export const Taint = z.looseObject({ key: z.string(), value: z.string().optional(), effect: z.string() });
export type Taint = z.infer<typeof Taint>;

/** Of a Node: what rolling and waiting look at. */
export const Node = z.looseObject({
  metadata: Metadata,
  spec: z.looseObject({
    providerID: z.string().default(''),
    unschedulable: z.boolean().default(false),
    taints: z.array(Taint).default([]),
  }),
  status: z
    .looseObject({
      conditions: z.array(Condition).default([]),
      allocatable: z.looseObject({ pods: z.string().optional() }).optional(),
      nodeInfo: z.looseObject({ kubeletVersion: z.string().default('') }).optional(),
    })
    .default({ conditions: [] }),
});
export type Node = z.infer<typeof Node>;

const ContainerStatus = z.looseObject({
  name: z.string(),
  ready: z.boolean().default(false),
  restartCount: z.number().default(0),
  state: z
    .looseObject({
      waiting: z.looseObject({ reason: z.string().default(''), message: z.string().default('') }).optional(),
      terminated: z.looseObject({ reason: z.string().default(''), exitCode: z.number().optional() }).optional(),
      running: z.looseObject({}).optional(),
    })
    .default({}),
});

/** Of a Pod: what draining and the cause of a stuck rollout look at. */
export const Pod = z.looseObject({
  metadata: Metadata,
  spec: z
    .looseObject({
      nodeName: z.string().default(''),
      volumes: z.array(z.looseObject({ persistentVolumeClaim: z.looseObject({ claimName: z.string() }).optional() })).default([]),
    })
    .prefault({}),
  status: z
    .looseObject({
      phase: z.string().default(''),
      conditions: z.array(Condition).default([]),
      containerStatuses: z.array(ContainerStatus).default([]),
      initContainerStatuses: z.array(ContainerStatus).default([]),
    })
    .default({ phase: '', conditions: [], containerStatuses: [], initContainerStatuses: [] }),
});
export type Pod = z.infer<typeof Pod>;

/** An Event of type Warning: what a controller or kubelet could not do. */
export const WarningEvent = z.looseObject({
  reason: z.string().default(''),
  message: z.string().default(''),
  involvedObject: z.looseObject({ kind: z.string().default(''), name: z.string().default('') }),
  /** Absent in events of the new kind, which have eventTime. */
  lastTimestamp: z.string().nullish(),
  eventTime: z.string().nullish(),
});
export type WarningEvent = z.infer<typeof WarningEvent>;

/** A label selector of meta/v1. */
export const Selector = z.looseObject({
  matchLabels: Labels,
  matchExpressions: z
    .array(
      z.looseObject({
        key: z.string(),
        operator: z.string(),
        values: z
          .array(z.string())
          .nullish()
          .transform((values) => values ?? []),
      }),
    )
    .default([]),
});
export type Selector = z.infer<typeof Selector>;

/** Of a PodDisruptionBudget (policy/v1): what it selects and allows. */
export const PodDisruptionBudget = z.looseObject({
  metadata: Metadata,
  spec: z
    .looseObject({
      selector: Selector.optional(),
      minAvailable: z.union([z.number(), z.string()]).optional(),
      maxUnavailable: z.union([z.number(), z.string()]).optional(),
    })
    .default({}),
  status: z.looseObject({ disruptionsAllowed: z.number().default(0), expectedPods: z.number().default(0) }).optional(),
});
export type PodDisruptionBudget = z.infer<typeof PodDisruptionBudget>;

/** Of a pod's spec: what a drain looks at. */
export const PodSpec = z.looseObject({
  terminationGracePeriodSeconds: z.number().optional(),
  volumes: z
    .array(z.looseObject({ emptyDir: z.looseObject({ medium: z.string().optional() }).nullish(), hostPath: z.looseObject({}).optional() }))
    .nullish()
    .transform((volumes) => volumes ?? []),
});
export type PodSpec = z.infer<typeof PodSpec>;

/** Of a Deployment, StatefulSet or ReplicaSet: the pods that it is to have. */
export const WorkloadSpec = z.looseObject({
  metadata: Metadata,
  spec: z.looseObject({
    replicas: z.number().optional(),
    template: z.looseObject({ metadata: z.looseObject({ labels: Labels }).prefault({}), spec: PodSpec }),
  }),
});

/** Of a Service: whom it leads to. */
export const Service = z.looseObject({
  metadata: Metadata,
  spec: z.looseObject({ selector: z.record(z.string(), z.string()).nullish() }).default({}),
});
export type Service = z.infer<typeof Service>;

/** Of a ValidatingWebhookConfiguration or MutatingWebhookConfiguration: whom it asks, about what. */
export const WebhookConfiguration = z.looseObject({
  kind: z.string(),
  metadata: Metadata,
  webhooks: z
    .array(
      z.looseObject({
        failurePolicy: z.string().default('Fail'),
        clientConfig: z.looseObject({ service: z.looseObject({ namespace: z.string(), name: z.string() }).optional() }),
        rules: z
          .array(
            z.looseObject({
              operations: z.array(z.string()).default([]),
              apiGroups: z.array(z.string()).default([]),
              resources: z.array(z.string()).default([]),
            }),
          )
          .default([]),
      }),
    )
    .default([]),
});
export type WebhookConfiguration = z.infer<typeof WebhookConfiguration>;

/** Of a VolumeAttachment: the node. */
export const Attachment = z.looseObject({ spec: z.looseObject({ nodeName: z.string() }) });

/** Of a ReplicaSet or StatefulSet: how many pods it is to have. */
export const Replicated = z.looseObject({ metadata: Metadata, spec: z.looseObject({ replicas: z.number().default(1) }) });

/** Of a Deployment, StatefulSet or DaemonSet: what tells whether its rollout is complete. */
export const Workload = z.looseObject({
  kind: z.string(),
  metadata: Metadata,
  spec: z.looseObject({
    replicas: z.number().optional(),
    selector: z.looseObject({ matchLabels: Labels }).default({ matchLabels: {} }),
    updateStrategy: z.looseObject({ type: z.string().optional() }).optional(),
  }),
  status: z
    .looseObject({
      observedGeneration: z.number().default(0),
      replicas: z.number().default(0),
      updatedReplicas: z.number().default(0),
      readyReplicas: z.number().default(0),
      availableReplicas: z.number().default(0),
      currentRevision: z.string().optional(),
      updateRevision: z.string().optional(),
      desiredNumberScheduled: z.number().default(0),
      updatedNumberScheduled: z.number().default(0),
      numberAvailable: z.number().default(0),
      conditions: z.array(Condition).default([]),
    })
    .prefault({}),
});
export type Workload = z.infer<typeof Workload>;

/** Of a DaemonSet: which images it runs. */
export const DaemonSet = z.looseObject({
  metadata: Metadata,
  spec: z.looseObject({
    template: z.looseObject({ spec: z.looseObject({ containers: z.array(z.looseObject({ image: z.string().default('') })).default([]) }) }),
  }),
});
export type DaemonSet = z.infer<typeof DaemonSet>;
