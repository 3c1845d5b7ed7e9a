import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countText, findingsText } from '../../../cli/text/findings.ts';
import { markdownText } from '../../../cli/text/markdown.ts';
import { printable, styleOf } from '../../../cli/text/style.ts';

const PLAIN = styleOf(false);

describe('Markdown on a terminal', () => {
  it('aligns tables, opens folds, shows diffs, keeps the rest', () => {
    const markdown = [
      '**1 cluster.**',
      '',
      '| | what | n |',
      '| --- | --- | --- |',
      '| 1 | nodes &amp; more | 10 |',
      '',
      '### 1. One',
      '<details><summary>component a: b &lt;c&gt; changed</summary>',
      '',
      '````diff',
      '-a: **b**',
      '+```',
      '````',
      '',
      '</details>',
      'See [docs](https://example.com/a).',
    ].join('\n');

    expect(markdownText(markdown, PLAIN).split('\n')).toEqual([
      '1 cluster.',
      '',
      '   what          n',
      '1  nodes & more  10',
      '',
      '1. One',
      '  component a: b <c> changed',
      '',
      '    -a: **b**',
      '    +```',
      '',
      'See docs (https://example.com/a).',
      '',
    ]);
  });

  it('colours what is added and what is removed', () => {
    expect(markdownText('```diff\n-a\n+b\n```', styleOf(true))).toBe('    \u001b[31m-a\u001b[0m\n    \u001b[32m+b\u001b[0m\n');
  });
});

describe('text of files', () => {
  it('never sends a control character to the terminal', () => {
    const text = fc.string({ unit: 'binary', maxLength: 60 });
    fc.assert(
      fc.property(text, text, (one, two) => {
        const finding = { rule: 'a', level: 'failure', path: one === '' ? 'x' : one, line: 1, message: two === '' ? 'x' : two } as const;
        const shown = `${markdownText(`\`\`\`diff\n${one}\n\`\`\`\n${two}`, PLAIN)}${findingsText([finding], PLAIN)}${printable(one)}`;
        // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there.
        expect(shown).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
      }),
    );
  });

  it('has each finding on a line of its own', () => {
    const finding = { rule: 'yaml', level: 'warning', path: 'a', line: 2, column: 3, message: 'one\n  two' } as const;

    expect(findingsText([finding, { ...finding, path: 'b' }], PLAIN)).toBe('a:2:3 warning yaml one two\n\nb:2:3 warning yaml one two\n');
    expect([countText([]), countText([finding]), countText([finding, { ...finding, level: 'failure' }])]).toEqual([
      'nothing',
      '1 warning',
      '1 failure and 1 warning',
    ]);
  });
});
