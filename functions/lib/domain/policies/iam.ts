import type { Template } from '../template.ts';
import { walk } from '../template.ts';
import type { ValuePath } from '../yaml-source.ts';
import { FAILS, type Policy, type Violation } from './policy.ts';
import type { PolicySubject } from './subject.ts';
import { entriesAt, isMapping, listOf, type Mapping, valueAt } from './values.ts';

export const iamWildcards: Policy = {
  id: 'iam-wildcard',
  title: 'No IAM statement allows all actions on all resources',
  why: 'whoever takes over one pod or instance would own the account.',
  fix: 'name the actions, or the resources, or both.',
  levels: FAILS,
  check: (subject) =>
    statements(subject).flatMap(({ template, resource, statement, path, inText }) => {
      // In the policy of a key every resource is that key.
      if (statement['Effect'] !== 'Allow' || path.includes('KeyPolicy')) return [];
      const actions = listOf(statement['Action']).filter((action) => typeof action === 'string' && /^(\*|[a-z0-9-]+:\*)$/i.test(action));
      const all = actions.length > 0 && listOf(statement['Resource']).includes('*');
      const message = `${actions.join(', ')} on every resource. Name the actions or the resources.`;
      return all ? [violation(subject, template, resource, inText ? path : [...path, 'Action'], message)] : [];
    }),
};

export const iamTrust: Policy = {
  id: 'iam-trust',
  title: 'A role is trusted to named principals only',
  why: 'a role that everybody may assume, or every service account of the cluster, protects nothing.',
  fix: 'name the service or the role; for web identities add conditions on `:sub` and `:aud` that name one of each.',
  levels: FAILS,
  check: (subject) => [
    ...unreadableTrust(subject),
    ...statements(subject).flatMap(({ template, resource, statement, path, inText }) => {
      if (statement['Effect'] !== 'Allow' || statement['Principal'] === undefined) return [];
      const problem = trustProblem(statement);
      return problem === undefined ? [] : [violation(subject, template, resource, inText ? path : [...path, 'Principal'], problem)];
    }),
  ],
};

function trustProblem(statement: Mapping): string | undefined {
  const principal = statement['Principal'];
  const bare = statement['Condition'] === undefined;
  if (bare && (principal === '*' || listOf(valueAt(principal, ['AWS'])).includes('*'))) return 'everybody may use it. Name the principal.';
  if (valueAt(principal, ['Federated']) === undefined) return undefined;
  const subjects = namedBy(statement, ':sub');
  if (subjects.length === 0) return 'every service account of the cluster may use it. Add a condition on :sub.';
  if (subjects.some((name) => /[*?]/.test(name))) return 'several service accounts may use it. Name one in the condition on :sub.';
  return namedBy(statement, ':aud').length === 0
    ? 'a token that was made for somebody else is taken as well. Add a condition on :aud.'
    : undefined;
}

/**
 * What a condition compares a key of the token with. Only operators count that fail where the key is missing, and that no other
 * value passes.
 */
export function namedBy(statement: unknown, key: string): string[] {
  return ['StringEquals', 'StringLike'].flatMap((operator) =>
    entriesAt(statement, ['Condition', operator])
      .filter(([name]) => name.endsWith(key))
      .flatMap(([, values]) => listOf(values).map(namedText)),
  );
}

/** A name as it is written; what is made in any other way than by `Fn::Sub` may be anything. */
function namedText(value: unknown): string {
  const text = asWritten(value);
  return typeof text === 'string' ? text : '*';
}

/** The text of a `Fn::Sub`, or the value itself. */
function asWritten(value: unknown): unknown {
  return valueAt(value, ['Fn::Sub', 0]) ?? valueAt(value, ['Fn::Sub']) ?? value;
}

/** Who may assume a role must be known before it is merged. */
function unreadableTrust(subject: PolicySubject): Violation[] {
  return subject.templates.flatMap((template) =>
    Object.entries(template.body.Resources)
      .filter(([, { Type }]) => Type === 'AWS::IAM::Role')
      .flatMap(([id, { Properties }]) => {
        const document = valueAt(Properties, ['AssumeRolePolicyDocument']);
        if (document === undefined || valueAt(policyDocument(document), ['Statement']) !== undefined) return [];
        const path = ['Resources', id, 'Properties', 'AssumeRolePolicyDocument'];
        return [violation(subject, template, id, path, 'who may use it can not be read. Write it as YAML, or as JSON in Fn::Sub.')];
      }),
  );
}

