import { describe, expect, it } from 'vitest';
import { budgetsOf, selects, siblingsOf } from '#domain/drain/budgets.ts';
import { forceLimits, mayForce } from '#domain/drain/force.ts';
import { isOverdue, mustLeave } from '#domain/drain/pods.ts';
import type { Pod } from '#model/kubernetes.ts';
import type { Environment } from '#model/settings.ts';
import { ago, budget, NOW, type PodShape, pod } from '../../../support/drain.ts';

const HOUR = 3600;
const MINUTE = 60;
const BUDGET = budget({ maxUnavailable: 1, selector: { matchLabels: { app: 'web' } } });

interface Row {
  rule: string;
  environment?: Environment;
  /** Seconds since the drain began, and since the last forced deletion on this node. */
  drain: number;
  lastForced?: number;
  pod?: PodShape;
  siblings?: PodShape[];
  forced: boolean;
  says?: RegExp;
}

const OLD: PodShape = { name: 'web-2', age: 6 * HOUR };
/** Everything holds to the second; each row of the table breaks one thing, or shows that it is none. */
const HOLDS = { drain: 6 * HOUR, lastForced: 5 * MINUTE, pod: { age: 72 * HOUR }, siblings: [{ name: 'web-2', age: HOUR }] };

const TABLE: Row[] = [
  {
    ...HOLDS,
    rule: 'all four hold, each to the second',
    forced: true,
    says: /drain is 6 h old .*web-1 is 3 d old .*web-2 is 1 h old .*last forced/,
  },
  { ...HOLDS, rule: 'grace since the drain began', drain: 6 * HOUR - 1, forced: false, says: /^the drain is 6 h old \(needs 6 h\)$/ },
  { ...HOLDS, rule: 'age of the pod', pod: { age: 72 * HOUR - 1 }, forced: false, says: /^pod shop\/web-1/ },
  { ...HOLDS, rule: 'age of a Ready sibling', siblings: [{ name: 'web-2', age: HOUR - 1 }], forced: false, says: /^its sibling web-2 is/ },
  {
    ...HOLDS,
    rule: 'a sibling that is not Ready must be older',
    siblings: [{ name: 'web-2', age: 6 * HOUR - 1, ready: false }],
    forced: false,
    says: /web-2, not Ready, is/,
  },
  { ...HOLDS, rule: 'and is old enough then', siblings: [{ ...OLD, ready: false }], forced: true },
  { ...HOLDS, rule: 'spacing on the node', lastForced: 5 * MINUTE - 1, forced: false, says: /^the last forced deletion on this node/ },
  { rule: 'nothing was forced on this node before', drain: 6 * HOUR, forced: true },
  {
    ...HOLDS,
    rule: 'one young sibling among old ones',
    siblings: [OLD, { name: 'web-3', age: 10 }],
    forced: false,
    says: /^its sibling web-3/,
  },
  { ...HOLDS, rule: 'a job is no sibling', siblings: [{ name: 'web-2', age: 10, owner: { kind: 'Job', uid: 'j' } }], forced: true },
  { ...HOLDS, rule: 'a finished pod is no sibling', siblings: [{ name: 'web-2', age: 10, phase: 'Succeeded' }], forced: true },
  { ...HOLDS, rule: 'a failed pod is no sibling', siblings: [{ name: 'web-2', age: 10, phase: 'Failed' }], forced: true },
  { ...HOLDS, rule: 'a pod of another namespace is no sibling', siblings: [{ name: 'web-2', age: 10, namespace: 'other' }], forced: true },
  { ...HOLDS, rule: 'a pod of another budget is no sibling', siblings: [{ name: 'web-2', age: 10, labels: { app: 'db' } }], forced: true },
  { ...HOLDS, rule: 'a pod that does not tell its age is not forced', pod: { age: null }, forced: false, says: /of unknown age/ },
  {
    ...HOLDS,
    rule: 'nor beside a sibling that does not',
    siblings: [{ name: 'web-2', age: null }],
    forced: false,
    says: /web-2 is of unknown age/,
  },
  {
    ...HOLDS,
    rule: 'a drain of another environment has shorter limits',
    environment: 'test',
    drain: 2 * HOUR,
    pod: { age: 8 * HOUR },
    forced: true,
  },
  { ...HOLDS, rule: 'its grace', environment: 'test', drain: 2 * HOUR - 1, forced: false },
  { ...HOLDS, rule: 'its pod age', environment: 'development', pod: { age: 8 * HOUR - 1 }, forced: false },
  {
    ...HOLDS,
    rule: 'its sibling that is not Ready',
    environment: 'e2e',
    siblings: [{ name: 'web-2', age: HOUR, ready: false }],
    forced: true,
  },
  {
    ...HOLDS,
    rule: 'which must be an hour old there',
    environment: 'e2e',
    siblings: [{ name: 'web-2', age: HOUR - 1, ready: false }],
    forced: false,
  },
  { ...HOLDS, rule: 'its spacing', environment: 'test', lastForced: 5 * MINUTE - 1, forced: false },
];

