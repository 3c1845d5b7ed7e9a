import * as z from 'zod';
import { decidePhase, type MovePhase, type Truth } from '#domain/phase-move.ts';
import { definitionsOf } from '#domain/version-move.ts';
import { GateClosedError } from '#model/errors.ts';
import { Node } from '#model/kubernetes.ts';
import type { Render } from '#model/render.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';

/** New connections: each may meet another API server behind the load balancer. */
const PROBES = 8;
const SHOWN = 5;

const Definition = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  /** Null where the server has not looked at the definition yet. */
  status: z.looseObject({ storedVersions: z.array(z.string()).nullish() }).optional(),
});

/** What the cluster is at this moment. @throws ClusterUnreachableError */
export async function readTruth(kubernetes: Kubernetes): Promise<Truth> {
  const own = await kubernetes.version();
  const [probes, nodes, definitions] = await Promise.all([
    Promise.all(Array.from({ length: PROBES }, () => kubernetes.probe())),
    kubernetes.list('v1', 'Node'),
    kubernetes.list('apiextensions.k8s.io/v1', 'CustomResourceDefinition'),
  ]);
  const kubelets = nodes
    .map((node) => (Node.parse(node).status.nodeInfo?.kubeletVersion ?? '').replace(/^v/, ''))
    .filter((version) => version !== '');
  return {
    servers: [...new Set([own, ...probes.flatMap(({ version }) => version ?? [])])].sort(),
    kubelets: [...new Set(kubelets)].sort(),
    stored: definitions.flatMap((object) => {
      const { metadata, status } = Definition.parse(object);
      return (status?.storedVersions ?? []).map((storage) => ({ name: metadata.name, storage, versions: [] }));
    }),
  };
}

/** Refuses a phase that the cluster, as it is, can't take. @throws GateClosedError, ClusterUnreachableError */
export async function holdMove(phase: MovePhase, render: Render, kubernetes: Kubernetes): Promise<void> {
  const objects = render.components.flatMap((component) => component.objects);
  const problems = decidePhase(phase, await readTruth(kubernetes), { versions: render.versions, definitions: definitionsOf(objects) });
  if (problems.length === 0) return;
  throw new GateClosedError(
    `${render.cluster} can't go on to ${render.revision.slice(0, 12)}: ${problems.slice(0, SHOWN).join(' ')} Roll out a revision that it can move to; to go back, restore a backup (docs/recover.md).`,
  );
}
