import { describe, expect, it } from 'vitest';
import { masked } from '#domain/plan-items.ts';
import { cutText, planMarkdown, planTitle } from '#domain/plan-text.ts';
import { type Plan, PlanContext, type PlanGroup } from '#model/plan.ts';

const VERSIONS = { path: 'channels/cluster/versions.yaml', line: 2, side: 'head' } as const;
const GROUP: PlanGroup = {
  hash: 'a'.repeat(64),
  class: 'control-plane-roll',
  clusters: Array.from({ length: 94 }, (_, index) => `beta-${index}`),
  changes: [
    {
      action: 'update',
      area: 'component ingress',
      name: 'Deployment ingress/skipper',
      diff: '-image: a\n+image: b',
      sources: [{ path: 'channels/cluster/components/ingress/deployment.yaml', line: 12, side: 'head' }],
    },
    {
      action: 'update',
      area: 'instances of control-plane, pool-general',
      name: 'kube-apiserver.service',
      diff: '-1.35.4\n+1.36.3',
      sources: [VERSIONS],
    },
    { action: 'delete', area: 'component zoo', name: 'ConfigMap zoo/old', diff: '-a: 1', sources: [{ ...VERSIONS, side: 'base' }] },
    { action: 'create', area: 'component abc', name: 'ConfigMap abc/new', diff: '+a: 1', sources: [VERSIONS] },
  ],
  rolls: [
    { role: 'control-plane', instances: 1, zones: ['a'], reason: 'replaced' },
    { role: 'pool-general', instances: 3, zones: ['a', 'b', 'c'], reason: 'replaced' },
  ],
  resources: [
    {
      role: 'control-plane',
      resource: 'LaunchTemplate',
      type: 'AWS::EC2::LaunchTemplate',
      action: 'modify',
      replacement: 'never',
      properties: ['X'],
    },
  ],
  disruption: { restarts: ['Deployment ingress/skipper'], ownPods: 658, drained: 3 },
};
const PLAN: Plan = { groups: [GROUP], clusters: 95, affected: 94, class: 'control-plane-roll', rollsNodes: 282 };
const CONTEXT = PlanContext.parse({ channel: 'dev', downstream: [{ channel: 'alpha', clusters: 1 }], notes: [] });

function planOf(change: Partial<PlanGroup>): Plan {
  return { ...PLAN, groups: [{ ...GROUP, ...change }] };
}

describe('planTitle', () => {
  it('says how far it reaches', () => {
    expect(planTitle(PLAN)).toBe('94 clusters, 1 distinct change, 282 nodes roll: the control plane is replaced');
  });

  it('says that nothing changes', () => {
    expect(planTitle({ ...PLAN, affected: 0 })).toBe('No cluster changes');
  });
});

