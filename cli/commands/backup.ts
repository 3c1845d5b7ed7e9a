import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { withFile } from '#adapters/files/random-access.ts';
import { verdict } from '#domain/backup.ts';
import { contentLayer, hashLayer, MAX_SNAPSHOT_BYTES, trailerLayer } from '#domain/snapshot/verdicts.ts';
import type { HashRequest, Progress, SnapshotContent } from '#domain/snapshot/verify.ts';
import { didYouMean } from '#domain/suggest.ts';
import type { LayerVerdict } from '#model/backup-records.ts';
import { InputError } from '#model/errors.ts';
import type { RandomAccess } from '#ports/random-access.ts';
import { connectAws } from '../backups/sources.ts';
import { snapshotText } from '../text/snapshot.ts';
import { styleOf } from '../text/style.ts';
import { type Connect, listBackups, showBackup } from './backup-list.ts';
import { type Command, EXIT, readArguments, type Terminal } from './command.ts';

const OPTIONS = {
  json: { type: 'boolean', default: false },
  hash: { type: 'string' },
  revision: { type: 'string' },
  'compact-revision': { type: 'string' },
} as const;

const CLOCK = { now: (): Date => new Date() };
/** Smaller files are read before anyone wonders. */
const PROGRESS_BYTES = 64 * 1024 * 1024;
const BARS = 30;

/** What a file alone tells. */
interface Outcome {
  readonly bytes: number;
  readonly layers: readonly LayerVerdict[];
  readonly content: SnapshotContent | undefined;
}

const HELP = `Usage: sluice backup list [--cluster <name>] [options]
       sluice backup show <cluster> <id> [options]
       sluice backup verify <file> [options]

list and show read the hub's bucket and the bucket of each cluster's account, by the credentials that the AWS CLI would take.
They change nothing, and never read a snapshot.

  list                 one line a cluster: ages, layers, signature, size, and what to do
  list --cluster NAME  one line a backup of it, the newest first
  show                 everything that a manifest says; \`newest\` is the newest proven one

  --hub <bucket>               of the hub, sluice-<account>-<region> (default: SLUICE_BUCKET)
  --role <name>                role to take on in each cluster's account (default: none)
  --hub-only                   list reads no other account: no layers, no signatures
  --json                       everything as JSON

Exit codes: 0 all fine, 1 something is late, failing, suspicious or not proven, 2 could not look at everything.

verify reads a snapshot of etcd 3.4 or newer, as \`etcdctl snapshot save\` and Sluice's backups write it. The file is not changed and
nothing is sent anywhere.

  L1  the SHA-256 at the end is that of all before it
  L2  every page in use is whole, in its place and in order, every record is one that etcd writes
  L3  the key-value hash is the one that a live member tells; only with --hash

  --hash <number>              what \`etcdctl endpoint hashkv --rev <revision>\` tells
  --revision <number>          of that hash (default: the newest of the file)
  --compact-revision <number>  that it tells beside the hash (default: that of the file)
  --json                       everything as JSON

Exit codes: 0 every layer that was looked at holds, 1 damaged, 2 could not run.
`;

const ACTIONS = ['list', 'show', 'verify'];

/** `sluice backup`, reading AWS by these sources. */
export function createBackupCommand(connect: Connect): Command {
  return {
    name: 'backup',
    summary: 'list the fleet’s backups, show one, or tell whether an etcd snapshot is whole',
    help: HELP,
    async run(args, terminal) {
      const [action, ...rest] = args;
      if (action === 'list') return listBackups(rest, terminal, connect);
      if (action === 'show') return showBackup(rest, terminal, connect);
      return verifyFile(args, terminal);
    },
  };
}

export const backup = createBackupCommand(connectAws);

/** `sluice backup verify`: whether a snapshot of etcd is whole, and what is in it. */
async function verifyFile(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(
    () => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }),
    Object.keys(OPTIONS),
  );
  const path = pathOf(positionals);
  const expected = {
    hash: numberOf(values, 'hash'),
    revision: numberOf(values, 'revision'),
    compactRevision: numberOf(values, 'compact-revision'),
  };
  const outcome = withFile(resolve(terminal.directory, path), (file) => verify(file, path, expected, terminal));
  const failed = outcome.layers.some((layer) => layer.verdict === 'fails');
  if (values.json) terminal.out(`${JSON.stringify({ ok: !failed, file: path, ...jsonOf(outcome) }, null, 2)}\n`);
  else terminal.out(snapshotText({ ...outcome, path }, styleOf(terminal.colours)));
  return failed ? EXIT.findings : EXIT.clean;
}

