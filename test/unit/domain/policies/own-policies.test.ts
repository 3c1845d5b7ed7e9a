import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseConfiguration } from '#domain/configuration.ts';
import { parseOwnPolicies, policyClashes, withPolicies } from '#domain/policies/own-policies.ts';
import { render } from '#domain/render.ts';
import { parseSettings } from '#domain/settings.ts';
import { validateConfiguration } from '#domain/validation.ts';
import { clusterRef, settingsHash } from '#domain/waves.ts';
import type { Finding } from '#model/checks.ts';
import { shippedSchemas } from '../../../../functions/plan/kubernetes-schemas.ts';
import { FIELDS, policyOf } from '../../../support/cel-expressions.ts';
import { NOW, unmarked } from '../../../support/policies.ts';
import { referenceSettings, referenceSnapshot } from '../../../support/reference-fleet.ts';

const PATH = 'channels/policies/pods.yaml';

function policy({
  name = 'no-latest',
  rules = '{ operations: [CREATE], apiGroups: [apps], apiVersions: [v1], resources: [deployments] }',
  more = '',
} = {}): string {
  return `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: ${name}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - ${rules}
  ${more}validations:
    - expression: object.spec.replicas > 1
      message: Run two.
`;
}

function binding(policyName = 'no-latest', name = 'no-latest'): string {
  return `---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: ${name} }
spec:
  policyName: ${policyName}
  validationActions: [Deny]
`;
}

function findings(marked: string, path = PATH): Finding[] {
  return [...parseOwnPolicies([{ path, content: unmarked(marked).text }]).findings];
}

function expectFound(marked: string, rule: string, message: string): void {
  expect(findings(marked)).toEqual(unmarked(marked).places.map((place) => ({ rule, level: 'failure', path: PATH, ...place, message })));
}

/** The reference fleet's settings with these policies. */
function settingsWith(text: string) {
  const { commit, files } = referenceSettings();
  return { commit, files: [...files, { path: PATH, content: text }] };
}