describe('planMarkdown', () => {
  it('tells the whole plan: blast radius, groups, causes, forecast, then diffs with replacements first', () => {
    const text = planMarkdown(PLAN, CONTEXT);

    expect(text).toBe(`**Blast radius: 94 of 95 clusters, 1 distinct change, 282 nodes roll, the control plane is replaced.**

| | danger | clusters | instances | changes | caused by |
| --- | --- | --- | --- | --- | --- |
| 1 | the control plane is replaced | 94 | control-plane: 1 replaced, pool-general: 3 replaced | 4 | channels/cluster/versions.yaml:2, channels/cluster/components/ingress/deployment.yaml:12, channels/cluster/versions.yaml:2 before the merge |

1 other cluster of this change stays as it is.

Merging changes the channel dev only. By promotion it reaches alpha (1 cluster).

### 1. 94 clusters: the control plane is replaced
beta-0, beta-1, beta-2, beta-3, beta-4, beta-5, beta-6, beta-7 and 86 more

- control-plane: at least 1 instance is replaced
- pool-general: at least 3 nodes are replaced, over zones a, b, c
- Pods: up to 658 of the configuration's own Deployments and StatefulSets over all 94 clusters are evicted, and all of its users on the drained nodes: how many those are is not in the repository.
- Pods are made anew, by the workload's own strategy, of Deployment ingress/skipper.
- Time: no history yet.

<details><summary>instances of control-plane, pool-general: kube-apiserver.service changed (channels/cluster/versions.yaml:2)</summary>

\`\`\`diff
-1.35.4
+1.36.3
\`\`\`

</details>
<details><summary>component zoo: ConfigMap zoo/old removed (channels/cluster/versions.yaml:2 before the merge)</summary>

\`\`\`diff
-a: 1
\`\`\`

</details>
<details><summary>component abc: ConfigMap abc/new new (channels/cluster/versions.yaml:2)</summary>

\`\`\`diff
+a: 1
\`\`\`

</details>
<details><summary>component ingress: Deployment ingress/skipper changed (channels/cluster/components/ingress/deployment.yaml:12)</summary>

\`\`\`diff
-image: a
+image: b
\`\`\`

</details>
`);
  });

  it('says in its first line when nothing changes, and still tells the notes', () => {
    const text = planMarkdown({ ...PLAN, groups: [], affected: 0, class: 'nothing' }, { ...CONTEXT, downstream: [], notes: ['a note'] });

    expect(text).toBe('**Blast radius: no cluster changes.**\n\n- a note\n');
  });

  it('tells the time from past updates, and of the whole rollout', () => {
    const history = { [GROUP.hash]: { of: 'class', updates: 12, medianSeconds: 600, longestSeconds: 1800 } } as const;

    const text = planMarkdown(PLAN, { ...CONTEXT, history, rolloutSeconds: 7200 });

    expect(text).toContain('the control plane is replaced; about 2 h by past updates, soaks included.**');
    expect(text).toContain('- Time: about 10 min a cluster: the median of 12 past updates of this class, the longest 30 min.');
  });

  it('says when only other kinds of updates are recorded', () => {
    const history = { [GROUP.hash]: { of: 'any', updates: 1, medianSeconds: 60, longestSeconds: 60 } } as const;

    expect(planMarkdown(PLAN, { ...CONTEXT, history })).toContain(
      'the median of 1 past update of any class (none of this one is recorded)',
    );
  });

  it('counts one cluster, one node and one pool that goes as one', () => {
    const rolls = [{ role: 'pool-batch', instances: 1, zones: ['a'], reason: 'removed' }] as const;
    const text = planMarkdown(
      {
        ...planOf({ clusters: ['dev-1'], rolls, disruption: { restarts: [], ownPods: 7, drained: 1 } }),
        clusters: 1,
        affected: 1,
        rollsNodes: 1,
      },
      CONTEXT,
    );

    expect(text).toContain('**Blast radius: 1 cluster, 1 distinct change, 1 node rolls, the control plane is replaced.**');
    expect(text).toContain('- pool-batch: at least 1 node removed\n');
    expect(text).toContain('own Deployments and StatefulSets are evicted, and all of its users on the drained node: how');
  });

  it('warns of what the templates alone replace or delete, and of types that nobody knows', () => {
    const resource = {
      role: 'network',
      resource: 'Vpc',
      type: 'AWS::EC2::VPC',
      action: 'modify',
      replacement: 'always',
      properties: ['CidrBlock'],
    } as const;
    const text = planMarkdown(
      planOf({
        resources: [
          resource,
          { ...resource, resource: 'Zone', replacement: 'may', properties: ['a', 'b', 'c', 'd', 'e'] },
          { ...resource, resource: 'Odd', type: 'AWS::New::Thing', replacement: 'unknown', properties: [] },
          { ...resource, resource: 'Gone', action: 'remove', replacement: 'never', properties: [] },
          { ...resource, resource: 'Calm', replacement: 'never' },
        ],
      }),
      CONTEXT,
    );

    expect(text).toContain(`CloudFormation, by the templates alone (no change set was asked for):
- stack network: Vpc (AWS::EC2::VPC) **is replaced**, for CidrBlock
- stack network: Zone (AWS::EC2::VPC) may be replaced, for a, b, c, d, …
- stack network: Odd (AWS::New::Thing) is changed; may replace: unknown
- stack network: Gone (AWS::EC2::VPC) **is deleted**
`);
    expect(text).not.toContain('Calm');
  });

  it('tells what change sets say, and for stacks that were not asked what the template alone says', () => {
    const resource = {
      role: 'network',
      resource: 'Vpc',
      type: 'AWS::EC2::VPC',
      action: 'modify',
      replacement: 'always',
      properties: [],
    } as const;
    const text = planMarkdown(planOf({ resources: [resource] }), {
      ...CONTEXT,
      previews: [
        {
          group: GROUP.hash,
          cluster: 'beta-0',
          stacks: [
            { role: 'etcd', state: 'no-changes', resources: [] },
            {
              role: 'control-plane',
              state: 'changes',
              resources: [{ ...resource, role: 'control-plane', resource: 'Group', replacement: 'never' }],
            },
            { role: 'network', state: 'not-asked', reason: 'the stack is busy', resources: [] },
            { role: 'pool-general', state: 'not-asked', resources: [] },
          ],
        },
      ],
    });

    expect(text).toContain(`CloudFormation, by change sets for beta-0:
- stack etcd: nothing to do
- stack control-plane: Group (AWS::EC2::VPC) is changed in place
- stack network: not asked (the stack is busy); by the template alone:
- stack network: Vpc (AWS::EC2::VPC) **is replaced**
- stack pool-general: not asked (no reason given); by the template alone:
- nothing is replaced or deleted
`);
    expect(text).not.toContain('by the templates alone');
  });

  it('says how many more lines cause a change', () => {
    const sources = Array.from({ length: 6 }, (_, index) => ({ ...VERSIONS, line: index + 1 }));

    const text = planMarkdown(planOf({ changes: [{ action: 'update', area: 'a', name: 'b', diff: '', sources }] }), CONTEXT);

    expect(text).toContain(
      'a: b changed (channels/cluster/versions.yaml:1, channels/cluster/versions.yaml:2, channels/cluster/versions.yaml:3, channels/cluster/versions.yaml:4 and 2 more)',
    );
  });

  it('keeps a diff in its fence that has fences itself, and markup out of headings', () => {
    const changes = [{ action: 'update' as const, area: 'component x', name: '<b>|&', diff: '+ ```\n+ ````', sources: [] }];

    const text = planMarkdown(planOf({ changes }), CONTEXT);

    expect(text).toContain('`````diff\n+ ```\n+ ````\n`````');
    expect(text).toContain('component x: &lt;b&gt;&#124;&amp; changed</summary>');
    expect(text).toContain('| a new cluster |');
  });
});

