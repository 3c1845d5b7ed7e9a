import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planSettingsWaves, planWaves, type Wave } from '#domain/waves.ts';
import type { ClusterRecord } from '#model/records.ts';
import type { WavePolicy } from '#model/settings.ts';
import { channelFile, clusterRecord, gitId } from '../../support/fleet.ts';

const OLD = gitId('a');
const NEW = gitId('b');
const ROLLOUT = { rolloutId: 'rollout-1', progress: null };

const policy: fc.Arbitrary<WavePolicy> = fc.oneof(
  fc.record({ name: fc.constant('some'), count: fc.integer({ min: 1, max: 10 }) }),
  fc.record({ name: fc.constant('share'), percent: fc.integer({ min: 1, max: 100 }) }),
);
const fleet = fc.record({
  count: fc.integer({ min: 0, max: 60 }),
  waves: fc.array(policy, { maxLength: 4 }).map((rest): WavePolicy[] => [{ name: 'canary', count: 1 }, ...rest]),
  most: fc.integer({ min: 1, max: 12 }),
  states: fc.infiniteStream(fc.constantFrom('old', 'old', 'old', 'new', 'missing', 'decommission', 'held')),
});

function build({ count, waves, most, states }: { count: number; waves: WavePolicy[]; most: number; states: Iterable<string> }) {
  const kinds = states[Symbol.iterator]();
  const records = new Map<string, ClusterRecord>();
  const kindOf = new Map<string, string>();
  const plain = channelFile('beta', count, { waves, maxConcurrentClusters: most });
  const clusters = plain.clusters.map((entry) => {
    const kind = String(kinds.next().value);
    kindOf.set(entry.name, kind);
    if (kind !== 'missing') records.set(entry.name, clusterRecord(entry, 'beta', kind === 'new' ? NEW : OLD));
    if (kind === 'decommission') return { ...entry, state: 'decommission' as const };
    if (kind !== 'held') return entry;
    return { ...entry, hold: { revision: OLD, reason: 'look', owner: 'team', until: '2026-02-01T00:00:00Z' } };
  });
  return { channel: { ...plain, clusters }, records, kindOf };
}

test('each cluster that is behind comes exactly once, the canary alone and first, creations together', () => {
  let planned = 0;
  fc.assert(
    fc.property(fleet, (shape) => {
      const { channel, records, kindOf } = build(shape);

      const waves = planWaves(channel, NEW, records, ROLLOUT);

      const names = namesOf(waves);
      const behind = [...kindOf].filter(([, kind]) => kind === 'old' || kind === 'missing').map(([name]) => name);
      expect(names.toSorted()).toEqual(behind.toSorted());
      expect(new Set(names).size).toBe(names.length);
      for (const wave of waves) expectBounded(wave, shape.most);
      const first = waves[0];
      const hasOld = [...kindOf.values()].some((kind) => kind !== 'missing' && kind !== 'decommission');
      if (first !== undefined && hasOld && first.name === 'canary') expect(first.items).toHaveLength(1);
      const created = waves.filter((wave) => wave.items.some((item) => kindOf.get(item.cluster.name) === 'missing'));
      expect(created.length).toBeLessThanOrEqual(1);
      expect(
        created.every((wave) => wave === waves.at(-1) && wave.items.every((item) => kindOf.get(item.cluster.name) === 'missing')),
      ).toBe(true);
      expect(new Set(waves.flatMap((wave) => wave.items.map((item) => item.executionName))).size).toBe(names.length);
      planned += names.length;
    }),
  );
  expect(planned).toBeGreaterThan(0);
});

test('a resumed rollout leaves each cluster in the wave that it had', () => {
  fc.assert(
    fc.property(fleet, fc.nat({ max: 59 }), (shape, done) => {
      const { channel, records } = build(shape);
      const before = planWaves(channel, NEW, records, ROLLOUT);
      const finished = channel.clusters.slice(0, done).filter((entry) => records.has(entry.name) && entry.state === 'ready');
      const later = new Map([...records, ...finished.map((entry) => [entry.name, clusterRecord(entry, 'beta', NEW)] as const)]);

      const after = planWaves(channel, NEW, later, ROLLOUT);

      const groupOf = (waves: readonly Wave[]) =>
        new Map(waves.flatMap((wave, index) => wave.items.map((item) => [item.cluster.name, { index, name: wave.name }])));
      const order = namesOf(before).filter((name) => namesOf(after).includes(name));
      expect(namesOf(after).filter((name) => order.includes(name))).toEqual(order);
      for (const [name, group] of groupOf(after)) expect(groupOf(before).get(name)?.name ?? group.name).toBe(group.name);
    }),
  );
});

test('a change of settings creates the new clusters of all channels together, at the end', () => {
  const dev = channelFile('dev', 2);
  const beta = channelFile('beta', 3);
  const [known, added] = dev.clusters;
  if (known === undefined || added === undefined) throw new Error('dev has two clusters');
  const records = new Map([[known.name, clusterRecord(known, 'dev', OLD)]]);
  const wanted = [
    { entry: known, channel: dev, revision: OLD },
    { entry: added, channel: dev, revision: OLD },
    ...beta.clusters.map((entry) => ({ entry, channel: beta, revision: NEW })),
  ];

  // The known cluster's environment changed, so that it is behind its settings.
  const changed = wanted.map((one) => (one.entry === known ? { ...one, entry: { ...known, environment: 'production' as const } } : one));
  const waves = planSettingsWaves(changed, records, ROLLOUT);

  expect(waves.map(({ name, items }) => [name, items.map(({ cluster }) => cluster.name)])).toEqual([
    ['dev canary', ['dev-1']],
    ['new clusters', ['dev-2', 'beta-1', 'beta-2', 'beta-3']],
  ]);
});

function namesOf(waves: readonly Wave[]): string[] {
  return waves.flatMap(({ items }) => items.map(({ cluster }) => cluster.name));
}

function expectBounded(wave: Wave, most: number): void {
  expect(wave.items.length).toBeGreaterThan(0);
  expect(wave.maxConcurrency).toBeGreaterThan(0);
  expect(wave.maxConcurrency).toBeLessThanOrEqual(Math.min(most, wave.items.length));
}
