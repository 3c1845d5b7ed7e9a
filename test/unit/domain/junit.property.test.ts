import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { focusOf, judge, parseJunit, type SpecResult } from '#domain/junit.ts';

const NAME = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .map((text) => `[sig-x] ${text.replace(/\p{C}/gu, '')}.`.replace(/\s+/g, ' '));

describe('a JUnit report', () => {
  it('gives each spec that ran with its outcome, whatever is in names and messages', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ name: NAME, kind: fc.constantFrom('passed', 'failure', 'error', 'skipped') }), { maxLength: 10 }),
        (cases) => {
          const results = parseJunit(report(cases));

          const ran = cases.filter(({ kind }) => kind !== 'skipped');
          expect(results.map(({ name, passed }) => [name, passed])).toEqual(ran.map(({ name, kind }) => [name, kind === 'passed']));
        },
      ),
    );
  });

  it('never throws and never invents a spec, whatever it reads', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 400 }), (text) => {
        expect(text.includes('<testcase') || parseJunit(text).length === 0).toBe(true);
      }),
    );
  });

  it('counts nothing that is cut off, in a comment, in output or an entity', () => {
    const hidden = '<testcase name="[It] hidden"></testcase>';
    const xml = `<?xml version="1.0"?><testsuites>
      <!-- ${hidden} --><testcase name="[It] real &e; &#x41;&#66;" time="1.5"><system-err><![CDATA[${hidden}]]></system-err>
      <system-out>${hidden.replaceAll('<', '&lt;')}</system-out></testcase><testcase name="[It] cut"><failu`;

    const results = parseJunit(xml);

    expect(results).toEqual([{ name: 'real &e; AB', passed: true, message: '', seconds: 1.5 }]);
    expect(parseJunit(`<!DOCTYPE x [<!ENTITY e "]> ${hidden}">]>${hidden}`)).toEqual([]);
  });

  it('reads what Ginkgo writes', () => {
    const xml = `<testsuites tests="3"><testsuite name="Kubernetes e2e suite"><properties><property name="a" value="b"></property></properties>
      <testcase name="[It] [sig-a] one [Conformance]" classname="x" status="passed" time="0.25"><system-err>&gt; Enter</system-err></testcase>
      <testcase name="[It] [sig-a] two" classname="x" status="skipped" time="0"><skipped message="skipped"></skipped></testcase>
      <testcase name="[It] [sig-a] three" status="failed" time="2"><failure message="expected &lt;int&gt;: 1" type="failed">at &#34;x&#34;</failure></testcase>
      <testcase name="[SynchronizedBeforeSuite]" status="passed" time="0.1"/></testsuite></testsuites>`;

    expect(parseJunit(xml)).toEqual([
      { name: '[sig-a] one [Conformance]', passed: true, message: '', seconds: 0.25 },
      { name: '[sig-a] three', passed: false, message: 'expected <int>: 1', seconds: 2 },
      { name: '[SynchronizedBeforeSuite]', passed: true, message: '', seconds: 0.1 },
    ]);
  });
});

describe('the judgement of a run', () => {
  it('misses what was asked for and did not run', () => {
    expect(judge(['[It] one', 'two'], [result('one')])).toEqual({ passed: 1, failures: [], missing: ['two'] });
    expect(judge(['one'], [])).toEqual({ passed: 0, failures: [], missing: ['one'] });
  });

  it('counts a failure of the set-up, and a spec that passed only once of two times', () => {
    const ran = [result('one'), result('one', 'no'), result('[SynchronizedBeforeSuite]', 'no nodes')];

    const { passed, failures } = judge(['one'], ran);

    expect(passed).toBe(0);
    expect(failures.map(({ name }) => name)).toEqual(['one', '[SynchronizedBeforeSuite]']);
  });
});

describe('the focus of a run', () => {
  it('matches exactly the specs that were asked for', () => {
    fc.assert(
      fc.property(fc.uniqueArray(NAME, { minLength: 2, maxLength: 6 }), ([other = '', ...specs]) => {
        const focus = new RegExp(focusOf(specs), 'u');

        expect(specs.every((name) => focus.test(`Kubernetes e2e suite ${name}`))).toBe(true);
        expect(focus.test(`Kubernetes e2e suite ${other}`)).toBe(specs.some((name) => other.endsWith(` ${name}`)));
        expect(focus.test(`Kubernetes e2e suite ${specs[0]} more`)).toBe(false);
      }),
    );
  });
});

function report(cases: readonly { name: string; kind: string }[]): string {
  const body = cases.map(({ name, kind }) => {
    const inner = kind === 'passed' ? '' : `<${kind} message="${escaped(name)}">&lt;testcase name="x"/&gt;</${kind}>`;
    return `<testcase name="[It] ${escaped(name)}" time="1">${inner}</testcase>`;
  });
  return `<testsuites><testsuite>${body.join('\n')}</testsuite></testsuites>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"'\n]/g, (character) => `&#${character.codePointAt(0)};`);
}

function result(name: string, message?: string): SpecResult {
  return { name, passed: message === undefined, message: message ?? '', seconds: 1 };
}
