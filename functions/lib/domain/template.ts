import { isAlias, isMap, isScalar, isSeq, type Node, type Tags, type YAMLMap, type YAMLSeq } from 'yaml';
import type { Finding } from '#model/checks.ts';
import { didYouMean } from './suggest.ts';
import { shorten } from './yaml-parse.ts';
import { findingAt, type Parsed, parseSingle, placeOf, placeOfOffset, type ValuePath, type YamlSource } from './yaml-source.ts';

/** A CloudFormation template, its short forms (`!Ref`) written out. */
export interface Template {
  readonly path: string;
  readonly text: string;
  readonly source: YamlSource;
  readonly parameters: readonly string[];
  readonly outputs: readonly string[];
  readonly body: TemplateBody;
}

interface TemplateBody {
  readonly Parameters?: Readonly<Record<string, unknown>>;
  readonly Conditions?: Readonly<Record<string, unknown>>;
  readonly Mappings?: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties?: unknown; readonly [key: string]: unknown }>>;
  readonly Outputs?: Readonly<Record<string, unknown>>;
}

/** Short forms of the CloudFormation template reference. Transform is left out on purpose: macros are refused. */
const FUNCTIONS = [
  'Ref',
  'Condition',
  'GetAtt',
  'Sub',
  'Join',
  'Select',
  'Split',
  'If',
  'Equals',
  'And',
  'Or',
  'Not',
  'Base64',
  'FindInMap',
  'GetAZs',
  'Cidr',
  'ImportValue',
];

const TAGS: Tags = FUNCTIONS.flatMap((name) => [
  { tag: `!${name}`, resolve: (text: string) => text },
  { tag: `!${name}`, collection: 'seq' as const, resolve: (value: YAMLMap | YAMLSeq) => value },
  { tag: `!${name}`, collection: 'map' as const, resolve: (value: YAMLMap | YAMLSeq) => value },
]);

/** Told of one template by each of its rules. */
const MAX_FINDINGS = 50;

const SECTIONS = ['AWSTemplateFormatVersion', 'Description', 'Metadata', 'Parameters', 'Mappings', 'Conditions', 'Resources', 'Outputs'];

/** Reads a template. Findings: syntax, sections, resources without type, what Sluice refuses, references to nothing. */
export function parseTemplate(path: string, text: string): Parsed<Template> {
  const parsed = parseSingle(path, text, TAGS);
  if (parsed.value === undefined) return { findings: parsed.findings };
  const source = parsed.value;
  const body = longForm(source.documents[0]?.contents ?? null);
  const findings = [...aliasFindings(source), ...shapeFindings(source, body)];
  if (findings.length > 0 || !isTemplateBody(body)) return { findings };
  const template: Template = {
    path,
    text,
    source,
    parameters: Object.keys(body.Parameters ?? {}),
    outputs: Object.keys(body.Outputs ?? {}),
    body,
  };
  return { value: template, findings: [...refusedFindings(template), ...referenceFindings(template)].slice(0, MAX_FINDINGS) };
}

/** Plain data of a node with `!Ref x` as `{Ref: x}`, `!Sub` as `{'Fn::Sub': …}` and so on. */
function longForm(node: Node | null): unknown {
  const plain = isMap(node)
    ? Object.fromEntries(node.items.map((item) => [keyOf(item.key), longForm(nodeOf(item.value))]))
    : isSeq(node)
      ? node.items.map((item) => longForm(nodeOf(item)))
      : isScalar(node)
        ? node.value
        : null;
  const name = node?.tag?.startsWith('!') === true ? node.tag.slice(1) : undefined;
  if (name === undefined || !FUNCTIONS.includes(name)) return plain;
  if (name === 'Ref' || name === 'Condition') return { [name]: plain };
  if (name === 'GetAtt' && typeof plain === 'string') return { 'Fn::GetAtt': splitOnce(plain) };
  return { [`Fn::${name}`]: plain };
}

