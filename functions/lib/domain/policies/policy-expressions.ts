import { isScalar } from 'yaml';
import type { Finding } from '#model/checks.ts';
import type { SourceObject } from '../manifests.ts';
import { findingAt, type Place, placeOf, placeOfOffset, type ValuePath, type YamlSource } from '../yaml-source.ts';
import { type CelNames, celProblem } from './cel.ts';
import { listAt, textAt } from './values.ts';

/** What every expression of a ValidatingAdmissionPolicy may name. Parameters are not among them: Sluice takes no `paramKind`. */
const ALWAYS = ['object', 'oldObject', 'request', 'namespaceObject'];

/** An object of the policies, with its document in the file. */
export interface PlacedPolicy {
  readonly object: SourceObject;
  readonly source: YamlSource;
  readonly document: number;
}

interface Expression {
  readonly path: ValuePath;
  readonly text: string;
  readonly names: CelNames;
}

/** Expressions that no API server compiles, each at the character where it is wrong. */
export function expressionFindings(placed: readonly PlacedPolicy[]): Finding[] {
  return placed.flatMap(({ object, source, document }) =>
    expressionsOf(object.manifest).flatMap(({ path, text, names }) => {
      const problem = celProblem(text, names);
      if (problem === undefined) return [];
      const place = placeInScalar(source, path, document, text, problem.offset);
      return [findingAt(source.path, place, 'policy-expression', `The expression does not compile: ${problem.message}`)];
    }),
  );
}

/** Of a policy; a binding has none. Each variable may name those before it. */
function expressionsOf(manifest: unknown): Expression[] {
  const variables = listAt(manifest, ['spec', 'variables']).map((variable) => textAt(variable, ['name']) ?? '');
  const plain: CelNames = { variables: [...ALWAYS, 'authorizer'], composed: undefined };
  const whole: CelNames = { variables: [...ALWAYS, 'authorizer', 'variables'], composed: variables };
  const message: CelNames = { variables: [...ALWAYS, 'variables'], composed: variables };
  const all = (list: string, field: string, namesOf: (index: number) => CelNames): Expression[] =>
    listAt(manifest, ['spec', list]).flatMap((entry, index) => {
      const text = textAt(entry, [field]);
      return text === undefined ? [] : [{ path: ['spec', list, index, field], text, names: namesOf(index) }];
    });
  return [
    ...all('matchConditions', 'expression', () => plain),
    ...all('variables', 'expression', (index) => ({ ...whole, composed: variables.slice(0, index) })),
    ...all('validations', 'expression', () => whole),
    ...all('validations', 'messageExpression', () => message),
    ...all('auditAnnotations', 'valueExpression', () => whole),
  ];
}

/** Exact where the text stands in the file as it was read: on one line, or in a literal block (`|`). Else its key. */
function placeInScalar(source: YamlSource, path: ValuePath, document: number, text: string, offset: number): Place {
  const node = source.documents[document]?.getIn(path.map(String), true);
  const key = placeOf(source, path, document);
  if (!isScalar(node) || node.range === null || node.range === undefined) return key;
  const [begin, end] = node.range;
  const within = source.text.slice(begin, end).indexOf(text);
  if (within >= 0) return placeOfOffset(source.lines, begin + within + offset);
  if (node.type !== 'BLOCK_LITERAL') return key;
  const before = text.slice(0, offset);
  const first = source.text.indexOf('\n', begin) + 1;
  const indent = /^ */.exec(source.text.slice(first))?.[0].length ?? 0;
  const line = placeOfOffset(source.lines, first).line + before.split('\n').length - 1;
  return { line, column: indent + before.length - before.lastIndexOf('\n') };
}
