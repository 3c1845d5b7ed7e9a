import { parseArgs } from 'node:util';
import { openSuspicion } from '#domain/backup-anomaly.ts';
import { takenAtOf } from '#domain/backup-index.ts';
import { type KeptBackup, planRetention } from '#domain/backup-retention.ts';
import { keys } from '#domain/names.ts';
import { readObject } from '#facts/stored.ts';
import { BackupIndex } from '#model/backup-records.ts';
import { InputError } from '#model/errors.ts';
import { lookAtCluster, readBackup, readBackups, readFleet, type SeenBackup, type SeenCluster } from '../backups/look.ts';
import type { BackupSources, SourceOptions } from '../backups/sources.ts';
import { backupsText, backupText, clustersText } from '../text/backups.ts';
import { styleOf } from '../text/style.ts';
import { EXIT, readArguments, type Terminal } from './command.ts';

/** Makes the sources of what the options say. */
export type Connect = (options: SourceOptions) => Promise<BackupSources>;

const COMMON = {
  json: { type: 'boolean', default: false },
  hub: { type: 'string' },
  role: { type: 'string' },
} as const;
const LIST = { ...COMMON, cluster: { type: 'string' }, 'hub-only': { type: 'boolean', default: false } } as const;

/** `sluice backup list`: how old, how proven, and what to do, of each cluster or of each backup of one. */
export async function listBackups(args: readonly string[], terminal: Terminal, connect: Connect): Promise<number> {
  const { values, positionals } = readArguments(
    () => parseArgs({ args: [...args], options: LIST, allowPositionals: true }),
    Object.keys(LIST),
  );
  if (positionals.length > 0)
    throw new InputError(`list takes no ${positionals.join(' ')}. One cluster: --cluster ${positionals[0] ?? ''}`);
  const sources = await connect(optionsOf(values));
  const fleet = await readFleet(sources, values.cluster);
  const deep = !values['hub-only'];
  const clusters = await Promise.all(fleet.map((one) => lookAtCluster(sources, one, deep)));
  const [only] = values.cluster === undefined ? [] : fleet;
  const backups =
    only === undefined || !deep ? undefined : await readBackups(sources.account(only.entry.account, only.entry.region), only.entry.name);
  const now = sources.now();
  const style = styleOf(terminal.colours);
  const [first] = clusters;
  const code = exitOf(clusters, backups ?? []);
  if (values.json) {
    const listed = backups === undefined ? {} : { backups };
    terminal.out(`${JSON.stringify({ ok: code === EXIT.clean, at: now.toISOString(), clusters, ...listed }, null, 2)}\n`);
  } else if (backups === undefined || first === undefined) terminal.out(clustersText(clusters, now, style));
  else terminal.out(backupsText(first, backups, keptOf(first, backups, now), now, style));
  return code;
}

/** `sluice backup show <cluster> <id>`: all that the manifest says, and whether its signature fits. */
export async function showBackup(args: readonly string[], terminal: Terminal, connect: Connect): Promise<number> {
  const { values, positionals } = readArguments(
    () => parseArgs({ args: [...args], options: COMMON, allowPositionals: true }),
    Object.keys(COMMON),
  );
  const [cluster, wanted, ...more] = positionals;
  if (cluster === undefined || wanted === undefined) throw new InputError('Which backup? sluice backup show <cluster> <id>, or: newest');
  if (more.length > 0) throw new InputError(`One cluster and one backup are enough; ${more.join(' ')} is too much.`);
  if (wanted !== 'newest' && takenAtOf(wanted) === undefined)
    throw new InputError(
      `${wanted} is no id of a backup. sluice backup list --cluster ${cluster} tells them; newest is the newest proven one.`,
    );
  const sources = await connect(optionsOf(values));
  const [found] = await readFleet(sources, cluster);
  if (found === undefined) throw new InputError(`The settings name no cluster ${cluster}.`);
  const index = await readObject(sources.hub, keys.backupIndex(cluster), BackupIndex);
  const id = wanted === 'newest' ? index?.newestProven?.id : wanted;
  if (id === undefined) throw new InputError(`${cluster} has no proven backup yet: sluice backup list --cluster ${cluster}`);
  const backup = await readBackup(sources.account(found.entry.account, found.entry.region), cluster, id);
  const open = index === undefined ? undefined : openSuspicion(index, found.channel.backup.acknowledged, sources.now());
  const suspicious = open?.content.id === id ? open : undefined;
  const style = styleOf(terminal.colours);
  if (values.json) terminal.out(`${JSON.stringify({ ok: backup.proven, cluster, ...backup, suspicious: suspicious ?? null }, null, 2)}\n`);
  else terminal.out(backupText(cluster, backup, suspicious, sources.now(), style));
  if (backup.problems.length > 0 || suspicious !== undefined) return EXIT.findings;
  return backup.unread.length > 0 ? EXIT.couldNotRun : EXIT.clean;
}

/** Something is wrong; else something was not looked at: then nothing is said to be fine. */
function exitOf(clusters: readonly SeenCluster[], backups: readonly SeenBackup[]): number {
  if (clusters.some(({ problems }) => problems.length > 0)) return EXIT.findings;
  const unread = [...clusters, ...backups].some((one) => one.unread.length > 0);
  return unread ? EXIT.couldNotRun : EXIT.clean;
}

/** Why each stays, or that it may go. Holds are not known here. */
function keptOf({ suspicious }: SeenCluster, backups: readonly SeenBackup[], now: Date): ReadonlyMap<string, string> {
  const known = backups.flatMap(({ id, takenAt, proven, layers }): KeptBackup[] =>
    takenAt === undefined
      ? []
      : [
          {
            id,
            takenAt,
            storedAt: takenAt,
            proven,
            restored: proven && isRestored(layers),
            suspicious: suspicious !== null && suspicious !== undefined && id >= suspicious,
            hold: undefined,
          },
        ],
  );
  const { keep, remove } = planRetention(
    known,
    now,
    backups.every(({ unread }) => unread.length === 0),
  );
  return new Map([...keep, ...remove.map(({ id, reason }) => ({ id, reason: `may go: ${reason}` }))].map(({ id, reason }) => [id, reason]));
}

/** It was restored and served. */
function isRestored(layers: SeenBackup['layers']): boolean {
  return ['L5', 'L6'].every((layer) => layers.some((one) => one.layer === layer && one.verdict === 'holds'));
}

/** The hub's bucket names its region: `sluice-<account>-<region>`. @throws InputError when no bucket is named */
function optionsOf({ hub = process.env['SLUICE_BUCKET'], role }: { hub?: string | undefined; role?: string | undefined }): SourceOptions {
  if (hub === undefined || hub === '')
    throw new InputError('Which hub? Name its bucket: --hub sluice-<account>-<region>, or SLUICE_BUCKET.');
  const region = /^sluice-\d{12}-(?<region>[a-z]{2}(?:-[a-z]+)+-\d)$/.exec(hub)?.groups?.['region'] ?? process.env['AWS_REGION'];
  if (region === undefined) throw new InputError(`The name ${hub} tells no region: set AWS_REGION.`);
  return { hub, region, role };
}
