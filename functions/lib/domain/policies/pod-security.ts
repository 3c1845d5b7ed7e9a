import { containers, podTemplates } from './pods.ts';
import { FAILS, FAILS_IN_PRODUCTION, type Policy, type Violation, WARNS } from './policy.ts';
import type { PolicyObject } from './subject.ts';
import { listAt, textAt, valueAt } from './values.ts';

const ENFORCE = 'pod-security.kubernetes.io/enforce';

export const podSecurityPolicies: Policy = {
  id: 'pod-security-policy',
  title: 'No PodSecurityPolicy',
  why: 'Kubernetes 1.25 has removed it: what it was to forbid is allowed.',
  fix: `set the label \`${ENFORCE}\` on namespaces, or write a ValidatingAdmissionPolicy.`,
  levels: FAILS,
  check: ({ objects }) =>
    objects
      .filter(({ manifest }) => manifest.kind === 'PodSecurityPolicy')
      .map((object) => object.violation(['kind'], 'PodSecurityPolicy has no effect since Kubernetes 1.25.')),
};

export const podSecurityLabels: Policy = {
  id: 'pod-security-labels',
  title: 'Each namespace says which pods it admits',
  why: 'without the label a namespace admits privileged pods, and so whoever may create a pod owns the node.',
  fix: `set the label \`${ENFORCE}\` to \`restricted\` or \`baseline\` (\`privileged\` where it must be).`,
  levels: WARNS,
  check: ({ objects }) =>
    objects
      .filter(({ manifest }) => manifest.kind === 'Namespace' && textAt(manifest, ['metadata', 'labels', ENFORCE]) === undefined)
      .map((object) => object.violation(['metadata', 'name'], `it has no label ${ENFORCE}. Set restricted or baseline.`)),
};

const HOST_FIELDS = ['hostNetwork', 'hostPID', 'hostIPC'] as const;

export const privilegedPods: Policy = {
  id: 'privileged-pod',
  title: 'Only kube-system has pods with the rights of the node',
  why: 'such a pod is root on its node, and by the node it reaches what other pods have.',
  fix: "move the component to kube-system if it is the cluster's own; otherwise remove the privilege.",
  levels: FAILS_IN_PRODUCTION,
  check: ({ objects }) => {
    const outside = objects.filter(({ manifest }) => manifest.metadata.namespace !== 'kube-system');
    return [
      ...podTemplates(outside).flatMap(({ object, spec, specPath }) => hostFindings(object, spec, specPath)),
      ...containerFindings(outside),
    ];
  },
};

function hostFindings(object: PolicyObject, spec: unknown, path: readonly PropertyKey[]): Violation[] {
  return [
    ...HOST_FIELDS.filter((field) => valueAt(spec, [field]) === true).map((field) =>
      object.violation([...path, field], `${field} gives the pod what belongs to the node.`),
    ),
    ...listAt(spec, ['volumes']).flatMap((volume, index) =>
      valueAt(volume, ['hostPath']) === undefined
        ? []
        : [
            object.violation(
              [...path, 'volumes', index, 'hostPath'],
              `the volume ${textAt(volume, ['name']) ?? index} is a folder of the node.`,
            ),
          ],
    ),
  ];
}

function containerFindings(objects: readonly PolicyObject[]): Violation[] {
  return containers(objects)
    .filter(({ body }) => valueAt(body, ['securityContext', 'privileged']) === true)
    .map(({ pod, name, path }) =>
      pod.object.violation([...path, 'securityContext', 'privileged'], `the container ${name} is privileged: root on its node.`),
    );
}
