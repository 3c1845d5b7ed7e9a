import type { ClusterAccess, EmergencyAccess, Login, TokenReviewStatus } from '../model/access.ts';
import type { ChannelFile, ClusterEntry } from '../model/settings.ts';
import type { LeafRequest } from '../ports/authority.ts';

/** Groups that a person can get; component `access` says what each may do. Nothing of what the issuer says becomes a group. */
export const ACCESS_GROUPS = { read: 'sluice:read-only', write: 'sluice:write', emergency: 'sluice:emergency' } as const;

/** No name that an issuer gives can be that of a system account. */
const USER_PREFIX = 'oidc:';

const BREAK_GLASS_MILLISECONDS = 3600 * 1000;
const CLOCK_SKEW_MILLISECONDS = 5 * 60 * 1000;

/**
 * The certificate of one hour that opens a cluster when nothing else does: not the webhook, not RBAC, not Sluice.
 * `system:masters` needs no object in the cluster, and can't be taken back: only its end ends it.
 */
export function breakGlassCertificate(by: string, now: Date): LeafRequest {
  return {
    commonName: `break-glass:${by}`,
    organizations: ['system:masters'],
    usages: ['client'],
    from: new Date(now.getTime() - CLOCK_SKEW_MILLISECONDS),
    until: new Date(now.getTime() + BREAK_GLASS_MILLISECONDS),
  };
}

/** Who may log in to a cluster, by the file of its channel. */
export function clusterAccess(commit: string, channel: ChannelFile, entry: ClusterEntry): ClusterAccess {
  return {
    cluster: entry.name,
    production: entry.environment === 'production',
    commit,
    ...(channel.login === undefined ? {} : { login: channel.login }),
    emergency: channel.emergency.filter(({ cluster }) => cluster === 'all' || cluster === entry.name),
  };
}

/** What a person with these claims gets at the cluster now. */
export function reviewPerson(access: ClusterAccess, login: Login, claims: Readonly<Record<string, unknown>>, now: Date): TokenReviewStatus {
  const user = claims[login.claims.user];
  if (typeof user !== 'string' || user === '') return refused(`the token has no claim ${login.claims.user}`);
  // Without this word of the issuer anybody may have written the address of somebody else.
  if (login.claims.user === 'email' && claims['email_verified'] !== true) return refused('the token does not say email_verified: true');
  const theirs = groupsOf(claims[login.claims.groups]);
  const isIn = (wanted: readonly string[]): boolean => wanted.some((group) => theirs.includes(group));
  const emergency = access.emergency.some((entry) => entry.user === user && isActive(entry, now));
  const writes = !access.production && isIn(login.writers);
  const reads = login.readers === undefined || isIn(login.readers) || writes || emergency;
  if (!reads) return refused(`${user} is in no group that may log in`);
  const groups = [ACCESS_GROUPS.read, ...(writes ? [ACCESS_GROUPS.write] : []), ...(emergency ? [ACCESS_GROUPS.emergency] : [])];
  return { authenticated: true, user: { username: `${USER_PREFIX}${user}`, groups } };
}

function isActive({ from, until }: EmergencyAccess, now: Date): boolean {
  return Date.parse(from) <= now.getTime() && now.getTime() < Date.parse(until);
}

function groupsOf(claim: unknown): string[] {
  if (typeof claim === 'string') return [claim];
  return Array.isArray(claim) ? claim.filter((group) => typeof group === 'string') : [];
}

/** Whoever the token is of does not get in. */
export function refused(error: string): TokenReviewStatus {
  return { authenticated: false, error };
}
