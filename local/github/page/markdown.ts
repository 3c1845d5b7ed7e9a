import { escapeHtml, type Html } from './html.ts';

/** One block begins at a line and ends before another; undefined when the line begins none of its kind. */
type Block = (lines: readonly string[], at: number) => { html: string; next: number } | undefined;

/**
 * The part of GitHub's Markdown that checks and pull requests use: headings, tables, lists, code, bold, italics, links,
 * quotes, rules and <details>. Everything else is shown as written; no HTML of the text gets through.
 */
export function markdown(text: string): Html {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const out: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const block = BLOCKS.map((kind) => kind(lines, at)).find((found) => found !== undefined);
    if (block === undefined) at += 1;
    else {
      out.push(block.html);
      at = block.next;
    }
  }
  return { html: out.join('\n') };
}

function fence(lines: readonly string[], at: number): ReturnType<Block> {
  const open = /^(`{3,}|~{3,})\s*(\w*)/.exec(lines[at] ?? '');
  if (open === null) return undefined;
  const [, mark = '', language = ''] = open;
  let end = at + 1;
  while (end < lines.length && !(lines[end] ?? '').startsWith(mark)) end += 1;
  const body = lines.slice(at + 1, end);
  const html = body.map((line) => (language === 'diff' ? diffLine(line) : escapeHtml(line))).join('\n');
  return { html: `<pre><code>${html}</code></pre>`, next: end + 1 };
}

/** A line of a diff in its colour. */
export function diffLine(line: string): string {
  const kind = line.startsWith('+') ? 'add' : line.startsWith('-') ? 'del' : line.startsWith('@@') ? 'hunk' : '';
  return kind === '' ? escapeHtml(line) : `<span class="${kind}">${escapeHtml(line)}</span>`;
}

function heading(lines: readonly string[], at: number): ReturnType<Block> {
  const [, marks, text] = /^(#{1,6})\s+(.*?)\s*#*$/.exec(lines[at] ?? '') ?? [];
  if (marks === undefined || text === undefined) return undefined;
  // The page has an h1 and h2 of its own.
  const level = Math.min(6, marks.length + 2);
  return { html: `<h${level}>${inline(text)}</h${level}>`, next: at + 1 };
}

function table(lines: readonly string[], at: number): ReturnType<Block> {
  if (!(lines[at] ?? '').includes('|') || !/^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(lines[at + 1] ?? '')) return undefined;
  if (!(lines[at + 1] ?? '').includes('|')) return undefined;
  let end = at + 2;
  while ((lines[end] ?? '').includes('|')) end += 1;
  const right = cells(lines[at + 1] ?? '').map((cell) => /^[^:].*:$/.test(cell));
  const cell = (tag: string) => (text: string, column: number) =>
    `<${tag}${right[column] === true ? ' class="right"' : ''}>${inline(text)}</${tag}>`;
  const row = (line: string, tag: string): string => `<tr>${cells(line).map(cell(tag)).join('')}</tr>`;
  const body = lines.slice(at + 2, end).map((line) => row(line, 'td'));
  return {
    html: `<div class="scroll"><table><thead>${row(lines[at] ?? '', 'th')}</thead><tbody>${body.join('')}</tbody></table></div>`,
    next: end,
  };
}

function cells(line: string): string[] {
  const inner = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '');
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
}

const ITEM = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/;

function list(lines: readonly string[], at: number): ReturnType<Block> {
  const first = ITEM.exec(lines[at] ?? '');
  if (first === null) return undefined;
  const indent = (first[1] ?? '').length;
  const tag = /\d/.test(first[2] ?? '') ? 'ol' : 'ul';
  const items: string[] = [];
  let next = at;
  for (let item = ITEM.exec(lines[next] ?? ''); item !== null; item = ITEM.exec(lines[next] ?? '')) {
    const depth = (item[1] ?? '').length;
    if (depth < indent) break;
    if (depth > indent) {
      const nested = list(lines, next);
      if (nested === undefined) break;
      items.push(`${items.pop() ?? ''}${nested.html}`);
      next = nested.next;
      continue;
    }
    next += 1;
    let text = item[3] ?? '';
    while (/^\s+\S/.test(lines[next] ?? '') && !ITEM.test(lines[next] ?? '')) {
      text += ` ${(lines[next] ?? '').trim()}`;
      next += 1;
    }
    items.push(listItem(text));
  }
  return { html: `<${tag}>${items.map((item) => `<li>${item}</li>`).join('')}</${tag}>`, next };
}

function listItem(text: string): string {
  const [, mark, rest] = /^\[([ xX])\]\s+(.*)$/.exec(text) ?? [];
  return mark === undefined ? inline(text) : `${mark === ' ' ? '☐' : '☑'} ${inline(rest ?? '')}`;
}

function quote(lines: readonly string[], at: number): ReturnType<Block> {
  let end = at;
  while (/^>/.test(lines[end] ?? '')) end += 1;
  if (end === at) return undefined;
  const inner = lines.slice(at, end).map((line) => line.replace(/^> ?/, ''));
  return { html: `<blockquote>${markdown(inner.join('\n')).html}</blockquote>`, next: end };
}

function rule(lines: readonly string[], at: number): ReturnType<Block> {
  return /^\s*([-*_])(\s*\1){2,}\s*$/.test(lines[at] ?? '') ? { html: '<hr>', next: at + 1 } : undefined;
}

/** `<details>` and `<summary>`, alone or on one line: the only tags that are let through, and only without attributes. */
function details(lines: readonly string[], at: number): ReturnType<Block> {
  const line = (lines[at] ?? '').trim();
  if (!/^<\/?(details|summary)>/.test(line)) return undefined;
  const html = line
    .split(/(<\/?(?:details|summary)>)/)
    .map((piece) => (/^<\/?(details|summary)>$/.test(piece) ? piece : inline(piece)))
    .join('');
  return { html, next: at + 1 };
}

function blank(lines: readonly string[], at: number): ReturnType<Block> {
  return (lines[at] ?? '').trim() === '' ? { html: '', next: at + 1 } : undefined;
}

const STARTERS: readonly Block[] = [blank, fence, heading, rule, table, list, quote, details];

function paragraph(lines: readonly string[], at: number): ReturnType<Block> {
  let end = at + 1;
  while (end < lines.length && STARTERS.every((kind) => kind(lines, end) === undefined)) end += 1;
  return { html: `<p>${lines.slice(at, end).map(inline).join('<br>')}</p>`, next: end };
}

const BLOCKS: readonly Block[] = [...STARTERS, paragraph];

/** Code, links, bold, italics, strike-through of one line; code is left alone by the rest. */
function inline(text: string): string {
  return text
    .split(/(`+[^`]*`+)/)
    .map((piece) => {
      const code = /^`+([^`]*)`+$/.exec(piece);
      return code === null ? styled(piece) : `<code>${escapeHtml((code[1] ?? '').trim())}</code>`;
    })
    .join('');
}

function styled(text: string): string {
  return escapeHtml(text)
    .replaceAll(/\[([^\]]+)\]\(((?:https?:\/\/|\/|#)[^\s)]*)\)/g, '<a href="$2" rel="noreferrer">$1</a>')
    .replaceAll(/(^|[\s(])(https?:\/\/[^\s<)]*[^\s<).,;:!?])/g, '$1<a href="$2" rel="noreferrer">$2</a>')
    .replaceAll(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
    .replaceAll(/(^|[^\w*])\*([^*\s][^*]*)\*(?!\w)/g, '$1<em>$2</em>')
    .replaceAll(/(^|\W)_([^_\s][^_]*)_(?!\w)/g, '$1<em>$2</em>')
    .replaceAll(/~~([^~]+)~~/g, '<del>$1</del>');
}
