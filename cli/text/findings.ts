import type { Finding } from '#model/checks.ts';
import { printable, type Style } from './style.ts';

/** Findings for people, in the check's order: `path:line:column level rule message`, files apart from each other. */
export function findingsText(findings: readonly Finding[], style: Style): string {
  const paint = { failure: style.red, warning: style.yellow, notice: style.cyan };
  return findings
    .map((finding, index) => {
      const { path, line, column, level, rule, message } = finding;
      const gap = index > 0 && findings[index - 1]?.path !== path ? '\n' : '';
      const at = `${printable(path)}:${line}:${column ?? 1}`;
      return `${gap}${style.bold(at)} ${paint[level](level)} ${style.dim(rule)} ${printable(message.replaceAll(/\s*\n\s*/g, ' '))}\n`;
    })
    .join('');
}

/** `2 failures and 1 warning`; `nothing` without any. */
export function countText(findings: readonly Finding[]): string {
  const parts = (['failure', 'warning', 'notice'] as const).flatMap((level) => {
    const count = findings.filter((finding) => finding.level === level).length;
    return count === 0 ? [] : [`${count} ${level}${count === 1 ? '' : 's'}`];
  });
  const last = parts.pop();
  return last === undefined ? 'nothing' : [parts.join(', '), last].filter((part) => part !== '').join(' and ');
}
