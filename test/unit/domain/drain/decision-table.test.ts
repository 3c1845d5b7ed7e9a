// What the Cluster Lifecycle Manager and its people learned about replacing nodes, rule by rule, and what a roll here answers.
import { describe, expect, it } from 'vitest';
import { siblingsOf } from '#domain/drain/budgets.ts';
import { countOf } from '#domain/drain/counts.ts';
import type { NodeAction } from '#domain/drain/decide.ts';
import { forceLimits, mayForce } from '#domain/drain/force.ts';
import { blockedReason, isForced } from '#domain/drain/forced.ts';
import { cordonPatch, drainOf, forcedPatch, markPatch, oneByOnePatch } from '#domain/drain/marks.ts';
import { drainNode } from '#domain/drain/node.ts';
import { isOverdue } from '#domain/drain/pods.ts';
import { allowedBy, risksOf } from '#domain/drain/risks.ts';
import { surgeOf } from '#domain/drain/surge.ts';
import type { RollFacts } from '#domain/drain/view.ts';
import { enforceDeadline } from '#domain/pace.ts';
import { decidePhase } from '#domain/phase-move.ts';
import { decideDeletion, decideStack } from '#domain/stack-decision.ts';
import { variableFindings } from '#domain/variables.ts';
import { parseYaml } from '#domain/yaml-source.ts';
import type { Node } from '#model/kubernetes.ts';
import { Environment } from '#model/settings.ts';
import type { StackState } from '#ports/stacks.ts';
import { ago, budget, facts, group, instance, NOW, type NodeShape, node, type PodShape, pod, WEB } from '../../../support/drain.ts';
import { decide, drained, note, pool, type Setting, told } from '../../../support/roll.ts';

/** Rules by id, in words. `P…` are pains and `R…` lessons of the original's people, the others what its roll does. */
const RULES = {
  'old-node': 'a node is old when its launch template version is not its group’s; what runs on it, by type or market, is part of that',
  surge: 'so many instances more at once, within what the group may have',
  'await-new': 'nodes are ended only once as many new ones take pods, and not for ever',
  marks: 'old nodes get label and taint at once; the taint only prefers other nodes, also for workers, so that nothing becomes pending',
  'same-zone': 'a node with volumes goes once its zone has a new one',
  order: 'cordon, evict, let volumes go, end',
  'give-back': 'a roll that must stop takes its marks back from nodes that it has not begun',
  'one-by-one': 'all at once while that makes progress, then one pod after the other',
  'all-conditions': 'by force only when grace, age, siblings and spacing all say so',
  'no-siblings': 'pods of jobs and finished ones are no siblings',
  resume: 'when a drain began, how it goes and when a pod was forced lie at the node, so whoever comes next goes on',
  'grace-period': 'a pod has its own grace period and 30 s',
  limits: 'a production node gives its pods more time',
  eviction: 'only a budget that was counted is overruled, and what it says is never passed over',
  P6: 'bad budgets are told before they hold a node, and a roll that was stopped waits for none of them',
  P7: 'no node goes ahead of the API servers',
  P20: 'a stack that is busy is waited for, and what can’t be deleted stops nobody for ever',
  P21: 'a name that templates do not know any more is found before any cluster is touched',
  P22: 'pools are rolled at once, not one after the other',
  R6: 'a group is never larger than it may be',
  R16: 'a budget that never lets a pod go is known as one',
  R17: 'the label comes before the first eviction, and postgres-operator gets its time',
  'one-zone': 'nodes of one zone at a time, and of none while another one is not well',
} as const;

type Rule = keyof typeof RULES;

/** One answer: `when` says of what, `is` what it must be. */
interface Row {
  readonly rule: Rule;
  readonly when: string;
  readonly answer: () => unknown;
  readonly is: unknown;
}

const HOUR = 3600;
const BUDGET = budget({ maxUnavailable: 0, selector: { matchLabels: { app: 'web' } } });
const doing = (setting: Setting, change: Partial<RollFacts> = {}): string[] => told(decide([pool(setting)], change).actions);
const waits = (setting: Setting, change: Partial<RollFacts> = {}): string[] =>
  decide([pool(setting)], change).waits.map(({ reason }) => reason);