/** A policy as it is written, or as text of JSON: in a text `Fn::Sub` makes the name of a key, which nothing else can. */
export function policyDocument(value: unknown): unknown {
  const text = asWritten(value);
  if (typeof text !== 'string') return value;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An ARN with the digits of an account: right in one cluster, and wrong in all others. */
const ACCOUNT_ARN = /arn:[a-z-]+:(?:iam|sts|kms|secretsmanager|s3|ec2|elasticloadbalancing):[a-z0-9-]*:\d{12}:/;

export const literalAccounts: Policy = {
  id: 'literal-account',
  title: 'No account id is written out',
  why: 'one configuration serves all clusters: an account id is right in one of them only.',
  fix: 'write `${ACCOUNT}` in manifests, `${AWS::AccountId}` in templates.',
  levels: FAILS,
  check: (subject) => [
    ...subject.objects.flatMap((object) =>
      textsIn(object.manifest)
        .filter(({ text }) => ACCOUNT_ARN.test(text))
        .map(({ path }) => object.violation(path, 'an account id is written out. Write ${ACCOUNT}.')),
    ),
    ...subject.templates.flatMap((template) =>
      textsIn(template.body)
        .filter(({ text }) => ACCOUNT_ARN.test(text))
        .map(({ path }) =>
          violation(subject, template, String(path[1] ?? ''), path, 'an account id is written out. Write ${AWS::AccountId}.'),
        ),
    ),
  ],
};

/** Types whose loss can not be made good. */
const KEPT_TYPES = ['AWS::S3::Bucket', 'AWS::KMS::Key', 'AWS::EC2::Volume', 'AWS::RDS::DBInstance', 'AWS::DynamoDB::Table'];

export const deletionPolicies: Policy = {
  id: 'deletion-policy',
  title: 'What holds data is kept when its stack goes',
  why: 'a renamed resource or a deleted stack would take bucket, key or volume with it, and a key takes all that it encrypts.',
  fix: 'set `DeletionPolicy: Retain` and `UpdateReplacePolicy: Retain`.',
  levels: FAILS,
  check: (subject) =>
    subject.templates.flatMap((template) =>
      Object.entries(template.body.Resources)
        .filter(([, body]) => KEPT_TYPES.includes(body.Type))
        .flatMap(([id, body]) => {
          const missing = ['DeletionPolicy', 'UpdateReplacePolicy'].filter((key) => !/^(Retain|Snapshot)/.test(String(body[key])));
          const message = `it goes with its stack. Set ${missing.join(' and ')} to Retain.`;
          return missing.length === 0 ? [] : [violation(subject, template, id, ['Resources', id], message)];
        }),
    ),
};

interface Statement {
  readonly template: Template;
  readonly resource: string;
  readonly statement: Mapping;
  readonly path: ValuePath;
  /** Whether it stands in a text, which has one place only. */
  readonly inText: boolean;
}

/** Statements of all policies in all templates: what has an Effect. */
function statements(subject: PolicySubject): Statement[] {
  return subject.templates.flatMap((template) => {
    const found: Statement[] = [];
    const add = (value: unknown, path: ValuePath, inText: boolean): void => {
      if (isMapping(value) && isText(value['Effect']))
        found.push({ template, resource: String(path[1] ?? ''), statement: value, path, inText });
    };
    walk(template.body, [], (value, path) => {
      add(value, path, false);
      if (!/PolicyDocument$/.test(String(path.at(-1)))) return;
      const written = policyDocument(value);
      if (written !== value) walk(written, [], (each) => add(each, path, true));
    });
    return found;
  });
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function textsIn(value: unknown): { text: string; path: ValuePath }[] {
  const found: { text: string; path: ValuePath }[] = [];
  walk(value, [], (entry, path) => {
    if (typeof entry === 'string') found.push({ text: entry, path });
  });
  return found;
}

function violation(subject: PolicySubject, template: Template, resource: string, path: ValuePath, message: string): Violation {
  const name = template.path.slice(template.path.lastIndexOf('/') + 1).replace('.yaml', '');
  return subject.inTemplate(template, path, `${name} ${resource}`, message);
}
