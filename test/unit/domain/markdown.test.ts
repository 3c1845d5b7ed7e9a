import { describe, expect, it } from 'vitest';
import { pullRequestConflict } from '#domain/check-texts.ts';
import { codeSpan, plainText } from '#domain/markdown.ts';
import { markdownText } from '../../../cli/text/markdown.ts';
import { styleOf } from '../../../cli/text/style.ts';

const MARKUP = 'a <b> & `c` **d** [e](http://f) | g \\';

describe('text of others in our Markdown', () => {
  it('is no markup, and one line', () => {
    expect(plainText(`${MARKUP}\n\n# h <!--`)).toBe(
      'a &lt;b&gt; &amp; &#96;c&#96; &#42;&#42;d&#42;&#42; &#91;e&#93;(http://f) &#124; g &#92; # h &lt;!--',
    );
  });

  it('is shown as it was by the command', () => {
    expect(markdownText(`- ${plainText(MARKUP)}`, styleOf(false))).toBe(`- ${MARKUP}\n`);
    expect(markdownText(`- ${plainText('&#27;[31m')} and ${codeSpan('&#27;[31m')}`, styleOf(false))).toBe('- &#27;[31m and `&#27;[31m`\n');
  });

  it('closes no code span', () => {
    expect(codeSpan('a` <img src=x>\n\nb')).toBe("`a' <img src=x> b`");
    expect(pullRequestConflict('dev', 'x`<!--').summary).toContain("merge `dev` into `x'<!--`, resolve");
  });
});
