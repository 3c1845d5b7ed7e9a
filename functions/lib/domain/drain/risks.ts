import type { DrainRisk } from '../../model/drain-report.ts';
import type { PodDisruptionBudget, Service, WebhookConfiguration } from '../../model/kubernetes.ts';
import { selects } from './budgets.ts';
import type { ForceLimits } from './force.ts';
import { ownerOf } from './owners.ts';
import { POSTGRES_SECONDS } from './postgres.ts';

/** Pods of one controller, or one bare pod, as far as a drain is concerned. */
export interface PodGroup {
  /** `Deployment shop/web`. */
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Pods that it has or is to have, in the whole cluster. */
  readonly replicas: number;
  readonly controlled: boolean;
  readonly graceSeconds: number;
  /** Volumes of the node itself, by their kind. */
  readonly local: readonly string[];
  /** Seconds since the youngest pod was made; undefined when there is none yet. */
  readonly youngest?: number;
}

export interface RiskFacts {
  /** Those that will have to move. */
  readonly groups: readonly PodGroup[];
  /** All of the cluster, to count what budgets and services select. */
  readonly all: readonly PodGroup[];
  readonly budgets: readonly PodDisruptionBudget[];
  readonly services: readonly Service[];
  readonly webhooks: readonly WebhookConfiguration[];
  readonly limits: ForceLimits;
}

/** A grace period longer than this is worth telling. */
const LONG_GRACE_SECONDS = 300;

/** What the drain of nodes will wait for or hurt, the longest wait first. */
export function risksOf(facts: RiskFacts): DrainRisk[] {
  const risks = [
    ...facts.budgets.flatMap((budget) => budgetRisk(budget, facts)),
    ...facts.groups.flatMap((group) => groupRisks(group, facts)),
    ...webhookRisks(facts),
  ];
  return risks.sort(
    (left, right) =>
      (right.waitSeconds ?? -1) - (left.waitSeconds ?? -1) || `${left.kind} ${left.object}`.localeCompare(`${right.kind} ${right.object}`),
  );
}

function budgetRisk(budget: PodDisruptionBudget, { groups, all, limits }: RiskFacts): DrainRisk[] {
  const { selector } = budget.spec;
  const covers = (group: PodGroup): boolean =>
    selector !== undefined && group.namespace === budget.metadata.namespace && selects(selector, group.labels);
  const moved = groups.filter(covers);
  const pods = all.filter(covers).reduce((sum, { replicas }) => sum + replicas, 0);
  if (moved.length === 0 || pods === 0 || allowedBy(budget, pods) > 0) return [];
  const name = `PodDisruptionBudget ${budget.metadata.namespace}/${budget.metadata.name}`;
  const owner = ownerOf(budget.metadata.labels) ?? ownerOf(moved[0]?.labels ?? {}) ?? null;
  const primary = ['master', 'primary'].includes(selector?.matchLabels['spilo-role'] ?? '');
  const of = pods === 1 ? 'its only pod' : `any of its ${pods} pods`;
  if (primary)
    return [{ kind: 'budget', object: name, owner, why: 'postgres-operator moves the primary first', waitSeconds: POSTGRES_SECONDS }];
  return [
    {
      kind: 'budget',
      object: name,
      owner,
      why: `it never lets ${of} go: deleted by force at the end`,
      waitSeconds: forcedAfter(moved, limits),
    },
  ];
}

/** Disruptions that a budget allows while all its pods are healthy; percentages are rounded up, as its controller does. */
export function allowedBy({ spec: { minAvailable, maxUnavailable } }: PodDisruptionBudget, pods: number): number {
  const scaled = (value: number | string): number =>
    typeof value === 'number' ? value : Math.ceil((Number.parseFloat(value) * pods) / 100);
  if (maxUnavailable !== undefined) return Math.min(scaled(maxUnavailable), pods);
  return minAvailable === undefined ? pods - 1 : pods - scaled(minAvailable);
}

