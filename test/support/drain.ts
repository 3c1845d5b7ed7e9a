import { forceLimits } from '#domain/drain/force.ts';
import type { PodGroup } from '#domain/drain/risks.ts';
import type { RollFacts } from '#domain/drain/view.ts';
import { Node, Pod, PodDisruptionBudget } from '#model/kubernetes.ts';
import type { Instance, ZonedGroup } from '#ports/instances.ts';

/** The time of all drain tests. */
export const NOW = new Date('2026-03-01T12:00:00Z');

/** `seconds` before NOW. */
export function ago(seconds: number): Date {
  return new Date(NOW.getTime() - seconds * 1000);
}

/** Two pods of a Deployment, with nothing to fear for. */
export const WEB: PodGroup = {
  name: 'Deployment shop/web',
  namespace: 'shop',
  labels: { app: 'web' },
  replicas: 2,
  controlled: true,
  graceSeconds: 30,
  local: [],
};

export interface PodShape {
  readonly name?: string;
  readonly namespace?: string;
  readonly node?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly owner?: { readonly kind: string; readonly uid: string };
  /** Seconds since it was made; null: it does not tell. */
  readonly age?: number | null;
  readonly ready?: boolean;
  readonly phase?: string;
  /** Seconds since its grace period ended (negative: it still runs). */
  readonly ending?: number;
  readonly spec?: object;
}

export function pod(shape: PodShape = {}): Pod {
  const {
    name = 'web-1',
    namespace = 'shop',
    node = 'n1',
    labels = { app: 'web' },
    annotations = {},
    age = 100 * 3600,
    ready = true,
  } = shape;
  const owner = shape.owner ?? { kind: 'ReplicaSet', uid: 'rs-web' };
  return Pod.parse({
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      labels,
      annotations,
      ...(age === null ? {} : { creationTimestamp: ago(age).toISOString() }),
      ...(shape.ending === undefined ? {} : { deletionTimestamp: ago(shape.ending).toISOString() }),
      ownerReferences: owner.kind === '' ? [] : [{ ...owner, name: owner.uid, controller: true }],
    },
    spec: { nodeName: node, ...shape.spec },
    status: { phase: shape.phase ?? 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  });
}

export function budget(spec: object, metadata: object = {}, status?: object): PodDisruptionBudget {
  return PodDisruptionBudget.parse({
    metadata: { name: 'web', namespace: 'shop', ...metadata },
    spec,
    ...(status === undefined ? {} : { status }),
  });
}

export interface NodeShape {
  readonly ready?: boolean;
  readonly zone?: string;
  readonly cordoned?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly taints?: readonly { key: string; value?: string; effect: string }[];
  readonly pods?: string;
}

export function node(name: string, shape: NodeShape = {}): Node {
  return Node.parse({
    metadata: { name, resourceVersion: '7', labels: shape.labels ?? {}, annotations: shape.annotations ?? {} },
    spec: { providerID: `aws:///${shape.zone ?? 'a'}/${name}`, unschedulable: shape.cordoned ?? false, taints: shape.taints ?? [] },
    status: {
      conditions: [{ type: 'Ready', status: (shape.ready ?? true) ? 'True' : 'False' }],
      ...(shape.pods === undefined ? {} : { allocatable: { pods: shape.pods } }),
    },
  });
}

/** `a1`, `b2*`: zone, number, and a star for those of the current version. */
export function instance(text: string, change: Partial<Instance> = {}): Instance {
  const fresh = text.endsWith('*');
  const id = fresh ? text.slice(0, -1) : text;
  return {
    id,
    zone: id.slice(0, 1),
    lifecycleState: 'InService',
    healthStatus: 'Healthy',
    launchTemplateVersion: fresh ? '2' : '1',
    ...change,
  };
}

export function group(instances: readonly Instance[], change: Partial<ZonedGroup> = {}): ZonedGroup {
  return {
    name: 'group',
    min: 1,
    max: 10,
    desired: instances.length,
    launchTemplateVersion: '2',
    zones: ['a', 'b', 'c'],
    subnets: [],
    rebalances: false,
    note: undefined,
    instances,
    ...change,
  };
}

export function facts(change: Partial<RollFacts> = {}): RollFacts {
  return {
    pools: [],
    nodes: [],
    pods: [],
    attached: new Set(),
    replicas: new Map(),
    budgets: [],
    limits: forceLimits('production'),
    room: 100,
    permission: { decision: 'go' },
    now: NOW,
    ...change,
  };
}
