import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { deletionPolicies, iamTrust, iamWildcards, literalAccounts } from '#domain/policies/iam.ts';
import { resources } from '#domain/policies/instances.ts';
import { policySubject, type ReadConfiguration } from '#domain/policies/subject.ts';
import { valueAt } from '#domain/policies/values.ts';
import { parseTemplate, type Template } from '#domain/template.ts';
import { templateRuleFindings } from '#domain/template-rules.ts';
import { templateTypeFindings } from '#domain/template-types.ts';

const PATH = 'channels/bootstrap/account.yaml';
const TEXT = readFileSync(new URL(`../../../${PATH}`, import.meta.url), 'utf8');

function account(text = TEXT): Template {
  const { value, findings } = parseTemplate(PATH, text);
  expect(findings).toEqual([]);
  if (value === undefined) throw new Error(`${PATH} can't be read`);
  return value;
}

function violations(template: Template): string[] {
  const nothing: ReadConfiguration = {
    versions: undefined,
    pools: [],
    templates: { network: template, etcd: undefined, 'control-plane': undefined, 'node-pool': undefined },
    userData: { common: undefined, etcd: undefined, 'control-plane': undefined, node: undefined },
    components: [],
    conformance: [],
    load: [],
  };
  const subject = policySubject(nothing, [], '2026-01-05T08:00:00.000Z');
  return [iamWildcards, iamTrust, literalAccounts, deletionPolicies].flatMap((policy) =>
    policy.check(subject).map(({ object }) => `${policy.id} ${object}`),
  );
}

it('is a template of types and properties that AWS has', () => {
  const template = account();

  expect([...templateRuleFindings(template), ...templateTypeFindings(template)]).toEqual([]);
});

it('passes the policies for templates, which find what is wrong in it', () => {
  // A boundary gives no right by itself: it is what the policies of roles can't go beyond.
  const boundary = 'iam-wildcard account Boundary';
  // Everybody may read the keys by which tokens are verified: that is what they are for.
  const issuer = 'iam-trust account IssuerBucketPolicy';
  const unkept = TEXT.replace('DeletionPolicy: Retain', 'DeletionPolicy: Delete');

  expect(violations(account())).toEqual([boundary, issuer]);
  expect(violations(account(unkept))).toEqual([boundary, issuer, 'deletion-policy account Bucket']);
});

it('keeps backups: old versions, none removed before its time, and nothing public', () => {
  // That of the public keys holds no backup, and is made to be read.
  const buckets = resources(account(), 'AWS::S3::Bucket').filter(({ id }) => id !== 'IssuerBucket');

  expect(buckets.length).toBeGreaterThan(0);
  for (const { body } of buckets) {
    expect(valueAt(body, ['Properties', 'VersioningConfiguration'])).toEqual({ Status: 'Enabled' });
    expect(valueAt(body, ['Properties', 'ObjectLockConfiguration', 'Rule', 'DefaultRetention'])).toMatchObject({ Days: 7 });
    expect(Object.values(valueAt(body, ['Properties', 'PublicAccessBlockConfiguration']) ?? {})).toEqual([true, true, true, true]);
  }
});
