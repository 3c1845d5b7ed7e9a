import type { Finding } from '#model/checks.ts';
import { PROPERTIES, SCHEMA_DATE, SERVICES } from './aws-resource-types.ts';
import { isRecord } from './kubernetes-schema.ts';
import { didYouMean, editDistance } from './suggest.ts';
import type { Template } from './template.ts';
import { shorten } from './yaml-parse.ts';
import { findingAt, placeOf, type ValuePath } from './yaml-source.ts';

/** Told of one template. */
const MAX_FINDINGS = 50;
/** Letters by which a type that AWS doesn't have may differ from one that it has, to be taken for misspelt and not for new. */
const MISSPELT = 2;
/** Types that are refused by a rule of their own. */
const REFUSED = /^(?!AWS::)|::MODULE$|^AWS::CloudFormation::/;

/** Properties with those inside; undefined: a value, or anything. */
type Tree = ReadonlyMap<string, Tree | undefined> | undefined;

/** Each text is read once, when the first template asks. */
const read: { services?: ReadonlyMap<string, readonly string[]>; properties?: ReadonlyMap<string, string> } = {};
const trees = new Map<string, Tree>();

/**
 * Resource types and properties that AWS does not have. A type that may be newer than the schemas, or of a service that
 * they leave out, is a warning: it was not checked.
 */
export function templateTypeFindings(template: Template): Finding[] {
  const findings: Finding[] = [];
  for (const [name, { Type: type, Properties: properties }] of Object.entries(template.body.Resources)) {
    if (findings.length >= MAX_FINDINGS) break;
    if (REFUSED.test(type)) continue;
    const wrong = typeFinding(template, name, type);
    if (wrong !== undefined) {
      findings.push(wrong);
      continue;
    }
    visit(properties, treeOfType(type), ['Resources', name, 'Properties'], (path, key, tree) => {
      if (findings.length >= MAX_FINDINGS) return;
      const where = path.slice(3).filter((step) => typeof step === 'string' && !step.startsWith('Fn::'));
      const name = shorten([...where, key].join('.'));
      const meant = didYouMean(key, [...tree.keys()]);
      const place = placeOf(template.source, [...path, key]);
      if (meant !== '') findings.push(findingAt(template.path, place, 'template-property', `${type} has no property ${name}.${meant}`));
      else {
        // AWS adds properties all the time; what looks like none that it had must not wait for a release of Sluice.
        const message = `${type} had no property ${name} on ${SCHEMA_DATE}: CloudFormation will say whether it has.`;
        findings.push(findingAt(template.path, place, 'template-unchecked', message, 'warning'));
      }
    });
  }
  return findings;
}

/** What is wrong with a resource's type; undefined when its properties can be checked. */
function typeFinding({ path, source }: Template, name: string, type: string): Finding | undefined {
  if (propertiesByType().has(type)) return undefined;
  const place = placeOf(source, ['Resources', name, 'Type']);
  const [, service = '', ...rest] = type.split('::');
  const known = servicesByName().get(`AWS::${service}::`);
  if (known?.includes(rest.join('::'))) {
    const message = `The properties of ${shorten(type)} are not checked here: CloudFormation will.`;
    return findingAt(path, place, 'template-unchecked', message, 'warning');
  }
  const meant = misspelt(type);
  if (meant !== undefined)
    return findingAt(path, place, 'template-type', `AWS has no resource type ${shorten(type)}. Did you mean ${meant}?`);
  const why = known === undefined ? 'is of a service that is not checked here' : `is not among the types that AWS had on ${SCHEMA_DATE}`;
  const message = `${shorten(type)} ${why}: CloudFormation will say whether it is one.`;
  return findingAt(path, place, 'template-unchecked', message, 'warning');
}

/** The type that was meant, when only a few letters are wrong. */
function misspelt(type: string): string | undefined {
  for (const [prefix, names] of servicesByName()) {
    for (const name of names) {
      const known = `${prefix}${name}`;
      const isNear = Math.abs(known.length - type.length) <= MISSPELT;
      if (isNear && editDistance(known.toLowerCase(), type.toLowerCase()) <= MISSPELT) return known;
    }
  }
  return undefined;
}

type Unknown = (path: ValuePath, key: string, tree: ReadonlyMap<string, Tree>) => void;

/** Tells each key that a closed mapping does not have. What a function answers is known to CloudFormation only; of `Fn::If` each branch is. */
function visit(value: unknown, tree: Tree, path: ValuePath, unknown: Unknown): void {
  if (tree === undefined) return;
  if (Array.isArray(value)) {
    for (const [index, entry] of value.entries()) visit(entry, tree, [...path, index], unknown);
    return;
  }
  if (!isRecord(value)) return;
  const keys = Object.keys(value);
  const [first = ''] = keys;
  if (keys.length === 1 && (first === 'Ref' || first.startsWith('Fn::'))) {
    const branches = value['Fn::If'];
    if (Array.isArray(branches)) for (const index of [1, 2]) visit(branches[index], tree, [...path, 'Fn::If', index], unknown);
    return;
  }
  for (const key of keys) {
    if (tree.has(key)) visit(value[key], tree.get(key), [...path, key], unknown);
    else unknown(path, key, tree);
  }
}

function servicesByName(): ReadonlyMap<string, readonly string[]> {
  read.services ??= new Map(
    lines(SERVICES).map((line) => {
      const [prefix = '', ...names] = line.split(' ');
      return [prefix, names];
    }),
  );
  return read.services;
}

function propertiesByType(): ReadonlyMap<string, string> {
  read.properties ??= new Map(
    lines(PROPERTIES).map((line) => {
      const [type = '', ...properties] = line.split(' ');
      return [type, properties.join(' ')];
    }),
  );
  return read.properties;
}

function treeOfType(type: string): Tree {
  const text = propertiesByType().get(type) ?? '';
  if (!trees.has(type)) trees.set(type, text === '' ? undefined : parseTree(text));
  return trees.get(type);
}

/** `A B(C D) E` */
function parseTree(text: string): Tree {
  const top = new Map<string, Tree>();
  const open = [top];
  let last = '';
  for (const [token] of text.matchAll(/[()]|[^() ]+/g)) {
    const around = open.at(-1) ?? top;
    if (token === ')') open.pop();
    else if (token === '(') {
      const inside = new Map<string, Tree>();
      around.set(last, inside);
      open.push(inside);
    } else {
      around.set(token, undefined);
      last = token;
    }
  }
  return top;
}

function lines(text: string): string[] {
  return text.trim().split('\n');
}
