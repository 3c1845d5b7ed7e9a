import { suspicionText } from '#domain/backup-anomaly.ts';
import type { BackupManifest, LayerVerdict, SuspiciousBackup } from '#model/backup-records.ts';
import type { ClusterState, SeenBackup, SeenCluster } from '../backups/look.ts';
import { printable, type Style } from './style.ts';

const STATES: readonly ClusterState[] = ['not proven', 'suspicious', 'late', 'failing', 'not read', 'fine', 'not there'];
/** Resources told; JSON has all. */
const TOLD = 12;
const WHAT: Readonly<Record<LayerVerdict['layer'], string>> = {
  L0: 'members',
  L1: 'trailer',
  L2: 'pages and records',
  L3: 'key-value hash',
  L4: 'stored object',
  L5: 'etcd restored',
  L6: 'API server on it',
};

/** One line a cluster, those first that need somebody, then what is wrong and what to do. */
export function clustersText(clusters: readonly SeenCluster[], now: Date, style: Style): string {
  const counts = STATES.map((state) => ({ state, count: clusters.filter((one) => one.state === state).length })).filter(
    ({ count }) => count > 0,
  );
  const head = `${clusters.length} ${clusters.length === 1 ? 'cluster' : 'clusters'}: ${counts.map(({ state, count }) => paint(state, `${count} ${state}`, style)).join(', ')}`;
  const rows = inOrder(clusters).map(({ cluster, state, newestProven, newestDrilled, newest, bytes, unread }) => [
    printable(cluster),
    newestProven === null ? (unread.length === 0 ? 'none' : '?') : ago(newestProven.takenAt, now),
    newestDrilled === null ? 'never' : ago(newestDrilled.takenAt, now),
    newest === undefined ? '-' : layersText(newest.layers),
    newest?.signature ?? '-',
    newest?.manifest === undefined ? sizeText(bytes) : sizeText(newest.manifest.object.bytes),
    paint(state, state, style),
  ]);
  const title = ['cluster', 'newest proven', 'restored', 'layers', 'signature', 'size', 'state'];
  const lines = [`${head}   ${style.dim(`as of ${minute(now)}`)}`, '', ...tableLines(title, rows, style)];
  for (const { cluster, problems, unread } of inOrder(clusters)) {
    if (problems.length + unread.length > 0) lines.push('');
    for (const { text, todo } of problems)
      lines.push(`${style.bold(cluster)}: ${printable(text)}`, `  ${style.cyan('do:')} ${printable(todo)}`);
    for (const text of unread) lines.push(`${style.bold(cluster)}: ${style.yellow('not looked at:')} ${printable(text)}`);
  }
  return `${lines.join('\n')}\n`;
}

function inOrder(clusters: readonly SeenCluster[]): SeenCluster[] {
  return clusters.toSorted((left, right) => STATES.indexOf(left.state) - STATES.indexOf(right.state));
}

/** One line a backup, the newest first. @param kept why each stays, by id */
export function backupsText(
  cluster: SeenCluster,
  backups: readonly SeenBackup[],
  kept: ReadonlyMap<string, string>,
  now: Date,
  style: Style,
): string {
  const rows = backups.map((backup) => [
    backup.id,
    backup.takenAt === undefined ? '-' : ago(backup.takenAt.toISOString(), now),
    layersText(backup.layers),
    backup.signature,
    sizeText(backup.manifest?.object.bytes ?? null),
    verdictWord(backup, style),
    kept.get(backup.id) ?? '-',
  ]);
  const title = ['backup', 'taken', 'layers', 'signature', 'size', 'verdict', 'kept as'];
  const table = backups.length === 0 ? ['  The bucket of its account lists no backup.'] : tableLines(title, rows, style);
  const reasons = backups.flatMap(({ id, problems, unread }) =>
    [...problems, ...unread].map((text) => `${style.bold(id)}: ${printable(text)}`),
  );
  const lines = [clustersText([cluster], now, style).trimEnd(), '', ...table];
  return `${[...lines, ...(reasons.length === 0 ? [] : ['', ...reasons])].join('\n')}\n`;
}

/** Everything that the manifest of one backup says. */
export function backupText(cluster: string, backup: SeenBackup, suspicious: SuspiciousBackup | undefined, now: Date, style: Style): string {
  const { id, takenAt, manifest, layers, problems, unread } = backup;
  const taken = takenAt === undefined ? '' : `, taken ${minute(takenAt)} (${ago(takenAt.toISOString(), now)})`;
  const lines = [`${verdictWord(backup, style)}: ${printable(`${cluster} ${id}`)}${taken}`];
  for (const problem of problems) lines.push(`  ${style.red('not proven:')} ${printable(problem)}`);
  for (const text of unread) lines.push(`  ${style.yellow('not looked at:')} ${printable(text)}`);
  if (suspicious !== undefined) lines.push(`  ${style.red('suspicious:')} ${printable(suspicionText(suspicious))}`);
  if (layers.length > 0) lines.push('', ...layers.map((layer) => layerLine(layer, style)));
  if (manifest !== undefined)
    lines.push('', ...factLines(manifest, backup), '', ...countLines(manifest, style), '', ...checkLines(manifest, style));
  return `${lines.join('\n')}\n`;
}

function verdictWord({ proven, unread, manifest }: SeenBackup, style: Style): string {
  if (proven) return unread.length === 0 ? style.green('proven') : style.yellow('proven, unchecked');
  return manifest === undefined && unread.length > 0 ? style.yellow('not read') : style.red('NOT PROVEN');
}

