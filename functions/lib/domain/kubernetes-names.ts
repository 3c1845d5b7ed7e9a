import { shorten } from './yaml-parse.ts';

/** DNS subdomain of RFC 1123: what most objects are named by. */
const SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const QUALIFIED = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/** Kinds whose names are DNS labels of at most 63 characters; all others are subdomains, or path segments. */
const LABEL_KINDS = ['Namespace', 'Service'];
const GROUPS_OF_FREE_NAMES = ['rbac.authorization.k8s.io', 'certificates.k8s.io', 'apiregistration.k8s.io'];

/** Why the API server refuses a name, or undefined. https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
export function nameProblem(group: string, kind: string, name: string): string | undefined {
  if (GROUPS_OF_FREE_NAMES.includes(group)) {
    return name === '.' || name === '..' || /[/%]/.test(name) ? `must not be . or .., nor hold / or %; it is ${shorten(name)}` : undefined;
  }
  const isLabel = group === '' && LABEL_KINDS.includes(kind);
  const [pattern, longest] = isLabel ? [LABEL, 63] : [SUBDOMAIN, 253];
  if (name.length > longest) return `has ${name.length} characters; at most ${longest} are allowed`;
  if (pattern.test(name)) return undefined;
  const letters = isLabel ? 'a-z, 0-9 and -' : 'a-z, 0-9, - and .';
  return `must consist of ${letters}, and begin and end with a letter or digit; it is ${shorten(name)}`;
}

/**
 * Why the API server refuses a label or annotation, or undefined.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
 */
export function labelProblem(kind: 'labels' | 'annotations', key: string, value: unknown): string | undefined {
  const what = kind === 'labels' ? 'a label' : 'an annotation';
  const slash = key.indexOf('/');
  const name = key.slice(slash + 1);
  const prefix = key.slice(0, Math.max(0, slash));
  if (name.includes('/') || (slash >= 0 && (prefix.length > 253 || !SUBDOMAIN.test(prefix.toLowerCase()))))
    return `can't have ${what} ${shorten(key)}: before its one / stands a DNS name.`;
  if (name.length > 63 || !QUALIFIED.test(name)) {
    return `can't have ${what} ${shorten(key)}: its name is at most 63 of A-Z, a-z, 0-9, -, _ and ., and begins and ends with a letter or digit.`;
  }
  if (kind !== 'labels' || typeof value !== 'string' || value === '') return undefined;
  if (value.length <= 63 && QUALIFIED.test(value)) return undefined;
  return `${shorten(key)} can't be "${shorten(value)}": a label's value is at most 63 of A-Z, a-z, 0-9, -, _ and ., and begins and ends with a letter or digit.`;
}
