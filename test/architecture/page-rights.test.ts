import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';

interface Serverless {
  readonly functions: Readonly<Record<string, { readonly role: string; readonly url?: unknown }>>;
  readonly resources: { readonly Resources: Readonly<Record<string, { readonly Properties: unknown }>> };
}

const source = readFileSync(new URL('../../serverless.yml', import.meta.url), 'utf8');
const { functions, resources } = parse(source, { logLevel: 'silent', merge: true }) as Serverless;

it('the page answers signed requests only', () => {
  expect(functions['page']?.url).toEqual({ authorizer: 'aws_iam' });
});

it('the page can read records and nothing else', () => {
  expect(functions['page']?.role).toBe('PageRole');
  const role = JSON.stringify(resources.Resources['PageRole']?.Properties);
  const actions = [...role.matchAll(/"Action":(\[[^\]]*\]|"[^"]*")/g)].flatMap(([, found = '']) => JSON.parse(found) as string | string[]);

  expect(new Set(actions)).toEqual(new Set(['sts:AssumeRole', 's3:ListBucket', 's3:GetObject']));
  // Who may take the role: Lambda.
  expect(role.match(/sts:AssumeRole/g)).toHaveLength(1);
  // Snapshots, renders and what is in Git are none of its business.
  expect(role).not.toMatch(/HubBucket\.Arn\}\/\*|snapshots|renders/);
  // Of plans their text, in which the values of Secrets are masked.
  expect(role.match(/plans[^'"]*/g)).toEqual(['plans/*.md']);
});
