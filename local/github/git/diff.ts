import type { Repository } from './repository.ts';

export interface ChangedFile {
  readonly path: string;
  readonly previousPath: string | undefined;
  readonly status: 'added' | 'removed' | 'modified' | 'renamed' | 'changed';
  readonly sha: string;
  readonly additions: number;
  readonly deletions: number;
  /** Hunks without the file header; undefined for binary files. */
  readonly patch: string | undefined;
}

const STATUS: Readonly<Record<string, ChangedFile['status']>> = { A: 'added', D: 'removed', M: 'modified', R: 'renamed', T: 'changed' };

/** Files that differ between two commits or trees, renames found. */
export async function changedFiles(repository: Repository, from: string, to: string): Promise<ChangedFile[]> {
  const raw = (await repository.run(['diff-tree', '-r', '-M', '-z', '--raw', '--no-abbrev', from, to])).split('\0');
  const patches = await patchesByPath(repository, from, to);
  const files: ChangedFile[] = [];
  for (let index = 0; index < raw.length; ) {
    const header = /^:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) ([A-Z])/.exec(raw[index] ?? '');
    if (header === null) break;
    const [, sha = '', letter = ''] = header;
    const renamed = letter === 'R' || letter === 'C';
    const first = raw[index + 1] ?? '';
    const path = renamed ? (raw[index + 2] ?? '') : first;
    index += renamed ? 3 : 2;
    const patch = patches.get(path);
    const previousPath = renamed ? first : undefined;
    files.push({ path, previousPath, status: STATUS[letter] ?? 'modified', sha, ...counted(patch), patch });
  }
  return files;
}

function counted(patch: string | undefined): { additions: number; deletions: number } {
  const lines = patch?.split('\n') ?? [];
  return {
    additions: lines.filter((line) => line.startsWith('+')).length,
    deletions: lines.filter((line) => line.startsWith('-')).length,
  };
}

async function patchesByPath(repository: Repository, from: string, to: string): Promise<Map<string, string>> {
  const text = await repository.run(['-c', 'core.quotePath=false', 'diff-tree', '-r', '-M', '-p', '--no-prefix', from, to]);
  const patches = new Map<string, string>();
  for (const section of text.split(/^diff --git /m).slice(1)) {
    const hunks = section.search(/^@@ /m);
    if (hunks === -1) continue;
    const head = section.slice(0, hunks);
    const path = /^\+\+\+ (?!\/dev\/null)(.*)$/m.exec(head)?.[1] ?? /^--- (.*)$/m.exec(head)?.[1];
    if (path !== undefined) patches.set(path.replace(/\t$/, ''), section.slice(hunks).replace(/\n$/, ''));
  }
  return patches;
}
