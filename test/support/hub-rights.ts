import { readFileSync } from 'node:fs';
import { parse, type ScalarTag } from 'yaml';

/** One action that a role may do, or may not, with what it may do it to as the template writes it. */
export interface Right {
  readonly effect: 'Allow' | 'Deny';
  readonly action: string;
  readonly resources: readonly string[];
  readonly condition: unknown;
}

interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: unknown;
}

export interface HubResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>> & {
    readonly RoleName?: string;
    readonly ManagedPolicyArns?: readonly string[];
    readonly AssumeRolePolicyDocument?: { readonly Statement: readonly unknown[] };
    readonly Policies?: readonly { readonly PolicyDocument: { readonly Statement: readonly Statement[] } }[];
  };
}

export interface HubFunction {
  readonly name: string;
  readonly role: string;
  readonly url?: unknown;
  readonly events?: readonly unknown[];
  readonly vpc?: unknown;
}

/** `!Sub` and the like keep their text. */
const TAGS: ScalarTag[] = ['!Sub', '!Ref', '!GetAtt'].map((tag) => ({ tag, resolve: (text: string) => text }));

const source = readFileSync(new URL('../../serverless.yml', import.meta.url), 'utf8');
const hub = parse(source, { logLevel: 'silent', merge: true, customTags: TAGS }) as {
  readonly functions: Readonly<Record<string, HubFunction>>;
  readonly resources: { readonly Resources: Readonly<Record<string, HubResource>> };
};

/** CloudFormation's short tags as its long functions. */
const LONG: ScalarTag[] = [
  { tag: '!Sub', resolve: (text: string) => ({ 'Fn::Sub': text }) },
  { tag: '!Ref', resolve: (text: string) => ({ Ref: text }) },
  { tag: '!GetAtt', resolve: (text: string) => ({ 'Fn::GetAtt': text.split('.') }) },
];

/** A template of these resources of serverless.yml, by logical id, as osls hands them to CloudFormation. @throws Error when one is missing */
export function hubTemplate(names: readonly string[]): { readonly Resources: Readonly<Record<string, HubResource>> } {
  const { resources } = parse(source, { logLevel: 'silent', merge: true, customTags: LONG }) as typeof hub;
  const missing = names.filter((name) => resources.Resources[name] === undefined);
  if (missing.length > 0) throw new Error(`serverless.yml has no ${missing.join(', ')}`);
  return { Resources: Object.fromEntries(Object.entries(resources.Resources).filter(([name]) => names.includes(name))) };
}

/** What serverless.yml deploys into the hub's account, by logical id. */
export const hubResources = hub.resources.Resources;
/** Functions of the hub by folder. */
export const hubFunctions = hub.functions;

/** What a role's own policies allow and deny. @throws Error when there is no such role, or it has none */
export function rightsOf(role: string): Right[] {
  const rights = (hubResources[role]?.Properties?.Policies ?? []).flatMap(({ PolicyDocument }) =>
    PolicyDocument.Statement.flatMap(({ Effect, Action, Resource, Condition }) =>
      [Action].flat().map((action) => ({ effect: Effect, action, resources: [Resource].flat(), condition: Condition })),
    ),
  );
  if (rights.length === 0) throw new Error(`serverless.yml gives the role ${role} no rights`);
  return rights;
}

/** Whether the role may do this to the object of the hub's bucket, conditions aside. */
export function mayTouch(role: string, action: string, key: string): boolean {
  return rightsOf(role).some(
    (right) => right.effect === 'Allow' && right.action === action && right.resources.some((pattern) => covers(pattern, key)),
  );
}

/** Whether a resource of a policy means the object of the hub's bucket. */
export function covers(resource: string, key: string): boolean {
  const pattern = resource.replace('${HubBucket.Arn}/', '');
  if (pattern === resource) return false;
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(key);
}
