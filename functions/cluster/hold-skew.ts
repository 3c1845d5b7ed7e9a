import { runningSkew } from '#domain/skew-rule.ts';
import { BlockedError } from '#model/errors.ts';
import type { RenderedComponent } from '#model/render.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';

/** New connections: each may meet another API server behind the load balancer. */
const PROBES = 4;
const SHOWN = 5;

/**
 * Holds the components' skew rules against the API servers that run at this moment, right before they are applied.
 * @throws BlockedError while some server does not fit: the control plane may be on its way
 */
export async function holdSkew(components: readonly RenderedComponent[], kubernetes: Kubernetes): Promise<void> {
  const ruled = components.filter(({ skew }) => skew !== undefined);
  if (ruled.length === 0) return;
  const probes = await Promise.all(Array.from({ length: PROBES }, () => kubernetes.probe()));
  const versions = probes.flatMap(({ version }) => (version === undefined ? [] : [version]));
  if (versions.length === 0) throw new BlockedError(`no API server tells its version: ${probes[0]?.reason ?? 'no answer'}`);
  const problems = ruled.flatMap(({ name, objects, skew }) =>
    skew === undefined ? [] : runningSkew(objects, skew, versions).map((problem) => `component ${name}: ${problem}`),
  );
  if (problems.length > 0) throw new BlockedError(problems.slice(0, SHOWN).join(' | '));
}
