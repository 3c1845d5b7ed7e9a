import type { Finding } from '#model/checks.ts';
import { isRecord } from './kubernetes-schema.ts';
import { didYouMean } from './suggest.ts';
import { referencesOf, type Template, walk } from './template.ts';
import { userDataFindings } from './template-user-data.ts';
import { shorten } from './yaml-parse.ts';
import { findingAt, placeOf, type ValuePath } from './yaml-source.ts';

/** Templates are sent with the request: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const MAX_BYTES = 51_200;
const MAX_COUNTS = { Parameters: 200, Resources: 500, Outputs: 200, Mappings: 200 } as const;
/** Told of one template. */
const MAX_FINDINGS = 50;

const RESOURCE_KEYS = [
  'Type',
  'Properties',
  'DependsOn',
  'Condition',
  'DeletionPolicy',
  'UpdateReplacePolicy',
  'UpdatePolicy',
  'CreationPolicy',
  'Metadata',
];
const PARAMETER_KEYS = [
  'Type',
  'Default',
  'AllowedValues',
  'AllowedPattern',
  'ConstraintDescription',
  'Description',
  'MaxLength',
  'MaxValue',
  'MinLength',
  'MinValue',
  'NoEcho',
];
const OUTPUT_KEYS = ['Value', 'Description', 'Export', 'Condition'];
const POLICIES: Readonly<Record<string, readonly string[]>> = {
  DeletionPolicy: ['Delete', 'Retain', 'RetainExceptOnCreate', 'Snapshot'],
  UpdateReplacePolicy: ['Delete', 'Retain', 'Snapshot'],
};
/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/pseudo-parameter-reference.html */
const PSEUDO = [
  'AWS::AccountId',
  'AWS::NotificationARNs',
  'AWS::NoValue',
  'AWS::Partition',
  'AWS::Region',
  'AWS::StackId',
  'AWS::StackName',
  'AWS::URLSuffix',
];
/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html */
const FUNCTIONS = [
  'And',
  'Base64',
  'Cidr',
  'Equals',
  'FindInMap',
  'GetAtt',
  'GetAZs',
  'If',
  'ImportValue',
  'Join',
  'Not',
  'Or',
  'Select',
  'Split',
  'Sub',
].map((name) => `Fn::${name}`);

type At = (path: ValuePath, message: string) => Finding;

/** What CloudFormation would refuse of a template's structure, beyond what reading it finds, and user data that is no pointer. */
export function templateRuleFindings(template: Template): Finding[] {
  const at: At = (path, message) => findingAt(template.path, placeOf(template.source, path), 'template', message);
  return [
    ...sizeFindings(template, at),
    ...nameFindings(template, at),
    ...keyFindings(template, at),
    ...functionFindings(template, at),
    ...dependencyFindings(template, at),
    ...userDataFindings(template),
  ].slice(0, MAX_FINDINGS);
}

function sizeFindings({ text, body }: Template, at: At): Finding[] {
  const bytes = Buffer.byteLength(text);
  const size =
    bytes > MAX_BYTES
      ? [at([], `The template has ${bytes} bytes; CloudFormation takes ${MAX_BYTES}. Move what is common into network.yaml.`)]
      : [];
  const counts = Object.entries(MAX_COUNTS).flatMap(([section, most]) => {
    const count = sectionOf(body, section).length;
    return count > most ? [at([section], `${section} has ${count} entries; CloudFormation takes ${most}.`)] : [];
  });
  return [...size, ...counts];
}

function sectionOf(body: Template['body'], section: string): [string, unknown][] {
  const value: unknown = Object.entries(body).find(([name]) => name === section)?.[1];
  return isRecord(value) ? Object.entries(value) : [];
}

/** Logical ids are of letters and digits, and one of a parameter and of a resource at once means neither. */
function nameFindings({ body }: Template, at: At): Finding[] {
  const parameters = new Set(sectionOf(body, 'Parameters').map(([name]) => name));
  return ['Parameters', 'Mappings', 'Conditions', 'Resources', 'Outputs'].flatMap((section) =>
    sectionOf(body, section).flatMap(([name]) => {
      if (!/^[A-Za-z0-9]{1,255}$/.test(name))
        return [at([section, name], `The name ${shorten(name)} must consist of letters and digits, at most 255.`)];
      const twice = section === 'Resources' && parameters.has(name);
      return twice ? [at([section, name], `${name} is a parameter too. A name stands for one thing.`)] : [];
    }),
  );
}

/** Closed keys of resources, parameters and outputs. */
function keyFindings({ body }: Template, at: At): Finding[] {
  const closed = (section: string, what: string, known: readonly string[]): Finding[] =>
    sectionOf(body, section).flatMap(([name, value]) =>
      isRecord(value)
        ? Object.keys(value)
            .filter((key) => !known.includes(key))
            .map((key) => at([section, name, key], `${what} has no key ${shorten(key)}.${didYouMean(key, known)}`))
        : [at([section, name], `${shorten(name)} must be a mapping.`)],
    );
  return [
    ...closed('Resources', 'A resource', RESOURCE_KEYS),
    ...closed('Parameters', 'A parameter', PARAMETER_KEYS),
    ...closed('Outputs', 'An output', OUTPUT_KEYS),
    ...sectionOf(body, 'Parameters').flatMap(([name, value]) =>
      isRecord(value) && typeof value['Type'] !== 'string' ? [at(['Parameters', name], `The parameter ${shorten(name)} has no Type.`)] : [],
    ),
    ...sectionOf(body, 'Outputs').flatMap(([name, value]) =>
      isRecord(value) && value['Value'] === undefined ? [at(['Outputs', name], `The output ${shorten(name)} has no Value.`)] : [],
    ),
    ...sectionOf(body, 'Resources').flatMap(([name, value]) => policyFindings(name, value, at)),
  ];
}

