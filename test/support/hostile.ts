import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const CLUSTER = join(import.meta.dirname, '../../channels/cluster');
const MEBIBYTE = 1024 * 1024;

/** Numbers from a seed (mulberry32): the same seed gives the same numbers, on every machine. */
export function numbersFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function filled(part: string, length = MEBIBYTE): string {
  return part.repeat(Math.ceil(length / part.length)).slice(0, length);
}

function lines(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => line(index)).join('\n');
}

const OBJECT = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, namespace: default }\n';
const TEMPLATE = 'Resources:\n';
const DEFINITION = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: gates.example.net }
spec:
  group: example.net
  scope: Cluster
  names: { kind: Gate, plural: gates }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema: `;

const POLICY = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: a }
spec:
  matchConstraints: { resourceRules: [{ apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments] }] }
  variables: [{ name: b, expression: "object.spec.containers.filter(c, has(c.image)).map(c, c.image)" }]
  validations:
    - expression: "variables.b.all(c, c.contains('@sha256:')) || [1, {'d': 2.5}].size() in [2] ? !false : object.e > -1 // f"
      messageExpression: "'has ' + string(object.metadata.?labels[?'g'].orValue(''))"
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: a }
spec: { policyName: a, validationActions: [Deny] }
`;

/** The policy with another expression. */
function expressing(expression: string): string {
  return POLICY.replace(/(?<=- expression: ).*/, () => JSON.stringify(expression));
}

