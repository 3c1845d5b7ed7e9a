import * as z from 'zod';
import { identityOf } from '#domain/rotation.ts';
import { ConflictError, NotFoundError } from '#model/errors.ts';
import { defineStep } from '#ports/step.ts';
import { ClusterAndRender, type ClusterPorts, readRender } from './ports.ts';

/** Requests at once: a cluster of many Secrets must not be kept busy by this. */
const PARALLEL = 10;

/**
 * While two encryption keys are trusted, writes every Secret anew: by a patch that changes nothing, the API server writes
 * those that it read by another key than the one it encrypts with, and leaves the others. Once every API server has the
 * new key, no Secret is left that needs the old one, which the next revision may drop. Otherwise it does nothing.
 */
export const rewriteSecrets = defineStep({
  name: 'rewrite-secrets',
  input: ClusterAndRender,
  output: z.object({ rewritten: z.int() }),
  async run(input, ports: ClusterPorts) {
    const { versions } = await readRender(input, ports.objects);
    if (identityOf(versions).encryption.trusted.length === 1) return { rewritten: 0 };
    const kubernetes = await ports.kubernetes(input.cluster);
    const secrets = await kubernetes.list('v1', 'Secret');
    for (let start = 0; start < secrets.length; start += PARALLEL) {
      await Promise.all(
        secrets.slice(start, start + PARALLEL).map(async ({ metadata: { name, namespace } }) => {
          const id = { apiVersion: 'v1', kind: 'Secret', name, ...(namespace === undefined ? {} : { namespace }) };
          // Somebody else who wrote it meanwhile, or deleted it, has done it.
          await kubernetes.patch(id, {}).catch((error: unknown) => {
            if (!(error instanceof NotFoundError || error instanceof ConflictError)) throw error;
          });
        }),
      );
    }
    return { rewritten: secrets.length };
  },
});
