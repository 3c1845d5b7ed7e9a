import { minorSteps } from './version-steps.ts';

/** A program of a cluster that speaks to the API server, with its version. */
export interface RunningProgram {
  /** For people, for example `kubelet of node-1`. */
  readonly name: string;
  readonly version: string;
}

/**
 * A kubelet and a kube-proxy may be so many minors behind any API server, and never ahead
 * (https://kubernetes.io/releases/version-skew-policy/).
 */
export const NODE_MINORS_BEHIND = 3;

/** How a program of a node does not fit an API server of `wanted`; undefined when it does. */
export function nodeSkew(version: string, wanted: string): 'newer' | 'too-old' | undefined {
  const behind = minorSteps(version, wanted);
  if (behind < 0) return 'newer';
  return behind > NODE_MINORS_BEHIND ? 'too-old' : undefined;
}

/**
 * Why API servers of `wanted` may not come beside what really runs: the servers that answer now, and the programs on nodes.
 * A plan says the same of files; what runs may be older, for nodes are rolled later, or not where a freeze holds them.
 */
export function liveSkewProblems(wanted: string, servers: readonly string[], programs: readonly RunningProgram[]): string[] {
  const steps = [...new Set(servers)].flatMap((server) => {
    const minors = minorSteps(server, wanted);
    if (minors < 0) return [`an API server runs ${server} and can't go back to ${wanted}`];
    return minors > 1 ? [`an API server runs ${server}: ${wanted} is ${minors} minors away, go one at a time`] : [];
  });
  const skewed = programs.flatMap(({ name, version }) => {
    const skew = nodeSkew(version, wanted);
    if (skew === undefined) return [];
    if (skew === 'newer') return [`${name} has ${version}, newer than ${wanted}`];
    return [`${name} has ${version}, ${minorSteps(version, wanted)} minors behind ${wanted} (${NODE_MINORS_BEHIND} are allowed)`];
  });
  return [...steps, ...skewed];
}
