import type { Manifest } from '#model/render.ts';

/** Kinds that others rest on, in the order in which they must come; all other kinds follow them. */
const FIRST = [
  'Namespace',
  'CustomResourceDefinition',
  'PriorityClass',
  'StorageClass',
  'CSIDriver',
  'ServiceAccount',
  'ClusterRole',
  'ClusterRoleBinding',
  'Role',
  'RoleBinding',
  'ConfigMap',
  'PodDisruptionBudget',
  'Service',
];
/** Kinds that call into what the component runs. */
const LAST = ['APIService', 'ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'];

/** Objects of one component in the order of applying: by kind, then namespace and name. */
export function inApplyOrder(objects: readonly Manifest[]): Manifest[] {
  return [...objects].sort((left, right) => rank(left) - rank(right) || (key(left) < key(right) ? -1 : 1));
}

function rank({ kind }: Manifest): number {
  const first = FIRST.indexOf(kind);
  if (first >= 0) return first;
  return LAST.includes(kind) ? FIRST.length + 1 : FIRST.length;
}

function key({ kind, metadata }: Manifest): string {
  return `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
}