describe('the parts of a plan', () => {
  const lineOf = (text: string, part: string): string | undefined => text.split('\n').find((line) => line.includes(part));
  const calm = { changes: [], rolls: [], resources: [], disruption: { restarts: [], ownPods: 0, drained: 0 } };

  it('count clusters of which nothing is known as changed', () => {
    const nothing = planOf({ ...calm, class: 'nothing' });
    const none = { ...nothing, affected: 0, groups: [] };

    expect(planMarkdown(none, { ...CONTEXT, unknown: 1 })).toContain(
      '**Blast radius: 1 cluster of which it is not known here what changes.**',
    );
    expect(planMarkdown(planOf(calm), { ...CONTEXT, unknown: 2 })).toContain(
      '; and 2 clusters of which it is not known here what changes.**',
    );
  });

  it('say of what pruning keeps that it stays', () => {
    const changes = [{ action: 'delete' as const, area: 'component x', name: 'Namespace room', diff: '-a', sources: [], stays: true }];

    expect(planMarkdown(planOf({ ...calm, changes }), CONTEXT)).toContain(
      'component x: Namespace room no longer applied, but kept</summary>',
    );
  });

  it.each([
    ['etcd', 1, ['a'], 'replaced', '- etcd: at least 1 member is replaced'],
    ['etcd', 3, ['a', 'b', 'c'], 'replaced', '- etcd: at least 3 members are replaced, over zones a, b, c'],
    ['control-plane', 2, ['a', 'b'], 'new', '- control-plane: at least 2 instances are new, over zones a, b'],
    ['pool-batch', 1, ['a'], 'new', '- pool-batch: at least 1 node is new'],
    ['pool-batch', 3, [], 'removed', '- pool-batch: at least 3 nodes removed'],
  ] as const)('tell of %s with %d in %j that it is %s', (role, instances, zones, reason, line) => {
    const text = planMarkdown(planOf({ ...calm, rolls: [{ role, instances, zones, reason }] }), CONTEXT);

    expect(lineOf(text, `- ${role}: at least`)).toBe(line);
    expect(text).toContain(`| ${role}: ${instances} ${reason} | 0 |`);
  });

  it('tell of no pods and no causes where there are none', () => {
    const text = planMarkdown(planOf({ ...calm, clusters: ['a', 'b'] }), CONTEXT);

    expect(text).toContain('| 1 | the control plane is replaced | 2 | none | 0 | a new cluster |');
    expect(text).toContain('### 1. 2 clusters: the control plane is replaced\na, b\n\n- Time: no history yet.\n');
    expect(text).not.toContain('Pods');
    expect(text).not.toContain('CloudFormation');
  });

  it.each([
    ['nothing', undefined],
    ['creation', 'the cluster is created'],
    ['manifests', 'in place, nothing restarts but the changed workloads'],
    ['worker-roll', 'nodes are replaced'],
    ['control-plane-roll', 'the control plane is replaced'],
    ['identity', 'certificates or keys change'],
    ['etcd', 'etcd members are replaced'],
    ['deletion', 'something is deleted'],
    ['replacement', 'AWS resources are replaced'],
  ] as const)('call the class %s: %s', (name, words) => {
    const plan = { ...planOf({ ...calm, class: name }), class: name };

    expect(lineOf(planMarkdown(plan, CONTEXT), '### ')).toBe(words === undefined ? undefined : `### 1. 94 clusters: ${words}`);
    expect(planTitle(plan)).toContain(words ?? ': nothing changes');
  });

  it('name eight clusters, and how many more there are', () => {
    const named = (count: number) =>
      planMarkdown(planOf({ ...calm, clusters: Array.from({ length: count }, (_, index) => `c${index}`) }), CONTEXT).split('\n');

    expect(named(8)).toContain('c0, c1, c2, c3, c4, c5, c6, c7');
    expect(named(9)).toContain('c0, c1, c2, c3, c4, c5, c6, c7 and 1 more');
  });

  it('count the clusters that stay', () => {
    const stay = (clusters: number) => lineOf(planMarkdown({ ...PLAN, clusters }, CONTEXT), 'of this change');

    expect([stay(94), stay(95), stay(97)]).toEqual([
      undefined,
      '1 other cluster of this change stays as it is.',
      '3 other clusters of this change stay as they are.',
    ]);
  });

  it('say where it goes next, if anywhere', () => {
    const next = (...downstream: PlanContext['downstream']) => lineOf(planMarkdown(PLAN, { ...CONTEXT, downstream }), 'By promotion');

    expect(next()).toBeUndefined();
    expect(next({ channel: 'alpha', clusters: 1 }, { channel: 'beta', clusters: 90 })).toBe(
      'Merging changes the channel dev only. By promotion it reaches alpha (1 cluster), then beta (90 clusters).',
    );
  });

  it('leave groups out to which nothing happens, and count the others', () => {
    const text = planMarkdown(
      {
        ...PLAN,
        groups: [
          { ...GROUP, ...calm, class: 'etcd' },
          { ...GROUP, ...calm },
          { ...GROUP, class: 'nothing' },
        ],
      },
      CONTEXT,
    );

    expect(text.match(/^### .*/gm)).toEqual([
      '### 1. 94 clusters: etcd members are replaced',
      '### 2. 94 clusters: the control plane is replaced',
    ]);
    expect(text).toContain('95 clusters, 2 distinct changes,');
    expect(text).toContain('| 2 | the control plane is replaced | 94 |');
  });

  it('tell notes as a list', () => {
    expect(planMarkdown(planOf(calm), { ...CONTEXT, notes: ['one', 'two'] })).toContain('.**\n\n- one\n- two\n\n| | danger |');
  });

  it('name the lines first that cause most changes', () => {
    const change = (...lines: number[]) => ({
      action: 'update' as const,
      area: 'component a',
      name: 'b',
      diff: '',
      sources: lines.map((line) => ({ ...VERSIONS, line })),
    });

    expect(lineOf(planMarkdown(planOf({ ...calm, changes: [change(1), change(2), change(3, 2), change(2)] }), CONTEXT), '| 1 |')).toContain(
      `| 4 | ${[2, 1, 3].map((line) => `channels/cluster/versions.yaml:${line}`).join(', ')} |`,
    );
  });

  it('come by danger: rolls in their order, then what goes, then by name', () => {
    const change = (action: 'create' | 'delete' | 'update', area: string, name: string) => ({ action, area, name, diff: '', sources: [] });
    const changes = [
      change('update', 'component b', 'x'),
      change('update', 'component a', 'z'),
      change('create', 'component a', 'y'),
      change('delete', 'component c', 'x'),
      change('update', 'instances of pool-general', 'file'),
      change('update', 'stack pool, pool-general-more', 'template'),
      change('update', 'stack etcd, control-plane', 'template'),
      change('delete', 'component b', 'x'),
    ];

    const text = planMarkdown(planOf({ changes }), CONTEXT);

    expect([...text.matchAll(/<summary>(.*)<\/summary>/g)].map(([, summary]) => summary)).toEqual([
      'stack etcd, control-plane: template changed',
      'instances of pool-general: file changed',
      'component b: x removed',
      'component c: x removed',
      'component a: y new',
      'component a: z changed',
      'component b: x changed',
      'stack pool, pool-general-more: template changed',
    ]);
  });

  it('tell that CloudFormation refuses a change', () => {
    const refused = { role: 'etcd', state: 'refused', resources: [] } as const;
    const stacks = [{ ...refused, reason: 'no <type>' }, refused];

    expect(planMarkdown(planOf(calm), { ...CONTEXT, previews: [{ group: GROUP.hash, cluster: 'beta-0', stacks }] })).toContain(
      '- stack etcd: **CloudFormation refuses this change**: no &lt;type&gt;\n- stack etcd: **CloudFormation refuses this change**: no reason given\n',
    );
  });

  it('name four properties that change, and say when there are more', () => {
    const resource = { role: 'etcd', resource: 'R', type: 'T', action: 'modify', replacement: 'may' } as const;
    const of = (...properties: string[]) =>
      lineOf(planMarkdown(planOf({ ...calm, resources: [{ ...resource, properties }] }), CONTEXT), 'stack etcd');

    expect(of('a', 'b', 'c', 'd')).toBe('- stack etcd: R (T) may be replaced, for a, b, c, d');
    expect(of('a', 'b', 'c', 'd', 'e')).toBe('- stack etcd: R (T) may be replaced, for a, b, c, d, …');
    expect(of()).toBe('- stack etcd: R (T) may be replaced');
  });

  it('tell of a stack that is added, by a change set', () => {
    const resource = { role: 'etcd', resource: 'R', type: 'T', action: 'add', replacement: 'never', properties: [] } as const;
    const previews = [
      { group: GROUP.hash, cluster: 'beta-0', stacks: [{ role: 'etcd', state: 'changes', resources: [resource] }] },
    ] as const;

    expect(planMarkdown(planOf(calm), { ...CONTEXT, previews })).toContain('- stack etcd: R (T) is added\n');
  });

  it('tell markup as text, on one line', () => {
    const changes = [{ action: 'update' as const, area: 'a & b', name: 'c\n  d', diff: '', sources: [{ ...VERSIONS, path: 'x|y' }] }];

    expect(planMarkdown(planOf({ ...calm, changes }), CONTEXT)).toContain('<summary>a &amp; b: c d changed (x&#124;y:2)</summary>');
  });
});