function layerLine({ layer, verdict, reason }: LayerVerdict, style: Style): string {
  const word = { holds: style.green('holds  '), fails: style.red('FAILS  '), 'not-run': style.yellow('not run') }[verdict];
  return `  ${layer}  ${word}  ${WHAT[layer].padEnd(17)}  ${printable(reason)}`;
}

function factLines(manifest: BackupManifest, { signature }: SeenBackup): string[] {
  const { object, etcd, kubernetes, recoverySet, configuration, purpose, execution, keyValueHash } = manifest;
  const by = manifest.signature === undefined ? '' : `, by ${manifest.signature.key}`;
  const facts: [string, string][] = [
    ['signature', `${signature}${by}`],
    ['object', `s3://${object.bucket}/${object.key}`],
    ['size', `${sizeText(object.bytes)}, SHA-256 ${object.sha256}`],
    ['etcd', `${etcd.version}, revision ${etcd.revision}, cluster id ${etcd.clusterId}, from ${etcd.member} of ${etcd.members}`],
    ['compared', comparedText(manifest)],
    ['key-value hash', keyValueHash === undefined ? 'not recorded' : `${keyValueHash.hash}, compaction ${keyValueHash.compactRevision}`],
    ['restored under', kubernetes == null ? 'no API server (L5, L6 were not asked for)' : `Kubernetes ${kubernetes}`],
    ['keys', recoverySet == null ? 'not recorded' : `identity ${recoverySet.identityVersion}, ${keysText(recoverySet.encryptionKeys)}`],
    [
      'ran',
      configuration === undefined ? 'not recorded' : `${configuration.revision.slice(0, 12)}, Kubernetes ${configuration.kubernetes}`,
    ],
    ['taken for', purpose === undefined ? 'the schedule, or by hand' : `the update to ${purpose.revision.slice(0, 12)}`],
    ['by', execution],
  ];
  return facts.map(([name, value]) => `  ${name.padEnd(16)}${printable(value)}`);
}

/** How far L3 compares, and why so. */
function comparedText({ hashProof, etcd }: BackupManifest): string {
  if (hashProof === undefined) return 'not recorded';
  const how = hashProof.by === 'recorded' ? 'with what members recorded at a compaction' : 'with what members computed';
  const upTo =
    hashProof.revision < etcd.revision
      ? `up to revision ${hashProof.revision} of ${etcd.revision}`
      : `all of it, to revision ${etcd.revision}`;
  return `${upTo}, ${how} (${hashProof.why})`;
}

function keysText(encryptionKeys: NonNullable<BackupManifest['recoverySet']>['encryptionKeys']): string {
  return `encryption keys ${encryptionKeys.map(({ name, fingerprint }) => `${name} (${fingerprint})`).join(', ') || 'none'}`;
}

function countLines({ counts }: BackupManifest, style: Style): string[] {
  const all = Object.entries(counts);
  const shown = all.slice(0, TOLD).map(([name, count]) => `  ${String(count).padStart(9)}  ${printable(name)}`);
  return [
    `  ${style.bold('objects')}`,
    ...shown,
    ...(all.length > TOLD ? [style.dim(`             and ${all.length - TOLD} more (--json tells all)`)] : []),
  ];
}

function checkLines({ object }: BackupManifest, style: Style): string[] {
  const copy = `aws s3 cp s3://${object.bucket}/${object.key} snapshot.db && npx sluice backup verify snapshot.db`;
  return [style.dim('  to look at the file itself (it holds every Secret of the cluster):'), `  ${printable(copy)}`];
}

/** `L0-L6` when all hold, else the first that fails; layers that were not run end the range. */
export function layersText(layers: readonly LayerVerdict[]): string {
  if (layers.length === 0) return '-';
  const failed = layers.filter(({ verdict }) => verdict === 'fails').map(({ layer }) => layer);
  if (failed.length > 0) return `${failed.join(' ')} fails`;
  const names = ['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6'];
  const until = names.findIndex((name) => !layers.some(({ layer, verdict }) => layer === name && verdict === 'holds'));
  if (until === 0) return 'none';
  if (until === -1) return 'L0-L6';
  return until === 1 ? 'L0' : `L0-${names.at(until - 1) ?? ''}`;
}

/** Columns as wide as their longest cell; colours have no width. */
function tableLines(title: readonly string[], rows: readonly (readonly string[])[], style: Style): string[] {
  const widths = title.map((name, column) => Math.max(name.length, ...rows.map((row) => widthOf(row[column] ?? ''))));
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell))).join('  ')}`.trimEnd();
  return [style.dim(line(title)), ...rows.map(line)];
}

function widthOf(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
  return text.replaceAll(/\u001b\[\d+m/g, '').length;
}

function paint(state: ClusterState, text: string, style: Style): string {
  if (state === 'fine') return style.green(text);
  if (state === 'not there') return style.dim(text);
  return state === 'not read' ? style.yellow(text) : style.red(text);
}

/** `3 min ago`, `5 h ago`, `2 d ago`: the largest unit that is full. */
function ago(time: string, now: Date): string {
  const seconds = Math.floor((now.getTime() - Date.parse(time)) / 1000);
  if (seconds < 0) return 'in the future';
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 48 * 3600 ? `${Math.floor(seconds / 3600)} h ago` : `${Math.floor(seconds / 86_400)} d ago`;
}

function minute(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function sizeText(bytes: number | null): string {
  return bytes === null ? '-' : `${(bytes / 1e6).toFixed(1)} MB`;
}