const names = (siblings: readonly PodShape[]): string[] =>
  siblingsOf(pod(), [pod(), ...siblings.map(pod)], [BUDGET]).map(({ metadata }) => metadata.name);
const drain = (shape: NodeShape, change: Partial<RollFacts> = {}): string => {
  const one = node('n1', shape);
  const began = drainOf(one);
  return began === undefined ? 'not begun' : drainNode(one, began, facts(change)).do;
};
const SLOW = { 'sluice/drain-mode': 'one-by-one' };
const postgres = (role: string): PodShape => ({ name: `db-${role}`, labels: { application: 'spilo', 'spilo-role': role } });
const stack = (status: string, tags: Record<string, string> = {}): StackState => ({
  name: 'pool',
  status,
  parameters: {},
  outputs: {},
  tags,
});
const stackAct = (status: string): string =>
  decideStack({
    stack: stack(status, { 'sluice:content': 'same' }),
    changeSet: undefined,
    content: 'same',
    attempted: false,
    mended: 0,
    creation: false,
    resources: [],
  }).act;
const phase = (servers: string[]): boolean =>
  decidePhase(
    'nodes',
    { servers, kubelets: ['1.35.4'], stored: [] },
    { versions: { kubernetes: '1.36.3', etcd: '3.6.16' }, definitions: [] },
  ).length === 0;
const VERDICTS = {
  allowed: { allowed: true, reason: 'all hold' },
  forbidden: { allowed: false, reason: 'too young', until: NOW },
  unknown: { allowed: false, reason: 'of unknown age' },
} as const;
const becomes = (by: 'budget' | 'budgets' | 'uncounted' | 'refusal', verdict: keyof typeof VERDICTS): string =>
  isForced({ by }, VERDICTS[verdict]) ? 'deleted' : blockedReason({ outcome: 'blocked', by, reason: 'kept' }, VERDICTS[verdict]);
/** A node as the patches of a drain leave it, one after the other. */
const patched = (...patches: { metadata: { annotations?: Readonly<Record<string, string | null>> } }[]): Node =>
  node('n1', {
    cordoned: true,
    annotations: Object.fromEntries(
      patches.flatMap(({ metadata }) => Object.entries(metadata.annotations ?? {}).map(([key, value]) => [key, value ?? ''])),
    ),
  });
