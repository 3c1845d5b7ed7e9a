import * as z from 'zod';
import { decideArtifacts } from '#domain/artifacts.ts';
import { keys } from '#domain/names.ts';
import { readObject } from '#facts/stored.ts';
import { Versions } from '#model/configuration.ts';
import { GateClosedError } from '#model/errors.ts';
import { Advance, advanced, waiting } from '#model/progress.ts';
import { Artifact } from '#model/records.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

const Rendered = z.object({ versions: Versions });
const StartedAt = z.iso.datetime({ offset: true });
const Input = z.discriminatedUnion('of', [
  z.object({ of: z.literal('cluster'), render: Rendered, startedAt: StartedAt }),
  z.object({ of: z.literal('tests'), head: z.object({ render: Rendered }), startedAt: StartedAt }),
]);

/**
 * Waits until binaries are published: those of etcd and Kubernetes before a cluster is made or changed by them, those of the
 * tests before they run. @throws GateClosedError when they are not there an hour after the start
 */
export const awaitArtifacts = defineStep({
  name: 'await-artifacts',
  input: Input,
  output: Advance,
  async run(input, { objects, clock }: Ports) {
    const looked = await Promise.all(
      namesOf(input).map(async ([name, version]) => ({
        name,
        version,
        artifact: await readObject(objects, keys.artifact(name, version), Artifact),
      })),
    );
    const decision = decideArtifacts(looked, new Date(input.startedAt), clock.now());
    if (decision.decision === 'ready') return advanced(decision.reason);
    if (decision.decision === 'wait') return waiting(decision.waitSeconds, decision.reason);
    throw new GateClosedError(decision.reason);
  },
});

function namesOf(input: z.infer<typeof Input>): (readonly ['etcd' | 'kubernetes' | 'e2e', string])[] {
  if (input.of === 'tests') {
    const { e2eTests, kubernetes } = input.head.render.versions;
    return [['e2e', e2eTests ?? kubernetes]];
  }
  const { etcd, kubernetes } = input.render.versions;
  return [
    ['etcd', etcd],
    ['kubernetes', kubernetes],
  ];
}
