import type { ChangedFile } from '../git/diff.ts';
import type { Annotation } from '../state.ts';
import { annotationNote } from './checks.ts';
import { type Html, html } from './html.ts';

/** Lines of a file's diff that are shown at most. */
const MAX_LINES = 2000;

/** A changed file with its diff; annotations stand below the line that they are about. */
export function fileBox(file: ChangedFile, annotations: readonly Annotation[]): Html {
  const own = annotations.filter((annotation) => annotation.path === file.path);
  const lines = numbered(file.patch ?? '');
  const shown = new Set(lines.flatMap((line) => (line.after === undefined ? [] : [line.after])));
  const apart = own.filter((annotation) => !shown.has(annotation.end_line));
  const name = file.previousPath === undefined ? file.path : `${file.previousPath} → ${file.path}`;
  return html`<div class="box"><div class="head"><code>${name}</code><span class="grow dim small">${file.status}</span>
<span class="counts small"><span class="add">+${file.additions}</span> <span class="del">−${file.deletions}</span></span></div>
${apart.map(annotationNote)}
<div class="diff">${
    file.patch === undefined
      ? html`<p class="note notice">No text to show.</p>`
      : html`<table>${lines
          .slice(0, MAX_LINES)
          .map((line) => [
            html`<tr class="${line.kind}"><td class="number">${line.before}</td><td class="number">${line.after}</td><td>${line.text}</td></tr>`,
            own
              .filter((annotation) => line.after !== undefined && annotation.end_line === line.after)
              .map((annotation) => html`<tr><td colspan="3">${annotationNote(annotation)}</td></tr>`),
          ])}</table>`
  }${lines.length > MAX_LINES && html`<p class="note notice">${lines.length - MAX_LINES} more lines are not shown.</p>`}</div></div>`;
}

interface Line {
  readonly kind: 'add' | 'del' | 'hunk' | 'same';
  readonly before: number | undefined;
  readonly after: number | undefined;
  readonly text: string;
}

function numbered(patch: string): Line[] {
  let before = 0;
  let after = 0;
  return patch
    .split('\n')
    .filter((text) => text !== '')
    .map((text): Line => {
      const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)/.exec(text);
      if (hunk !== null) {
        before = Number(hunk[1]);
        after = Number(hunk[2]);
        return { kind: 'hunk', before: undefined, after: undefined, text };
      }
      if (text.startsWith('+')) return { kind: 'add', before: undefined, after: after++, text };
      if (text.startsWith('-')) return { kind: 'del', before: before++, after: undefined, text };
      if (text.startsWith('\\')) return { kind: 'same', before: undefined, after: undefined, text };
      return { kind: 'same', before: before++, after: after++, text };
    });
}
