import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CelNames, celProblem } from '#domain/policies/cel.ts';
import { REFUSED, TAKEN } from '../../../support/cel-expressions.ts';

const NAMES: CelNames = {
  variables: ['object', 'oldObject', 'request', 'namespaceObject', 'authorizer', 'variables'],
  composed: ['replicas'],
};

describe('celProblem', () => {
  it.each(TAKEN.map((text) => [text]))('takes %s', (text) => expect(celProblem(text, NAMES)).toBeUndefined());

  it.each(REFUSED)('refuses %s', (text, offset, message) => expect(celProblem(text, NAMES)).toEqual({ offset, message }));

  it('takes what is nested 249 times', () => expect(celProblem(`${'('.repeat(249)}1${')'.repeat(249)} == 1`, NAMES)).toBeUndefined());

  it('tells the first of several', () =>
    expect(celProblem('first > 1 && second > 1', NAMES)).toMatchObject({ offset: 0, message: expect.stringContaining('declares first.') }));

  it('lets variables alone where there are none', () => {
    const plain = { variables: ['object'], composed: undefined };

    expect(celProblem('variables.replicas > 1', plain)).toEqual({ offset: 0, message: 'nothing declares variables. There are object.' });
    expect(celProblem('object.a', plain)).toBeUndefined();
    expect(celProblem('variables.any', { ...plain, variables: ['variables'] })).toBeUndefined();
  });

  it.each(['variables.replicas', 'variables', 'variables.?missing', 'variables["missing"]', 'variables.missing()'])(
    'asks for a declared variable only behind a dot: %s',
    (text) => expect(celProblem(text, NAMES)).toBeUndefined(),
  );

  it.each(['future.parse("a").ok', 'future.now() > 1'])('knows nothing against a function of a package that it does not know: %s', (text) =>
    expect(celProblem(text, NAMES)).toBeUndefined(),
  );

  it.each(['a.b.C{field: 1, ?other: object.a}', 'C{}', 'C{`f-g`: 1,}'])('reads fields of a message as no variables: %s', (text) =>
    expect(celProblem(text, NAMES)).toBeUndefined(),
  );

  it('reads values of a message as variables', () => expect(celProblem('C{field: objct}', NAMES)?.offset).toBe(9));

  it.each(["object.a == '${CLUSTER_NAME}'", 'object.a > ${ETCD_MEMBERS}', "'\\${CLUSTER_NAME}' == 'a'", 'object.a${REGION} == objct'])(
    'leaves what a variable of Sluice makes of it to the API server: %s',
    (text) => expect(celProblem(text, NAMES)).toBeUndefined(),
  );

  it('finds what is wrong beside a variable of Sluice in a text', () =>
    expect(celProblem("objct.a == '${CLUSTER_NAME}'", NAMES)?.offset).toBe(0));

  it('tells a place in any text, and never throws', () => {
    const words = [
      'object',
      'a',
      '.',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      ',',
      ':',
      '?',
      '==',
      '&&',
      '!',
      '-',
      "'b'",
      '1',
      ' ',
      'in',
      '"',
      '\\',
      '`',
      '💥',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { maxLength: 40 }), (parts) => {
        const text = parts.join('');
        const problem = celProblem(text, NAMES);
        expect(problem === undefined || (problem.offset >= 0 && problem.offset <= text.length && problem.message.length > 0)).toBe(true);
      }),
    );
  });

  it.each([
    ['brackets', '('.repeat(200_000)],
    ['quotes', `${'"'.repeat(100_001)}`],
    ['names of a macro', `object.all(${'a,'.repeat(80_000)} a`],
    ['operators', `${'!'.repeat(200_000)}`],
    ['unclosed long texts', `'''${'"""a'.repeat(40_000)}`],
  ])('ends quickly on many %s', (_what, text) => expect(celProblem(text, NAMES)).toBeDefined());
});
