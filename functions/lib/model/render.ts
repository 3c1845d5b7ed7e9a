import * as z from 'zod';
import { Deletion, Phase, Pool, Probe, SkewRule, Versions } from './configuration.ts';
import { Revision, Sha256 } from './primitives.ts';

/** A Kubernetes object as it is applied. */
export const Manifest = z.looseObject({
  apiVersion: z.string().min(1),
  kind: z.string().min(1),
  metadata: z.looseObject({ name: z.string().min(1), namespace: z.string().optional() }),
});
export type Manifest = z.infer<typeof Manifest>;

export const RenderedComponent = z.object({
  name: z.string(),
  phase: Phase,
  objects: z.array(Manifest),
  /** Held against the API servers that run when it is applied. */
  skew: SkewRule.optional(),
});
export type RenderedComponent = z.infer<typeof RenderedComponent>;

/** Which stack: `network`, `etcd`, `control-plane` or `pool-<name>`. */
export const StackRole = z.string().regex(/^(network|etcd|control-plane|pool-[a-z0-9-]+)$/);
export type StackRole = z.infer<typeof StackRole>;

/**
 * One CloudFormation stack. `template` is the file's text, unchanged; `parameters` are the values that the template
 * declares. `ignition` is the Ignition document of the stack's instances; its object is named by `ignitionHash`, and
 * the parameter `IgnitionHash` carries the name into the launch template's user data.
 */
export const RenderedStack = z.object({
  role: StackRole,
  stackName: z.string(),
  template: z.string(),
  parameters: z.record(z.string(), z.string()),
  ignition: z.string().optional(),
  ignitionHash: Sha256.optional(),
});
export type RenderedStack = z.infer<typeof RenderedStack>;

/** The object `renders/<hash>.json`: everything that one cluster gets from one revision. */
export const Render = z.object({
  cluster: z.string(),
  revision: Revision,
  versions: Versions,
  pools: z.array(Pool),
  stacks: z.array(RenderedStack).min(1),
  components: z.array(RenderedComponent),
  deletions: z.object({ before: z.array(Deletion), after: z.array(Deletion) }),
  /** What e2e asserts on the updated cluster: exact names of upstream conformance specs, as in the junit report. */
  tests: z.object({ conformance: z.array(z.string().min(1)) }).optional(),
  /** Asked when the cluster's health is looked at. */
  probes: z.array(Probe).optional(),
  /** Workloads that e2e runs across the update, so that it meets a cluster in use. */
  load: z.array(Manifest).optional(),
});
export type Render = z.infer<typeof Render>;

/**
 * What an update changes, by danger, the most dangerous last. `deletion`: resources, stacks, or objects that hold data or
 * others go; `replacement`: CloudFormation makes a resource anew and deletes the old one.
 */
export const ChangeClass = z.enum([
  'nothing',
  'creation',
  'manifests',
  'worker-roll',
  'control-plane-roll',
  'identity',
  'etcd',
  'deletion',
  'replacement',
]);
export type ChangeClass = z.infer<typeof ChangeClass>;