describe('cutText', () => {
  it.each([
    ['a fence and its fold', '<details><summary>a</summary>\n\n```diff\n+ x', '```\n</details>'],
    ['a longer fence that holds a shorter one', '````diff\n```\n+ x', '````'],
    ['nothing where all is closed', '<details><summary>a</summary>\n```diff\n+ x\n```\n</details>\nx', ''],
    [
      'a fold that is open beside one that is closed',
      '<details><summary>a</summary>\n<details><summary>b</summary>\n</details>\nx',
      '</details>',
    ],
    ['no fold that only stands in a fence', '```\n<details><summary>a</summary>\n```\nx', ''],
  ])('closes %s', (_what, begin, closing) => {
    const cut = cutText(`${begin}\n${'y'.repeat(300)}`, 250);

    expect(cut).toBe(`${begin}\n${closing === '' ? '' : `${closing}\n`}**Cut here: 1 more lines.**\n`.replace(/(?<!\n)\n\*\*/, '\n**'));
  });

  it('leaves a text alone that fits', () => {
    expect(cutText('short\n', 6, 'there')).toBe('short\n');
  });

  it.each([
    ['😀', 255, 112],
    ['😀', 256, 113],
    ['\ud800\udc00', 255, 112],
    ['\udbff\udfff', 255, 112],
    ['ab', 255, 112.5],
    ['\ue000b', 255, 112.5],
  ])('cuts one long line within, at a whole character: %j to %d', (character, limit, whole) => {
    const text = character.repeat(300);

    expect(cutText(text, limit)).toBe(`${text.slice(0, 2 * whole)}… (cut: 600 characters in all)`);
    expect(cutText(text, limit + 22, 'there')).toBe(`${text.slice(0, 2 * whole)}… (cut: 600 characters in all) The whole text: there`);
  });

  it('fills what there is room for, and no more', () => {
    const notice = '\n**Cut here: 2 more lines.**\n';
    const text = `${'x'.repeat(199)}\n${'y'.repeat(300)}\nz`;

    expect(cutText(text, 200 + notice.length)).toBe(`${'x'.repeat(199)}${notice}`);
    expect(cutText(text, 199 + notice.length)).toContain('(cut: ');
  });

  it('closes what is open and says what is missing', () => {
    const text = planMarkdown(
      planOf({ changes: [{ action: 'create', area: 'a', name: 'b', diff: '+ x\n'.repeat(900), sources: [] }] }),
      CONTEXT,
    );

    const cut = cutText(text, 2000, 'plans/x.md');

    expect(cut.length).toBeLessThanOrEqual(2000);
    expect(cut).toMatch(/\+ x\n```\n<\/details>\n\*\*Cut here: \d+ more lines\.\*\* The whole text: plans\/x\.md\n$/);
  });
});

describe('masked', () => {
  const secret = (data: Record<string, string>): object => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' }, data });

  it('hides values, and tells which one changes', () => {
    const [before, after] = masked(secret({ a: 'b25l', b: 'dHdv' }), secret({ a: 'b25l', b: 'bmV3', c: 'Yw==' }));

    expect(before).toMatchObject({ data: { a: '(masked)', b: '(masked)' } });
    expect(after).toMatchObject({ data: { a: '(masked)', b: '(masked, another value)', c: '(masked)' } });
    expect(JSON.stringify([before, after])).not.toMatch(/b25l|dHdv|bmV3|Yw==/);
  });

  it('leaves other objects alone', () => {
    const map = { kind: 'ConfigMap', data: { a: 'one' } };

    expect(masked(map, undefined)).toEqual([map, undefined]);
  });
});
