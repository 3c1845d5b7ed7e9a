import * as z from 'zod';
import { didYouMean } from '#domain/suggest.ts';
import { InputError } from '#model/errors.ts';
import { AccountId, ClusterName, Region } from '#model/primitives.ts';

/** Channels of the reference fleet, in promotion order. */
export const CHANNELS = ['dev', 'alpha', 'beta'] as const;
export type Channel = (typeof CHANNELS)[number];

const Cluster = z.object({ channel: z.enum(CHANNELS), name: ClusterName, account: AccountId });

const FleetOptions = z.object({
  region: Region.optional(),
  clusters: z.array(Cluster),
  e2eAccounts: z.array(AccountId),
  owner: z.string().min(1, 'must not be empty').optional(),
  osImage: z
    .string()
    .regex(/^ami-[0-9a-f]+$/, 'must be an AMI, for example ami-0a1b2c3d4e5f60718')
    .optional(),
});
/** What of a new fleet is known; what is absent is written as an example. */
export type FleetOptions = z.infer<typeof FleetOptions>;

const WORDS: Readonly<Record<string, string>> = { e2eAccounts: '--e2e-account', osImage: '--os-image', clusters: '--cluster' };

/** @throws InputError with every problem */
export function parseFleetOptions(given: {
  readonly region?: string | undefined;
  readonly cluster?: readonly string[] | undefined;
  readonly e2eAccounts?: readonly string[] | undefined;
  readonly owner?: string | undefined;
  readonly osImage?: string | undefined;
}): FleetOptions {
  const clusters = (given.cluster ?? []).map(parseCluster);
  const parsed = FleetOptions.safeParse({ ...given, clusters, e2eAccounts: given.e2eAccounts ?? [] });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path: [option, index, field], message }) => {
    const name = WORDS[String(option)] ?? `--${String(option)}`;
    const value = option === 'clusters' ? given.cluster?.[Number(index)] : undefined;
    return [name, value, field === undefined ? undefined : String(field), message].filter((part) => part !== undefined).join(' ');
  });
  throw new InputError(problems.join('; '));
}

/** `<channel>=<name>:<account>` */
function parseCluster(text: string): Record<string, string> {
  const groups = /^(?<channel>[^=]+)=(?<name>[^:]+):(?<account>.+)$/.exec(text)?.groups;
  if (groups === undefined)
    throw new InputError(`--cluster ${text}: write <channel>=<name>:<account>, for example dev=kube-dev:111111111111`);
  const { channel = '' } = groups;
  if (!CHANNELS.some((one) => one === channel)) {
    throw new InputError(
      `--cluster ${text}: there is no channel ${channel}.${didYouMean(channel, CHANNELS)} Channels: ${CHANNELS.join(', ')}.`,
    );
  }
  return groups;
}
