import { hashOf } from './hash.ts';

/** Longest name of an execution of ours; AWS allows 80. */
export const EXECUTION_NAME_LIMIT = 64;

/**
 * Name of an execution: `<kind>-<subject>-<12 hex of the work's hash>-<cause>`. The same work asked for by the same
 * cause has the same name, so that a repeated event starts nothing new. A long subject is cut; the hash covers it whole.
 */
export function executionName(kind: string, subject: string, work: unknown, cause: string): string {
  const hash = hashOf({ kind, subject, work, cause }).slice(0, 12);
  const tail = `-${hash}-${clean(cause).slice(0, 16)}`;
  const head = `${kind}-${clean(subject)}`;
  return `${head.slice(0, EXECUTION_NAME_LIMIT - tail.length).replace(/-+$/, '')}${tail}`.replace(/-+$/, '');
}

function clean(text: string): string {
  return text.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '');
}

/** Keys of the hub's bucket. Each key's schema is in `model/`. */
export const keys = {
  snapshot: (revision: string): string => `snapshots/${revision}.json`,
  settings: (commit: string): string => `settings/${commit}.json`,
  /** The fleet's own policies, by their content. */
  policies: (hash: string): string => `settings/policies/${hash}.json`,
  blob: (sha: string): string => `blobs/${sha}`,
  render: (hash: string): string => `renders/${hash}.json`,
  plan: (hash: string): string => `plans/${hash}.md`,
  planData: (hash: string): string => `plans/${hash}.json`,
  /** Class of the update from one revision to another, as it was planned: what its duration is compared by. */
  planStep: (step: string): string => `plans/steps/${step}.json`,
  findings: (hash: string): string => `findings/${hash}.json`,
  check: (sha: string, name: string): string => `checks/${sha}/${slug(name)}.json`,
  publishedCheck: (sha: string, name: string): string => `checks/${sha}/${slug(name)}.published.json`,
  /** Whose turn it is with a pull request. */
  pullRequest: (number: number): string => `pull-requests/${number}.json`,
  /** The branches that the webhook listens to. */
  fleetBranches: (): string => 'channels/branches.json',
  /** Which check an execution reports to. */
  checkOfExecution: (execution: string): string => `checks/by-execution/${execution}.json`,
  evidence: (revision: string): string => `evidence/${revision}.json`,
  /** By the hash of the settings' files. */
  settingsEvidence: (hash: string): string => `evidence/settings/${hash}.json`,
  channelProof: (channel: string, revision: string): string => `channels/${channel}/revisions/${revision}.json`,
  channelProofs: (channel: string): string => `channels/${channel}/revisions/`,
  /** What the channel began with. */
  genesis: (channel: string): string => `channels/${channel}/genesis.json`,
  /** The rollout that was planned last for a channel. */
  newestRollout: (channel: string): string => `channels/${channel}/rollout.json`,
  /** The newest settings that any rollout has seen. */
  newestSettings: (): string => 'settings/newest.json',
  rollout: (id: string, part: string): string => `rollouts/${id}/${part}.json`,
  cluster: (name: string): string => `clusters/${name}.json`,
  /** What is known of a cluster's backups. */
  backupIndex: (cluster: string): string => `backups/${cluster}.json`,
  /** Claim and outcome of a restore. */
  restore: (cluster: string, id: string): string => `restores/${cluster}/${id}.json`,
  /** Rehearsal of a backup under other versions, by the hash of both. */
  rehearsal: (hash: string): string => `rehearsals/${hash}.json`,
  lock: (subject: string): string => `locks/${subject}.json`,
  cancel: (execution: string): string => `control/${execution}.json`,
  halt: (): string => 'control/halt.json',
  /** The mark of a fleet that may begin. */
  fleet: (): string => 'control/fleet.json',
  artifact: (name: string, version: string): string => `artifacts/${name}/${version}.json`,
} as const;

/** Names of the checks, as GitHub shows them; the first is the one to require. */
export const checkNames = {
  ...{ gate: 'sluice', plan: 'sluice / plan', e2e: 'sluice / e2e', rollout: 'sluice / rollout' },
  restore: (cluster: string): string => `sluice / restore ${cluster}`,
} as const;

/** Keys of the bucket of a cluster's account. */
export const accountKeys = {
  ignition: (hash: string): string => `ignition/${hash}.json`,
  manifests: (hash: string): string => `manifests/${hash}.json`,
  artifact: (name: string, version: string, sha256: string, file: string): string => `artifacts/${name}/${version}/${sha256}/${file}`,
  artifactIndex: (name: string, version: string): string => `artifacts/${name}/${version}.json`,
  backup: (cluster: string, id: string, file: string): string => `backups/${cluster}/${id}/${file}`,
  backups: (cluster: string): string => `backups/${cluster}/`,
  /** What new instances of etcd restore when they boot. */
  restoreOrder: (cluster: string): string => `restores/${cluster}/order.json`,
  /** Who may log in to a cluster. */
  access: (cluster: string): string => `access/${cluster}.json`,
  breakGlass: (cluster: string, at: string): string => `break-glass/${cluster}/${at}.json`,
  testReport: (execution: string, file: string): string => `e2e/${execution}/${file}`,
} as const;

/** Names of a cluster's secrets in its account. */
export const secretIds = {
  authority: (cluster: string): string => `sluice/${cluster}/authority`,
  etcd: (cluster: string): string => `sluice/${cluster}/etcd`,
  controlPlane: (cluster: string): string => `sluice/${cluster}/control-plane`,
} as const;

/** Name of a secret that `${SECRET:name}` means, in the account of the cluster. */
export function configurationSecretId(name: string): string {
  return `sluice-config/${name}`;
}

/** Bucket of an account: the hub's own and each cluster account's. */
export function bucketName(account: string, region: string): string {
  return `sluice-${account}-${region}`;
}

/** Bucket of an account whose documents everybody may read: the public keys of its clusters. */
export function issuerBucketName(account: string, region: string): string {
  return `sluice-issuer-${account}-${region}`;
}

/** Who signs the tokens of a cluster's service accounts, without `https://`: as conditions of IAM name it. */
export function tokenIssuer(cluster: { name: string; account: string; region: string }): string {
  return `${issuerBucketName(cluster.account, cluster.region)}.s3.${cluster.region}.amazonaws.com/${cluster.name}`;
}

/** Keys of the bucket of public documents: below a cluster's issuer, where OpenID Connect looks for them. */
export const issuerKeys = {
  configuration: (cluster: string): string => `${cluster}/.well-known/openid-configuration`,
  keys: (cluster: string): string => `${cluster}/openid/v1/jwks`,
} as const;

/** Name of a cluster's stack. */
export function stackName(cluster: string, role: string): string {
  return `sluice-${cluster}-${role}`;
}

/** Role that hub steps assume in a cluster's account. */
export function hubRoleArn(account: string): string {
  return `arn:aws:iam::${account}:role/sluice-hub`;
}

/** Role that plans are made by in a cluster's account: it makes, reads and deletes change sets, and executes none. */
export function previewRoleArn(account: string): string {
  return `arn:aws:iam::${account}:role/sluice-preview`;
}

/** Role that upgrades are rehearsed by before they are merged: it invokes `sluice-rehearsal` and does nothing else. */
export function rehearseRoleArn(account: string): string {
  return `arn:aws:iam::${account}:role/sluice-rehearse`;
}

/** Name of a cluster-side function in a cluster's account. */
export function clusterSideFunctionName(target: string): string {
  return `sluice-${target}`;
}

function slug(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}
