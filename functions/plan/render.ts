import * as z from 'zod';
import { hashOf } from '#domain/hash.ts';
import { keys } from '#domain/names.ts';
import { withPolicies } from '#domain/policies/own-policies.ts';
import { render } from '#domain/render.ts';
import { Versions } from '#model/configuration.ts';
import { Revision, Sha256 } from '#model/primitives.ts';
import { StackRole } from '#model/render.ts';
import { ClusterRef } from '#model/settings.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { readConfiguration } from './read-configuration.ts';
import { readPolicies } from './read-policies.ts';

interface Ports {
  readonly objects: ObjectStore;
}

/** Renders what one cluster gets from a revision, and keeps it in S3 under its hash. @throws NotFoundError, InputError */
export const renderStep = defineStep({
  name: 'render',
  input: z.object({ cluster: ClusterRef, revision: Revision }),
  output: z.object({ hash: Sha256, versions: Versions, pools: z.array(z.string()), stacks: z.array(StackRole) }),
  async run({ cluster, revision }, { objects }: Ports) {
    const policies = cluster.policies === undefined ? undefined : await readPolicies(objects, cluster.policies);
    const rendered = render(withPolicies(await readConfiguration(objects, revision), policies), cluster);
    const hash = hashOf(rendered);
    await objects.putIfAbsent(keys.render(hash), JSON.stringify(rendered));
    return {
      hash,
      versions: rendered.versions,
      pools: rendered.pools.map((pool) => pool.name),
      stacks: rendered.stacks.map((stack) => stack.role),
    };
  },
});
