import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse, type ScalarTag } from 'yaml';

/** `!Sub` and the like keep their text. */
const TAGS: ScalarTag[] = ['!Sub', '!Ref', '!GetAtt'].map((tag) => ({ tag, resolve: (text: string) => text }));

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
}
interface Role {
  readonly Properties: {
    readonly RoleName: string;
    readonly AssumeRolePolicyDocument: { readonly Statement: readonly { readonly Condition?: unknown }[] };
    readonly Policies: readonly { readonly PolicyDocument: { readonly Statement: readonly Statement[] } }[];
  };
}

function rolesOf(file: string): Map<string, Role> {
  const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  const parsed = parse(source, { logLevel: 'silent', merge: true, customTags: TAGS }) as {
    Resources?: Record<string, { Type: string } & Role>;
    resources?: { Resources: Record<string, { Type: string } & Role> };
  };
  const all = Object.values(parsed.Resources ?? parsed.resources?.Resources ?? {});
  return new Map(all.filter(({ Type }) => Type === 'AWS::IAM::Role').map((role) => [role.Properties.RoleName, role]));
}

function statements(role: Role | undefined): (readonly [string, readonly string[]])[] {
  return (role?.Properties.Policies ?? []).flatMap(({ PolicyDocument }) =>
    PolicyDocument.Statement.flatMap(({ Action, Resource }) => [Action].flat().map((action) => [action, [Resource].flat()] as const)),
  );
}

const account = rolesOf('channels/bootstrap/account.yaml');
const hub = rolesOf('serverless.yml');

describe('what a pull request that is not merged may start in a cluster’s account', () => {
  const FUNCTION = 'arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:sluice-rehearsal';

  it('is one function, by a role that only the rehearsing function of the hub has', () => {
    const role = account.get('sluice-rehearse');

    expect(statements(role)).toEqual([['lambda:InvokeFunction', [FUNCTION]]]);
    expect(JSON.stringify(role?.Properties.AssumeRolePolicyDocument.Statement[0]?.Condition)).toContain('role/sluice-rehearse"');
    expect(statements(hub.get('sluice-rehearse')).filter(([action]) => action === 'sts:AssumeRole')).toEqual([
      ['sts:AssumeRole', ['arn:${AWS::Partition}:iam::*:role/sluice-rehearse']],
    ]);
    const others = [...account].filter(([name, one]) => name !== 'sluice-rehearse' && JSON.stringify(statements(one)).includes(FUNCTION));
    expect(others).toEqual([]);
  });

  it('writes nothing and signs nothing', () => {
    const actions = statements(account.get('sluice-side-rehearsal')).map(([action]) => action);

    expect([...actions].sort()).toEqual(['kms:Decrypt', 's3:GetObject', 's3:ListBucket', 'secretsmanager:GetSecretValue']);
    const writes = statements(hub.get('sluice-rehearse')).filter(([action]) => /Put|Delete|Start|\*/.test(action));
    expect(writes).toEqual([]);
  });

  it('can not be changed by the hub', () => {
    const denied = statements(account.get('sluice-hub')).filter(([action]) => action === 'iam:*');

    expect(denied).toHaveLength(1);
    expect(denied[0]?.[1]).toContain('arn:${AWS::Partition}:iam::${AWS::AccountId}:role/sluice-rehearse');
  });
});
