import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { withoutRestore } from '#domain/restore-removal.ts';

const HEAD = '# ours\nchannel: dev # first\nclusters:\n';
const OTHER = '  - name: dev-2 # kept\n    account: "2"\n    restore: { id: r1, backup: b, reason: other }\n';
const WITHOUT = `${HEAD}  - name: dev-1\n    account: "1" # also kept\n    owner: x\n${OTHER}`;

describe('a restore that is over', () => {
  it.each([
    ['in one line', '    restore: { id: r1, backup: b, reason: lost }\n'],
    ['in one line with a comment', '    restore: { id: r1, backup: b, reason: lost } # tonight\n'],
    ['in lines', '    restore:\n      id: r1\n      backup: b\n      reason: >-\n        lost, and\n        more\n'],
  ])('goes %s, and nothing else changes', (_, line) => {
    const text = `${HEAD}  - name: dev-1\n    account: "1" # also kept\n${line}    owner: x\n${OTHER}`;

    expect(withoutRestore(text, 'dev-1', 'r1')).toBe(WITHOUT);
  });

  it('goes at the end of a file without a last line break', () => {
    const text = `${HEAD}  - name: dev-1\n    restore: { id: r1, backup: b, reason: lost }`;

    expect(withoutRestore(text, 'dev-1', 'r1')).toBe(`${HEAD}  - name: dev-1\n`);
  });

  it('goes from an entry that is one line', () => {
    const text = `${HEAD}  - { name: dev-1, restore: { id: r1, backup: b, reason: lost }, owner: x }\n`;

    const after = withoutRestore(text, 'dev-1', 'r1') ?? '';

    expect(parse(after)).toEqual({ channel: 'dev', clusters: [{ name: 'dev-1', owner: 'x' }] });
    expect(after).toContain('# ours');
  });

  it.each([
    ['is of another id', 'dev-1', 'r2'],
    ['is of no such cluster', 'dev-9', 'r1'],
  ])('stays when it %s', (_, cluster, id) => {
    expect(withoutRestore(`${HEAD}  - name: dev-1\n    restore: { id: r1, backup: b, reason: lost }\n`, cluster, id)).toBeUndefined();
  });
});
