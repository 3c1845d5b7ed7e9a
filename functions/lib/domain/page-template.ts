/** Text of a page in which everything that came from outside is escaped. Made by `html` only. */
export interface Html {
  readonly html: string;
}

export type Part = Html | string | number | null | undefined | false | readonly Part[];

/**
 * Template of HTML: each value is escaped unless it is Html itself, lists are joined, null and false are nothing. Values
 * stand between tags or in quoted attributes; escaped text is safe in both.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Part[]): Html {
  return { html: strings.reduce((text, piece, index) => text + piece + (index < values.length ? textOf(values[index]) : ''), '') };
}

function textOf(part: Part): string {
  if (part === null || part === undefined || part === false) return '';
  if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part));
  return 'html' in part ? part.html : part.map(textOf).join('');
}

/** Text that no parser of HTML takes for markup, in content and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
}
