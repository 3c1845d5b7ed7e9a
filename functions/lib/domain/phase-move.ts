import { NODE_MINORS_BEHIND, nodeSkew } from './live-skew.ts';
import { decideMove, type StoredDefinition, type VersionState } from './version-move.ts';
import { minorSteps } from './version-steps.ts';

/** What is true of a cluster that answers. */
export interface Truth {
  /** Versions that new connections to the API met, each once. */
  readonly servers: readonly string[];
  readonly kubelets: readonly string[];
  /** Each version that objects of a definition may be stored in: its `status.storedVersions`. */
  readonly stored: readonly StoredDefinition[];
}

/** Phases of an update that change something that can't go back: each is asked for before it begins. */
export type MovePhase = 'begin' | 'control-plane' | 'nodes' | 'workloads';

/**
 * May this phase of an update begin, going by what the cluster is and not by what was written down? At the beginning and before
 * the control plane: no API server of a newer minor runs or of one too far back, and the control plane that comes has no kubelet
 * that is newer or too old for it. Before nodes: the API servers are as new as their kubelets will be. In each: no
 * definition goes without a version that objects are stored in. docs/operate.md has it as a table.
 */
export function decidePhase(phase: MovePhase, truth: Truth, to: VersionState): string[] {
  const wanted = to.versions.kubernetes;
  const moves = truth.servers.flatMap((kubernetes) =>
    decideMove({ versions: { ...to.versions, kubernetes }, definitions: [] }, to).map(({ message }) => message),
  );
  const stored = decideMove({ versions: to.versions, definitions: truth.stored }, to).map(({ message }) => message);
  if (phase === 'begin' || phase === 'control-plane') return unique([...moves, ...kubelets(truth.kubelets, wanted), ...stored]);
  const behind = phase === 'nodes' ? truth.servers.filter((server) => minorSteps(server, wanted) > 0) : [];
  return unique([...behind.map((server) => `nodes can't go to ${wanted} while an API server of ${server} runs.`), ...stored]);
}

function kubelets(versions: readonly string[], wanted: string): string[] {
  const newer = versions.filter((version) => nodeSkew(version, wanted) === 'newer');
  const old = versions.filter((version) => nodeSkew(version, wanted) === 'too-old');
  return [
    ...newer.map((version) => `${version} runs on a node, which is newer than the API server of ${wanted} would be.`),
    ...old.map(
      (version) => `${version} runs on a node, which is more than ${NODE_MINORS_BEHIND} minors behind ${wanted}. Roll the nodes first.`,
    ),
  ];
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
