import type { Asked } from '#model/webhook.ts';

/** A command on a line of its own, without blanks at its end; what follows the word is kept as it was written. */
const COMMAND = /^\/(?<what>test|cancel|refresh)(?:[ \t]+(?<rest>\S.*))?$/;

/** A fence of a code block opens and closes with three or more of a kind. */
const FENCE = /^ {0,3}(?<fence>`{3,}|~{3,})/;

/** The first command of a comment; none in code blocks and quotations, which tell of commands. */
export function commandOf(body: string): Omit<Asked, 'by'> | undefined {
  let fence: string | undefined;
  for (const line of body.slice(0, 65_536).split(/\r?\n/)) {
    const mark = FENCE.exec(line)?.groups?.['fence'];
    if (mark !== undefined && (fence === undefined || (mark.startsWith(fence) && line.trim() === mark))) {
      fence = fence === undefined ? mark : undefined;
      continue;
    }
    // Cut first: an expression that looks for blanks at the end tries each blank of a long line with all that follow.
    const groups = fence === undefined ? COMMAND.exec(line.trimEnd())?.groups : undefined;
    const what = groups?.['what'];
    if (what !== 'test' && what !== 'cancel' && what !== 'refresh') continue;
    return what === 'test' ? { what, sha: (groups?.['rest'] ?? '').slice(0, 100) } : { what };
  }
  return undefined;
}
