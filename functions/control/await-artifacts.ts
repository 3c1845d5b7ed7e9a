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

/**
 * Waits until the binaries that this update's drills and tests run are published. The tests' are needed by the update
 * that is tested, not by the creation before it. @throws GateClosedError when they are not there an hour after the start
 */
export const awaitArtifacts = defineStep({
  name: 'await-artifacts',
  input: z.object({
    render: z.object({ versions: Versions }),
    purpose: z.enum(['rollout', 'e2e']),
    readWhatRuns: z.object({ creation: z.boolean() }),
    startedAt: z.iso.datetime({ offset: true }),
  }),
  output: Advance,
  async run({ render: { versions }, purpose, readWhatRuns, startedAt }, { objects, clock }: Ports) {
    const names = [
      ['etcd', versions.etcd],
      ['kubernetes', versions.kubernetes],
      ...(purpose === 'e2e' && !readWhatRuns.creation ? [['e2e', versions.e2eTests ?? versions.kubernetes] as const] : []),
    ] as const;
    const looked = await Promise.all(
      names.map(async ([name, version]) => ({
        name,
        version,
        artifact: await readObject(objects, keys.artifact(name, version), Artifact),
      })),
    );
    const decision = decideArtifacts(looked, new Date(startedAt), clock.now());
    if (decision.decision === 'ready') return advanced(decision.reason);
    if (decision.decision === 'wait') return waiting(decision.waitSeconds, decision.reason);
    throw new GateClosedError(decision.reason);
  },
});