function policyFindings(name: string, resource: unknown, at: At): Finding[] {
  if (!isRecord(resource)) return [];
  return Object.entries(POLICIES).flatMap(([key, known]) => {
    const value = resource[key];
    if (value === undefined || (typeof value === 'string' && known.includes(value))) return [];
    const hint = typeof value === 'string' ? didYouMean(value, known) : '';
    return [at(['Resources', name, key], `${key} must be one of ${known.join(', ')}.${hint}`)];
  });
}

/** Functions, pseudo parameters and mappings that do not exist. */
function functionFindings({ body }: Template, at: At): Finding[] {
  const findings: Finding[] = [];
  const maps = new Map(sectionOf(body, 'Mappings'));
  walk(body, [], (value, path) => {
    if (!isRecord(value) || findings.length >= MAX_FINDINGS) return;
    for (const key of Object.keys(value)) {
      // Fn::Transform is refused by a rule of its own.
      if (!key.startsWith('Fn::') || FUNCTIONS.includes(key) || key === 'Fn::Transform') continue;
      const why = key.startsWith('Fn::ForEach')
        ? 'Fn::ForEach needs a transform, and transforms are refused.'
        : `There is no function ${shorten(key)}.`;
      findings.push(at([...path, key], `${why}${didYouMean(key, FUNCTIONS)}`));
    }
    for (const name of referencesOf(value)) {
      if (name.startsWith('AWS::') && !PSEUDO.includes(name))
        findings.push(at(path, `There is no pseudo parameter ${shorten(name)}.${didYouMean(name, PSEUDO)}`));
    }
    findings.push(...mapFindings(value['Fn::FindInMap'], maps, [...path, 'Fn::FindInMap'], at));
  });
  return findings;
}

function mapFindings(value: unknown, maps: ReadonlyMap<string, unknown>, path: ValuePath, at: At): Finding[] {
  if (!Array.isArray(value)) return [];
  const [name, key]: readonly unknown[] = value;
  if (typeof name !== 'string') return [];
  const map = maps.get(name);
  if (map === undefined) return [at(path, `There is no mapping ${shorten(name)}.${didYouMean(name, [...maps.keys()])}`)];
  if (typeof key !== 'string' || !isRecord(map) || Object.hasOwn(map, key)) return [];
  return [at(path, `The mapping ${shorten(name)} has no key ${shorten(key)}.${didYouMean(key, Object.keys(map))}`)];
}

/** DependsOn that names nothing, and resources that wait for each other. */
function dependencyFindings({ body }: Template, at: At): Finding[] {
  const resources = new Map(sectionOf(body, 'Resources'));
  const findings: Finding[] = [];
  const edges = new Map<string, Set<string>>();
  for (const [name, resource] of resources) {
    const needs = new Set<string>();
    const named = isRecord(resource) ? resource['DependsOn'] : undefined;
    for (const needed of Array.isArray(named) ? named : named === undefined ? [] : [named]) {
      if (typeof needed === 'string' && resources.has(needed)) needs.add(needed);
      else if (findings.length < MAX_FINDINGS)
        findings.push(
          at(
            ['Resources', name, 'DependsOn'],
            `There is no resource ${shorten(String(needed))}.${didYouMean(String(needed), [...resources.keys()])}`,
          ),
        );
    }
    walk(resource, [], (value) => {
      for (const reference of referencesOf(value)) if (resources.has(reference)) needs.add(reference);
    });
    edges.set(name, needs);
  }
  const circle = circleIn(edges);
  if (circle !== undefined) findings.push(at(['Resources', circle[0] ?? ''], `${circle.join(' needs ')}: one of them must come first.`));
  return findings;
}

/** The first circle, from a name back to itself; without recursion, as a template may be a long chain. */
function circleIn(edges: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const done = new Set<string>();
  for (const start of edges.keys()) {
    const path: string[] = [];
    const onPath = new Set<string>();
    const open: { readonly name: string; readonly leave: boolean }[] = [{ name: start, leave: false }];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next.leave) {
        path.pop();
        onPath.delete(next.name);
        done.add(next.name);
        continue;
      }
      if (onPath.has(next.name)) return [...path.slice(path.indexOf(next.name)), next.name];
      if (done.has(next.name)) continue;
      path.push(next.name);
      onPath.add(next.name);
      open.push({ name: next.name, leave: true });
      for (const needed of edges.get(next.name) ?? []) open.push({ name: needed, leave: false });
    }
  }
  return undefined;
}
