import type { Manifest } from '#model/render.ts';

/** Expressions of a ValidatingAdmissionPolicy that real API servers take; the contract suite asks them. */
export const TAKEN: readonly string[] = [
  'object.spec.replicas > 1',
  '!has(object.spec.externalIPs) || object.spec.externalIPs.size() == 0',
  "object.metadata.?labels[?'app'].orValue('') != 'a'",
  "object.spec.containers.all(c, c.image.contains('@sha256:'))",
  "object.spec.containers.map(c, c.name).exists_one(n, n == 'x')",
  'object.spec.containers.filter(c, has(c.ports)).map(c, c.ports.exists(p, p.hostPort > 0), c.name).size() == 0',
  'object.items.all(one, one.parts.exists(part, part.of == one.name))',
  '[1, 2].all(i, v, i < v)',
  "{'a': 1}.exists(k, v, k == 'a' && v == 1)",
  '[1, 2].transformList(i, v, v * i).size() == 2',
  "{'a': 1}.transformMap(k, v, v + 1).size() == 1",
  "request.userInfo.groups.exists(g, g == 'operators') && request.operation in ['CREATE', 'UPDATE']",
  'namespaceObject.metadata.labels.size() > 0 && oldObject == null',
  "authorizer.group('').resource('pods').namespace('a').check('create').allowed()",
  "authorizer.requestResource.check('update').allowed()",
  "url('https://a.example/').getHost() == 'a.example'",
  "quantity('1Gi').isGreaterThan(quantity('1Mi'))",
  "isIP('192.0.2.1') && ip('192.0.2.1').family() == 4 && ip.isCanonical('192.0.2.1')",
  "cidr('10.0.0.0/8').containsIP('10.1.1.1')",
  "!format.dns1123Label().validate('a').hasValue()",
  'sets.contains([1, 2], [1]) && [1, 2].isSorted() && [1, 2].sum() == 3',
  "'a,b'.split(',').join('-') == 'a-b' && '%s %d'.format(['a', 1]) == 'a 1'",
  "strings.quote('a') != ''",
  "semver('1.2.3').major() == 1",
  "'abc'.find('b') == 'b' && 'a1'.findAll('[0-9]') == ['1']",
  'optional.of(1).hasValue() && optional.none().orValue(2) == 2',
  "timestamp('2026-01-01T00:00:00Z') < timestamp('2026-01-02T00:00:00Z') && duration('1h').getHours() == 1",
  "type(1) == int && type('a') == string && type([]) == list && type(null) == null_type",
  "type(timestamp('2026-01-01T00:00:00Z')) == google.protobuf.Timestamp",
  'dyn(1) == 1 && .object.kind == "Pod"',
  String.raw`r'\d' == '\\d' && R"\d" == "\\d"`,
  "'\\x41\\X41\\101\\u0041\\U00000041' == 'AAAAA' && '\\a\\b\\f\\n\\r\\t\\v\\\"\\'\\?\\`\\\\' != ''",
  `"""one "two"\nthree""" != '''it's''' && r"""a\\q""" != r'''b\\q'''`,
  "b'abc' == B\"abc\" && br'a' == bR'a'",
  '0x1F == 31 && 1u == 0x1u && 1U > 0u && 1.5e3 > .5 && 1E+3 == 1000.0 && 2e-1 < 1.0',
  'true // to the end\n || false // of all',
  '[1, 2,] == [1, 2] && {"a": 1, }.size() == 1 && [] == [] && {} == {}',
  "[?optional.of(1), 2].size() == 2 && {?'a': optional.of(1)}.size() == 1",
  '!!true && - 1 == -1 && (((1))) + 2 * 3 % 4 / 5 - 6 >= -7',
  'object.__namespace__.__dot__x == 1',
  '(object.a ? 1 : object.b ? 2 : 3) == 1',
];

