import * as z from 'zod';
import { DrainRisk } from './drain-report.ts';
import { Sha256 } from './primitives.ts';
import { ChangeClass, StackRole } from './render.ts';
import { ClusterRef } from './settings.ts';

/** A line of the repository that causes a change; `base` when it is gone in the merge result. */
export const Source = z.object({ path: z.string(), line: z.int().min(1), side: z.enum(['head', 'base']) });
export type Source = z.infer<typeof Source>;

/** What changes of one thing, or of several alike. `diff` is unified, without a header, of YAML with keys in order. */
export const Change = z.object({
  action: z.enum(['create', 'update', 'delete']),
  area: z.string(),
  name: z.string(),
  diff: z.string(),
  /** Of an object that is no longer applied: pruning keeps its kind, it goes only by `deletions.yaml`. */
  stays: z.boolean().optional(),
  /** Lines of the repository that cause it. */
  sources: z.array(Source).readonly(),
});
export type Change = z.infer<typeof Change>;

/** Instances that are replaced, or come or go with their whole stack. */
export const Roll = z.object({
  role: StackRole,
  instances: z.int().min(0),
  /** Zones over which they are spread, as letters. */
  zones: z.array(z.string()).readonly(),
  reason: z.enum(['replaced', 'new', 'removed']),
});
export type Roll = z.infer<typeof Roll>;

/** What a change does to one CloudFormation resource. */
export const ResourceChange = z.object({
  role: StackRole,
  resource: z.string(),
  type: z.string(),
  action: z.enum(['add', 'modify', 'remove']),
  /** `may`: it depends on more than the property; `unknown`: nothing is known of the type. */
  replacement: z.enum(['always', 'may', 'never', 'unknown']),
  /** Paths of the properties that change, those that replace first. */
  properties: z.array(z.string()).readonly(),
});
export type ResourceChange = z.infer<typeof ResourceChange>;

/** What people's workloads feel of a change. */
export const Disruption = z.object({
  /** Workloads of the configuration whose pods are made anew because their template changes. */
  restarts: z.array(z.string()).readonly(),
  /**
   * Pods of the configuration's own Deployments and StatefulSets over all clusters of the group, which may lie on nodes
   * that are replaced: evicted once each at most. Pods of the clusters' users come on top; no file tells how many.
   */
  ownPods: z.int().min(0),
  /** Worker nodes that are drained on one cluster. */
  drained: z.int().min(0),
  /** What of the configuration will hold the drain or be hurt by it, the longest wait first. Absent: nothing is known, or drained. */
  risks: z.array(DrainRisk).readonly().optional(),
});
export type Disruption = z.infer<typeof Disruption>;

/** Clusters to which exactly the same happens. */
export const PlanGroup = z.object({
  hash: Sha256,
  class: ChangeClass,
  clusters: z.array(z.string()).readonly(),
  /** They are held: what is told happens when their hold is released, and counts in no total of the plan. Absent: they are not. */
  held: z.boolean().optional(),
  changes: z.array(Change).readonly(),
  rolls: z.array(Roll).readonly(),
  /** What CloudFormation does to single resources, as far as it can be told without asking it. */
  resources: z.array(ResourceChange).readonly(),
  disruption: Disruption,
});
export type PlanGroup = z.infer<typeof PlanGroup>;

export const Plan = z.object({
  /** Most dangerous class first. */
  groups: z.array(PlanGroup).readonly(),
  /** All, held ones too; `affected`, `class` and `rollsNodes` are of those that merging changes. */
  clusters: z.int().min(0),
  affected: z.int().min(0),
  class: ChangeClass,
  /** Worker nodes that are replaced or removed, over all clusters. */
  rollsNodes: z.int().min(0),
});
export type Plan = z.infer<typeof Plan>;

/** How long past updates took, for the clusters of one group. */
export const History = z.object({
  /** `class`: only updates of the same class; `any`: of whatever class, since none of this one is recorded. */
  of: z.enum(['class', 'any']),
  updates: z.int().positive(),
  medianSeconds: z.number().min(0),
  longestSeconds: z.number().min(0),
});
export type History = z.infer<typeof History>;

/** What a change set of CloudFormation said for one stack of a group: what changes, why it refuses it, or why it was not asked. */
export const StackPreview = z.object({
  role: StackRole,
  state: z.enum(['changes', 'no-changes', 'refused', 'not-asked']),
  reason: z.string().optional(),
  resources: z.array(ResourceChange).readonly(),
});
export type StackPreview = z.infer<typeof StackPreview>;

/** Change sets of the one cluster that was asked for a group. */
export const GroupPreview = z.object({ group: Sha256, cluster: z.string(), stacks: z.array(StackPreview).readonly() });
export type GroupPreview = z.infer<typeof GroupPreview>;

/** What surrounds a plan, for its text. */
export const PlanContext = z.object({
  channel: z.string(),
  /** Channels that get the change later, by promotion, each with its number of clusters. */
  downstream: z.array(z.object({ channel: z.string(), clusters: z.int() })).readonly(),
  /** What is not in the groups, such as clusters that are to be deleted. */
  notes: z.array(z.string()).readonly(),
  /** By the group's hash. Absent: no history. */
  history: z.record(z.string(), History).default({}),
  /** Seconds of the whole rollout by waves, soaks included; absent when it can't be told. */
  rolloutSeconds: z.number().min(0).optional(),
  /** Clusters that change and are in no group: what changes on them can't be told. Absent: none. */
  unknown: z.int().positive().optional(),
  previews: z.array(GroupPreview).readonly().default([]),
});
export type PlanContext = z.infer<typeof PlanContext>;

/** One cluster of a group whose stacks CloudFormation can be asked about. */
export const PreviewTarget = z.object({
  group: Sha256,
  cluster: ClusterRef,
  renderHash: Sha256,
  roles: z.array(StackRole).min(1).readonly(),
});
export type PreviewTarget = z.infer<typeof PreviewTarget>;

/** `plans/<hash>.json`. */
export const PlanData = z.object({
  plan: Plan,
  context: PlanContext,
  previews: z.array(PreviewTarget).readonly(),
  /** Groups whose stacks change and that CloudFormation is not asked about, for their number. Absent: none. */
  unasked: z.int().positive().optional(),
});
export type PlanData = z.infer<typeof PlanData>;
