import * as z from 'zod';

/** A Git object id, 40 hex digits. */
export const GitId = z.string().regex(/^[0-9a-f]{40}$/, 'must be 40 hex digits');
export type GitId = z.infer<typeof GitId>;

/** The Git tree id of `channels/cluster/`: equal content is one revision on every branch. */
export const Revision = GitId;
export type Revision = z.infer<typeof Revision>;

/** SHA-256 as 64 hex digits. */
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits');
export type Sha256 = z.infer<typeof Sha256>;

/** An AWS account id. */
export const AccountId = z.string().regex(/^\d{12}$/, 'must be the 12 digits of an AWS account, quoted');

/** Records are kept by name: a name that every object has (`constructor`) would be found where nothing was recorded. */
function isFreeName(name: string): boolean {
  return !(name in Object.prototype);
}

/** A cluster's name: a DNS label of at most 30 characters, so that names made from it fit AWS' limits. */
export const ClusterName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,28}[a-z0-9]$/, 'must be 2 to 30 lower-case letters, digits and hyphens')
  .refine(isFreeName, 'is a word that JavaScript objects have already; take another')
  // Roles of Sluice's own functions are named sluice-side-*, those of a cluster sluice-NAME-*: no cluster may touch the former.
  .refine((name) => name !== 'side' && !name.startsWith('side-'), 'must not begin with "side", which names roles of Sluice itself');

export const ChannelName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,19}$/, 'must be a lower-case name')
  .refine(isFreeName, 'is a word that JavaScript objects have already; take another');

export const Region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be an AWS region, for example eu-central-1');

/** Name of a Step Functions execution; AWS allows 80 characters, ours stay within 64. */
export const ExecutionName = z.string().regex(/^[A-Za-z0-9_-]{1,80}$/);

/** ISO 8601 time in UTC. */
export const Timestamp = z.iso.datetime('must be a time in UTC, for example 2026-12-20T00:00:00Z');

/** Duration in the settings: a number and a unit, for example `90s`, `15m`, `1h`, `7d`. */
export const Duration = z.string().regex(/^\d+[smhd]$/, 'must be a number and s, m, h or d, for example 15m');

export const RepositoryRef = z.object({ owner: z.string().min(1), name: z.string().min(1) });
export type RepositoryRef = z.infer<typeof RepositoryRef>;

/** A repository as `owner/name`. */
export const RepositoryName = z
  .string()
  .regex(/^[\w.-]+\/[\w.-]+$/, 'must be the fleet repository as owner/name')
  .transform((text): RepositoryRef => {
    const [owner = '', name = ''] = text.split('/');
    return { owner, name };
  });
