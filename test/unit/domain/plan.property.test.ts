import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Configuration } from '#domain/configuration.ts';
import { canonicalJson } from '#domain/hash.ts';
import { launchTemplatesOf } from '#domain/launch-template.ts';
import { parseManifests } from '#domain/manifests.ts';
import { planChange } from '#domain/plan.ts';
import { diffOf } from '#domain/plan-diff.ts';
import { unfold } from '#domain/plan-fold.ts';
import { planItems } from '#domain/plan-items.ts';
import { templateOf } from '#domain/plan-sides.ts';
import { ownVariables, render } from '#domain/render.ts';
import type { ClusterRef } from '#model/settings.ts';
import { FOLDABLE } from '../../support/foldable.ts';
import { referenceConfiguration } from '../../support/reference-configuration.ts';

const CLUSTERS: readonly [ClusterRef, ...ClusterRef[]] = [
  { name: 'dev-1', account: '200000000001', region: 'eu-central-1', environment: 'development', network: '10.1.0.0/16', channel: 'dev' },
  { name: 'dev-2', account: '200000000002', region: 'eu-central-1', environment: 'development', network: '10.2.0.0/16', channel: 'dev' },
  { name: 'live-3', account: '200000000003', region: 'eu-central-1', environment: 'production', network: '10.3.0.0/16', channel: 'dev' },
  {
    ...{ name: 'live-4', account: '200000000004', region: 'eu-central-1', environment: 'production', network: '10.4.0.0/16' },
    etcdMembers: 5,
    channel: 'dev',
  },
];

const reference = referenceConfiguration();

const content = fc.record({
  name: fc.constantFrom('zoo', 'zoo-${CLUSTER_NAME}', 'zoo-dev-1'),
  lines: fc.array(FOLDABLE, { minLength: 1, maxLength: 4 }),
  plain: FOLDABLE,
  file: fc.array(FOLDABLE, { minLength: 1, maxLength: 2 }),
  pool: fc.constantFrom(1, 2),
});

/** The reference configuration with a component, a file of user data and pools of this content. */
function configuration(
  { name, lines, plain, file, pool }: { name: string; lines: string[]; plain: string; file: string[]; pool: number },
  revision: string,
): Configuration {
  const manifest = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default' },
    data: { lines: lines.join('\n'), plain },
  };
  const path = 'components/zoo/zoo.yaml';
  const [object] = parseManifests(`channels/cluster/${path}`, JSON.stringify(manifest)).value ?? [];
  const first = reference?.components[0];
  if (first === undefined || object === undefined) throw new Error('the reference configuration is not valid');
  const { common } = reference.userData;
  return {
    ...reference,
    revision,
    files: [...reference.files, { path, content: JSON.stringify(manifest) }],
    components: [...reference.components, { ...first, file: { name: 'zoo', phase: 'workloads', needs: [] }, objects: [object] }],
    userData: {
      ...reference.userData,
      common: { ...common, files: [{ path: '/etc/zoo', mode: '0644', content: file.join('\n') }, ...common.files] },
    },
    pools: reference.pools.map((one) => ({ ...one, generation: pool })),
  };
}

/** What changes on one cluster, by its two renders and nothing else. */
function changedAlone(base: Configuration, head: Configuration, cluster: ClusterRef): { changes: string[]; rolls: string[] } {
  const [before, after] = [planItems(render(base, cluster)), planItems(render(head, cluster))];
  const keys = [...new Set([...before.keys(), ...after.keys()])];
  const changes = keys
    .filter((key) => canonicalJson(before.get(key)?.value ?? null) !== canonicalJson(after.get(key)?.value ?? null))
    .map((key) => `${(after.get(key) ?? before.get(key))?.name}\n${signed(diffOf(before.get(key)?.value, after.get(key)?.value))}`);
  const used = (configured: Configuration): Map<string, string> =>
    new Map(
      render(configured, cluster)
        .stacks.filter(({ ignition }) => ignition !== undefined)
        .map(({ role, parameters }) => {
          const launch = launchTemplatesOf(templateOf(configured, role));
          return [role, canonicalJson([launch.hash, launch.parameters.map((parameter) => parameters[parameter])])];
        }),
    );
  const [old, now] = [used(base), used(head)];
  return { changes: [...new Set(changes)].sort(), rolls: [...now.keys()].filter((role) => old.get(role) !== now.get(role)).sort() };
}

/** Lines that come and go, without the quotes that YAML may need for one of two texts. */
function signed(diff: string): string {
  return diff
    .split('\n')
    .filter((line) => /^[+-]/.test(line))
    .map((line) => line.replaceAll(/["']/g, ''))
    .join('\n');
}

describe('a plan of several clusters', () => {
  it('says of each what a comparison of its own two renders says: folding hides and adds nothing', () => {
    fc.assert(
      fc.property(content, content, (left, right) => {
        const [base, head] = [configuration(left, 'a'.repeat(40)), configuration(right, 'b'.repeat(40))];

        const plan = planChange(
          CLUSTERS.map((cluster) => ({ base: { configuration: base, cluster }, head: { configuration: head, cluster } })),
        );

        expect(plan.groups.flatMap(({ clusters }) => clusters).sort()).toEqual(CLUSTERS.map(({ name }) => name));
        for (const cluster of CLUSTERS) {
          const group = plan.groups.find(({ clusters }) => clusters.includes(cluster.name));
          const own = ownVariables(cluster, head.versions);
          const told = group?.changes.map(({ name, diff }) => `${unfold(name, own)}\n${signed(unfold(diff, own))}`) ?? [];
          const alone = changedAlone(base, head, cluster);
          expect([...new Set(told)].sort()).toEqual(alone.changes);
          expect(group?.rolls.map(({ role }) => role).sort()).toEqual(alone.rolls);
        }
      }),
      { numRuns: 40 },
    );
  }, 120_000);
});
