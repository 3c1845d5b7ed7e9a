import type { ValuePath } from '../yaml-source.ts';
import type { PolicyObject } from './subject.ts';
import { isMapping, listAt, type Mapping, textAt, valueAt } from './values.ts';

/** What an object starts pods from, with the path of the pod's `spec` and `metadata` in it. */
export interface PodTemplate {
  readonly object: PolicyObject;
  readonly spec: Mapping;
  readonly specPath: ValuePath;
  readonly metadataPath: ValuePath;
}

export interface Container {
  readonly pod: PodTemplate;
  readonly name: string;
  readonly body: Mapping;
  readonly path: ValuePath;
  /** True for what runs before the pod's own containers and ends. */
  readonly init: boolean;
}

const TEMPLATE_PATHS: Readonly<Record<string, ValuePath>> = {
  Pod: [],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
  Deployment: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  Job: ['spec', 'template'],
};

/** The pod templates of objects that have one. */
export function podTemplates(objects: readonly PolicyObject[]): PodTemplate[] {
  return objects.flatMap((object): PodTemplate[] => {
    const base = Object.hasOwn(TEMPLATE_PATHS, object.manifest.kind) ? TEMPLATE_PATHS[object.manifest.kind] : undefined;
    const spec = base === undefined ? undefined : valueAt(object.manifest, [...base, 'spec']);
    if (base === undefined || !isMapping(spec)) return [];
    return [{ object, spec, specPath: [...base, 'spec'], metadataPath: [...base, 'metadata'] }];
  });
}

/** All containers of all pod templates, those that run first included. */
export function containers(objects: readonly PolicyObject[]): Container[] {
  return podTemplates(objects).flatMap((pod) =>
    (['initContainers', 'containers'] as const).flatMap((list) =>
      listAt(pod.spec, [list]).flatMap((body, index): Container[] =>
        isMapping(body)
          ? [
              {
                pod,
                body,
                name: textAt(body, ['name']) ?? String(index),
                path: [...pod.specPath, list, index],
                init: list === 'initContainers' && body['restartPolicy'] !== 'Always',
              },
            ]
          : [],
      ),
    ),
  );
}

/** `args` and `command` of a container, each with its path. */
export function argumentsOf(container: Container): { text: string; path: ValuePath }[] {
  return ['command', 'args'].flatMap((list) =>
    listAt(container.body, [list]).flatMap((value, index) =>
      typeof value === 'string' ? [{ text: value, path: [...container.path, list, index] }] : [],
    ),
  );
}

/** Replicas that an object asks for; a missing number is Kubernetes' own default. */
export function replicasOf(object: PolicyObject): number | undefined {
  if (!['Deployment', 'StatefulSet', 'ReplicaSet'].includes(object.manifest.kind)) return undefined;
  const replicas = valueAt(object.manifest, ['spec', 'replicas']);
  if (replicas === undefined) return 1;
  return typeof replicas === 'number' ? replicas : undefined;
}