/** Expressions that they refuse, where ours is told, and why. */
export const REFUSED: readonly (readonly [expression: string, offset: number, message: string])[] = [
  ['object.spec.(', 12, 'a name is missing before (.'],
  ['object.spec.replicas >', 22, 'a value is missing before the end.'],
  ['object.spec.replicas = 1', 21, '= is no operator; == compares.'],
  ['object.a === 1', 11, '= is no operator; == compares.'],
  ['object.a => 1', 9, '= is no operator; == compares.'],
  ['', 0, 'a value is missing before the end.'],
  ['// nothing', 10, 'a value is missing before the end.'],
  ['&& true', 0, 'a value is missing before &&.'],
  ['true )', 5, 'an operator or the end is missing before ).'],
  ['true false', 5, 'an operator or the end is missing before false.'],
  ['if true', 3, 'an operator or the end is missing before true.'],
  ['object.a in', 11, 'a value is missing before the end.'],
  ['in [1]', 0, 'a value is missing before in.'],
  ['has(object.a', 12, ') is missing before the end.'],
  ['(object.a || object.b', 21, ') is missing before the end.'],
  ['object.a(1 2)', 11, ') is missing before 2.'],
  ['object.all(a, b, a c)', 19, ') is missing before c.'],
  ['[1, 2', 5, '] is missing before the end.'],
  ['[1, , 2]', 4, 'a value is missing before ,.'],
  ["{'a' 1}", 5, ': is missing before 1.'],
  ["{'a': 1", 7, '} is missing before the end.'],
  ["object['a'", 10, '] is missing before the end.'],
  ['object[]', 7, 'a value is missing before ].'],
  ['object.a ? 1', 12, ': is missing before the end.'],
  ['object.a ? 1 ? 2 : 3 : 4', 13, ': is missing before ?.'],
  ['object..a', 7, 'a name is missing before ..'],
  ["object.'a'", 7, "a name is missing before 'a'."],
  ['1.', 2, 'a name is missing before the end.'],
  ["object.?a('b')", 9, 'an operator or the end is missing before (.'],
  ['object.a # 1', 9, "# can't stand here."],
  ['object.a & true', 9, "& can't stand here."],
  ['object.größe > 1', 9, "ö can't stand here."],
  ["object.a == 'b", 12, 'the text has no end here, or an escape that CEL does not know.'],
  ['object.a == "b\n"', 12, 'the text has no end here, or an escape that CEL does not know.'],
  ["object.a.matches('\\d')", 17, 'the text has no end here, or an escape that CEL does not know.'],
  ["object.a == '\\477'", 12, 'the text has no end here, or an escape that CEL does not know.'],
  ['objct.spec.replicas > 1', 0, 'nothing declares objct. Did you mean object?'],
  ["objct.name.startsWith('a')", 0, 'nothing declares objct. Did you mean object?'],
  ["objct.startsWith('a')", 0, 'nothing declares objct. Did you mean object?'],
  [
    'object.a > 1 && params.b > 1',
    16,
    'nothing declares params. There are object, oldObject, request, namespaceObject, authorizer, variables.',
  ],
  ['self.replicas > 1', 0, 'nothing declares self. There are object, oldObject, request, namespaceObject, authorizer, variables.'],
  [
    'object.spec.containers.all(c, d.image != "")',
    30,
    'nothing declares d. There are object, oldObject, request, namespaceObject, authorizer, variables.',
  ],
  ['object.a.all(c, c.b) && c.b', 24, 'nothing declares c. There are object, oldObject, request, namespaceObject, authorizer, variables.'],
  ['has(c.b)', 4, 'nothing declares c. There are object, oldObject, request, namespaceObject, authorizer, variables.'],
  ['max(c, 1) == 1', 4, 'nothing declares c. There are object, oldObject, request, namespaceObject, authorizer, variables.'],
  ['variables.missing > 1', 10, 'no variable missing is declared before.'],
  ['variables.replica > 1', 10, 'no variable replica is declared before. Did you mean replicas?'],
  [`${'('.repeat(250)}1${')'.repeat(250)} == 1`, 250, 'it is nested more than 250 times.'],
];

interface Named {
  readonly name: string;
  readonly expression: string;
}

/** A policy with one validation, and what else its `spec` has. */
export function policyOf(name: string, spec: Readonly<Record<string, unknown>>): Manifest {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: {
      matchConstraints: {
        resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] }],
      },
      variables: [{ name: 'replicas', expression: 'object.spec.replicas' }],
      validations: [{ expression: 'true' }],
      ...spec,
    },
  };
}

const two = (first: string, second: string): Named[] => [
  { name: 'first', expression: first },
  { name: 'second', expression: second },
];

/** What each field may name: `spec`, and the place of the expression that is refused, if one is. */
export const FIELDS: readonly { readonly what: string; readonly spec: Readonly<Record<string, unknown>>; readonly refused?: string }[] = [
  {
    what: 'a match condition names the object',
    spec: { matchConditions: [{ name: 'a', expression: "object.a == 'a' && namespaceObject.metadata.name == 'b'" }] },
  },
  {
    what: 'a match condition asks the authorizer',
    spec: { matchConditions: [{ name: 'a', expression: "authorizer.group('').resource('pods').check('get').allowed()" }] },
  },
  {
    what: 'a match condition has no variables',
    spec: { matchConditions: [{ name: 'a', expression: 'variables.replicas > 1' }] },
    refused: 'spec.matchConditions[0].expression',
  },
  { what: 'a variable names an earlier one', spec: { variables: two('1', 'variables.first + 1') } },
  { what: 'a variable names no later one', spec: { variables: two('variables.second + 1', '1') }, refused: 'spec.variables[0].expression' },
  {
    what: 'a variable does not name itself',
    spec: { variables: two('variables.first + 1', '1') },
    refused: 'spec.variables[0].expression',
  },
  {
    what: 'a message names variables',
    spec: { validations: [{ expression: 'true', messageExpression: "'has ' + string(variables.replicas)" }] },
  },
  {
    what: 'a message does not ask the authorizer',
    spec: {
      validations: [{ expression: 'true', messageExpression: "string(authorizer.group('').resource('pods').check('get').allowed())" }],
    },
    refused: 'spec.validations[0].messageExpression',
  },
  {
    what: 'a message is an expression',
    spec: { validations: [{ expression: 'true', messageExpression: 'has {{ replicas }}' }] },
    refused: 'spec.validations[0].messageExpression',
  },
  { what: 'an annotation names variables', spec: { auditAnnotations: [{ key: 'a', valueExpression: 'string(variables.replicas)' }] } },
  {
    what: 'an annotation names declared variables only',
    spec: { auditAnnotations: [{ key: 'a', valueExpression: 'string(variables.other)' }] },
    refused: 'spec.auditAnnotations[0].valueExpression',
  },
  {
    what: 'a validation names no variable where none is declared',
    spec: { variables: [], validations: [{ expression: 'variables.replicas > 1' }] },
    refused: 'spec.validations[0].expression',
  },
];
