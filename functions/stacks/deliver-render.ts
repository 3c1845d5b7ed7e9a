import * as z from 'zod';
import { accountKeys } from '#domain/names.ts';
import { Sha256 } from '#model/primitives.ts';
import { ClusterRef } from '#model/settings.ts';
import type { AccountObjects, ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { loadRender } from './load-render.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly accountObjects: AccountObjects;
}

/**
 * Brings a render into the cluster's account: the whole of it for the cluster-side functions, and each Ignition document
 * under its hash for the instances. Objects are named by their content, so that a repeated delivery changes nothing.
 */
export const deliverRender = defineStep({
  name: 'deliver-render',
  input: z.object({ cluster: ClusterRef, render: z.object({ hash: Sha256 }) }),
  output: z.object({ ignition: z.int() }),
  async run({ cluster, render: { hash } }, { objects, accountObjects }: Ports, { execution }) {
    const render = await loadRender(objects, hash);
    const account = accountObjects.of(cluster.account, cluster.region, execution);
    const documents = render.stacks.flatMap((stack) =>
      stack.ignition === undefined || stack.ignitionHash === undefined ? [] : [{ body: stack.ignition, hash: stack.ignitionHash }],
    );
    await Promise.all(documents.map((document) => account.putIfAbsent(accountKeys.ignition(document.hash), document.body)));
    await account.putIfAbsent(accountKeys.manifests(hash), JSON.stringify(render));
    return { ignition: documents.length };
  },
});