function forcedAfter(groups: readonly PodGroup[], { grace, podAge }: ForceLimits): number {
  return Math.max(grace, ...groups.map(({ youngest = podAge }) => podAge - youngest));
}

function groupRisks(group: PodGroup, { budgets, limits }: RiskFacts): DrainRisk[] {
  const { name, namespace, labels, replicas, controlled, graceSeconds, local } = group;
  const of = { object: name, owner: ownerOf(labels) ?? null };
  const own = budgets.filter(
    ({ metadata, spec }) => metadata.namespace === namespace && spec.selector !== undefined && selects(spec.selector, labels),
  );
  const risks: DrainRisk[] = [];
  if (own.length > 1) {
    const names = own.map(({ metadata }) => metadata.name).join(', ');
    risks.push({
      ...of,
      kind: 'budgets',
      why: `more than one budget selects it (${names}), so it can't be evicted`,
      waitSeconds: forcedAfter([group], limits),
    });
  }
  if (!controlled) risks.push({ ...of, kind: 'bare-pod', why: 'no controller makes it anew', waitSeconds: graceSeconds });
  else if (replicas === 1)
    risks.push({ ...of, kind: 'single-replica', why: 'its only pod is away while it moves', waitSeconds: graceSeconds });
  if (local.length > 0)
    risks.push({ ...of, kind: 'local-data', why: `what it has in ${local.join(', ')} stays behind`, waitSeconds: null });
  if (graceSeconds > LONG_GRACE_SECONDS)
    risks.push({ ...of, kind: 'long-grace', why: 'its pods may take so long to end', waitSeconds: graceSeconds });
  return risks;
}

/** While the one pod behind such a webhook moves, nobody can make or evict a pod, or change a node. */
function webhookRisks({ webhooks, services, groups, all }: RiskFacts): DrainRisk[] {
  return webhooks.flatMap((configuration) =>
    configuration.webhooks.flatMap((webhook): DrainRisk[] => {
      const target = webhook.clientConfig.service;
      const stops = [
        ...(webhook.rules.some(meetsPods) ? ['no pod is made or evicted'] : []),
        ...(webhook.rules.some(meetsNodes) ? ['no node is marked, cordoned or released'] : []),
      ];
      if (webhook.failurePolicy !== 'Fail' || target === undefined || stops.length === 0) return [];
      const service = services.find(({ metadata }) => metadata.namespace === target.namespace && metadata.name === target.name);
      const selector = service?.spec.selector ?? {};
      const behind = (group: PodGroup): boolean =>
        Object.keys(selector).length > 0 &&
        group.namespace === target.namespace &&
        selects({ matchLabels: selector, matchExpressions: [] }, group.labels);
      const moved = groups.find(behind);
      if (moved === undefined || all.filter(behind).reduce((sum, { replicas }) => sum + replicas, 0) !== 1) return [];
      const why = `it fails closed and ${moved.name} behind it has one pod: ${stops.join(', and ')} while that one moves`;
      const owner = ownerOf(configuration.metadata.labels) ?? ownerOf(moved.labels) ?? null;
      return [
        { kind: 'webhook', object: `${configuration.kind} ${configuration.metadata.name}`, owner, why, waitSeconds: moved.graceSeconds },
      ];
    }),
  );
}

type Rule = WebhookConfiguration['webhooks'][number]['rules'][number];

function meetsPods(rule: Rule): boolean {
  return meets(rule, ['*', '*/*', 'pods', 'pods/*', 'pods/eviction']);
}

/** Marks and the cordon are changes of the node itself. */
function meetsNodes(rule: Rule): boolean {
  const changes = rule.operations.includes('*') || rule.operations.includes('UPDATE');
  return changes && meets(rule, ['*', '*/*', 'nodes']);
}

function meets({ apiGroups, resources }: Rule, met: readonly string[]): boolean {
  const core = apiGroups.includes('') || apiGroups.includes('*');
  return core && resources.some((resource) => met.includes(resource));
}
