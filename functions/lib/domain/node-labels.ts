import { labelProblem } from './kubernetes-names.ts';

/** Labels that Sluice gives each node by itself (user-data/node.yaml, domain/variables.ts). */
const OWN = ['lifecycle-status', 'node.kubernetes.io/instance-type', 'topology.kubernetes.io/region', 'topology.kubernetes.io/zone'];
/** Labels of Kubernetes' own that a kubelet may give itself. */
const ALLOWED = ['kubernetes.io/hostname', 'kubernetes.io/arch', 'kubernetes.io/os', 'beta.kubernetes.io/arch', 'beta.kubernetes.io/os'];

/**
 * Why a kubelet can't begin with a label, or undefined: then no node of the pool would ever join.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
 */
export function nodeLabelProblem(key: string, value: string): string | undefined {
  const problem = labelProblem('labels', key, value);
  if (problem !== undefined) return problem;
  const prefix = key.slice(0, Math.max(0, key.indexOf('/')));
  if (OWN.includes(key) || prefix === 'sluice') return `have the label ${key} by Sluice: take another.`;
  if (ALLOWED.includes(key) || /(^|\.)(kubelet|node)\.kubernetes\.io$/.test(prefix)) return undefined;
  if (!/(^|\.)(kubernetes|k8s)\.io$/.test(prefix)) return undefined;
  return `can't have the label ${key}: a kubelet that is to give it to itself does not start. Take one of your own, or of node.kubernetes.io/.`;
}
