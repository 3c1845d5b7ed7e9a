import { describe, expect, it } from 'vitest';
import type { Configuration } from '#domain/configuration.ts';
import { NO_PAST } from '#domain/plan-history.ts';
import { planSettings } from '#domain/plan-pull-request.ts';
import { channelNotes, planMoves, policiesOf, revisionsOf, settingsMoves } from '#domain/plan-settings.ts';
import { parseOwnPolicies } from '#domain/policies/own-policies.ts';
import { type ParsedSettings, parseSettings } from '#domain/settings.ts';
import { clusterRef } from '#domain/waves.ts';
import type { ChannelProof, ClusterRecord } from '#model/records.ts';
import type { ClusterEntry } from '#model/settings.ts';
import { channelFile, clusterRecord, gitId } from '../../support/fleet.ts';
import { referenceConfiguration } from '../../support/reference-configuration.ts';
import { edited } from '../../support/reference-fleet.ts';

const [PROVEN, HELD] = [gitId('a'), gitId('b')];

const POLICIES = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: a }
spec:
  matchConstraints: { resourceRules: [{ apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments] }] }
  validations: [{ expression: object.spec.replicas > 1 }]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: a }
spec: { policyName: a, validationActions: [Deny] }
`;

function settings(files: Readonly<Record<string, object>>, policies?: string): ParsedSettings {
  const channels = Object.entries(files).map(([name, file]) => ({ path: `channels/${name}.yaml`, content: JSON.stringify(file, null, 2) }));
  const own = policies === undefined ? [] : [{ path: 'channels/policies/a.yaml', content: policies }];
  const { value, findings } = parseSettings({ commit: gitId('c'), files: [...channels, ...own] });
  if (value === undefined) throw new Error(JSON.stringify(findings));
  return value;
}

function proof(channel: string, revision: string): ChannelProof {
  return {
    channel,
    revision,
    commit: gitId('d'),
    rollout: 'rollout-1',
    basis: 'pull-request',
    clusters: [{ name: `${channel}-1`, execution: 'update-1', backup: null, durationSeconds: 300 }],
    startedAt: '2026-01-01T00:00:00Z',
    finishedAt: '2026-01-01T01:00:00Z',
  };
}

const BETA = channelFile('beta', 2);
const PAST = {
  ...NO_PAST,
  proofs: new Map([['beta', [proof('beta', PROVEN)]]]),
  records: new Map<string, ClusterRecord>(BETA.clusters.map((entry) => [entry.name, clusterRecord(entry, 'beta', PROVEN)])),
};

function configurations(): Map<string, Configuration> {
  const of = (changed: Record<string, string>, revision: string): [string, Configuration] => [
    revision,
    referenceConfiguration(changed, revision),
  ];
  return new Map([of({}, PROVEN), of(edited('versions.yaml', 'etcd: 3.6.16', 'etcd: 3.6.17'), HELD)]);
}

const hold = { revision: HELD, reason: 'a hotfix', owner: 'ada', until: '2026-02-01T00:00:00Z' };

describe('what a change of settings moves', () => {
  const base = settings({ beta: BETA });
  const kept = configurations();

  it('is nothing for what is no cluster’s', () => {
    expect(settingsMoves(base.settings, settings({ beta: { ...BETA, soak: '2h' } }), PAST)).toEqual([]);
  });

  it('is a new cluster, at the newest revision proven in its channel', () => {
    const head = settings({ beta: channelFile('beta', 3) });

    const moves = settingsMoves(base.settings, head, PAST);

    expect(moves).toMatchObject([
      { kind: 'created', channel: 'beta', base: undefined, head: { cluster: { name: 'beta-3' }, revision: PROVEN } },
    ]);
    expect(moves[0]?.causes).toEqual([{ path: 'channels/beta.yaml', line: lineOf(head, '"name": "beta-3"') - 1, side: 'head' }]);
    expect(revisionsOf(moves)).toEqual([PROVEN]);
  });

  it('is a cluster that moves to another channel, by its entry there', () => {
    const [first, second] = BETA.clusters;
    const gamma = { ...BETA, channel: 'gamma', branch: 'gamma', follows: 'beta' };
    const before = settings({ beta: BETA, gamma: { ...gamma, clusters: [] } });
    const head = settings({ beta: { ...BETA, clusters: [first] }, gamma: { ...gamma, clusters: [second] } });

    const moves = settingsMoves(before.settings, head, PAST);

    expect(moves).toMatchObject([
      {
        kind: 'altered',
        channel: 'gamma',
        base: { cluster: { channel: 'beta' } },
        head: { cluster: { name: 'beta-2', channel: 'gamma' } },
      },
    ]);
    expect(moves[0]?.causes).toEqual([{ path: 'channels/gamma.yaml', line: lineOf(head, '"name": "beta-2"', 1) - 1, side: 'head' }]);
  });

  it('is a cluster that is to stay after all', () => {
    const [first, second] = BETA.clusters;
    const before = settings({ beta: { ...BETA, clusters: [first, { ...second, state: 'decommission' }] } });
    const head = settings({ beta: BETA });

    const moves = settingsMoves(before.settings, head, PAST);

    expect(moves).toMatchObject([{ kind: 'altered', base: { revision: PROVEN }, head: { cluster: { name: 'beta-2' }, revision: PROVEN } }]);
  });

  it('is a cluster that goes, from what it runs', () => {
    const [first, second] = BETA.clusters;
    const head = settings({ beta: { ...BETA, clusters: [first, { ...second, state: 'decommission' }] } });

    const moves = settingsMoves(base.settings, head, PAST);

    expect(moves).toMatchObject([{ kind: 'decommissioned', base: { cluster: { name: 'beta-2' }, revision: PROVEN }, head: undefined }]);
    expect(moves[0]?.causes).toEqual([{ path: 'channels/beta.yaml', line: lineOf(head, '"state": "decommission"'), side: 'head' }]);
    expect(settingsMoves(head.settings, head, PAST)).toEqual([]);
  });

  it('is a cluster with a hold of its own, and where it stands', () => {
    const [first, second] = BETA.clusters;
    const head = settings({ beta: { ...BETA, clusters: [first, { ...second, hold }] } });

    const moves = settingsMoves(base.settings, head, PAST);

    expect(moves).toMatchObject([{ kind: 'altered', base: { revision: PROVEN }, head: { cluster: { name: 'beta-2' }, revision: HELD } }]);
    expect(moves[0]?.causes).toEqual([{ path: 'channels/beta.yaml', line: lineOf(head, '"hold"'), side: 'head' }]);
    expect(revisionsOf(moves)).toEqual([PROVEN, HELD]);
    expect(revisionsOf([...moves].reverse().map((move) => ({ ...move, base: move.head, head: move.base })))).toEqual([PROVEN, HELD]);
  });

  it('is every cluster of a channel that is held, by the channel’s line', () => {
    const head = settings({ beta: { ...BETA, hold } });

    const moves = settingsMoves(base.settings, head, PAST);

    expect(moves.map(({ head: to }) => [to?.cluster.name, to?.revision])).toEqual([
      ['beta-1', HELD],
      ['beta-2', HELD],
    ]);
    expect(moves[0]?.causes).toEqual([{ path: 'channels/beta.yaml', line: lineOf(head, '"hold"'), side: 'head' }]);
  });

  it('keeps what a cluster runs, though its channel has proven something newer', () => {
    const [first, second] = BETA.clusters;
    const head = settings({ beta: { ...BETA, clusters: [{ ...first, environment: 'production' }, second] } });
    const past = { ...PAST, proofs: new Map([['beta', [proof('beta', HELD)]]]) };

    const moves = settingsMoves(base.settings, head, past);

    expect(moves).toMatchObject([
      {
        kind: 'altered',
        base: { cluster: { environment: 'test' }, revision: PROVEN },
        head: { cluster: { environment: 'production' }, revision: PROVEN },
      },
    ]);
    expect(moves[0]?.causes).toEqual([{ path: 'channels/beta.yaml', line: lineOf(head, '"environment": "production"'), side: 'head' }]);
  });

  it('takes for what a cluster has what is recorded of it', () => {
    const [first, second] = BETA.clusters;
    if (first === undefined || second === undefined) throw new Error('no clusters');
    const head = settings({ beta: { ...BETA, clusters: [{ ...first, owner: 'bo' }, second] } });
    const recorded = { ...clusterRef(first, { channel: 'beta' }), owner: 'ada' };
    const records = new Map([[first.name, clusterRecord(first, 'beta', HELD, { cluster: recorded })]]);

    const moves = settingsMoves(base.settings, head, { records, proofs: PAST.proofs });

    expect(moves).toMatchObject([
      { base: { cluster: { owner: 'ada' }, revision: HELD }, head: { cluster: { owner: 'bo' }, revision: HELD } },
    ]);
  });

  it('is a new cluster, at what its channel began with where nothing is proven in it yet', () => {
    const head = settings({ beta: channelFile('beta', 3) });
    const begun = { ...NO_PAST, begins: new Map([['beta', HELD]]) };

    expect(settingsMoves(base.settings, head, begun)).toMatchObject([{ kind: 'created', head: { revision: HELD }, begins: true }]);
    const moves = settingsMoves(base.settings, head, { ...begun, proofs: PAST.proofs });
    expect(moves).toMatchObject([{ kind: 'created', head: { revision: PROVEN } }]);
    expect(moves[0]).not.toHaveProperty('begins');
    expect(
      planSettings({ base: base.settings, head, moves: settingsMoves(base.settings, head, begun), configurations: kept }),
    ).toMatchObject({ context: { notes: [`**beta-3** is created, at what its channel begins with (${HELD.slice(0, 12)}).`] } });
  });

  it('is at what a cluster is held at where no record tells what it runs', () => {
    const [first, second] = BETA.clusters;
    const held = settings({ beta: { ...BETA, clusters: [{ ...first, hold }, second] } });
    const head = settings({ beta: { ...BETA, clusters: [{ ...first, hold, owner: 'bo' }, second] } });

    expect(settingsMoves(held.settings, head, { ...NO_PAST, begins: new Map([['beta', PROVEN]]) })).toMatchObject([
      { kind: 'altered', base: { revision: HELD }, head: { revision: HELD } },
    ]);
  });

  it('has no revision where nothing is recorded and nothing proven', () => {
    const moves = settingsMoves(base.settings, settings({ beta: channelFile('beta', 3) }), NO_PAST);

    expect(moves).toMatchObject([{ kind: 'created', head: { revision: null } }]);
    expect(revisionsOf(moves)).toEqual([]);
  });
});

describe('the plan of settings', () => {
  const base = settings({ beta: BETA });
  const kept = configurations();

  it('tells a creation whole, a deletion with its stacks, and a hold by what it changes', () => {
    const [first, second] = BETA.clusters;
    const third = channelFile('beta', 3).clusters[2];
    const head = settings({ beta: { ...BETA, clusters: [{ ...first, hold }, { ...second, state: 'decommission' }, third] } });
    const moves = settingsMoves(base.settings, head, PAST);

    const planned = planSettings({ base: base.settings, head, moves, configurations: kept, past: PAST });

    expect(planned.title).toBe(
      'Clusters: 1 created, 1 deleted, 1 altered; 3 clusters, 3 distinct changes, 6 nodes roll: something is deleted',
    );
    expect(planned.affected).toBe(3);
    expect(planned.plan.groups.map((group) => [group.class, group.clusters])).toEqual([
      ['deletion', ['beta-2']],
      ['etcd', ['beta-1']],
      ['creation', ['beta-3']],
    ]);
    const [gone, held, made] = planned.plan.groups;
    expect(gone?.resources.map(({ role, action }) => `${action} ${role}`)).toEqual(
      ['network', 'etcd', 'control-plane', 'pool-general', 'pool-batch'].map((role) => `remove ${role}`),
    );
    expect(gone?.rolls.map(({ role, reason }) => `${role} ${reason}`)).toEqual([
      'etcd removed',
      'control-plane removed',
      'pool-general removed',
      'pool-batch removed',
    ]);
    expect(gone?.changes).toEqual([]);
    expect(held?.changes[0]?.sources.map(({ path }) => path)).toEqual(['channels/beta.yaml', 'channels/cluster/versions.yaml']);
    expect(made?.changes.some(({ name, action }) => action === 'create' && name === 'Deployment kube-system/coredns')).toBe(true);
    expect(made?.changes.length).toBeGreaterThan(50);
    expect(planned.context.notes).toEqual([
      `**beta-1** gets other settings, and goes to ${HELD.slice(0, 12)}.`,
      '**beta-2** is deleted, after a final proven backup: all its stacks, instances and volumes.',
      `**beta-3** is created, at the newest revision proven in its channel (${PROVEN.slice(0, 12)}).`,
      '**Pet score 1** (was 0): 1 hold of single clusters or channels.',
    ]);
    expect(planned.context.history[held?.hash ?? '']).toMatchObject({ of: 'any', updates: 1, medianSeconds: 300 });
    expect(Object.keys(planned.context.history).sort()).toEqual([held?.hash, gone?.hash].sort());
    expect(planned.context).toMatchObject({ channel: 'main', previews: [] });
    expect(planned.context).not.toHaveProperty('unknown');
    expect(planned.previewable.map(({ head: side, roles }) => [side.cluster.name, roles])).toEqual([['beta-1', ['etcd']]]);
  });

  it('tells nothing of nodes in its title where none rolls', () => {
    const head = settings({ beta: BETA }, POLICIES);
    const moves = settingsMoves(base.settings, head, PAST);

    expect(planSettings({ base: base.settings, head, moves, configurations: kept }).title).toBe('Clusters: 2 altered');
  });

  it('says what it can’t know', () => {
    const head = settings({ beta: channelFile('beta', 3) });
    const moves = settingsMoves(base.settings, head, NO_PAST);

    const planned = planSettings({ base: base.settings, head, moves, configurations: kept });

    expect(planned.title).toBe('Clusters: 1 created');
    expect(planned.markdown).toContain('**Blast radius: 1 cluster of which it is not known here what changes.**');
    expect(planned).toMatchObject({ affected: 1, plan: { groups: [] } });
    expect(planned.context.notes[0]).toBe(
      '**beta-3** is created, at the newest revision proven in its channel. What that changes is not known here: no revision is proven in its channel yet, or its configuration is not kept or not valid any more.',
    );
  });

  it('has no plan of a revision whose configuration is not there', () => {
    const head = settings({ beta: { ...BETA, hold } });
    const moves = settingsMoves(base.settings, head, PAST);

    const { plan, unknown, subjects } = planMoves(moves, new Map([[PROVEN, kept.get(PROVEN) as Configuration]]));

    expect(plan.clusters).toBe(0);
    expect(unknown).toEqual(moves);
    expect(subjects).toEqual([]);
    expect(planMoves(moves, new Map([[HELD, kept.get(HELD) as Configuration]]))).toMatchObject({ unknown: moves, subjects: [] });
  });

  it('goes on in what it told where what a cluster has or gets is not known', () => {
    const [first, second] = BETA.clusters;
    const head = settings({ beta: { ...BETA, clusters: [{ ...first, environment: 'production' }, second] } });
    const note = (past: Parameters<typeof settingsMoves>[2]): string | undefined => {
      const moves = settingsMoves(base.settings, head, past);
      return planSettings({ base: base.settings, head, moves, configurations: kept }).context.notes[0];
    };

    expect(note(PAST)).toBe('**beta-1** gets other settings.');
    expect(note(NO_PAST)).toMatch(/^\*\*beta-1\*\* gets other settings\. What that changes is not known here: /);
  });

  it('tells the fleet’s own policies that come as objects of every cluster', () => {
    const own = parseOwnPolicies([{ path: 'channels/policies/a.yaml', content: POLICIES }]).value;
    if (own === undefined) throw new Error('not valid');
    const before = settings({ beta: BETA });
    const head = settings({ beta: BETA }, POLICIES);

    const moves = settingsMoves(before.settings, head, PAST);

    expect(moves.map(({ kind, causes }) => [kind, causes])).toEqual([
      ['altered', []],
      ['altered', []],
    ]);
    expect(policiesOf(moves)).toEqual([own.hash]);
    expect(policiesOf([])).toEqual([]);
    const [move] = moves;
    const other = move && {
      ...move,
      base: { revision: PROVEN, cluster: { ...clusterRef(BETA.clusters[0] as ClusterEntry, BETA), policies: 'z' } },
    };
    expect(policiesOf(other === undefined ? [] : [other])).toEqual([own.hash, 'z'].sort());
    const { plan } = planMoves(moves, kept, new Map([[own.hash, own]]));
    expect(plan.groups.map((group) => [group.class, group.clusters])).toEqual([['manifests', ['beta-1', 'beta-2']]]);
    expect(plan.groups[0]?.changes.map(({ action, area, name }) => `${action} ${area}: ${name}`)).toEqual([
      'create component fleet.policies: ValidatingAdmissionPolicy a',
      'create component fleet.policies: ValidatingAdmissionPolicyBinding a',
      'create component fleet.policies: phase',
    ]);
    expect(planMoves(moves, kept).plan.class).toBe('nothing');
  });

  it('changes no cluster for a policy, and tells it in words', () => {
    const head = settings({ beta: { ...BETA, soak: '2h' } });

    const planned = planSettings({ base: base.settings, head, moves: [], configurations: kept });

    expect(planned.title).toBe('No cluster changes');
    expect(planned.markdown).toBe(
      `**Blast radius: no cluster changes.**\n\n- Channel **beta**, soak: \`60s\` becomes \`2h\` (channels/beta.yaml:${lineOf(head, '"soak"')}).\n`,
    );
  });
});