describe('forced deletion', () => {
  it.each(TABLE)('$rule: $forced', ({ environment = 'production', drain, lastForced, pod: shape = {}, siblings = [], forced, says }) => {
    const subject = pod(shape);
    const pods = [subject, ...siblings.map(pod)];
    const began = { since: ago(drain), ...(lastForced === undefined ? {} : { lastForced: ago(lastForced) }) };

    const verdict = mayForce(subject, { drain: began, pods, budgets: [BUDGET], limits: forceLimits(environment), now: NOW });

    expect(verdict.allowed).toBe(forced);
    if (says !== undefined) expect(verdict.reason).toMatch(says);
  });

  it('names each condition with what it was and what it needs', () => {
    const subject = pod({ age: 80 * HOUR });
    const sibling = pod({ name: 'web-2', age: 30 * MINUTE, ready: false });
    const began = { since: ago(7 * HOUR), lastForced: ago(MINUTE) };
    const asked = { drain: began, budgets: [BUDGET], limits: forceLimits('production'), now: NOW };

    expect(mayForce(subject, { ...asked, pods: [subject] }).reason).toBe('the last forced deletion on this node is 60 s old (needs 5 min)');
    expect(mayForce(subject, { ...asked, pods: [subject, sibling] }).reason).toBe(
      'its sibling web-2, not Ready, is 30 min old (needs 6 h); the last forced deletion on this node is 60 s old (needs 5 min)',
    );
    expect(mayForce(subject, { ...asked, pods: [subject], drain: { since: ago(7 * HOUR) } }).reason).toBe(
      'the drain is 7 h old (needs 6 h); pod shop/web-1 is 3 d 8 h old (needs 3 d)',
    );
  });

  it('is not allowed beside a sibling whose time of creation is none', () => {
    const subject = pod();
    const odd = pod({ name: 'web-2' });
    const pods = [subject, { ...odd, metadata: { ...odd.metadata, creationTimestamp: 'yesterday' } }];

    expect(mayForce(subject, { drain: { since: ago(9 * HOUR) }, pods, budgets: [BUDGET], limits: forceLimits('test'), now: NOW })).toEqual({
      allowed: false,
      reason: 'its sibling web-2 is of unknown age (needs 1 h)',
    });
  });

  it('says from when on it may be, if nothing changes: the latest of what does not hold', () => {
    const subject = pod({ age: 70 * HOUR });
    const base = { drain: { since: ago(HOUR) }, budgets: [BUDGET], limits: forceLimits('production'), now: NOW };

    const known = mayForce(subject, { ...base, pods: [subject] });
    const unknown = mayForce(subject, { ...base, pods: [subject, pod({ name: 'web-2', age: null })] });

    expect(known).toMatchObject({ allowed: false, until: new Date(NOW.getTime() + 5 * HOUR * 1000) });
    expect(unknown).not.toHaveProperty('until');
  });
});

