import type { SnapshotContent } from '#domain/snapshot/verify.ts';
import type { LayerVerdict } from '#model/backup-records.ts';
import { printable, type Style } from './style.ts';

/** Kinds and namespaces told; JSON has all. */
const TOLD = 12;
const WHAT: Readonly<Partial<Record<LayerVerdict['layer'], string>>> = { L1: 'trailer', L2: 'pages and records', L3: 'key-value hash' };

export interface SnapshotOutcome {
  readonly path: string;
  readonly bytes: number;
  readonly layers: readonly LayerVerdict[];
  readonly content: SnapshotContent | undefined;
}

/** What `sluice backup verify` tells a person: the verdict first, then each layer, then what is in the file. */
export function snapshotText({ path, bytes, layers, content }: SnapshotOutcome, style: Style): string {
  const failed = layers.filter((layer) => layer.verdict === 'fails').map(({ layer }) => layer);
  const name = printable(path);
  const head =
    failed.length === 0
      ? `${style.green('Whole')}: ${name}`
      : `${style.red('Damaged')}: ${name} (${failed.join(', ')}). Do not restore it.`;
  const lines = [head, '', ...layers.map((layer) => layerLine(layer, style)), ''];
  if (content !== undefined) lines.push(...factLines(bytes, content), '', ...countLines(content, style));
  return `${lines.join('\n').trimEnd()}\n`;
}

function layerLine({ layer, verdict, reason }: LayerVerdict, style: Style): string {
  const word = { holds: style.green('holds  '), fails: style.red('FAILS  '), 'not-run': style.yellow('not run') }[verdict];
  return `  ${layer}  ${word}  ${(WHAT[layer] ?? '').padEnd(17)}  ${printable(reason)}`;
}

function factLines(bytes: number, content: SnapshotContent): string[] {
  const hash = content.hashes.at(-1);
  const { compactRevision, storageVersion, clusterVersion, pages, usedPages, pageSize } = content;
  const used = `${megabytes(bytes)} MB, ${megabytes(usedPages * pageSize)} MB in use (${usedPages} of ${pages} pages of ${pageSize} bytes)`;
  const facts: [string, string][] = [
    ['size', used],
    ['version', `storage ${storageVersion ?? 'not told (before 3.6)'}, cluster ${clusterVersion ?? 'not told'}`],
    ['revision', `${content.revision}, ${compactRevision < 0 ? 'never compacted' : `compacted at ${compactRevision}`}`],
    ['key-value hash', hash === undefined ? 'none' : `${hash.hash} at revision ${hash.revision}, compaction ${hash.compactRevision}`],
    ['log', `consistent index ${content.consistentIndex}, term ${content.term}`],
    ['content', `${content.keys} keys in ${content.records} records, ${content.counts.otherKeys} not under /registry/`],
  ];
  return facts.map(([name, value]) => `  ${name.padEnd(16)}${value}`);
}

function countLines({ counts }: SnapshotContent, style: Style): string[] {
  const parts: string[] = [];
  for (const [title, names] of [
    ['kinds', counts.kinds],
    ['namespaces', counts.namespaces],
  ] as const) {
    const all = Object.entries(names);
    if (all.length === 0) continue;
    parts.push(`  ${style.bold(title)}`);
    for (const [name, count] of all.slice(0, TOLD)) parts.push(`  ${String(count).padStart(9)}  ${printable(name)}`);
    if (all.length > TOLD) parts.push(style.dim(`             and ${all.length - TOLD} more (--json tells all)`));
  }
  return parts;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
