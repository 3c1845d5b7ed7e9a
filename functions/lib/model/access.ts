import * as z from 'zod';
import { ClusterName, Timestamp } from './primitives.ts';

/** Longest that write access may be given for at once. */
const EMERGENCY_HOURS = 8;

/** `login` of a channel file: whose tokens let people in at the API of its clusters. */
export const Login = z.strictObject({
  /** An OpenID Connect issuer: it serves `/.well-known/openid-configuration`. */
  issuer: z.url({ protocol: /^https$/, error: 'must be a URL that begins with https://' }),
  audience: z.string().min(1),
  /** Claims that hold who somebody is, and the groups that he is in. */
  claims: z
    .strictObject({ user: z.string().min(1).default('sub'), groups: z.string().min(1).default('groups') })
    .default({ user: 'sub', groups: 'groups' }),
  /** Groups of the issuer that may look; absent: everybody who gets a token for the audience. */
  readers: z.array(z.string().min(1)).min(1).optional(),
  /** Groups of the issuer that may also change things, in clusters that are not production. */
  writers: z.array(z.string().min(1)).default([]),
});
export type Login = z.infer<typeof Login>;

/** One entry of `emergency` of a channel file: write access for one person, for some hours. After its end it does nothing. */
export const EmergencyAccess = z
  .strictObject({
    /** As the claim says it. */
    user: z.string().min(1),
    /** Name of a cluster, or `all`: every cluster of the channel. */
    cluster: z.string().min(1),
    reason: z.string().min(1),
    from: Timestamp,
    until: Timestamp,
  })
  .refine(({ from, until }) => Date.parse(until) > Date.parse(from), { error: 'must be after from', path: ['until'] })
  .refine(({ from, until }) => Date.parse(until) - Date.parse(from) <= EMERGENCY_HOURS * 3600 * 1000, {
    error: `must be at most ${EMERGENCY_HOURS} hours after from`,
    path: ['until'],
  });
export type EmergencyAccess = z.infer<typeof EmergencyAccess>;

/** The object `access/<cluster>.json` in the bucket of a cluster's account: who may log in, by the settings of a commit. */
export const ClusterAccess = z.object({
  cluster: ClusterName,
  production: z.boolean(),
  /** Commit of `main`. */
  commit: z.string(),
  login: Login.optional(),
  emergency: z.array(EmergencyAccess),
});
export type ClusterAccess = z.infer<typeof ClusterAccess>;

/** What somebody sends who breaks the glass; it is recorded. */
export const BreakGlassRequest = z.strictObject({
  cluster: ClusterName,
  /** With its prefix it is a common name, which is of at most 64 characters (RFC 5280, ub-common-name). */
  by: z.string().regex(/^[\w.@+-]{1,52}$/, 'must be a name or address of at most 52 characters'),
  reason: z.string().min(10).max(1000),
});

/** The object `break-glass/<cluster>/<time>.json`, written before the certificate is made. */
export const BreakGlassRecord = z.object({
  cluster: ClusterName,
  by: z.string(),
  reason: z.string(),
  at: Timestamp,
  /** End of the certificate. */
  until: Timestamp,
});
export type BreakGlassRecord = z.infer<typeof BreakGlassRecord>;

/** What the API server of a cluster asks: its TokenReview, with the cluster's name, by way of its instance. */
export const TokenReviewRequest = z.object({
  cluster: ClusterName,
  review: z.object({
    apiVersion: z.literal('authentication.k8s.io/v1'),
    kind: z.literal('TokenReview'),
    spec: z.object({ token: z.string() }),
  }),
});

export interface TokenReview {
  readonly apiVersion: 'authentication.k8s.io/v1';
  readonly kind: 'TokenReview';
  readonly status: TokenReviewStatus;
}

export interface TokenReviewStatus {
  readonly authenticated: boolean;
  readonly user?: { readonly username: string; readonly groups: readonly string[] };
  /** Why not. */
  readonly error?: string;
}
