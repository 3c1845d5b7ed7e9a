import { Pod, PodDisruptionBudget, PodSpec, Service, WebhookConfiguration, WorkloadSpec } from '../../model/kubernetes.ts';
import type { Manifest } from '../../model/render.ts';
import { controllerOf, isTerminating, mustLeave } from './pods.ts';
import type { PodGroup, RiskFacts } from './risks.ts';

const DEFAULT_GRACE_SECONDS = 30;
const WORKLOADS: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'ReplicaSet']);
const WEBHOOKS: ReadonlySet<string> = new Set(['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration']);

/** From objects as they are in the configuration: any of their pods may stand on any node. What has another shape is left out. */
export function risksInObjects(objects: readonly Manifest[]): Omit<RiskFacts, 'limits'> {
  const groups = objects.flatMap((object): PodGroup[] => {
    if (object.kind === 'Pod') return bareGroup(object);
    const parsed = WORKLOADS.has(object.kind) ? WorkloadSpec.safeParse(object) : undefined;
    if (parsed?.data === undefined || (parsed.data.spec.replicas ?? 1) === 0) return [];
    const { metadata, spec } = parsed.data;
    const namespace = metadata.namespace === '' ? 'default' : metadata.namespace;
    const name = `${object.kind} ${namespace}/${metadata.name}`;
    return [
      {
        ...shapeOf(spec.template.spec),
        name,
        namespace,
        labels: spec.template.metadata.labels,
        replicas: spec.replicas ?? 1,
        controlled: true,
      },
    ];
  });
  return { groups, all: groups, ...othersIn(objects) };
}

function bareGroup(object: Manifest): PodGroup[] {
  const pod = Pod.safeParse(object).data;
  return pod === undefined ? [] : [groupOf([pod])];
}

/** From a live cluster. @param nodes names of those that will be drained */
export function risksInCluster(
  pods: readonly Pod[],
  others: readonly Manifest[],
  nodes: ReadonlySet<string>,
  now: Date,
): Omit<RiskFacts, 'limits'> {
  const together = new Map<string, Pod[]>();
  for (const pod of pods.filter((one) => mustLeave(one) && !isTerminating(one) && controllerOf(one)?.kind !== 'Job')) {
    const key = controllerOf(pod)?.uid ?? pod.metadata.uid;
    together.set(key, [...(together.get(key) ?? []), pod]);
  }
  const all = [...together.values()].map((group) => ({
    group: groupOf(group, now),
    moves: group.some(({ spec }) => nodes.has(spec.nodeName)),
  }));
  return { groups: all.filter(({ moves }) => moves).map(({ group }) => group), all: all.map(({ group }) => group), ...othersIn(others) };
}

/** @param pods of one controller, or one bare pod; at least one */
function groupOf(pods: readonly Pod[], now?: Date): PodGroup {
  const [first] = pods;
  if (first === undefined) throw new RangeError('a group has at least one pod');
  const { namespace, name, labels } = first.metadata;
  const controller = controllerOf(first);
  const ages = pods.flatMap(({ metadata }) => ageOf(metadata.creationTimestamp, now) ?? []);
  const of = { namespace: namespace === '' ? 'default' : namespace, labels, replicas: pods.length, controlled: controller !== undefined };
  const called = controller === undefined ? `Pod ${of.namespace}/${name}` : `${controller.kind} ${of.namespace}/${controller.name}`;
  return { ...shapeOf(PodSpec.parse(first.spec)), ...of, name: called, ...(ages.length === 0 ? {} : { youngest: Math.min(...ages) }) };
}

function ageOf(created: string | undefined, now: Date | undefined): number | undefined {
  const age = now === undefined ? Number.NaN : (now.getTime() - Date.parse(created ?? '')) / 1000;
  return Number.isNaN(age) ? undefined : age;
}

function shapeOf({ terminationGracePeriodSeconds, volumes }: PodSpec): Pick<PodGroup, 'graceSeconds' | 'local'> {
  const kinds = [
    ...(volumes.some(({ emptyDir }) => emptyDir !== undefined && emptyDir !== null && emptyDir.medium !== 'Memory') ? ['emptyDir'] : []),
    ...(volumes.some(({ hostPath }) => hostPath !== undefined) ? ['hostPath'] : []),
  ];
  return { graceSeconds: terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS, local: kinds };
}

function othersIn(objects: readonly Manifest[]): Pick<RiskFacts, 'budgets' | 'services' | 'webhooks'> {
  const of = (kinds: (kind: string) => boolean): Manifest[] => objects.filter(({ kind }) => kinds(kind));
  return {
    budgets: of((kind) => kind === 'PodDisruptionBudget').flatMap((object) => PodDisruptionBudget.safeParse(object).data ?? []),
    services: of((kind) => kind === 'Service').flatMap((object) => Service.safeParse(object).data ?? []),
    webhooks: of((kind) => WEBHOOKS.has(kind)).flatMap((object) => WebhookConfiguration.safeParse(object).data ?? []),
  };
}