/** Texts that are each hard in one way. Made when asked for: together they are large. */
export const BOMBS: Readonly<Record<string, () => string>> = {
  empty: () => '',
  'an expression of brackets': () => expressing('('.repeat(200_000)),
  'an expression of operators': () => expressing(`${'!'.repeat(100_000)}${'1+'.repeat(50_000)}1`),
  'an expression of macros': () => expressing(`${'a.all(b,'.repeat(20_000)}1`),
  'an expression of quotes': () => expressing(`r'''${'"""x'.repeat(20_000)}`),
  'one line of 10 MB': () => 'a'.repeat(10_000_000),
  'a key of 1 MB': () => `${'k'.repeat(1_000_000)}: 1`,
  'a value of 1 MB': () => `${OBJECT}data: { a: ${'v'.repeat(1_000_000)} }`,
  'a number of 1 MB': () => `a: ${'9'.repeat(1_000_000)}`,
  'nested lists': () => filled('['),
  'nested mappings': () => filled('{a: '),
  'nested blocks': () => filled('- '),
  'nested keys': () => filled('? '),
  'nested indents': () => lines(1400, (index) => `${' '.repeat(index)}a:`),
  'closing brackets': () => filled(']'),
  'closing braces': () => filled('}'),
  'closed lists': () => filled('[]'),
  'list of many': () => `[${filled('a,')}`,
  'mapping of many': () => `{${filled('a: b, ')}`,
  'mapping of quoted': () => `[${filled('"a",')}`,
  'many keys': () => lines(90_000, (index) => `k${index}: v`),
  'many equal keys': () => filled('a: b\n'),
  'many entries': () => filled('- a\n'),
  'many documents': () => filled('---\n'),
  'many small documents': () => filled('---\na: 1\n'),
  '100,000 documents': () => filled('---\n{}\n', 700_000),
  'many objects': () => `${OBJECT}---\n`.repeat(9000),
  'many quotes': () => filled('"'),
  'many single quotes': () => filled("'a'"),
  'many escapes': () => filled('"\\u'),
  'many anchors': () => filled('- &a b\n'),
  'many aliases': () => `x: &a b\ny:\n${filled('- *a\n')}`,
  'only aliases': () => filled('*a '),
  'only anchors': () => filled('&a '),
  'only tags': () => filled('!x '),
  'many tags': () => filled('- !x a\n'),
  'many directives': () => filled('%a\n'),
  'many comments': () => filled('#\n'),
  'many colons': () => filled(': '),
  'many pipes': () => filled('|\n'),
  'many tabs': () => filled('\t'),
  'many zero bytes': () => filled('\0'),
  'many line ends': () => filled('\r\n'),
  'many four-byte characters': () => filled('😀'),
  'many line separators': () => filled('\u2028'),
  'half characters': () => `"\\ud800": "\\udfff${'\ud800'.repeat(1000)}"`,
  'aliases that explode': () => `a0: &a0 [x]\n${lines(30, (index) => `a${index + 1}: &a${index + 1} [${filled(`*a${index},`, 90)}]`)}`,
  'an alias of much': () => `a: &a [${filled('x,', 150_000)}]\nb: [*a, *a, *a, *a, *a, *a, *a, *a]`,
  'an alias of itself': () => 'a: &a [*a]',
  'an alias of itself in a mapping': () => `${OBJECT}data: &a { b: *a }`,
  'an alias as key': () => 'a: &a b\n*a : c',
  'merge keys': () => lines(1000, (index) => `m${index}: &m${index}\n  <<: *m${Math.max(0, index - 1)}`),
  'keys of prototypes': () =>
    '__proto__: { polluted: true }\nconstructor: { prototype: { polluted: true } }\nprototype: { polluted: true }',
  'an object with keys of prototypes': () =>
    `${OBJECT}data: { constructor: a, toString: b, hasOwnProperty: c, valueOf: d }\nconstructor: { prototype: { polluted: true } }`,
  'a hidden key of prototypes': () => `${OBJECT}data: { "__proto__": { polluted: true }, "\\x5f_proto__": { polluted: true } }`,
  'keys that are no text': () => '? [a, b]\n: c\n? { d: e }\n: f',
  'binary and other tags': () => 'a: !!binary aGVsbG8=\nb: !!set { x }\nc: !!omap [x: 1]\nd: !!timestamp 2026-01-01\ne: !!js/function "x"',
  'many unknown fields': () => `${OBJECT}${lines(20_000, (index) => `f${index}: 1`)}`,
  'many unknown kinds': () => lines(8000, (index) => `---\napiVersion: x/v${index}\nkind: K${index}\nmetadata: { name: a }`),
  'many unknown variables': () => `${OBJECT}data:\n${lines(20_000, (index) => `  k${index}: "\${V${index}}"`)}`,
  'open variables': () => `${OBJECT}data: { a: '${filled('${', 900_000)}' }`,
  'variables in one value': () => `${OBJECT}data: { a: '${filled('${CLUSTER_NAME}', 900_000)}' }`,
  'many namespaces': () =>
    `${lines(4000, () => '---\napiVersion: v1\nkind: Namespace\nmetadata: { name: n }')}\n${lines(4000, (index) => `---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: c${index}, namespace: n }`)}`,
  'many definitions': () =>
    lines(2500, (index) => `---\n${DEFINITION.replaceAll('gates', `gates${index}`).replace('Gate', `Gate${index}`)}{ type: object }`),
  'a deep definition': () => `${DEFINITION}${'{ type: object, properties: { a: '.repeat(60)}{ type: string }${' } }'.repeat(60)}`,
  'a definition with a hostile pattern': () =>
    `${DEFINITION}{ type: object, properties: { a: { type: string, pattern: "^(a+)+$" } } }\n---\napiVersion: example.net/v1\nkind: Gate\nmetadata: { name: a }\na: ${'a'.repeat(50)}!\n`,
  'a definition with odd types': () =>
    `${DEFINITION}{ type: [object], properties: [a], required: a, enum: {}, items: 1, additionalProperties: [] }`,
  'many resources': () => `${TEMPLATE}${lines(9000, (index) => `  R${index}: { Type: 'AWS::S3::Bucket' }`)}`,
  'many lost references': () =>
    `${TEMPLATE}${lines(6000, (index) => `  R${index}: { Type: 'AWS::S3::Bucket', Properties: { A: !Ref S${index} } }`)}`,
  'a chain of resources': () =>
    `${TEMPLATE}${lines(5000, (index) => `  R${index}: { Type: 'A::B::C', Properties: { A: !Ref R${index + 1} } }`)}\n  R5000: { Type: 'A::B::C' }`,
  'a circle of resources': () =>
    `${TEMPLATE}${lines(5000, (index) => `  R${index}: { Type: 'A::B::C', DependsOn: R${(index + 1) % 5000} }`)}`,
  'a long Sub': () => `${TEMPLATE}  R: { Type: 'A::B::C', Properties: { A: !Sub '${filled('${X}', 900_000)}' } }`,
  'an open Sub': () => `${TEMPLATE}  R: { Type: 'A::B::C', Properties: { A: !Sub '${filled('${', 900_000)}' } }`,
  'many parameters': () => `Parameters:\n${lines(20_000, (index) => `  P${index}: { Type: String }`)}\n${TEMPLATE}  R: { Type: 'A::B::C' }`,
  'template without sense': () =>
    'Resources: { A: [], B: null, C: { Type: [] }, D: { Type: "Custom::X", Properties: "{{resolve:x}}" } }\nOutputs: []\nParameters: { A: null }\nMappings: 1\nConditions: { A: !Condition A }',
  'many files of user data': () => `files:\n${lines(20_000, (index) => `  - { path: /a${index}, content: "\${X}" }`)}`,
  'many needs': () => `name: network\nphase: system\nneeds: [${lines(30_000, (index) => `n${index},`)}]`,
  'many clusters': () =>
    `channel: dev\nbranch: dev\nclusters:\n${lines(9000, (index) => `  - { name: c${index}, account: '1', region: x }`)}`,
  'many waves': () => `channel: dev\nbranch: dev\nwaves:\n${lines(20_000, (index) => `  - { name: w${index}, count: 1 }`)}`,
};