describe('notes of channels', () => {
  const base = settings({ beta: BETA }).settings;

  it('name each policy that changes, with its line', () => {
    const head = settings({
      beta: {
        ...BETA,
        failureBudget: 2,
        maxConcurrentClusters: 9,
        freeze: [{ from: '2026-12-20T00:00:00Z', until: '2027-01-04T00:00:00Z', scope: 'all', reason: "year's `end`" }],
      },
    });

    expect(channelNotes(base, head)).toEqual([
      `Channel **beta**, clusters at a time: \`5\` becomes \`9\` (channels/beta.yaml:${lineOf(head, '"maxConcurrentClusters"')}).`,
      `Channel **beta**, failure budget: \`0\` becomes \`2\` (channels/beta.yaml:${lineOf(head, '"failureBudget"')}).`,
      `Channel **beta**, freeze windows: none becomes \`[{"from":"2026-12-20T00:00:00Z","reason":"year's 'end'","scope":"all","until":"2027-01-04T00:00:00Z"}]\` (channels/beta.yaml:${lineOf(head, '"freeze"')}).`,
    ]);
  });

  it('are none for what stays as it is, in any of several channels', () => {
    const files = { beta: BETA, gamma: { ...BETA, channel: 'gamma', branch: 'gamma', follows: 'beta', clusters: [] } };

    expect(channelNotes(settings(files).settings, settings(files))).toEqual([]);
  });

  it('say none for what was not there, or is not any more', () => {
    const held = settings({ beta: { ...BETA, hold } });

    expect(channelNotes(base, held)[0]).toMatch(/^Channel \*\*beta\*\*, hold: none becomes `\{.*\}` \(/);
    expect(channelNotes(held.settings, settings({ beta: BETA }))[0]).toMatch(/^Channel \*\*beta\*\*, hold: `\{.*\}` becomes none \(/);
  });

  it('tell a value of 160 characters whole', () => {
    const waves = (name: string) => settings({ beta: { ...BETA, waves: [{ name, percent: 100 }] } });
    const name = 'w'.repeat(160 - JSON.stringify([{ name: '', percent: 100 }]).length);

    expect(channelNotes(waves(name).settings, waves(`${name}w`))[0]).toMatch(
      /^Channel \*\*beta\*\*, waves: `\[.{158}\]` becomes `\[.{159}…` \(/,
    );
  });

  it('name channels that come and go, and cut long values', () => {
    const waves = Array.from({ length: 9 }, (_, index) => ({ name: `wave-${index}-of-many`, percent: 100 }));

    expect(channelNotes(base, settings({ gamma: { ...BETA, channel: 'gamma', branch: 'gamma' } }))).toEqual([
      'The channel **gamma** is new (channels/gamma.yaml).',
      'The channel **beta** is gone.',
    ]);
    expect(channelNotes(base, settings({ beta: { ...BETA, waves } }))[0]).toMatch(
      /^Channel \*\*beta\*\*, waves: `\[.{1,160}\]` becomes `.{160}…` \(/,
    );
  });
});

function lineOf(parsed: ParsedSettings, part: string, channel = 0): number {
  const lines = parsed.channels[channel]?.source.text.split('\n') ?? [];
  return lines.findIndex((line) => line.includes(part)) + 1;
}
