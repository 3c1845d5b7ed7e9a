import * as z from 'zod';
import { InputError } from '#model/errors.ts';
import { AccountId, Region, RepositoryName } from '#model/primitives.ts';

/** What a template's parameter with the default `none` gives. */
function given<S extends z.ZodType>(schema: S) {
  return z.preprocess((value) => (value === 'none' ? undefined : value), schema.optional());
}

const Environment = z.object({
  AWS_REGION: Region,
  /** The bucket of the account that the function runs in. */
  SLUICE_BUCKET: z.string().min(3),
  SLUICE_ACCOUNT: AccountId,
  /** KMS key of the secrets that a cluster's identity is kept in. */
  SLUICE_SECRETS_KEY: z.string().min(1).optional(),
  /** KMS key that manifests of backups are signed by. */
  SLUICE_SIGNING_KEY: z.string().min(1).optional(),
  /** Bucket that backups are copied to, and where it lies; `none` means none. */
  SLUICE_REPLICA_BUCKET: given(z.string().min(3)),
  SLUICE_REPLICA_REGION: given(Region),
  SLUICE_STATE_MACHINE_PREFIX: z.string().default('sluice-'),
  SLUICE_CHECKS_QUEUE_URL: z.url().optional(),
  /** The fleet repository, `owner/name`: the only one that is listened to and written to. */
  SLUICE_REPOSITORY: RepositoryName.optional(),
  /** GitHub's REST API: api.github.com, or that of a GitHub Enterprise Server. */
  GITHUB_API_URL: z.url().optional(),
  /** Where Kubernetes and etcd are released; when that is not GITHUB_API_URL, it is asked without credentials. */
  SLUICE_RELEASES_API_URL: z.url().optional(),
  /** Secrets Manager id of the GitHub App's secret (schema GitHubAppSecret). */
  SLUICE_GITHUB_SECRET: z.string().min(1).optional(),
});
export type Environment = z.infer<typeof Environment>;

/** The GitHub App as kept in Secrets Manager; two webhook secrets are valid during a rotation. */
export const GitHubAppSecret = z.object({
  appId: z.int().positive(),
  installationId: z.int().positive(),
  privateKey: z.string().includes('PRIVATE KEY'),
  webhookSecrets: z.array(z.string().min(16)).min(1).max(2),
});
export type GitHubAppSecret = z.infer<typeof GitHubAppSecret>;

/** Reads the environment once; every problem in one message. @throws InputError */
export function readEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): Environment {
  const parsed = Environment.safeParse(env);
  if (parsed.success) return parsed.data;
  throw new InputError(`the function's environment is incomplete: ${z.prettifyError(parsed.error)}`);
}

/** The value of an optional variable that this function needs. @throws InputError naming the variable */
export function required<K extends keyof Environment>(environment: Environment, name: K): NonNullable<Environment[K]> {
  const value = environment[name];
  if (value === undefined || value === null) throw new InputError(`the function's environment lacks ${name}`);
  return value;
}
