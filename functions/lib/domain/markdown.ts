/**
 * Text of files, branches and other services within our Markdown, on one line: nothing in it is markup, HTML, a link or a cell's
 * end. By character references, so that it is the same inside of HTML blocks.
 */
export function plainText(text: string): string {
  return text
    .replaceAll(/[&<>|`*[\]\\]/g, (character) => REFERENCES[character] ?? `&#${character.codePointAt(0)};`)
    .replaceAll(/\s+/g, ' ');
}

const REFERENCES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Such a text as a code span that nothing in it closes. */
export function codeSpan(text: string): string {
  return `\`${text.replaceAll('`', "'").replaceAll(/\s+/g, ' ')}\``;
}
