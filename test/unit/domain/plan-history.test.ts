import { describe, expect, it } from 'vitest';
import { historyOf, NO_PAST, pastSteps, rolloutSeconds, stepName } from '#domain/plan-history.ts';
import type { Plan } from '#model/plan.ts';
import type { ChannelProof } from '#model/records.ts';
import { channelFile, clusterRecord, gitId } from '../../support/fleet.ts';

function proof(revision: string, day: number, seconds: readonly number[]): ChannelProof {
  return {
    channel: 'dev',
    revision: gitId(revision),
    commit: gitId('f'),
    rollout: `r${day}`,
    basis: 'pull-request',
    clusters: seconds.map((durationSeconds, index) => ({ name: `dev-${index + 1}`, execution: 'e', backup: null, durationSeconds })),
    startedAt: `2026-01-0${day}T00:00:00Z`,
    finishedAt: `2026-01-0${day}T10:00:00Z`,
  };
}

const PROOFS = [proof('c', 3, [50, 10, 30]), proof('a', 1, [1000]), proof('b', 2, [100, 200])];
const name = (base: string, head: string): string => stepName(gitId(base), gitId(head));

describe('past updates', () => {
  it('are each proof after the one before it, by time', () => {
    expect(pastSteps(PROOFS).map((step) => step.name)).toEqual([stepName('', gitId('a')), name('a', 'b'), name('b', 'c')]);
  });
});

describe('history', () => {
  it('is of the same class where there is one', () => {
    const classes = new Map([
      [name('b', 'c'), 'manifests' as const],
      [name('a', 'b'), 'worker-roll' as const],
    ]);

    expect(historyOf('manifests', PROOFS, classes)).toEqual({ of: 'class', updates: 3, medianSeconds: 30, longestSeconds: 50 });
    expect(historyOf('worker-roll', PROOFS, classes)).toEqual({ of: 'class', updates: 2, medianSeconds: 100, longestSeconds: 200 });
  });

  it('is of any class else, creations left out', () => {
    const classes = new Map([
      [name('b', 'c'), 'manifests' as const],
      [name('a', 'b'), 'creation' as const],
    ]);

    expect(historyOf('etcd', PROOFS, classes)).toEqual({ of: 'any', updates: 4, medianSeconds: 30, longestSeconds: 1000 });
  });

  it('of a creation is only of creations', () => {
    expect(historyOf('creation', PROOFS, new Map())).toBeUndefined();
    expect(historyOf('creation', PROOFS, new Map([[name('a', 'b'), 'creation' as const]]))).toMatchObject({ of: 'class', updates: 2 });
  });

  it('is none without proofs', () => {
    expect(historyOf('manifests', [], NO_PAST.classes)).toBeUndefined();
    expect(historyOf('manifests', [proof('a', 1, [])], NO_PAST.classes)).toBeUndefined();
  });
});

describe('the time of a rollout', () => {
  const channel = channelFile('dev', 5, { maxConcurrentClusters: 2, soak: '10m' });
  const names = channel.clusters.map((entry) => entry.name);
  const records = new Map(channel.clusters.map((entry) => [entry.name, clusterRecord(entry, 'dev', gitId('a'))]));
  const group = (hash: string, clusters: readonly string[], change: 'manifests' | 'nothing' = 'manifests') => ({
    hash,
    class: change,
    clusters,
    changes: [],
    rolls: [],
    resources: [],
    disruption: { restarts: [], ownPods: 0, drained: 0 },
  });
  const planOf = (...groups: Plan['groups'][number][]): Plan => ({ groups, clusters: 5, affected: 5, class: 'manifests', rollsNodes: 0 });
  const history = (seconds: number) => ({ of: 'class' as const, updates: 1, medianSeconds: seconds, longestSeconds: seconds });

  it('adds the waves: as many at a time as allowed, then the soak', () => {
    // The canary alone, then four clusters two at a time, each wave with its soak.
    expect(rolloutSeconds(channel, gitId('b'), planOf(group('x', names)), { x: history(60) }, records)).toBe(60 + 600 + 120 + 600);
  });

  it('takes the slowest group of a wave', () => {
    const plan = planOf(group('x', names.slice(0, 4)), group('y', names.slice(4)));

    expect(rolloutSeconds(channel, gitId('b'), plan, { x: history(60), y: history(100) }, records)).toBe(60 + 600 + 200 + 600);
  });

  it('soaks no clusters that are new', () => {
    expect(rolloutSeconds(channel, gitId('b'), planOf(group('x', names)), { x: history(60) }, new Map())).toBe(180);
  });

  it('is not told where a group has no history, or nothing changes', () => {
    expect(rolloutSeconds(channel, gitId('b'), planOf(group('x', names), group('y', [])), { x: history(60) }, records)).toBeUndefined();
    expect(rolloutSeconds(channel, gitId('b'), planOf(group('x', names, 'nothing')), { x: history(60) }, records)).toBeUndefined();
  });

  it('leaves out what nothing happens to', () => {
    const plan = planOf(group('x', names.slice(0, 1)), group('y', names.slice(1), 'nothing'));

    expect(rolloutSeconds(channel, gitId('b'), plan, { x: history(60) }, records)).toBe(60 + 600 + 600);
  });
});
