import { describe, expect, it } from 'vitest';
import { holdsInProduction, inProduction } from '#domain/policies/conditions.ts';
import { parseTemplate, type Template } from '#domain/template.ts';

/** A template with these conditions. */
function template(conditions: string): Template {
  const { value, findings } = parseTemplate(
    'etcd.yaml',
    `Parameters:\n  Environment: { Type: String }\n  EtcdMembers: { Type: String }\n  Market: { Type: String }\nConditions:\n${conditions}\nResources:\n  R: { Type: AWS::SNS::Topic }\n`,
  );
  expect(findings).toEqual([]);
  if (value === undefined) throw new Error('the template of the test can not be read');
  return value;
}

const PRODUCTION = '!Equals [!Ref Environment, production]';
const SPOT = '!Equals [!Ref Market, spot]';

describe('a condition, for production clusters', () => {
  it.each([
    [PRODUCTION, true],
    ['!Equals [production, !Ref Environment]', true],
    ['!Equals [!Ref Environment, e2e]', false],
    ["!Equals [!Ref EtcdMembers, '3']", true],
    ['!Equals [!Ref EtcdMembers, 3]', true],
    ["!Equals [!Ref EtcdMembers, '1']", false],
    ['!Equals [1, 1]', true],
    ['!Equals [true, false]', false],
    [SPOT, undefined],
    ['!Equals [!Sub "${Environment}", production]', undefined],
    [`!Not [${PRODUCTION}]`, false],
    [`!Not [${SPOT}]`, undefined],
    [`!And [${PRODUCTION}, ${PRODUCTION}]`, true],
    [`!And [${SPOT}, !Not [${PRODUCTION}]]`, false],
    [`!And [${SPOT}, ${PRODUCTION}]`, undefined],
    [`!Or [${SPOT}, ${PRODUCTION}]`, true],
    [`!Or [${SPOT}, !Not [${PRODUCTION}]]`, undefined],
    [`!Or [!Not [${PRODUCTION}], !Not [${PRODUCTION}]]`, false],
    ['!If [A, true, false]', undefined],
    ['yes', undefined],
  ])('%s is %s', (condition, holds) => {
    expect(holdsInProduction(template(`  A: ${condition}`), 'A')).toBe(holds);
  });

  it('is found through another', () => {
    const through = template(`  A: !Not [!Condition B]\n  B: ${PRODUCTION}`);

    expect(holdsInProduction(through, 'A')).toBe(false);
  });

  it.each(['!Condition A', '!Not [!Condition A]', '!And [!Condition A, !Condition A]'])(
    'that ends in itself is unknown: %s',
    (condition) => {
      expect(holdsInProduction(template(`  A: ${condition}`), 'A')).toBeUndefined();
    },
  );

  it('that is not there is unknown', () => {
    expect(holdsInProduction(template(`  A: ${PRODUCTION}`), 'toString')).toBeUndefined();
  });
});

describe('a value, for production clusters', () => {
  const both = template(`  Production: ${PRODUCTION}\n  Spot: ${SPOT}`);

  it.each([
    ['plain', '2', '2'],
    ['the branch that holds', { 'Fn::If': ['Production', '2', '1'] }, '2'],
    ['a branch in a branch', { 'Fn::If': ['Production', { 'Fn::If': ['Production', '3', '2'] }, '1'] }, '3'],
    ['a branch that depends on more', { 'Fn::If': ['Spot', '2', '1'] }, { 'Fn::If': ['Spot', '2', '1'] }],
    ['no condition', { 'Fn::If': [1, 2, 3] }, { 'Fn::If': [1, 2, 3] }],
    ['another function', { Ref: 'Market' }, { Ref: 'Market' }],
  ])('%s', (_what, value, expected) => {
    expect(inProduction(both, value)).toEqual(expected);
  });
});
