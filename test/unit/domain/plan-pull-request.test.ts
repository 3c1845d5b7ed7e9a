import { describe, expect, it } from 'vitest';
import { plainText } from '#domain/markdown.ts';
import { NO_PAST } from '#domain/plan-history.ts';
import { planConfiguration } from '#domain/plan-pull-request.ts';
import type { Pool } from '#model/configuration.ts';
import type { Settings } from '#model/settings.ts';
import { channelFile, clusterRecord, gitId } from '../../support/fleet.ts';
import { referenceConfiguration } from '../../support/reference-configuration.ts';
import { edited } from '../../support/reference-fleet.ts';

const [BASE, HEAD] = [gitId('a'), gitId('b')];

const base = referenceConfiguration({}, BASE);
const head = referenceConfiguration(edited('versions.yaml', 'etcd: 3.6.16', 'etcd: 3.6.17'), HEAD);
const channel = channelFile('dev', 3);
const settings: Settings = {
  commit: gitId('c'),
  channels: [
    channel,
    channelFile('alpha', 1, { follows: 'dev' }),
    channelFile('beta', 9, { follows: 'alpha' }),
    channelFile('gamma', 2, { follows: 'dev' }),
  ],
};

describe('the plan of a configuration', () => {
  it('covers the clusters of its channel that live, and names the channels after it', () => {
    const [first, second, third] = channel.clusters;
    if (first === undefined || second === undefined || third === undefined) throw new Error('no clusters');
    const planned = planConfiguration({
      settings,
      channel: { ...channel, clusters: [first, { ...second, state: 'decommission' }, third] },
      base,
      head,
    });

    expect(planned).toMatchObject({
      affected: 2,
      title: '2 clusters, 1 distinct change, no node rolls: etcd members are replaced',
      plan: { clusters: 2 },
    });
    expect(planned.context.downstream).toEqual([
      { channel: 'alpha', clusters: 1 },
      { channel: 'beta', clusters: 9 },
      { channel: 'gamma', clusters: 2 },
    ]);
    expect(planned.markdown).toContain('**Blast radius: 2 clusters, 1 distinct change, no node rolls, etcd members are replaced.**');
    expect(planned.previewable.map(({ head: side, roles }) => [side.cluster.name, side.configuration.revision, roles])).toEqual([
      ['dev-1', HEAD, ['etcd']],
    ]);
  });

  it('has nothing to ask CloudFormation about a cluster that does not exist', () => {
    const planned = planConfiguration({ settings, channel, base: undefined, head });

    expect(planned).toMatchObject({
      affected: 3,
      previewable: [],
      plan: { class: 'creation', groups: [{ clusters: ['dev-1', 'dev-2', 'dev-3'] }] },
    });
    expect(planned.markdown).toContain('| 1 | the cluster is created | 3 |');
  });

  it('has nothing to ask where only objects change', () => {
    const objects = referenceConfiguration(edited('components/coredns/deployment.yaml', 'replicas: 2', 'replicas: 3'), HEAD);

    expect(planConfiguration({ settings, channel, base, head: objects })).toMatchObject({
      affected: 3,
      previewable: [],
      plan: { class: 'manifests' },
    });
  });

  it('asks CloudFormation about the first cluster of each group, and not about stacks that come or go', () => {
    const [first, second, third] = channel.clusters;
    if (first === undefined || second === undefined || third === undefined) throw new Error('no clusters');
    const pools = { ...head, pools: [...head.pools.slice(0, 1), { ...(head.pools[1] ?? head.pools[0]), name: 'extra' } as Pool] };
    const planned = planConfiguration({
      settings,
      channel: { ...channel, clusters: [first, { ...second, environment: 'production' }, { ...third, environment: 'production' }] },
      base,
      head: pools,
    });

    expect(planned.plan.groups.map(({ clusters }) => clusters)).toEqual([['dev-2', 'dev-3'], ['dev-1']]);
    expect(planned.previewable.map(({ group, head: side, roles }) => [group, side.cluster.name, roles])).toEqual([
      [planned.plan.groups[0]?.hash, 'dev-2', ['etcd']],
      [planned.plan.groups[1]?.hash, 'dev-1', ['etcd']],
    ]);
    expect(planned.plan.groups[0]?.resources.map(({ role }) => role)).toContain('pool-extra');
  });

  it('says why nothing is compared', () => {
    const planned = planConfiguration({ settings, channel, base: undefined, head, baseProblem: 'the file `a` is *gone*' });

    expect(planned.context.notes).toEqual([
      `What the clusters have could not be read, so nothing is compared and all that they are to get is told as if it were new: ${plainText('the file `a` is *gone*')}`,
    ]);
    expect(planConfiguration({ settings, channel, base, head }).context.notes).toEqual([]);
  });

  it('says which clusters wait for the release of a hold', () => {
    const hold = { revision: BASE, reason: 'a hotfix', owner: 'ada', until: '2026-02-01T00:00:00Z' };
    const [first, second, third] = channel.clusters;
    if (first === undefined || second === undefined || third === undefined) throw new Error('no clusters');
    const held = { ...channel, clusters: [first, { ...second, hold }, { ...third, hold, state: 'decommission' as const }] };

    const planned = planConfiguration({ settings, channel: held, base, head });
    expect(planned.context.notes).toEqual([
      '**dev-2** is held at aaaaaaaaaaaa by ada until 2026-02-01 00:00 UTC: it changes when the hold is released.',
    ]);
    expect(planConfiguration({ settings, channel: { ...channel, hold }, base, head }).context.notes).toHaveLength(3);
    // They count in no total, but what they wait for is told, and must have passed e2e.
    expect(planned.title).toBe('1 cluster, 1 distinct change, no node rolls: etcd members are replaced');
    expect(planned.markdown).toContain('**Blast radius: 1 of 2 clusters, 1 distinct change,');
    expect(planned.markdown).toContain('\n| 2 | etcd members are replaced | 1 (held) |');
    expect(planned.markdown).toContain('\n### 2. 1 cluster, held, when the hold is released: etcd members are replaced\ndev-2\n');
    expect(planned.markdown).not.toContain('other cluster');
    expect(planned).toMatchObject({ affected: 2, plan: { clusters: 2, affected: 1 } });
    expect(planned.previewable.map(({ head: side }) => side.cluster.name)).toEqual(['dev-1']);
  });

  it('of a channel that is held as a whole changes no cluster, rolls no node and is proven all the same', () => {
    const hold = { revision: BASE, reason: 'a hotfix', owner: 'ada', until: '2026-02-01T00:00:00Z' };
    const nodes = referenceConfiguration(edited('versions.yaml', '1.35.4', '1.36.3'), HEAD);
    const planned = planConfiguration({ settings, channel: { ...channel, hold }, base, head: nodes });

    expect(planConfiguration({ settings, channel, base, head: nodes }).plan.rollsNodes).toBeGreaterThan(0);
    expect(planned).toMatchObject({
      title: 'No cluster changes',
      affected: 3,
      previewable: [],
      plan: { affected: 0, rollsNodes: 0, class: 'nothing', groups: [{ held: true, clusters: ['dev-1', 'dev-2', 'dev-3'] }] },
    });
    expect(planned.markdown).toContain('**Blast radius: no cluster changes.**');
  });

  it('tells how far the fleet is from one configuration, and nothing where no cluster is a pet', () => {
    const hold = { revision: BASE, reason: 'a hotfix', owner: 'ada', until: '2026-02-01T00:00:00Z' };
    const pets = { ...settings, channels: [channel, channelFile('alpha', 1, { follows: 'dev', hold })] };
    const planned = planConfiguration({ settings: pets, channel, base, head });

    expect(planned.context.notes).toEqual(['**Pet score 1**: 1 hold of single clusters or channels.']);
    expect(planned.markdown).toContain('\n- **Pet score 1**: 1 hold');
    expect(planConfiguration({ settings, channel, base, head }).markdown).not.toContain('Pet score');
  });

  it('tells time by the past, for each group and for the whole rollout', () => {
    const proof = {
      channel: 'dev',
      revision: BASE,
      commit: gitId('d'),
      rollout: 'r',
      basis: 'pull-request' as const,
      clusters: [{ name: 'dev-1', execution: 'e', backup: null, durationSeconds: 600 }],
      startedAt: '2026-01-01T00:00:00Z',
      finishedAt: '2026-01-01T01:00:00Z',
    };
    const records = new Map(channel.clusters.map((entry) => [entry.name, clusterRecord(entry, 'dev', BASE)]));
    const past = { ...NO_PAST, proofs: new Map([['dev', [proof]]]), records };

    const planned = planConfiguration({ settings, channel, base, head, past });

    expect(Object.values(planned.context.history)).toEqual([{ of: 'any', updates: 1, medianSeconds: 600, longestSeconds: 600 }]);
    expect(planned.context.rolloutSeconds).toBe(600 + 60 + 600 + 60);
    expect(planned.markdown).toContain('; about 22 min by past updates, soaks included.**');
    expect(planConfiguration({ settings, channel, base, head }).context).toEqual({
      channel: 'dev',
      downstream: expect.any(Array),
      notes: [],
      history: {},
      previews: [],
    });
    expect(planConfiguration({ settings, channel, base, head }).context).not.toHaveProperty('rolloutSeconds');
  });
});
