import type { ObjectStore } from '#ports/objects.ts';
import type { SignatureChecker } from '#ports/signer.ts';

/** What of an account is read: its bucket, and what its keys say of signatures there. */
export interface AccountSource {
  readonly objects: Pick<ObjectStore, 'get' | 'list'>;
  readonly signer: SignatureChecker;
}

/** Where `sluice backup list` and `show` look. */
export interface BackupSources {
  readonly hub: ObjectStore;
  account(account: string, region: string): AccountSource;
  now(): Date;
}

export interface SourceOptions {
  /** Bucket of the hub. */
  readonly hub: string;
  readonly region: string;
  /** Name of a role to take on in each cluster's account; absent: the caller's own credentials reach them. */
  readonly role: string | undefined;
}

const SIGNING_KEY = 'alias/sluice-backups';
const MAC_KEY = 'alias/sluice-backups-mac';

/** AWS by the caller's credentials, as the AWS CLI finds them. The SDK is loaded only here: other commands need none. */
export async function connectAws({ hub, region, role }: SourceOptions): Promise<BackupSources> {
  const [{ createObjects }, { createSigner }, { createRoleCredentials }, { bucketName }] = await Promise.all([
    import('#adapters/s3/objects.ts'),
    import('#adapters/kms/signer.ts'),
    import('#adapters/aws/credentials.ts'),
    import('#domain/names.ts'),
  ]);
  const credentialsOf = createRoleCredentials(region);
  return {
    hub: createObjects(hub, { region }),
    account(account, accountRegion) {
      const credentials =
        role === undefined ? {} : { credentials: () => credentialsOf(`arn:aws:iam::${account}:role/${role}`, 'sluice-backup') };
      const config = { region: accountRegion, ...credentials };
      const keyOf = (alias: string): string => `arn:aws:kms:${accountRegion}:${account}:${alias}`;
      return {
        objects: createObjects(bucketName(account, accountRegion), config),
        signer: createSigner(keyOf(SIGNING_KEY), config, keyOf(MAC_KEY)),
      };
    },
    now: () => new Date(),
  };
}