const deadline = (minutes: number): string => {
  try {
    enforceDeadline('the roll', ago(minutes * 60), NOW, 720, 'web-1');
    return 'goes on';
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
};
const findings = (text: string): number => {
  const { value } = parseYaml('manifest.yaml', text);
  if (value === undefined) throw new Error('no YAML');
  return variableFindings(value, 0, ['REGION']).length;
};

const LEAKED = {
  resource: 'Group',
  type: 'AWS::EC2::SecurityGroup',
  status: 'DELETE_FAILED',
  reason: 'has a dependent object',
  physicalId: 'sg-1',
};

const ROWS: readonly Row[] = [
  { rule: 'old-node', when: 'of another version', answer: () => countOf([group([instance('a1')])]), is: { rolled: 0, remaining: 1 } },
  { rule: 'old-node', when: 'of the group’s version', answer: () => countOf([group([instance('a1*')])]), is: { rolled: 1, remaining: 0 } },
  {
    rule: 'old-node',
    when: 'on its way out',
    answer: () => countOf([group([instance('a1', { lifecycleState: 'Terminating' })])]),
    is: { rolled: 0, remaining: 0 },
  },
  {
    rule: 'old-node',
    when: 'of a newer version than the group’s: it went back',
    answer: () => countOf([group([instance('a1', { launchTemplateVersion: '3' })])]),
    is: { rolled: 0, remaining: 1 },
  },

  ...[
    { when: 'a tenth of 30', percent: 10, base: 30, max: 99, matched: false, is: 3 },
    { when: 'a tenth of 31, rounded up', percent: 10, base: 31, max: 99, matched: false, is: 4 },
    { when: 'a tenth of 3: one at least', percent: 10, base: 3, max: 99, matched: false, is: 1 },
    { when: 'all', percent: 100, base: 5, max: 99, matched: false, is: 5 },
    { when: 'as many in each of three zones, where they are matched', percent: 50, base: 8, max: 99, matched: true, is: 6 },
  ].map(({ when, percent, base, max, matched, is }) => ({
    rule: 'surge' as const,
    when,
    answer: () => surgeOf({ name: 'general', surgePercent: percent, stateful: false }, base, { max, zones: ['a', 'b', 'c'] }, matched),
    is,
  })),
  {
    rule: 'surge',
    when: 'addresses for one less',
    answer: () => doing({ instances: 'a1 b1 c1', change: { note: note(3, 3) } }, { room: 2 }),
    is: ['desired 5'],
  },

  {
    rule: 'R6',
    when: 'the group may have one more than it has',
    answer: () => surgeOf({ name: 'p', surgePercent: 100, stateful: false }, 5, { max: 6, zones: [] }, false),
    is: 1,
  },
  {
    rule: 'R6',
    when: 'it is full',
    answer: () => surgeOf({ name: 'p', surgePercent: 100, stateful: false }, 5, { max: 5, zones: [] }, false),
    is: 0,
  },
  {
    rule: 'R6',
    when: 'it is more than full',
    answer: () => surgeOf({ name: 'p', surgePercent: 100, stateful: false }, 5, { max: 4, zones: [] }, false),
    is: 0,
  },

  { rule: 'await-new', when: 'the new one has no node', answer: () => doing({ instances: 'a1 b1 c1 a2*', nodes: { a2: null } }), is: [] },
  {
    rule: 'await-new',
    when: 'its node is not Ready',
    answer: () => doing({ instances: 'a1 b1 c1 a2*', nodes: { a2: { ready: false } } }),
    is: [],
  },
  {
    rule: 'await-new',
    when: 'it will not stay',
    answer: () => doing({ instances: 'a1 b1 c1 a2*', states: { a2: { healthStatus: 'Unhealthy' } } }),
    is: [],
  },
  { rule: 'await-new', when: 'it is Ready and in service', answer: () => doing({ instances: 'a1 b1 c1 a2*' }), is: ['cordon b1'] },
  { rule: 'await-new', when: 'nothing comes, for less than 12 hours', answer: () => deadline(719), is: 'goes on' },
  { rule: 'await-new', when: 'nothing comes, for 12 hours', answer: () => deadline(720), is: 'DeadlineError' },

  {
    rule: 'marks',
    when: 'a node, with what others put on it',
    answer: () => markPatch(node('n1', { taints: [{ key: 'gpu', effect: 'NoSchedule' }] })),
    is: {
      metadata: {
        resourceVersion: '7',
        labels: { 'lifecycle-status': 'decommission-pending' },
        annotations: { 'cluster-autoscaler.kubernetes.io/scale-down-disabled': 'true', 'sluice/scale-down-off': 'true' },
      },
      spec: {
        taints: [
          { key: 'gpu', effect: 'NoSchedule' },
          { key: 'decommission-pending', value: 'rolling-upgrade', effect: 'PreferNoSchedule' },
        ],
      },
    },
  },
  {
    rule: 'marks',
    when: 'one that somebody marked more strictly',
    answer: () => markPatch(node('n1', { taints: [{ key: 'decommission-pending', effect: 'NoSchedule' }] })).spec?.taints,
    is: [{ key: 'decommission-pending', value: 'rolling-upgrade', effect: 'PreferNoSchedule' }],
  },
  {
    rule: 'marks',
    when: 'all of them before an instance is added',
    answer: () => doing({ instances: 'a1 b1 c1', nodes: { b1: { labels: {}, taints: [] } } }),
    is: ['mark b1'],
  },

  {
    rule: 'same-zone',
    when: 'its zone has a new one',
    answer: () => doing({ instances: 'a1 b1 c1 a2*' }, { attached: new Set(['a1', 'b1']) }),
    is: ['cordon a1'],
  },
  { rule: 'same-zone', when: 'nothing is attached', answer: () => doing({ instances: 'a1 b1 c1 a2*' }), is: ['cordon b1'] },
  {
    rule: 'same-zone',
    when: 'no zone has one',
    answer: () => doing({ instances: 'a1 b2* b3* c2*' }, { attached: new Set(['a1']) }),
    is: ['note 3 2 rebalances'],
  },

  { rule: 'order', when: 'not cordoned', answer: () => drain({ annotations: drained().annotations ?? {} }), is: 'not begun' },
  { rule: 'order', when: 'cordoned, with a pod', answer: () => drain(drained(), { pods: [pod()] }), is: 'evict' },
  { rule: 'order', when: 'its pod is ending', answer: () => drain(drained(), { pods: [pod({ ending: -1 })] }), is: 'wait' },
  { rule: 'order', when: 'empty, with a volume', answer: () => drain(drained(), { attached: new Set(['n1']) }), is: 'wait' },
  { rule: 'order', when: 'empty for less than it takes to bind a pod', answer: () => drain(drained(1)), is: 'wait' },
  { rule: 'order', when: 'empty', answer: () => drain(drained(2)), is: 'terminate' },

  {
    rule: 'give-back',
    when: 'not begun',
    answer: () => doing({ instances: 'a1 b1', change: { rebalances: true } }, { permission: { decision: 'later', reason: 'frozen' } }),
    is: ['unmark a1', 'unmark b1'],
  },
  {
    rule: 'give-back',
    when: 'begun: it is finished first',
    answer: () => doing({ instances: 'a1 b1 c1 a2*', nodes: { b1: drained() } }, { permission: { decision: 'later', reason: 'frozen' } }),
    is: ['end b1'],
  },
  {
    rule: 'give-back',
    when: 'only a pause: marks stay',
    answer: () => doing({ instances: 'a1 b1 c1 a2*' }, { permission: { decision: 'wait', reason: 'halted' } }),
    is: [],
  },

  {
    rule: 'one-by-one',
    when: 'progress',
    answer: () =>
      doing({ instances: 'a1 b1 c1 a2*', nodes: { b1: drained() } }, { pods: [pod({ node: 'b1' }), pod({ name: 'web-2', node: 'b1' })] }),
    is: ['evict web-1 web-2'],
  },
  {
    rule: 'one-by-one',
    when: 'none any more',
    answer: () =>
      doing(
        { instances: 'a1 b1 c1 a2*', nodes: { b1: drained(60, SLOW) } },
        { pods: [pod({ node: 'b1' }), pod({ name: 'web-2', node: 'b1' })] },
      ),
    is: ['evict web-1 web-2 one by one'],
  },
  {
    rule: 'one-by-one',
    when: 'none any more, and one is ending',
    answer: () =>
      doing(
        { instances: 'a1 b1 c1 a2*', nodes: { b1: drained(60, SLOW) } },
        { pods: [pod({ node: 'b1', ending: -1 }), pod({ name: 'web-2', node: 'b1' })] },
      ),
    is: [],
  },

  { rule: 'no-siblings', when: 'of the same budget', answer: () => names([{ name: 'web-2' }]), is: ['web-2'] },
  { rule: 'no-siblings', when: 'of a job', answer: () => names([{ name: 'web-2', owner: { kind: 'Job', uid: 'j' } }]), is: [] },
  {
    rule: 'no-siblings',
    when: 'finished',
    answer: () =>
      names([
        { name: 'web-2', phase: 'Succeeded' },
        { name: 'web-3', phase: 'Failed' },
      ]),
    is: [],
  },

  {
    rule: 'resume',
    when: 'begun',
    answer: () => drainOf(patched(cordonPatch(node('n1'), NOW, new Map([['rs', 2]])))),
    is: { since: NOW, oneByOne: false, awaits: new Map([['rs', 2]]) },
  },
  {
    rule: 'resume',
    when: 'without progress, and a pod was forced',
    answer: () => drainOf(patched(cordonPatch(node('n1'), ago(60), new Map()), oneByOnePatch(), forcedPatch(NOW))),
    is: { since: ago(60), oneByOne: true, lastForced: NOW, awaits: new Map() },
  },
  { rule: 'resume', when: 'given back', answer: () => drainOf(node('n1', { cordoned: true })), is: undefined },

  { rule: 'grace-period', when: 'it runs', answer: () => isOverdue(pod({ ending: -600 }), NOW), is: false },
  { rule: 'grace-period', when: '30 s after its end', answer: () => isOverdue(pod({ ending: 30 }), NOW), is: false },
  { rule: 'grace-period', when: 'later', answer: () => isOverdue(pod({ ending: 31 }), NOW), is: true },

  ...Environment.options.map((environment) => ({
    rule: 'limits' as const,
    when: environment,
    answer: () => forceLimits(environment),
    is:
      environment === 'production'
        ? { grace: 21600, podAge: 259200, healthySiblings: 3600, unhealthySiblings: 21600, spacing: 300 }
        : { grace: 7200, podAge: 28800, healthySiblings: 3600, unhealthySiblings: 3600, spacing: 300 },
  })),

  { rule: 'eviction', when: 'a budget, and all conditions hold', answer: () => becomes('budget', 'allowed'), is: 'deleted' },
  {
    rule: 'eviction',
    when: 'a budget, and one does not',
    answer: () => becomes('budget', 'forbidden'),
    is: 'kept; deleted at 2026-03-01 12:00 UTC at the earliest',
  },
  { rule: 'eviction', when: 'a budget, and nobody knows an age', answer: () => becomes('budget', 'unknown'), is: 'kept' },
  { rule: 'eviction', when: 'two budgets, and all hold', answer: () => becomes('budgets', 'allowed'), is: 'deleted' },
  {
    rule: 'eviction',
    when: 'two budgets, and one does not',
    answer: () => becomes('budgets', 'forbidden'),
    is: 'kept; deleted at 2026-03-01 12:00 UTC at the earliest',
  },
  { rule: 'eviction', when: 'two budgets, and nobody knows an age', answer: () => becomes('budgets', 'unknown'), is: 'kept' },
  ...(['uncounted', 'refusal'] as const).flatMap((by) =>
    (['allowed', 'forbidden', 'unknown'] as const).map((verdict) => ({
      rule: 'eviction' as const,
      when: `${by}, ${verdict}`,
      answer: () => becomes(by, verdict),
      is: 'kept',
    })),
  ),

  {
    rule: 'P6',
    when: 'a budget that allows none',
    answer: () => riskOf({ maxUnavailable: 0 }),
    is: [['budget', 6 * HOUR]],
  },
  { rule: 'P6', when: 'a budget that allows one', answer: () => riskOf({ maxUnavailable: 1 }), is: [] },
  {
    rule: 'P6',
    when: 'a stopped roll has nodes to begin',
    answer: () =>
      waits(
        { instances: 'a1 b1 c1 a2*', nodes: { b1: drained() } },
        { permission: { decision: 'wait', reason: 'halted' }, pods: [pod({ node: 'b1' })] },
      ),
    is: ['evicting shop/web-1 from b1', 'halted'],
  },

  { rule: 'P7', when: 'one server is old', answer: () => phase(['1.35.4', '1.36.3']), is: false },
  { rule: 'P7', when: 'all are new', answer: () => phase(['1.36.3']), is: true },

  { rule: 'P20', when: 'somebody changes it', answer: () => stackAct('UPDATE_IN_PROGRESS'), is: 'wait' },
  { rule: 'P20', when: 'somebody deletes it', answer: () => stackAct('DELETE_IN_PROGRESS'), is: 'wait' },
  { rule: 'P20', when: 'nobody does', answer: () => stackAct('UPDATE_COMPLETE'), is: 'done' },
  {
    rule: 'P20',
    when: 'its deletion is asked for, and it is busy',
    answer: () => decideDeletion(stack('UPDATE_IN_PROGRESS'), 0, []).act,
    is: 'wait',
  },
  {
    rule: 'P20',
    when: 'its deletion fails for an interface that leaked',
    answer: () => decideDeletion(stack('DELETE_FAILED'), 2, [LEAKED]),
    is: {
      act: 'delete',
      retain: [LEAKED],
    },
  },

  { rule: 'P21', when: 'a name that is known', answer: () => findings('a: ${REGION}'), is: 0 },
  { rule: 'P21', when: 'one that was dropped', answer: () => findings('a: ${OWNER}'), is: 1 },

  {
    rule: 'P22',
    when: 'two pools',
    answer: () => told(decide([pool({ instances: 'a1 b1 c1 a2*' }), pool({ pool: { name: 'batch' }, instances: 'a6 b6 c6 a7*' })]).actions),
    is: ['cordon b1', 'cordon b6'],
  },
  {
    rule: 'P22',
    when: 'one of them has to wait',
    answer: () =>
      told(
        decide([
          pool({ instances: 'a1 b1 c1', change: { desired: 4 } }),
          pool({ pool: { name: 'batch' }, instances: 'b6 c6 b7*', change: { note: note(2, 1) } }),
        ]).actions,
      ),
    is: ['cordon c6'],
  },
  {
    rule: 'P22',
    when: 'both are stateful, and one has begun',
    answer: () =>
      told(
        decide([
          pool({
            pool: { name: 'db', stateful: true },
            instances: 'a7 a8* b8* c8*',
            nodes: { a7: drained() },
            change: { note: note(1, 3) },
          }),
          pool({ pool: { stateful: true }, instances: 'a1 a3 a5* b5* c5*', change: { note: note(2, 3), desired: 5 } }),
        ]).actions,
      ),
    is: ['end a7 and shrink'],
  },

  { rule: 'R16', when: 'all of three are to stay', answer: () => allowedBy(budget({ minAvailable: '100%' }), 3), is: 0 },
  {
    rule: 'R16',
    when: 'one percent, as the controller of budgets rounds it',
    answer: () => allowedBy(budget({ maxUnavailable: '1%' }), 3),
    is: 1,
  },
  { rule: 'R16', when: 'one of one is to stay', answer: () => allowedBy(budget({ minAvailable: 1 }), 1), is: 0 },

  {
    rule: 'R17',
    when: 'a node is not marked yet',
    answer: () =>
      doing(
        { instances: 'a1 b1* c1*', nodes: { a1: { ...drained(), labels: {}, taints: [] } } },
        { pods: [pod({ node: 'a1', ...postgres('master') })] },
      ),
    is: ['mark a1'],
  },
  {
    rule: 'R17',
    when: 'the primary is on it',
    answer: () => drain(drained(1199), { pods: [pod(postgres('master')), pod(postgres('replica'))] }),
    is: 'wait',
  },
  { rule: 'R17', when: 'only a replica is', answer: () => drain(drained(1199), { pods: [pod(postgres('replica'))] }), is: 'evict' },
  {
    rule: 'R17',
    when: 'the operator’s time is over',
    answer: () => drain(drained(1200), { pods: [pod(postgres('master'))] }),
    is: 'evict',
  },

  {
    rule: 'one-zone',
    when: 'none is begun',
    answer: () => doing({ instances: 'a1 b1 c1 a2* b2*', change: { note: note(3, 2), desired: 5 } }),
    is: ['cordon c1'],
  },
  {
    rule: 'one-zone',
    when: 'one is begun in another',
    answer: () =>
      doing(
        { instances: 'a1 b1 c1 a2* b2*', nodes: { a1: drained() }, change: { note: note(3, 2), desired: 5 } },
        { pods: [pod({ node: 'a1' })] },
      ),
    is: ['evict web-1'],
  },
  {
    rule: 'one-zone',
    when: 'something in another is not Ready',
    answer: () => doing({ instances: 'a1 b1 c1* a2*', nodes: { c1: { ready: false } }, change: { note: note(3, 1) } }),
    is: [],
  },
];

function riskOf(spec: object): (string | number | null)[][] {
  const budgets = [budget({ ...spec, selector: { matchLabels: { app: 'web' } } })];
  const risks = risksOf({ groups: [WEB], all: [WEB], budgets, services: [], webhooks: [], limits: forceLimits('production') });
  return risks.map(({ kind, waitSeconds }) => [kind, waitSeconds]);
}

describe('the decision table of a roll', () => {
  it('has rows for every rule, with more than one answer each', () => {
    const answers = new Map<string, Set<string>>(ALL_RULES.map((rule) => [rule, new Set()]));
    for (const { rule, is } of ROWS) answers.get(rule)?.add(JSON.stringify(is) ?? 'undefined');
    // Its rows are made below, all that there can be.
    answers.delete('all-conditions');

    expect(ALL_RULES.length).toBeGreaterThan(20);
    expect([...answers].filter(([, different]) => different.size < 2).map(([rule]) => rule)).toEqual([]);
    expect(new Set(ROWS.map(({ rule, when }) => `${rule}: ${when}`)).size).toBe(ROWS.length);
  });

  it.each(ROWS)('$rule: $when', ({ answer, is }) => {
    expect(answer()).toEqual(is);
  });
});

const ALL_RULES = Object.keys(RULES) as Rule[];

/** The conditions of a forced deletion, each with what meets it to the second and what misses it by one. */
const CONDITIONS = ['grace', 'podAge', 'healthySiblings', 'unhealthySiblings', 'spacing'] as const;

describe('the rule of all conditions', () => {
  const combinations = Environment.options.flatMap((environment) =>
    Array.from({ length: 2 ** CONDITIONS.length }, (_, bits) => ({
      environment,
      missed: CONDITIONS.filter((_condition, index) => (bits & (1 << index)) !== 0),
    })),
  );

  it.each(combinations)('$environment, short of a second: $missed', ({ environment, missed }) => {
    const limits = forceLimits(environment);
    const age = (condition: (typeof CONDITIONS)[number]): number => limits[condition] - (missed.includes(condition) ? 1 : 0);
    const subject = pod({ age: age('podAge') });
    const siblings = [
      pod({ name: 'web-2', age: age('healthySiblings') }),
      pod({ name: 'web-3', age: age('unhealthySiblings'), ready: false }),
    ];

    const verdict = mayForce(subject, {
      drain: { since: ago(age('grace')), lastForced: ago(age('spacing')) },
      pods: [subject, ...siblings],
      budgets: [BUDGET],
      limits,
      now: NOW,
    });

    expect(verdict.allowed).toBe(missed.length === 0);
    expect(verdict.reason.split('; ')).toHaveLength(missed.length === 0 ? CONDITIONS.length : missed.length);
    if (!verdict.allowed) expect(verdict.until).toEqual(new Date(NOW.getTime() + 1000));
  });
});

describe('what a roll can do', () => {
  const EVERY: Readonly<Record<NodeAction['type'], readonly [Setting, Partial<RollFacts>?]>> = {
    'patch-node': [{ instances: 'a1 b1 c1 a2*' }],
    note: [{ instances: 'a1 b1 c1', change: { note: undefined } }],
    rebalance: [{ instances: 'a1 b1 c1', change: { rebalances: true } }],
    'set-desired': [{ instances: 'a1 b1 c1' }],
    evict: [{ instances: 'a1 b1 c1 a2*', nodes: { b1: drained() } }, { pods: [pod({ node: 'b1' })] }],
    terminate: [{ instances: 'a1 b1 c1 a2*', nodes: { b1: drained() } }],
  };

  it.each(Object.entries(EVERY))('%s, and nothing else at the same time', (type, [setting, change = {}]) => {
    expect([...new Set(decide([pool(setting)], change).actions.map((action) => action.type))]).toEqual([type]);
  });
});
