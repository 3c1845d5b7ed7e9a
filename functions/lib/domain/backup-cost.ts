import { CLASSES, type RetentionDays } from './backup-retention.ts';

const GIB = 1024 ** 3;
const MB = 1_000_000;
const DAYS_A_MONTH = 365.25 / 12;
const SECONDS_A_MONTH = DAYS_A_MONTH * 24 * 3600;

/** USD. */
export interface BackupPrices {
  readonly storageGibMonth: number;
  /** After `ARCHIVE_DAYS`. */
  readonly archiveGibMonth: number;
  readonly writeRequest: number;
  readonly readRequest: number;
  readonly armGibSecond: number;
  readonly x86GibSecond: number;
  readonly transition: number;
  /** Of the signing key. */
  readonly keyMonth: number;
  readonly signature: number;
}

/** AWS' list prices for eu-central-1 without any free tier or discount: S3 Standard and Glacier Instant Retrieval, Lambda, Step Functions, KMS (ECC_NIST_P256). */
export const PRICES: BackupPrices = {
  storageGibMonth: 0.0245,
  archiveGibMonth: 0.005,
  writeRequest: 0.0054 / 1000,
  readRequest: 0.00043 / 1000,
  armGibSecond: 0.000_013_333_4,
  x86GibSecond: 0.000_016_666_7,
  transition: 0.025 / 1000,
  keyMonth: 1,
  signature: 0.15 / 10_000,
};

/** When only weekly ones are left they move to a class that is read as fast and costs a fifth (channels/bootstrap/account.yaml). */
export const ARCHIVE_DAYS = CLASSES.daily + 1;

/** MB a second that one function streams, reads and hashes, uploads and downloads: measured on two cores but for S3's, which are assumed. */
const SPEED = { stream: 186, walk: 360, hash: 480, s3: 80 } as const;
/** GiB of memory by channels/bootstrap/account.yaml and serverless.yml; `reach` waits while the others work. */
const MEMORY = { etcd: 1, drill: 6, reach: 0.5, small: 0.5 } as const;
/** Of one backup without a drill: states of `backup-etcd` and what `backup-fleet` adds; seconds of the small functions; seconds that a drill adds. */
const TRANSITIONS = 18;
const SMALL_SECONDS = 5;
const DRILL_SECONDS = 60;
/** As multipart.ts cuts files. */
const PART_BYTES = 8 * 1024 * 1024;

export interface BackupCost {
  /** Backups kept, and their bytes. */
  readonly backups: number;
  readonly bytes: number;
  /** USD a month. */
  readonly storage: number;
  readonly requests: number;
  readonly compute: number;
  readonly key: number;
  readonly total: number;
}

/**
 * How many scheduled backups of a cluster stay, once it is as old as its oldest class: all of the youngest days, then one of each
 * longer class' periods. Those that updates were begun with come to it.
 */
export function backupsKept(intervalSeconds: number, days: RetentionDays = CLASSES): number {
  return youngKept(intervalSeconds, days) + oldKept(days);
}

function youngKept(intervalSeconds: number, days: RetentionDays): number {
  return Math.ceil((days.hourly * 24 * 3600) / intervalSeconds + Math.max(0, days.daily - days.hourly));
}

function oldKept(days: RetentionDays): number {
  const weekly = Math.max(0, days.weekly - Math.max(days.daily, days.hourly)) / 7;
  const monthly = Math.max(0, days.monthly - Math.max(days.weekly, days.daily, days.hourly)) / DAYS_A_MONTH;
  return Math.ceil(weekly + monthly);
}

/**
 * What the backups of a cluster cost a month, in USD.
 * @param snapshotBytes of one backup
 * @param kept what is there, where that is known; otherwise what will be there by the classes
 */
export function backupCost(
  snapshotBytes: number,
  intervalSeconds: number,
  kept?: { readonly backups: number; readonly bytes: number },
  prices: BackupPrices = PRICES,
): BackupCost {
  const count = backupsKept(intervalSeconds);
  const { backups, bytes } = kept ?? { backups: count, bytes: count * snapshotBytes };
  const taken = SECONDS_A_MONTH / intervalSeconds;
  const megabytes = snapshotBytes / MB;
  const taking = megabytes / SPEED.stream + megabytes / SPEED.walk + megabytes / SPEED.s3;
  const reading = megabytes / SPEED.s3 + megabytes / SPEED.hash;
  const proving = reading + megabytes / SPEED.walk;
  const arm = (taking + proving) * (MEMORY.etcd + MEMORY.reach) + SMALL_SECONDS * MEMORY.small;
  const drill = (reading + DRILL_SECONDS) * (MEMORY.drill * prices.x86GibSecond + MEMORY.reach * prices.armGibSecond);
  const compute = taken * (arm * prices.armGibSecond + TRANSITIONS * prices.transition) + DAYS_A_MONTH * drill;
  // Parts, their beginning and end, the manifest; read back once, and what removes reads every manifest and two locks once a day.
  const requests =
    taken * ((Math.ceil(snapshotBytes / PART_BYTES) + 3) * prices.writeRequest + 10 * prices.readRequest) +
    DAYS_A_MONTH * backups * 3 * prices.readRequest;
  const young = backups === 0 ? 1 : Math.min(1, youngKept(intervalSeconds, CLASSES) / backups);
  const storage = (bytes / GIB) * (young * prices.storageGibMonth + (1 - young) * prices.archiveGibMonth);
  const key = prices.keyMonth + taken * prices.signature;
  return { backups, bytes, storage, requests, compute, key, total: storage + requests + compute + key };
}
