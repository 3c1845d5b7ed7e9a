import { describe, expect, it } from 'vitest';
import type { Plan, PlanGroup } from '#domain/plan.ts';
import { masked } from '#domain/plan-items.ts';
import { cutText, planMarkdown, planTitle } from '#domain/plan-text.ts';

const GROUP: PlanGroup = {
  hash: 'a'.repeat(64),
  class: 'control-plane-roll',
  clusters: Array.from({ length: 94 }, (_, index) => `beta-${index}`),
  changes: [
    { action: 'update', area: 'component ingress', name: 'Deployment ingress/skipper', diff: '-image: a\n+image: b' },
    { action: 'update', area: 'instances of control-plane', name: 'kube-apiserver.service', diff: '-1.35.4\n+1.36.3' },
  ],
  rolls: [
    { role: 'control-plane', instances: 1, reason: 'replaced' },
    { role: 'pool-general', instances: 3, reason: 'replaced' },
  ],
};
const PLAN: Plan = { groups: [GROUP], clusters: 95, affected: 94, class: 'control-plane-roll', rollsNodes: 282 };
const CONTEXT = { channel: 'dev', downstream: [{ channel: 'alpha', clusters: 1 }], notes: [] };

describe('planTitle', () => {
  it('says how far it reaches', () => {
    expect(planTitle(PLAN)).toBe('94 clusters, 1 distinct change, 282 nodes roll: the control plane is replaced');
  });

  it('says that nothing changes', () => {
    expect(planTitle({ ...PLAN, affected: 0 })).toBe('No cluster changes');
  });
});

describe('planMarkdown', () => {
  it('tells the whole plan, replacements first', () => {
    const text = planMarkdown(PLAN, CONTEXT);

    expect(text).toBe(`**94 clusters, 1 distinct change, 282 nodes roll: the control plane is replaced.**

| | what happens | clusters | instances | objects |
| --- | --- | --- | --- | --- |
| 1 | the control plane is replaced | 94 | control-plane: 1 replaced, pool-general: 3 replaced | 2 |

1 other cluster of this change stays as it is.

Merging changes the channel dev only. By promotion it reaches alpha (1 cluster).

### 1. 94 clusters: the control plane is replaced
beta-0, beta-1, beta-2, beta-3, beta-4, beta-5, beta-6, beta-7 and 86 more

<details><summary>instances of control-plane: kube-apiserver.service changed</summary>

\`\`\`diff
-1.35.4
+1.36.3
\`\`\`

</details>
<details><summary>component ingress: Deployment ingress/skipper changed</summary>

\`\`\`diff
-image: a
+image: b
\`\`\`

</details>
`);
  });

  it('keeps a diff in its fence that has fences itself', () => {
    const changes = [{ action: 'update' as const, area: 'component x', name: '<b>', diff: '+ ```\n+ ````' }];

    const text = planMarkdown({ ...PLAN, groups: [{ ...GROUP, changes }] }, CONTEXT);

    expect(text).toContain('`````diff\n+ ```\n+ ````\n`````');
    expect(text).toContain('component x: &lt;b&gt; changed');
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
      { ...PLAN, groups: [{ ...GROUP, changes: [{ action: 'create', area: 'a', name: 'b', diff: '+ x\n'.repeat(500) }] }] },
      CONTEXT,
    );

    const cut = cutText(text, 1000, 'plans/x.md');

    expect(cut.length).toBeLessThanOrEqual(1000);
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