interface Expected {
  readonly hash: number | undefined;
  readonly revision: number | undefined;
  readonly compactRevision: number | undefined;
}

function verify(file: RandomAccess, path: string, expected: Expected, terminal: Terminal): Outcome {
  if (file.bytes > MAX_SNAPSHOT_BYTES) {
    throw new InputError(
      `${path} has ${file.bytes} bytes: no database of etcd is larger than ${MAX_SNAPSHOT_BYTES}. Is this the right file?`,
    );
  }
  const bar = file.bytes >= PROGRESS_BYTES && terminal.progress === true ? progressLine(terminal) : () => undefined;
  const l1 = trailerLayer(file, CLOCK, (share) => bar(share / 2));
  let asked: HashRequest | undefined;
  const { verdict: l2, content } = contentLayer(
    file,
    CLOCK,
    (share) => bar(0.5 + share / 2),
    (own) => {
      asked = { revision: expected.revision ?? own.revision, compactRevision: expected.compactRevision ?? own.compactRevision };
      checkRequest(asked, own);
      return [asked];
    },
  );
  bar(1);
  const l3 =
    content === undefined || asked === undefined
      ? verdict('L3', 'not-run', 'L2 fails: there is nothing to compare', 0)
      : compare(content, asked, expected.hash);
  return { bytes: file.bytes, layers: [l1, l2, l3], content };
}

function checkRequest({ revision, compactRevision }: HashRequest, own: HashRequest): void {
  if (revision > own.revision) throw new InputError(`--revision ${revision} is newer than the file, which ends at ${own.revision}`);
  if (compactRevision < own.compactRevision) {
    throw new InputError(
      `--compact-revision ${compactRevision} is older than the file's compaction at ${own.compactRevision}: what was then is gone`,
    );
  }
  if (revision < compactRevision)
    throw new InputError(`--revision ${revision} is older than the compaction at ${compactRevision}: no member tells that hash`);
}

function compare(content: SnapshotContent, asked: HashRequest, hash: number | undefined): LayerVerdict {
  if (hash !== undefined) return hashLayer(content, [{ ...asked, hash, source: 'the live member' }], '', 0);
  return verdict('L3', 'not-run', `compare with \`etcdctl endpoint hashkv --rev ${asked.revision}\` of a live member (--hash)`, 0);
}

function jsonOf({ bytes, layers, content }: Outcome): object {
  if (content === undefined) return { bytes, layers };
  const { hashes, storageVersion, clusterVersion, ...rest } = content;
  return {
    bytes,
    layers,
    version: { storage: storageVersion ?? null, cluster: clusterVersion ?? null },
    // The last one is that which was asked for; without options both are the same.
    hash: hashes.at(-1),
    ...rest,
  };
}

function pathOf([action, path, ...more]: readonly string[]): string {
  if (action !== 'verify') {
    throw new InputError(
      action === undefined
        ? 'What is to be done? sluice backup list, show <cluster> <id>, or verify <file>'
        : `There is no action ${action}.${didYouMean(action, ACTIONS)} Actions: ${ACTIONS.join(', ')}.`,
    );
  }
  if (path === undefined) throw new InputError('Which file? sluice backup verify <file>');
  if (more.length > 0) throw new InputError(`One path is enough; ${more.join(' ')} is too much.`);
  return path;
}

function numberOf(values: Readonly<Record<string, string | boolean | undefined>>, name: string): number | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !/^(?:-1|\d{1,15})$/.test(value)) throw new InputError(`--${name} is not a number: ${String(value)}`);
  return Number(value);
}

/** A line on standard error that is written over and taken away at the end. */
function progressLine(terminal: Terminal): Progress {
  let shown = -1;
  return (share) => {
    const percent = Math.floor(share * 100);
    if (percent === shown) return;
    shown = percent;
    const full = Math.round(share * BARS);
    terminal.error(share >= 1 ? '\r\u001b[K' : `\r[${'#'.repeat(full)}${' '.repeat(BARS - full)}] ${String(percent).padStart(3)} %`);
  };
}