describe('parseOwnPolicies', () => {
  it('reads policies with their places, and names them by their content', () => {
    const { value, findings: found } = parseOwnPolicies([{ path: PATH, content: policy() + binding() }]);

    expect(found).toEqual([]);
    expect(value?.objects.map(({ manifest, path, line }) => [manifest.kind, path, line])).toEqual([
      ['ValidatingAdmissionPolicy', PATH, 1],
      ['ValidatingAdmissionPolicyBinding', PATH, 14],
    ]);
    expect(parseOwnPolicies([{ path: 'channels/policies/other.yaml', content: `# moved\n${policy()}${binding()}` }]).value?.hash).toBe(
      value?.hash,
    );
    expect(parseOwnPolicies([{ path: PATH, content: policy() + binding('no-latest', 'other') }]).value?.hash).not.toBe(value?.hash);
  });

  it('has no value without any, and reads nothing else', () => {
    const others = ['channels/dev.yaml', 'channels/policies/README.md', 'channels/policies.yaml'];
    expect(parseOwnPolicies(others.map((path) => ({ path, content: 'a: [' })))).toEqual({ findings: [] });
    expect(parseOwnPolicies([{ path: PATH, content: '# none yet\n' }])).toEqual({ findings: [] });
  });

  it('takes no other files', () => {
    expect(findings('a', 'channels/policies/pods.rego')).toEqual([
      {
        rule: 'unknown-file',
        level: 'failure',
        path: 'channels/policies/pods.rego',
        line: 1,
        column: 1,
        message: 'Nothing reads the file channels/policies/pods.rego. Policies are .yaml files.',
      },
    ]);
  });

  it.each([
    ['apiVersion: v1\n▸kind: ConfigMap\nmetadata: { name: a }\n', "v1 ConfigMap can't stand here. "],
    [
      policy().replace('kind: ', '▸kind: ').replace('AdmissionPolicy\n', 'AdmisionPolicy\n'),
      "admissionregistration.k8s.io/v1 ValidatingAdmisionPolicy can't stand here. Did you mean ValidatingAdmissionPolicy? ",
    ],
    [
      policy().replace('apiVersion: admissionregistration.k8s.io/v1', '▸apiVersion: admissionregistration.k8s.io/v1beta1') + binding(),
      "admissionregistration.k8s.io/v1beta1 ValidatingAdmissionPolicy can't stand here. ",
    ],
  ])('takes no other kinds', (text, message) =>
    expectFound(
      text,
      'policy-kind',
      `${message}Only ValidatingAdmissionPolicy and ValidatingAdmissionPolicyBinding of admissionregistration.k8s.io/v1 can.`,
    ),
  );

  it('takes a name of an object that every object has for no kind', () =>
    expectFound(
      'apiVersion: v1\n▸kind: constructor\nmetadata: { name: a }\n',
      'policy-kind',
      "v1 constructor can't stand here. Only ValidatingAdmissionPolicy and ValidatingAdmissionPolicyBinding of admissionregistration.k8s.io/v1 can.",
    ));

  it('knows the keys of a policy, and takes no parameters', () => {
    expectFound(
      policy().replace('failurePolicy', '▸failurPolicy') + binding(),
      'schema',
      'There is no key failurPolicy in spec. Did you mean failurePolicy?',
    );
    expect(findings(policy({ more: 'paramKind: { apiVersion: v1, kind: ConfigMap }\n  ' }) + binding())).toMatchObject([
      { rule: 'schema', line: 10, message: expect.stringContaining('There is no key paramKind in spec') },
    ]);
    expect(findings(policy() + binding().replace('[Deny]', '[Refuse]'))).toMatchObject([
      { rule: 'schema', message: 'spec.validationActions[0] must be one of Deny, Warn, Audit.' },
    ]);
  });

  it('tells what can not be read, and unknown variables', () => {
    expect(findings('a: [')).toMatchObject([{ rule: 'yaml', path: PATH }]);
    expect(findings(policy().replace('Run two.', 'Run ${TWO}.') + binding())).toMatchObject([{ rule: 'unknown-variable', line: 12 }]);
  });

  it('wants a binding for each policy, and a policy for each binding', () => {
    expectFound(
      policy().replace('name: no', '▸name: no'),
      'policy-binding',
      'no-latest has no ValidatingAdmissionPolicyBinding, so it counts nowhere.',
    );
    expectFound(
      policy() + binding() + binding('no-lates', 'second').replace('policyName', '▸policyName'),
      'policy-binding',
      'There is no policy no-lates. Did you mean no-latest?',
    );
  });

  it('finds an object that is there already', () => {
    const content = policy() + binding();
    const { findings: found } = parseOwnPolicies([
      { path: 'channels/policies/a.yaml', content },
      { path: PATH, content: policy() },
    ]);

    expect(found).toEqual([
      {
        rule: 'duplicate-object',
        level: 'failure',
        path: PATH,
        line: 4,
        column: 3,
        message: 'ValidatingAdmissionPolicy no-latest is there already, in channels/policies/a.yaml line 1.',
      },
    ]);
  });

  it.each([
    ["apiGroups: ['*']", "'*'"],
    ["apiGroups: ['']", "'*/*'"],
    ['apiGroups: [apps, coordination.k8s.io]', "'*'"],
  ])('refuses a policy for everything: %s', (groups, resource) =>
    expectFound(
      policy({ rules: `{ operations: [CREATE], ${groups}, apiVersions: [v1], resources: [pods, ▸${resource}] }` }) + binding(),
      'policy-too-wide',
      'It also judges leases or the state of nodes: wrong, it stops the cluster. Name the resources.',
    ),
  );

  it.each([
    "apiGroups: [apps], apiVersions: [v1], resources: ['*']",
    "apiGroups: ['*'], apiVersions: [v1], resources: [pods, pods/ephemeralcontainers]",
  ])('lets %s pass', (rules) => expect(findings(policy({ rules: `{ operations: [CREATE], ${rules} }` }) + binding())).toEqual([]));

  it.each(FIELDS)('knows that $what', ({ spec, refused }) => {
    const content = `${stringify(policyOf('no-latest', spec))}${binding()}`;
    const { findings: found } = parseOwnPolicies([{ path: PATH, content }]);

    expect(found.map(({ rule }) => rule)).toEqual(refused === undefined ? [] : ['policy-expression']);
  });

  it.each([
    ['- expression: object.spec.replicas > ▸two'],
    ['- expression: "object.spec.replicas > ▸two"'],
    ["- { message: Run two., expression: '(object.spec.replicas) > ▸two' }"],
    ['- expression: |-\n        object.spec.replicas > 1 ||\n          ▸two'],
    ['- expression: |\n        ▸two > 1\n'],
    // What is folded, or has escapes, stands otherwise in the file.
    ['- ▸expression: >-\n        object.spec.replicas >\n        two'],
    ['- ▸expression: "object.spec.replicas\\n > two"'],
  ])('tells where an expression is wrong: %s', (validation) =>
    expectFound(
      policy().replace('- expression: object.spec.replicas > 1\n      message: Run two.', validation) + binding(),
      'policy-expression',
      'The expression does not compile: nothing declares two. There are object, oldObject, request, namespaceObject, authorizer, variables.',
    ),
  );

  it('tells each expression that is wrong, in any document', () => {
    const wrong = policy({ name: 'second', more: 'variables: [{ name: a, expression: b }]\n  ' }).replace('> 1', '> ');
    expect(findings(`${policy() + binding()}---\n${wrong}${binding('second', 'second')}`)).toMatchObject([
      { rule: 'policy-expression', line: 30, message: expect.stringContaining('declares b.') },
      { rule: 'policy-expression', line: 32, message: expect.stringContaining('a value is missing before the end.') },
    ]);
  });

  it('takes 100 objects and no more', () => {
    const many = (count: number) => policy() + Array.from({ length: count }, (_, index) => binding('no-latest', `b${index}`)).join('');

    expect(findings(many(99))).toEqual([]);
    expect(findings(many(100))).toMatchObject([
      { rule: 'policy-bounds', level: 'failure', line: 708, message: 'There are 101 policies and bindings, more than 100.' },
    ]);
  });

  it('takes 262144 characters and no more', () => {
    const text = policy() + binding();
    const long = (size: number) => `${text}#${'x'.repeat(size - text.length - 1)}`;

    expect(findings(long(262_144))).toEqual([]);
    expect(findings(long(262_145))).toEqual([
      {
        rule: 'policy-bounds',
        level: 'failure',
        path: PATH,
        line: 1,
        column: 1,
        message: 'The policies have 262145 characters, more than 262144.',
      },
    ]);
  });
});

