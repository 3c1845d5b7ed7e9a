import * as z from 'zod';
import { EmergencyAccess, Login } from './access.ts';
import { AccountId, ChannelName, ClusterName, Duration, Region, Revision, Sha256, Timestamp } from './primitives.ts';
import { RestoreRequest } from './restore.ts';

/** An IPv4 network of exactly /16; domain/network.ts divides it over the zones. */
export const Network = z.string().regex(/^(?:\d{1,3}\.){2}0\.0\/16$/, 'must be an IPv4 network of /16, for example 10.20.0.0/16');

export const Environment = z.enum(['development', 'test', 'production', 'e2e']);
export type Environment = z.infer<typeof Environment>;

/** How many members a cluster's etcd has. Odd, for an even number survives no more losses than one fewer. */
export const EtcdMembers = z.union([z.literal(1), z.literal(3), z.literal(5)]);

/** Pins a channel or a cluster to a revision without touching the branch. */
export const Hold = z.strictObject({ revision: Revision, reason: z.string().min(1), owner: z.string().min(1), until: Timestamp });

/** One cluster. The fields are few and closed on purpose: there are no pet clusters. */
export const ClusterEntry = z.strictObject({
  name: ClusterName.refine((name) => name !== 'all', 'means every cluster in a waiver; take another'),
  account: AccountId,
  region: Region,
  environment: Environment,
  network: Network,
  /** Absent: three in production, one elsewhere. */
  etcdMembers: EtcdMembers.optional(),
  owner: z.string().min(1).optional(),
  state: z.enum(['ready', 'decommission']).default('ready'),
  hold: Hold.optional(),
  /** Restores the cluster's etcd, once for each id. */
  restore: RestoreRequest.optional(),
});
export type ClusterEntry = z.infer<typeof ClusterEntry>;

export const WavePolicy = z
  .strictObject({ name: z.string().min(1), count: z.int().positive().optional(), percent: z.number().positive().max(100).optional() })
  .refine((wave) => (wave.count === undefined) !== (wave.percent === undefined), 'needs exactly one of count and percent');
export type WavePolicy = z.infer<typeof WavePolicy>;

export const FreezeWindow = z
  .strictObject({
    from: Timestamp,
    until: Timestamp,
    scope: z.enum(['all', 'nodes']).default('all'),
    /** With `scope: nodes`: whether an update waits (as when it says nothing), or does all but the worker nodes and leaves them to a later one. */
    nodes: z.enum(['wait', 'later']).optional(),
    reason: z.string().min(1),
  })
  .refine(({ scope, nodes }) => nodes !== 'later' || scope === 'nodes', 'nodes: later needs scope: nodes');
export type FreezeWindow = z.infer<typeof FreezeWindow>;

/** Lets clusters of the channel break a policy for a time. `cluster` is a name or `all`; `object` as the finding names it. */
export const Waiver = z.strictObject({
  rule: z.string().min(1),
  cluster: z.string().min(1),
  object: z.string().min(1).optional(),
  owner: z.string().min(1),
  reason: z.string().min(1),
  until: Timestamp,
});
export type Waiver = z.infer<typeof Waiver>;

/** Says that a backup which lacks something is right: the gate of its cluster opens, and later ones are compared with it. */
export const Acknowledged = z.strictObject({
  cluster: ClusterName,
  /** Id of the backup, as the alarm and the check name it. */
  backup: z.string().regex(/^\d{8}T\d{6}Z-[0-9a-f]{12}$/, 'must be the id of a backup, for example 20260131T030000Z-422a689b6051'),
  owner: z.string().min(1),
  reason: z.string().min(1),
  until: Timestamp,
});
export type Acknowledged = z.infer<typeof Acknowledged>;

/** Says that a cluster's etcd is gone for good: its deletion takes no last backup, which it could not. */
export const Lost = z.strictObject({ cluster: ClusterName, owner: z.string().min(1), reason: z.string().min(1), until: Timestamp });

/** From which share on (percent) a loss makes a backup suspicious; 100 looks for nothing but what is gone altogether. */
export const AnomalyLimits = z.strictObject({
  /** Of the bytes in use. */
  sizeDrop: z.number().min(1).max(100).default(30),
  /** Of the objects of one resource. */
  countDrop: z.number().min(1).max(100).default(30),
});
export type AnomalyLimits = z.infer<typeof AnomalyLimits>;

const BackupSettings = z.strictObject({
  interval: Duration.default('1h'),
  /** Days that the backup which a change was begun with stays after the change has ended. */
  holdDays: z.int().min(0).max(366).default(7),
  anomaly: AnomalyLimits.default({ sizeDrop: 30, countDrop: 30 }),
  acknowledged: z.array(Acknowledged).default([]),
  lost: z.array(Lost).default([]),
});

/** An account that e2e clusters may use; the pool is closed. */
export const E2eSlot = z.strictObject({ account: AccountId, region: Region, network: Network });
export type E2eSlot = z.infer<typeof E2eSlot>;

/** What an e2e run does beside creating, updating and deleting its cluster. */
export const E2eSuite = z.enum(['conformance', 'load']);
const E2eSuites = z
  .array(E2eSuite)
  .refine((suites) => suites.includes('conformance'), 'must have conformance: a run that tests nothing proves nothing');

/** Characters; Git keeps a branch as a file of its name, and GitHub takes 255 bytes of `refs/heads/<branch>`. */
export const LONGEST_BRANCH = 200;

/** `channels/<name>.yaml` on `main`. */
export const ChannelFile = z.strictObject({
  channel: ChannelName,
  branch: z.string().min(1).max(LONGEST_BRANCH),
  /** The channel whose proven revisions are promoted to this one; absent for the first channel. */
  follows: ChannelName.optional(),
  waves: z.array(WavePolicy).min(1),
  maxConcurrentClusters: z.int().min(1).max(200),
  /** How many clusters may fail before nothing more is started. */
  failureBudget: z.int().min(0).default(0),
  soak: Duration,
  e2e: z.strictObject({ suites: E2eSuites, slots: z.array(E2eSlot) }).optional(),
  backup: BackupSettings.default({ interval: '1h', holdDays: 7, anomaly: { sizeDrop: 30, countDrop: 30 }, acknowledged: [], lost: [] }),
  freeze: z.array(FreezeWindow).default([]),
  hold: Hold.optional(),
  waivers: z.array(Waiver).default([]),
  login: Login.optional(),
  emergency: z.array(EmergencyAccess).default([]),
  clusters: z.array(ClusterEntry),
});
/** `policies` is no key of the file: the hash of the fleet's own policies, put in when the settings are read. */
export type ChannelFile = z.infer<typeof ChannelFile> & { readonly policies?: Sha256 };

/** All channel files of one commit of `main`, parsed. */
export interface Settings {
  readonly commit: string;
  readonly channels: ChannelFile[];
}

/** What a step must know of a cluster: its entry and the channel it follows (`e2e` for e2e clusters). */
export const ClusterRef = z.object({
  name: ClusterName,
  account: AccountId,
  region: Region,
  environment: Environment,
  network: Network,
  etcdMembers: EtcdMembers.optional(),
  owner: z.string().optional(),
  channel: z.string().min(1),
  /** Hash of the fleet's own policies that it gets; absent when there are none. */
  policies: Sha256.optional(),
});
export type ClusterRef = z.infer<typeof ClusterRef>;
