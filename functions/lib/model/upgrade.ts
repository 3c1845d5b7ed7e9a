import * as z from 'zod';
import { RepositoryName } from './primitives.ts';

/** Input of the machine `propose-upgrade`: the fleet repository as `owner/name`. */
export const UpgradeInput = z.object({ repository: RepositoryName });

export const Product = z.enum(['kubernetes', 'etcd']);
export type Product = z.infer<typeof Product>;

const Version = z.string().regex(/^\d+\.\d+\.\d+$/);

/** A version that could be proposed. */
export const Upgrade = z.object({
  product: Product,
  from: Version,
  to: Version,
  /** How far it goes: a patch of the same minor, or the next minor. */
  step: z.enum(['patch', 'minor']),
  /** Branch of its pull request: there is one for each version, ever. */
  branch: z.string().min(1),
});
export type Upgrade = z.infer<typeof Upgrade>;

/** Output of `choose-upgrade`, in the state as `$.chooseUpgrade`. */
export const ChooseUpgrade = z.object({
  decision: z.enum(['propose', 'nothing']),
  reason: z.string(),
  upgrade: Upgrade.nullable(),
  /** The first channel, its branch, and what it has now. */
  channel: z.string().nullable(),
  base: z.string().nullable(),
  revision: z.string().nullable(),
  /** Channels that get it later, in order. */
  downstream: z.array(z.string()),
});
export type ChooseUpgrade = z.infer<typeof ChooseUpgrade>;

/** Output of `report-upgrade`, in the state as `$.reportUpgrade`. */
export const ReportUpgrade = z.object({
  /** What validation says of the configuration with the new version. */
  findingsKey: z.string(),
  /** Whether the API of the version that it goes to is known: else nobody looked for removed APIs. */
  apiKnown: z.boolean(),
});
export type ReportUpgrade = z.infer<typeof ReportUpgrade>;
