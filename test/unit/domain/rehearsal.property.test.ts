import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeRehearsal } from '#domain/rehearsal.ts';
import type { Served } from '#ports/api-drill.ts';

const RUNS = { numRuns: 300 };
const TO = { kubernetes: '1.36.3', etcd: '3.6.5' };
const name = fc.constantFrom('pods', 'secrets', 'widgets', 'gadgets', 'jobs', 'leases');
const objects = fc.integer({ min: 1, max: 50 });

/** What the two API servers make of the same keys: each resource is served by both, by one of them or by none. */
const world = fc.uniqueArray(fc.record({ name, objects, today: fc.boolean(), target: fc.boolean() }), {
  minLength: 1,
  selector: ({ name: of }) => of,
});
type World = readonly { readonly name: string; readonly objects: number; readonly today: boolean; readonly target: boolean }[];

function servedBy(resources: World, server: 'today' | 'target'): Served {
  return {
    ...{ revision: 1100, bump: 1000, aggregated: [], oldWatch: 410 },
    resources: [
      { name: 'always', prefix: 'always', stored: 1, listed: 1, missing: [], missingCount: 0, added: [], addedCount: 0 },
      ...resources
        .filter((one) => one[server])
        .map((one) => ({
          ...{ name: one.name, prefix: one.name, stored: one.objects, listed: one.objects },
          ...{ missing: [], missingCount: 0, added: [], addedCount: 0 },
        })),
    ],
    unserved: Object.fromEntries(resources.filter((one) => !one[server]).map((one) => [one.name, one.objects])),
  };
}

function factsOf(resources: World) {
  const counts = { always: 1, ...Object.fromEntries(resources.map((one) => [one.name, one.objects])) };
  return { revision: 100, counts, today: '1.35.4', target: TO, seconds: 1 };
}

describe('a rehearsal', () => {
  it('fails exactly when something is served today and by nobody then, and counts just that', () => {
    fc.assert(
      fc.property(world, (resources) => {
        const lost = resources.filter(({ today, target }) => today && !target);

        const result = judgeRehearsal(servedBy(resources, 'target'), servedBy(resources, 'today'), factsOf(resources));

        expect(result.outcome).toBe(lost.length === 0 ? 'passed' : 'failed');
        expect(result.orphanedResources).toBe(lost.length);
        for (const orphan of result.orphans)
          expect(lost).toContainEqual(expect.objectContaining({ name: orphan.resource, objects: orphan.objects }));
      }),
      RUNS,
    );
  });

  it('never passes while something is unserved and nobody asked today’s server', () => {
    fc.assert(
      fc.property(world, (resources) => {
        const result = judgeRehearsal(servedBy(resources, 'target'), undefined, factsOf(resources), 'gone');

        expect(result.outcome).toBe(resources.every(({ target }) => target) ? 'passed' : 'not-rehearsed');
      }),
      RUNS,
    );
  });

  it('never passes with another count of any resource than was proven', () => {
    fc.assert(
      fc.property(
        world,
        fc.nat(),
        fc.integer({ min: -5, max: 5 }).filter((by) => by !== 0),
        (resources, at, by) => {
          const facts = factsOf(resources);
          const changed = resources[at % resources.length]?.name ?? '';
          const counts = { ...facts.counts, [changed]: (facts.counts[changed as 'always'] ?? 0) + by };

          const result = judgeRehearsal(servedBy(resources, 'target'), servedBy(resources, 'today'), { ...facts, counts });

          expect(result).toMatchObject({ outcome: 'failed', reason: expect.stringContaining(`${changed} instead of`) });
        },
      ),
      RUNS,
    );
  });
});
