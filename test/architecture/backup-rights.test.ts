import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse, type ScalarTag } from 'yaml';
import { ARCHIVE_DAYS } from '#domain/backup-cost.ts';
import { CLASSES } from '#domain/backup-retention.ts';

/** `!Sub` and the like keep their text. */
const TAGS: ScalarTag[] = ['!Sub', '!Ref', '!GetAtt'].map((tag) => ({ tag, resolve: (text: string) => text }));

interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}
interface Resource {
  readonly Type: string;
  readonly Properties: {
    readonly RoleName?: string;
    readonly Policies?: readonly {
      readonly PolicyDocument: { readonly Statement: readonly (Statement | readonly [string, Statement, unknown])[] };
    }[];
    readonly VersioningConfiguration?: unknown;
    readonly ObjectLockEnabled?: boolean;
    readonly ObjectLockConfiguration?: unknown;
    readonly LifecycleConfiguration?: { readonly Rules: readonly object[] };
  };
}

const source = readFileSync(new URL('../../channels/bootstrap/account.yaml', import.meta.url), 'utf8');
const { Resources } = parse(source, { logLevel: 'silent', customTags: TAGS }) as { Resources: Record<string, Resource> };
const roles = Object.values(Resources).filter(({ Type }) => Type === 'AWS::IAM::Role');

const allowed = roles.flatMap(({ Properties }) =>
  (Properties.Policies ?? []).flatMap(({ PolicyDocument }) =>
    PolicyDocument.Statement.flatMap(thenOf)
      .filter(({ Effect }) => Effect === 'Allow')
      .flatMap(({ Action, Resource }) =>
        [Action].flat().map((action) => ({ role: Properties.RoleName ?? '', action, resource: [Resource].flat().map(String) })),
      ),
  ),
);

/** A right under a condition counts as given. */
function thenOf(statement: Statement | readonly [string, Statement, unknown]): Statement {
  return 'length' in statement ? statement[1] : statement;
}

/** Roles that a pattern of IAM allows the action. */
function whoMay(action: string): string[] {
  const matches = (pattern: string): boolean => new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'i').test(action);
  return [...new Set(allowed.filter((one) => matches(one.action)).map(({ role }) => role))].sort();
}

describe('rights over backups in an account', () => {
  it('are read from all roles', () => {
    expect(roles.length).toBeGreaterThan(8);
    expect(allowed.length).toBeGreaterThan(30);
    // The reader of patterns works: this one is granted by a wildcard or by name.
    expect(whoMay('s3:GetObject')).toContain('sluice-side-etcd');
    expect(whoMay('s3:PutObject')).toContain('sluice-side-etcd');
  });

  it('let one role remove, by version and below backups/ only', () => {
    expect(whoMay('s3:DeleteObjectVersion')).toEqual(['sluice-side-remover']);
    expect(allowed.filter(({ action }) => action === 's3:DeleteObjectVersion').map(({ resource }) => resource)).toEqual([
      ['${Bucket.Arn}/backups/*'],
    ]);
    // A removal without a version would only hide the object, from whoever restores.
    expect(whoMay('s3:DeleteObject')).toEqual([]);
  });

  it.each([
    's3:BypassGovernanceRetention',
    's3:PutBucketObjectLockConfiguration',
    's3:PutLifecycleConfiguration',
    's3:PutBucketVersioning',
    's3:PutObjectLegalHold',
  ])('let nobody %s', (action) => {
    expect(whoMay(action)).toEqual([]);
  });

  it('let what removes write nothing that it could remove, and what writes lock nothing', () => {
    expect(whoMay('s3:PutObjectRetention')).toEqual(['sluice-side-remover']);
    const written = allowed.filter(({ role, action }) => role === 'sluice-side-remover' && /^s3:(Put|\*)/i.test(action));
    expect(written.map(({ action, resource }) => [action, resource])).toEqual([
      ['s3:PutObjectRetention', ['${Bucket.Arn}/backups/*']],
      // The copies, in another bucket, where it removes nothing.
      ['s3:PutObject', ['arn:${AWS::Partition}:s3:::${ReplicaBucket}/backups/*']],
    ]);
    expect(whoMay('kms:Sign')).toEqual(['sluice-side-manifest']);
    expect(whoMay('kms:GenerateMac')).toEqual(['sluice-side-manifest']);
    expect(whoMay('kms:VerifyMac')).toEqual(['sluice-side-manifest', 'sluice-side-remover']);
  });
});

describe('the bucket of an account', () => {
  const bucket = Resources['Bucket']?.Properties;

  it('keeps what is written as long as an hourly backup stays, and has versions', () => {
    expect(bucket?.VersioningConfiguration).toEqual({ Status: 'Enabled' });
    expect(bucket?.ObjectLockEnabled).toBe(true);
    expect(bucket?.ObjectLockConfiguration).toEqual({
      ObjectLockEnabled: 'Enabled',
      Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: CLASSES.hourly } },
    });
  });

  it('has no rule that expires anything but parts of uploads, and moves what outlives the daily ones', () => {
    const rules = bucket?.LifecycleConfiguration?.Rules ?? [];

    expect(rules.length).toBeGreaterThan(1);
    expect(rules.flatMap((rule) => Object.keys(rule)).filter((key) => key.includes('Expir'))).toEqual([]);
    expect(rules).toContainEqual(
      expect.objectContaining({ Prefix: 'backups/', Transitions: [{ StorageClass: 'GLACIER_IR', TransitionInDays: ARCHIVE_DAYS }] }),
    );
  });
});