describe('which pods must leave a node', () => {
  it.each<[string, PodShape, boolean]>([
    ['of a ReplicaSet', {}, true],
    ['a bare one', { owner: { kind: '', uid: '' } }, true],
    ['of a Job that runs', { owner: { kind: 'Job', uid: 'j' } }, true],
    ['that is pending', { phase: 'Pending' }, true],
    ['of a DaemonSet', { owner: { kind: 'DaemonSet', uid: 'd' } }, false],
    ['a mirror of a static one', { annotations: { 'kubernetes.io/config.mirror': 'x' } }, false],
    ['that has succeeded', { phase: 'Succeeded' }, false],
    ['that has failed', { phase: 'Failed' }, false],
  ])('%s: %s', (_name, shape, leaves) => {
    expect(mustLeave(pod(shape))).toBe(leaves);
  });

  it('one that was made by a DaemonSet which does not control it any more must', () => {
    const orphan = pod();
    const owned: Pod = { ...orphan, metadata: { ...orphan.metadata, ownerReferences: [{ kind: 'DaemonSet', name: 'd', uid: 'd' }] } };

    expect(mustLeave(owned)).toBe(true);
  });

  it.each([
    ['its grace period runs', -10, false],
    ['30 s after its end', 30, false],
    ['a second later', 31, true],
  ])('one that is ending: %s', (_name, ending, overdue) => {
    expect(isOverdue(pod({ ending }), NOW)).toBe(overdue);
    expect(isOverdue(pod(), NOW)).toBe(false);
  });
});

describe('selectors of budgets', () => {
  const LABELS = { app: 'web', tier: 'front' };
  it.each([
    ['an empty one selects all', {}, true],
    ['all labels must match', { matchLabels: { app: 'web', tier: 'front' } }, true],
    ['one that does not match', { matchLabels: { app: 'web', tier: 'back' } }, false],
    ['In', { matchExpressions: [{ key: 'app', operator: 'In', values: ['db', 'web'] }] }, true],
    ['In, another value', { matchExpressions: [{ key: 'app', operator: 'In', values: ['db'] }] }, false],
    ['In, no such label', { matchExpressions: [{ key: 'none', operator: 'In', values: ['web'] }] }, false],
    ['NotIn', { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['db'] }] }, true],
    ['NotIn, that value', { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, false],
    ['NotIn, no such label', { matchExpressions: [{ key: 'none', operator: 'NotIn', values: ['web'] }] }, true],
    ['Exists', { matchExpressions: [{ key: 'tier', operator: 'Exists' }] }, true],
    ['Exists, no such label', { matchExpressions: [{ key: 'none', operator: 'Exists' }] }, false],
    ['DoesNotExist', { matchExpressions: [{ key: 'none', operator: 'DoesNotExist' }] }, true],
    ['DoesNotExist, but it does', { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] }, false],
    ['an operator that nobody knows', { matchExpressions: [{ key: 'app', operator: 'Like', values: ['web'] }] }, false],
    [
      'labels and expressions together',
      { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'In', values: ['back'] }] },
      false,
    ],
  ])('%s: %s', (_name, selector, selected) => {
    expect(selects(budget({ selector }).spec.selector ?? { matchLabels: {}, matchExpressions: [] }, LABELS)).toBe(selected);
  });

  it('does not mix up a label that is not there with one of another selector', () => {
    const exists = { matchLabels: {}, matchExpressions: [{ key: 'app', operator: 'Exists', values: [] }] };
    const missing = { matchLabels: {}, matchExpressions: [{ key: 'app', operator: 'Missing', values: [] }] };

    expect([selects(exists, { app: '' }), selects(exists, {}), selects(missing, {}), selects(missing, { app: 'x' })]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it('a budget without a selector, or of another namespace, has no pods', () => {
    const none = budget({});
    const elsewhere = budget({ selector: {} }, { namespace: 'other' });

    expect(budgetsOf(pod(), [none, elsewhere, BUDGET])).toEqual([BUDGET]);
  });

  it('siblings are all other pods of any budget of the pod', () => {
    const second = budget({ selector: { matchLabels: { tier: 'front' } } }, { name: 'front' });
    const subject = pod({ labels: { app: 'web', tier: 'front' } });
    const others = [
      pod({ name: 'web-2' }),
      pod({ name: 'front-1', labels: { tier: 'front' } }),
      pod({ name: 'db-1', labels: { app: 'db' } }),
    ];

    expect(siblingsOf(subject, [subject, pod({ name: 'lone', owner: { kind: '', uid: '' } })], [BUDGET])).toHaveLength(1);
    expect(siblingsOf(subject, [subject, pod({ namespace: 'other' })], [BUDGET, budget({ selector: {} }, { namespace: 'other' })])).toEqual(
      [],
    );
    expect(siblingsOf(subject, [subject, ...others], [BUDGET, second]).map(({ metadata }) => metadata.name)).toEqual(['web-2', 'front-1']);
  });
});
