import * as z from 'zod';
import { Revision } from './primitives.ts';
import { Environment } from './settings.ts';

/** One file of a snapshot; `path` is relative to `channels/cluster/`. */
export const SnapshotFile = z.object({ path: z.string().min(1), content: z.string() });
export type SnapshotFile = z.infer<typeof SnapshotFile>;

/** The object `snapshots/<revision>.json`: the whole configuration of one revision. */
export const Snapshot = z.object({ revision: Revision, files: z.array(SnapshotFile).min(1) });
export type Snapshot = z.infer<typeof Snapshot>;

const Version = z.string().regex(/^\d+\.\d+\.\d+$/, 'must be major.minor.patch, for example 1.36.3');

/** Generations of a kind of keys: which are trusted, and which of them signs or encrypts what is new. */
export const KeyGenerations = z
  .strictObject({ trusted: z.array(z.int().min(1)).min(1).max(2), issues: z.int().min(1) })
  .refine(({ trusted, issues }) => trusted.includes(issues), { error: 'must be one of trusted', path: ['issues'] })
  .refine(({ trusted }) => new Set(trusted).size === trusted.length, { error: 'names a generation twice', path: ['trusted'] });
export type KeyGenerations = z.infer<typeof KeyGenerations>;

/** All kinds of keys that are rotated. */
export const IdentityVersions = z.strictObject({ clusterCa: KeyGenerations, serviceAccounts: KeyGenerations, encryption: KeyGenerations });
export type IdentityVersions = z.infer<typeof IdentityVersions>;

/** `versions.yaml`. */
export const Versions = z.strictObject({
  kubernetes: Version,
  etcd: Version,
  osImage: z.string().min(1),
  /** Version of the upstream tests that e2e runs; absent: that of Kubernetes. */
  e2eTests: Version.optional(),
  /** Absent: the first generation of each kind. */
  identity: IdentityVersions.partial().optional(),
});
export type Versions = z.infer<typeof Versions>;

/** One node pool of `pools.yaml`; all clusters have the same pools. */
export const Pool = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,19}$/),
  instanceType: z.string().min(1),
  /** Nodes per pool; zones are filled evenly. */
  size: z.int().min(1),
  maxSize: z.int().min(1),
  /** Zones of the pool's one group; absent: all three. Never changed: nodes would be ended undrained. */
  zones: z
    .array(z.enum(['a', 'b', 'c']))
    .min(1)
    .max(3)
    .optional(),
  market: z.enum(['on-demand', 'spot']).default('on-demand'),
  labels: z.record(z.string(), z.string()).default({}),
  /** How many nodes a roll may add at once, in percent of the size it finds; at least one, within `maxSize`. */
  surgePercent: z.int().min(1).max(100).default(10),
  /** One node at a time, and never one of another such pool meanwhile. */
  stateful: z.boolean().default(false),
  /** Raise it to replace every node of the pool although nothing else changed. */
  generation: z.int().min(1).default(1),
});
export type Pool = z.infer<typeof Pool>;
export const Pools = z.strictObject({ pools: z.array(Pool).min(1) });
export type Pools = z.infer<typeof Pools>;

export const Phase = z.enum(['before-control-plane', 'system', 'workloads']);
export type Phase = z.infer<typeof Phase>;

/** How far an image may be behind the API server; never ahead of it. */
export const SkewRule = z.strictObject({ maxMinorsBehind: z.int().min(0).max(3) });

/** `components/<name>/component.yaml`. */
export const ComponentFile = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/),
  phase: Phase,
  /** Absent: every environment. */
  environments: z.array(Environment).min(1).optional(),
  /** Names of components of the same or an earlier phase that must be there first. */
  needs: z.array(z.string()).default([]),
  /** How many minors the component's image may be behind the API server; absent: no rule. */
  skew: SkewRule.optional(),
});
export type ComponentFile = z.infer<typeof ComponentFile>;

/** One object of `deletions.yaml`. */
export const Deletion = z.strictObject({
  apiVersion: z.string().min(1),
  kind: z.string().min(1),
  namespace: z.string().optional(),
  name: z.string().min(1),
  reason: z.string().min(1),
});
export type Deletion = z.infer<typeof Deletion>;
export const Deletions = z.strictObject({ before: z.array(Deletion).default([]), after: z.array(Deletion).default([]) });
export type Deletions = z.infer<typeof Deletions>;

/** One question of `tests/probes.yaml`: a path of the API that must answer, or an object that must have a condition. */
export const Probe = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/),
    /** Asked with GET, also through the API to a Service: `/api/v1/namespaces/<namespace>/services/<name>:<port>/proxy/<path>`. */
    path: z
      .string()
      .regex(/^\/apis?\/[^\s]+$/, 'must begin with /api/ or /apis/')
      .optional(),
    maxMilliseconds: z.int().min(1).max(10_000).default(1000),
    object: z
      .strictObject({ apiVersion: z.string().min(1), kind: z.string().min(1), namespace: z.string().optional(), name: z.string().min(1) })
      .optional(),
    /** Type of a condition of the object that must be True. */
    condition: z.string().min(1).optional(),
  })
  .refine(({ path, object, condition }) => (path === undefined) === (object !== undefined && condition !== undefined), {
    message: 'must have either path, or object and condition',
  });
export type Probe = z.infer<typeof Probe>;
export const Probes = z.strictObject({ probes: z.array(Probe).max(50) });

/** `user-data/<kind>.yaml`: what an instance gets at boot. Rendered to an Ignition document of specification 3.4.0. */
export const UserDataFile = z.strictObject({
  files: z
    .array(
      z.strictObject({
        path: z.string().regex(/^\//, 'must be an absolute path'),
        /** Octal, quoted: YAML 1.2 reads an unquoted 0644 as the decimal number 644. */
        mode: z
          .string()
          .regex(/^0[0-7]{3}$/, "must be octal and quoted, for example '0644'")
          .default('0644'),
        content: z.string(),
      }),
    )
    .default([]),
  units: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z0-9@._-]+\.(service|timer|mount|socket|path)$/, 'must be the name of a systemd unit'),
        enabled: z.boolean().optional(),
        mask: z.boolean().optional(),
        content: z.string().optional(),
      }),
    )
    .default([]),
});
export type UserDataFile = z.infer<typeof UserDataFile>;