describe('the policies of the settings', () => {
  const configuration = parseConfiguration(referenceSnapshot()).value;
  if (configuration === undefined) throw new Error('the reference configuration is not valid');
  const { value } = parseSettings(settingsWith(policy() + binding()));
  const channel = value?.settings.channels[0];
  const entry = channel?.clusters[0];
  if (value === undefined || channel === undefined || entry === undefined) throw new Error('the settings are not valid');

  it('are part of the desired state of every cluster', () => {
    const without = parseSettings(referenceSettings()).value?.settings.channels[0];
    const other = parseSettings(settingsWith(policy() + binding('no-latest', 'other'))).value?.settings.channels[0];
    if (without === undefined || other === undefined) throw new Error('the settings are not valid');

    const hashes = [without, channel, other].map((file) => settingsHash(clusterRef(entry, file)));

    expect(new Set(hashes).size).toBe(3);
    expect(clusterRef(entry, channel).policies).toBe(value.policies?.hash);
    expect('policies' in clusterRef(entry, without)).toBe(false);
  });

  it('stop the settings when they can not be read', () => {
    expect(parseSettings(settingsWith('a: ['))).toMatchObject({ findings: [{ rule: 'yaml', path: PATH }] });
    expect(parseSettings(settingsWith('a: [')).value).toBeUndefined();
  });

  it('are a component before all others, by a name that no component can have', () => {
    const rendered = render(withPolicies(configuration, value.policies), clusterRef(entry, channel));

    expect(rendered.components[0]).toMatchObject({ name: 'fleet.policies', phase: 'before-control-plane' });
    expect(rendered.components[0]?.objects.map(({ kind }) => kind).sort()).toEqual([
      'ValidatingAdmissionPolicy',
      'ValidatingAdmissionPolicyBinding',
    ]);
    expect(rendered.components.length).toBe(configuration.components.length + 1);
  });

  it('make one configuration of the same two, so that it is rendered once', () => {
    const again = parseSettings(settingsWith(policy() + binding())).value?.policies;
    const other = parseSettings(settingsWith(policy() + binding('no-latest', 'other'))).value?.policies;

    expect(withPolicies(configuration, again)).toBe(withPolicies(configuration, value.policies));
    expect(withPolicies(configuration, other)).not.toBe(withPolicies(configuration, value.policies));
    expect(withPolicies(configuration, undefined)).toBe(configuration);
  });

  it('are refused again in the configuration', () => {
    const head = referenceSnapshot({
      'components/probe/component.yaml': 'name: probe\nphase: system\n',
      'components/probe/policy.yaml': `# ours\n${policy()}`,
    });
    const target = { settings: settingsWith(policy() + binding()), branch: 'dev', now: NOW };

    expect(validateConfiguration({ head, base: undefined, target }, shippedSchemas)[0]).toEqual({
      rule: 'duplicate-object',
      level: 'failure',
      path: 'channels/cluster/components/probe/policy.yaml',
      line: 2,
      column: 1,
      message: `ValidatingAdmissionPolicy no-latest is there already, on main in ${PATH} line 1.`,
    });
    expect(policyClashes(configuration, value.policies)).toEqual([]);
    expect(policyClashes(configuration, undefined)).toEqual([]);
  });
});
