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

describe('cutText', () => {
  it('leaves a text alone that fits', () => {
    expect(cutText('short\n', 6, 'there')).toBe('short\n');
  });

  it('cuts one long line within, at a whole character', () => {
    const cut = cutText('😀'.repeat(300), 255);

    expect(cut).toMatch(/^(😀)+… \(cut: 600 characters in all\)$/u);
    expect(cut.length).toBeGreaterThan(250);
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
