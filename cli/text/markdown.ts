import { printable, type Style } from './style.ts';

/**
 * The Markdown that checks are written in, for a terminal: tables with aligned columns, folds opened, diffs in colour.
 * Only what our own texts use is known; anything else stays as it is.
 */
export function markdownText(markdown: string, style: Style): string {
  const lines = printable(markdown).split('\n');
  const out: string[] = [];
  let fence: string | undefined;
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    const mark = /^(?<ticks>`{3,})\w*$/.exec(line)?.groups?.['ticks'];
    if (fence !== undefined) {
      if (line === fence) fence = undefined;
      else out.push(`    ${diffLine(line, style)}`);
    } else if (mark !== undefined) fence = mark;
    else if (line.startsWith('|')) {
      const end = lines.findIndex((other, at) => at > index && !other.startsWith('|'));
      out.push(...tableText(lines.slice(index, end < 0 ? lines.length : end), style));
      index = (end < 0 ? lines.length : end) - 1;
    } else out.push(...lineText(line, style));
  }
  const text = out.join('\n').replaceAll(/\n{3,}/g, '\n\n');
  return `${text.replaceAll(/^\n+|\s+$/g, '')}\n`;
}

function lineText(line: string, style: Style): string[] {
  if (line === '</details>') return [];
  const summary = /^(?:<details>)?<summary>(?<text>.*)<\/summary>$/.exec(line)?.groups?.['text'];
  if (summary !== undefined) return [`  ${style.cyan(inline(summary, style))}`];
  if (line === '<details>') return [];
  const heading = /^#{1,6} (?<text>.*)$/.exec(line)?.groups?.['text'];
  return [heading === undefined ? inline(line, style) : style.bold(inline(heading, style))];
}

function diffLine(line: string, style: Style): string {
  if (line.startsWith('+')) return style.green(line);
  if (line.startsWith('-')) return style.red(line);
  return line.startsWith('@@') ? style.cyan(line) : line;
}

/** Bold, code, links (`text (address)`) and the character references that our texts write, no others: a file may hold some. */
function inline(text: string, style: Style): string {
  return text
    .replaceAll(/\*\*(.+?)\*\*/g, (_, inner: string) => style.bold(inner))
    .replaceAll(/\[([^\]]+)\]\(([^)]+)\)/g, '$1 ($2)')
    .replaceAll(/&#(42|9[1-36]|124);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function tableText(lines: readonly string[], style: Style): string[] {
  const plain = { ...style, bold: (text: string) => text };
  const rows = lines
    .filter((line) => !/^\|[ :|-]+\|$/.test(line))
    .map((line) =>
      line
        .replaceAll(/^\||\|$/g, '')
        .split(/(?<!\\)\|/)
        .map((cell) => inline(cell.trim().replaceAll('\\|', '|'), plain)),
    );
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row, index) => {
    const text = row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
    return index === 0 ? style.dim(text) : text;
  });
}
