import { globSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { POLICY_IDS } from '#domain/policies/registry.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
/** Position of the rule's id among the arguments of `findingAt`, by which all findings are made. */
const RULE_ARGUMENT = 2;

interface Found {
  readonly rules: Set<string>;
  /** Places where the id can't be read from the code. */
  readonly unclear: string[];
}

/** Ids of rules in the code: the argument of `findingAt`, also through a function of the same file that passes it on. */
function rulesInCode(): Found {
  const found: Found = { rules: new Set(), unclear: [] };
  for (const file of globSync('functions/**/*.ts', { cwd: ROOT })) {
    const text = readFileSync(`${ROOT}${file}`, 'utf8');
    if (!text.includes('findingAt(')) continue;
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
    for (const call of callsOf(source, 'findingAt')) collect(source, call.arguments[RULE_ARGUMENT], found);
  }
  return found;
}

function collect(source: ts.SourceFile, rule: ts.Expression | undefined, found: Found): void {
  const ids = rule === undefined ? [] : idsOf(source, rule);
  for (const id of ids) found.rules.add(id);
  if (rule === undefined || ids.length === 0) found.unclear.push(`${source.fileName}: ${rule?.getText() ?? 'no rule'}`);
}

function idsOf(source: ts.SourceFile, rule: ts.Expression): string[] {
  if (ts.isStringLiteralLike(rule)) return [rule.text];
  if (ts.isTemplateExpression(rule)) return idsOfTemplate(source, rule);
  // Policies are told by one function; each has its id in the registry.
  if (rule.getText() === 'policy.id') return [...POLICY_IDS];
  return ts.isIdentifier(rule) ? idsPassedOn(source, rule) : [];
}

/** `duplicate-${claim.what}`: every literal that the file gives to a property `what`. */
function idsOfTemplate(source: ts.SourceFile, rule: ts.TemplateExpression): string[] {
  const [span, ...more] = rule.templateSpans;
  if (span === undefined || more.length > 0 || !ts.isPropertyAccessExpression(span.expression)) return [];
  const property = span.expression.name.text;
  return nodesOf(source)
    .filter(ts.isPropertyAssignment)
    .filter(({ name, initializer }) => name.getText() === property && ts.isStringLiteralLike(initializer))
    .map(({ initializer }) => `${rule.head.text}${ts.isStringLiteralLike(initializer) ? initializer.text : ''}${span.literal.text}`);
}

/** A parameter of the function around: what its calls in this file give for it. */
function idsPassedOn(source: ts.SourceFile, rule: ts.Identifier): string[] {
  let around: ts.Node | undefined = rule;
  while (around !== undefined && !(ts.isFunctionLike(around) && indexOf(around, rule.text) >= 0)) around = around.parent;
  if (around === undefined || !ts.isFunctionLike(around)) return [];
  const index = indexOf(around, rule.text);
  const name = ts.isVariableDeclaration(around.parent) ? around.parent.name : around.name;
  return name === undefined ? [] : callsOf(source, name.getText()).flatMap((call) => argumentIds(source, call.arguments[index]));
}

function argumentIds(source: ts.SourceFile, argument: ts.Expression | undefined): string[] {
  return argument === undefined || ts.isIdentifier(argument) ? [] : idsOf(source, argument);
}

function indexOf(around: ts.SignatureDeclaration, name: string): number {
  return around.parameters.findIndex((parameter) => parameter.name.getText() === name);
}

function callsOf(source: ts.SourceFile, name: string): ts.CallExpression[] {
  return nodesOf(source)
    .filter(ts.isCallExpression)
    .filter((call) => call.expression.getText() === name);
}

function nodesOf(source: ts.SourceFile): ts.Node[] {
  const nodes: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    nodes.push(node);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return nodes;
}

const code = rulesInCode();
const text = readFileSync(`${ROOT}docs/rules.md`, 'utf8');
const documented = [...text.matchAll(/^### `([a-z0-9-]+)`$/gm)].map(([, id = '']) => id);

describe('rules of validation', () => {
  it('are found in the code, each by its id', () => {
    expect(code.unclear).toEqual([]);
    expect(code.rules.size).toBeGreaterThan(20);
  });

  it('are documented, each once, and no other is', () => {
    expect([...documented].sort()).toEqual([...code.rules].sort());
  });

  it('are documented with a reason and a fix', () => {
    const sections = text.split(/^### /m).slice(1);

    expect(sections.length).toBe(documented.length);
    for (const section of sections)
      expect([section.split('\n')[0], /\*Why:\*/.test(section), /\*Fix:\*/.test(section)]).toEqual([section.split('\n')[0], true, true]);
  });
});