/** CloudFormation takes none; and what one stands for was looked at where it was written only. */
function aliasFindings(source: YamlSource): Finding[] {
  const findings: Finding[] = [];
  const visit = (node: unknown): void => {
    if (findings.length >= MAX_FINDINGS) return;
    if (isMap(node)) for (const { value } of node.items) visit(value);
    if (isSeq(node)) node.items.forEach(visit);
    if (!isAlias(node)) return;
    const message = `CloudFormation takes no YAML aliases: write what *${shorten(node.source)} stands for.`;
    findings.push(findingAt(source.path, placeOfOffset(source.lines, node.range?.[0] ?? 0), 'template', message));
  };
  visit(source.documents[0]?.contents);
  return findings;
}

function nodeOf(value: unknown): Node | null {
  return isMap(value) || isSeq(value) || isScalar(value) ? value : null;
}

function keyOf(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function splitOnce(text: string): [string, string] {
  const cut = text.indexOf('.');
  return cut < 0 ? [text, ''] : [text.slice(0, cut), text.slice(cut + 1)];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTemplateBody(value: unknown): value is TemplateBody {
  return isRecord(value) && isRecord(value['Resources']);
}

function shapeFindings(source: YamlSource, body: unknown): Finding[] {
  const at = (path: ValuePath, message: string): Finding => findingAt(source.path, placeOf(source, path), 'template', message);
  if (!isRecord(body)) return [at([], 'The template must be a mapping with Resources.')];
  const findings = Object.keys(body)
    .filter((key) => !SECTIONS.includes(key))
    .slice(0, MAX_FINDINGS)
    .map((key) => {
      const why =
        key === 'Transform'
          ? 'Macros and transforms are refused: they run code at deployment.'
          : `A template has no section ${shorten(key)}.`;
      return at([key], `${why}${key === 'Transform' ? '' : didYouMean(key, SECTIONS)}`);
    });
  const resources = body['Resources'];
  if (!isRecord(resources) || Object.keys(resources).length === 0)
    return [...findings, at(['Resources'], 'The template has no Resources.')];
  for (const section of ['Parameters', 'Conditions', 'Mappings', 'Outputs']) {
    if (body[section] !== undefined && !isRecord(body[section])) findings.push(at([section], `${section} must be a mapping.`));
  }
  for (const [name, resource] of Object.entries(resources)) {
    if (findings.length >= MAX_FINDINGS) break;
    if (!isRecord(resource) || typeof resource['Type'] !== 'string')
      findings.push(at(['Resources', name], `The resource ${shorten(name)} has no Type.`));
  }
  return findings;
}

/** Types that run code of others, or make CloudFormation itself do more than this template says; waiting for a signal is neither. */
const REFUSED_TYPES = /^(?!AWS::)|::MODULE$|^AWS::CloudFormation::(?!WaitCondition(?:Handle)?$)/;

/**
 * What is a dynamic reference, or may become one: CloudFormation looks for them once its functions have put texts together. So
 * none may begin to be one at the end of a text, or right before what `Fn::Sub` puts in.
 */
const DYNAMIC = /\{\{resolve:|\{\{(?:r(?:e(?:s(?:o(?:l(?:ve?)?)?)?)?)?)?(?=$|\$\{)/;

/** Whether a function may put something behind the text. */
function isPutTogether(path: ValuePath): boolean {
  return path[0] === 'Mappings' || path.some((key) => typeof key === 'string' && key.startsWith('Fn::'));
}

/** Custom code and secrets in templates: refused before any change set exists. */
function refusedFindings(template: Template): Finding[] {
  const at = (path: ValuePath, message: string): Finding =>
    findingAt(template.path, placeOf(template.source, path), 'template-refused', message);
  const resources = Object.entries(template.body.Resources)
    .filter(([, { Type }]) => REFUSED_TYPES.test(Type))
    .slice(0, MAX_FINDINGS)
    .map(([name, { Type }]) =>
      at(
        ['Resources', name, 'Type'],
        `${shorten(Type)} is refused: custom resources, extensions, macros and nested stacks run what no review saw.`,
      ),
    );
  const stored = Object.entries(template.body.Parameters ?? {})
    .filter(([, parameter]) => isRecord(parameter) && String(parameter['Type']).startsWith('AWS::SSM::'))
    .slice(0, MAX_FINDINGS)
    .map(([name]) =>
      at(['Parameters', name, 'Type'], 'Parameters that are read from the Parameter Store are refused, like dynamic references.'),
    );
  const dynamic: Finding[] = [];
  walk(template.body, [], (value, path) => {
    if (dynamic.length >= MAX_FINDINGS) return;
    if (typeof value === 'string' && (DYNAMIC.test(value) || (isPutTogether(path) && /\{(?=$|\$\{)/.test(value))))
      dynamic.push(at(path, 'Dynamic references are refused: secrets reach instances through their identity.'));
    if (isRecord(value) && 'Fn::Transform' in value)
      dynamic.push(at(path, 'Macros and transforms are refused: they run code at deployment.'));
  });
  return [...resources, ...stored, ...dynamic];
}

/** Ref, GetAtt, Sub and Condition that name nothing in the template. */
function referenceFindings(template: Template): Finding[] {
  const names = new Set([...template.parameters, ...Object.keys(template.body.Resources)]);
  const conditions = new Set(Object.keys(template.body.Conditions ?? {}));
  const findings: Finding[] = [];
  const check = (name: string, known: ReadonlySet<string>, what: string, path: ValuePath): void => {
    if (name.startsWith('AWS::') || known.has(name) || findings.length >= MAX_FINDINGS) return;
    const message = `There is no ${what} ${shorten(name)}.${didYouMean(name, [...known])}`;
    findings.push(findingAt(template.path, placeOf(template.source, path), 'template', message));
  };
  walk(template.body, [], (value, path) => {
    for (const name of referencesOf(value)) check(name, names, 'parameter or resource', path);
    for (const name of conditionsOf(value, path)) check(name, conditions, 'condition', path);
  });
  return findings;
}

/** Names that one value itself refers to; what is inside is visited by itself. */
export function referencesOf(value: unknown): string[] {
  if (!isRecord(value)) return [];
  const found: string[] = [];
  if (typeof value['Ref'] === 'string') found.push(value['Ref']);
  const attribute = value['Fn::GetAtt'];
  if (Array.isArray(attribute) && typeof attribute[0] === 'string') found.push(attribute[0]);
  const sub = value['Fn::Sub'];
  const text: unknown = Array.isArray(sub) ? sub[0] : sub;
  const own = new Set(Array.isArray(sub) && isRecord(sub[1]) ? Object.keys(sub[1]) : []);
  if (typeof text !== 'string') return found;
  const names = new Set<string>();
  // An opening without its end takes all that follows, once: else each opening would look through all of it.
  for (const [, name = '', end] of text.matchAll(/\$\{([^!}][^}]*)(\}?)/g)) if (end !== '') names.add(splitOnce(name.trim())[0]);
  return [...found, ...[...names].filter((name) => !own.has(name))];
}

/** Names of conditions that one value itself uses: `Condition: X` of a resource or output, and the first item of Fn::If. */
export function conditionsOf(value: unknown, path: ValuePath): string[] {
  if (!isRecord(value)) return [];
  const branch = value['Fn::If'];
  const found = Array.isArray(branch) && typeof branch[0] === 'string' ? [branch[0]] : [];
  const condition = value['Condition'];
  // In an IAM policy Condition is a mapping; elsewhere inside Properties it is no CloudFormation key.
  return typeof condition === 'string' && !path.includes('Properties') ? [...found, condition] : found;
}

/** Visits each value of plain data with its path, outer values first. */
export function walk(value: unknown, path: ValuePath, visit: (value: unknown, path: ValuePath) => void): void {
  visit(value, path);
  if (Array.isArray(value)) {
    for (const [index, entry] of value.entries()) walk(entry, [...path, index], visit);
  } else if (isRecord(value)) {
    for (const [key, entry] of Object.entries(value)) walk(entry, [...path, key], visit);
  }
}