/** Files that a text may stand in for, and the file itself as a start. */
export const TARGETS = {
  'channel file': 'channels/dev.yaml',
  manifest: 'components/ingress/deployment.yaml',
  definition: 'components/ingress/hostile.yaml',
  component: 'components/network/component.yaml',
  template: 'node-pool.yaml',
  'network template': 'network.yaml',
  'user data': 'user-data/node.yaml',
  versions: 'versions.yaml',
  pools: 'pools.yaml',
  deletions: 'deletions.yaml',
  conformance: 'tests/conformance.txt',
  load: 'tests/load/web.yaml',
  policies: 'channels/policies/hostile.yaml',
} as const;
export type Target = keyof typeof TARGETS;

const PIECES = [
  '- ',
  ': ',
  '\n',
  '\n  ',
  '    ',
  '[',
  ']',
  '{',
  '}',
  ', ',
  '&a ',
  '*a ',
  '!x ',
  '!Ref ',
  '!Sub ',
  '!GetAtt ',
  '|\n',
  '>-\n',
  '"',
  "'",
  '#',
  '? ',
  '%YAML 1.1\n',
  '---\n',
  '...\n',
  '\t',
  '<<: ',
  '__proto__: ',
  'constructor: ',
  'a',
  'apiVersion: v1\n',
  'kind: ',
  'metadata: ',
  'name: ',
  'spec: ',
  'Resources:\n',
  'Fn::Sub: ',
  'Type: ',
  '1',
  '0x1f',
  '1e999',
  '.inf',
  '.nan',
  'null',
  '~',
  'true',
  '${CLUSTER_NAME}',
  '${',
  '$${',
  '}',
  '\0',
  '\r',
  '\u2028',
  '\ufeff',
  '😀',
  '\ud800',
  '\\u0000',
  '=',
  '<',
  '@',
  '`',
];

/** A text of no sense from a seed: bytes, pieces of YAML, or a real file with pieces changed. */
export function nonsense(seed: number, target: Target): string {
  const below = numbersFrom(seed);
  const piece = (): string => PIECES[below(PIECES.length)] ?? '';
  const length = 1 + below(below(10) === 0 ? 20_000 : 300);
  const kind = below(5);
  if (kind === 0) return Buffer.from(Array.from({ length }, () => below(256))).toString('utf8');
  if (kind === 1) return Array.from({ length }, piece).join('');
  let text = realText(target);
  const changes = 1 + below(12);
  for (let change = 0; change < changes; change += 1) {
    const from = below(text.length + 1);
    const to = Math.min(text.length, from + below(40));
    const what = [piece(), '', text.slice(to, to + below(200)), String.fromCharCode(below(65_536)), piece() + piece()][below(5)] ?? '';
    text = text.slice(0, from) + what + text.slice(to);
  }
  return text;
}

function realText(target: Target): string {
  const path = TARGETS[target];
  if (path === 'channels/dev.yaml') return readFileSync(join(CLUSTER, '../dev.yaml'), 'utf8');
  if (target === 'policies') return POLICY;
  if (target === 'definition')
    return `${DEFINITION}{ type: object, properties: { spec: { type: object, properties: { a: { type: integer } } } } }\n---\napiVersion: example.net/v1\nkind: Gate\nmetadata: { name: a }\nspec: { a: 1 }\n`;
  return readFileSync(join(CLUSTER, path), 'utf8');
}
