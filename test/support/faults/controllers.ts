import * as z from 'zod';
import type { Manifest } from '#model/render.ts';
import type { FakeKubernetes } from '../fakes/kubernetes.ts';

const Workload = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().default('default'),
    generation: z.number().default(1),
    uid: z.string(),
  }),
  spec: z.looseObject({
    replicas: z.number().optional(),
    template: z.looseObject({ metadata: z.looseObject({ labels: z.record(z.string(), z.string()).default({}) }).default({ labels: {} }) }),
  }),
});
const Node = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({ unschedulable: z.boolean().default(false) }),
});

/** What controllers and the scheduler do in one tick: pods of each workload on nodes that take pods, and its status. */
export function runControllers(kubernetes: FakeKubernetes): void {
  const nodes = kubernetes.all('Node').map((node) => Node.parse(node));
  const free = nodes.filter(({ spec }) => !spec.unschedulable).map(({ metadata }) => metadata.name);
  const names = new Set(nodes.map(({ metadata }) => metadata.name));
  const wanted = new Set<string>();
  for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet'] as const) {
    for (const object of kubernetes.all(kind)) {
      const workload = Workload.parse(object);
      const places = kind === 'DaemonSet' ? [...names] : Array.from({ length: workload.spec.replicas ?? 1 }, (_, index) => index);
      let running = 0;
      for (const place of places) {
        const name = `${workload.metadata.name}-${place}`;
        wanted.add(`${workload.metadata.namespace}/${name}`);
        if (bring(kubernetes, workload, name, kind === 'DaemonSet' ? [String(place)] : free, names)) running += 1;
      }
      setStatus(kubernetes, object, places.length, running);
    }
  }
  bringEndpoints(kubernetes);
  for (const pod of kubernetes.all('Pod')) {
    if (!wanted.has(`${pod.metadata.namespace}/${pod.metadata.name}`)) kubernetes.remove(idOf(pod));
  }
}

const Service = z.looseObject({ spec: z.looseObject({ selector: z.record(z.string(), z.string()).optional() }) });

/** Who is behind each Service. */
function bringEndpoints(kubernetes: FakeKubernetes): void {
  for (const object of kubernetes.all('Service')) {
    const selector = Object.entries(Service.parse(object).spec.selector ?? {});
    const pods = kubernetes.all('Pod').filter(({ metadata }) => {
      const labels = (metadata['labels'] ?? {}) as Record<string, string>;
      return metadata.namespace === object.metadata.namespace && selector.every(([key, value]) => labels[key] === value);
    });
    const { name, namespace = 'default' } = object.metadata;
    const endpoints = selector.length === 0 ? [] : pods.map(() => ({ conditions: { ready: true } }));
    const metadata = { name, namespace, labels: { 'kubernetes.io/service-name': name } };
    kubernetes.put({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, endpoints });
  }
}

/** True when the pod runs on a node that is there. */
function bring(
  kubernetes: FakeKubernetes,
  workload: z.infer<typeof Workload>,
  name: string,
  free: readonly string[],
  names: ReadonlySet<string>,
): boolean {
  const { namespace, uid } = workload.metadata;
  const there = kubernetes.all('Pod').find((pod) => pod.metadata.namespace === namespace && pod.metadata.name === name);
  const at = there === undefined ? undefined : (there['spec'] as { nodeName?: string }).nodeName;
  if (at !== undefined && names.has(at)) return true;
  // Spread by name, so that the same pods lie on the same nodes in each run.
  const node = free[[...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % Math.max(free.length, 1)];
  if (node === undefined) return false;
  const ownerReferences = [{ kind: workload.kind, name: workload.metadata.name, uid, controller: true }];
  const { labels } = workload.spec.template.metadata;
  kubernetes.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels, ownerReferences },
    spec: { nodeName: node },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  });
  return true;
}

function setStatus(kubernetes: FakeKubernetes, object: Manifest, wanted: number, running: number): void {
  const { generation } = Workload.parse(object).metadata;
  const status = {
    observedGeneration: generation,
    ...{ replicas: running, updatedReplicas: running, readyReplicas: running, availableReplicas: running },
    ...{
      desiredNumberScheduled: wanted,
      currentNumberScheduled: running,
      updatedNumberScheduled: running,
      numberAvailable: running,
      numberReady: running,
    },
    ...{ currentRevision: 'one', updateRevision: 'one', conditions: [] },
  };
  kubernetes.setStatus(idOf(object), status);
}

function idOf({ apiVersion, kind, metadata }: Manifest) {
  return { apiVersion, kind, name: metadata.name, ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }) };
}
