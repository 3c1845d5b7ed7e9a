import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { callOnce, type Target } from '#adapters/etcd/connection.ts';
import { HASH_KV } from '#adapters/etcd/messages.ts';
import { withFile } from '#adapters/files/random-access.ts';
import { contentLayer, hashLayer, trailerLayer } from '#domain/snapshot/verdicts.ts';
import { applyStep, snapshotOf, withDatabase } from './etcd-database.ts';
import { type Below, KINDS, mutate, type Subject, subjectOf } from './snapshot-mutants.ts';

const run = promisify(execFile);
const CLOCK = { now: () => new Date() };
const TRAILER = 32;
const PAGE_MULTIPLE = 512;
const KEYS = 300;
const LARGE = 5;
/** How often etcdutl is asked for each kind. */
const JUDGED = 12;

export interface Database {
  readonly file: Buffer;
  readonly live: { readonly hash: number; readonly compactRevision: number; readonly newest: number };
}

/** What became of the mutants of one kind. */
export interface Row {
  readonly kind: string;
  mutants: number;
  /** First layer that caught it. */
  readonly caught: { L1: number; L2: number; L3: number };
  /** Caught by none. */
  passed: number;
  /** Of those, how many were served by a real etcd, and how many of these as the original is. */
  served: number;
  same: number;
  /** How many of `asked` mutants `etcdutl snapshot status` calls damaged. */
  status: number;
  asked: number;
  /** How many Gardener's check (length, SHA-256 at the end) catches. */
  gardener: number;
}

export interface Tools {
  readonly etcd: string;
  readonly etcdutl: string;
}

/** A real database with pages of every type: many keys, deleted, leased and large ones, compacted and written again. */
export function makeDatabase(etcd: string, salt: number): Promise<Database> {
  return withDatabase(etcd, async (target) => {
    for (let key = 0; key < KEYS; key++) await applyStep(target, { act: 'put', key, size: 50 + ((key * 37 + salt) % 1500) });
    for (let key = 0; key < KEYS; key += 3) await applyStep(target, { act: 'put', key, size: 20 + ((key + salt) % 300) });
    for (let key = 0; key < KEYS; key += 7) await applyStep(target, { act: 'delete', key });
    await applyStep(target, { act: 'compact', back: 20, twice: false });
    for (let key = 0; key < LARGE; key++) await applyStep(target, { act: 'put', key, size: 20_000 + key });
    for (let key = 100; key < 120; key++) await applyStep(target, { act: 'lease', key, size: 40 });
    for (let key = 0; key < KEYS; key += 11) await applyStep(target, { act: 'put', key, size: 700 });
    await applyStep(target, { act: 'delete', key: 1 });
    const file = await snapshotOf(target);
    return { file, live: await hashOf(target) };
  });
}

function hashOf(target: Target) {
  return callOnce(target, HASH_KV, { revision: 0 }, 20_000);
}

/**
 * Makes `each` mutants of each kind, and asks L1, L2 and L3 of each. Those that pass all must be served by a real etcd just
 * as the original is; `serve` of each kind are tried. @param others files of the same kind of cluster that are whole, but not this backup
 */
export async function mutateSnapshots(
  database: Database,
  others: Readonly<Record<string, Buffer>>,
  tools: Tools,
  { each, serve, below, tell }: { each: number; serve: number; below: Below; tell: (line: string) => void },
): Promise<Row[]> {
  const subject = subjectOf(database.file);
  const rows: Row[] = [];
  const directory = mkdtempSync(join(tmpdir(), 'sl-mutants-'));
  try {
    for (const kind of KINDS) {
      const files: Buffer[] = [];
      for (let tries = 0; files.length < each && tries < each * 5; tries++) {
        const file = mutate(subject, kind, below);
        if (file !== undefined) files.push(file);
      }
      rows.push(await judgeAll(kind, files, database, tools, { directory, serve }));
      tell(lineOf(rows.at(-1)));
    }
    for (const [kind, file] of Object.entries(others)) rows.push(await judgeAll(kind, [file], database, tools, { directory, serve }));
  } finally {
    rmSync(directory, { recursive: true });
  }
  return rows;
}

/** Page types that the subject has: a row without mutants would prove nothing. */
export function missingTypes(subject: Subject): string[] {
  return (['metas', 'branches', 'leaves', 'overflows', 'free'] as const).filter((type) => subject[type].length === 0);
}

async function judgeAll(
  kind: string,
  files: readonly Buffer[],
  database: Database,
  tools: Tools,
  { directory, serve }: { directory: string; serve: number },
): Promise<Row> {
  const row: Row = {
    kind,
    mutants: files.length,
    caught: { L1: 0, L2: 0, L3: 0 },
    passed: 0,
    served: 0,
    same: 0,
    status: 0,
    asked: 0,
    gardener: 0,
  };
  for (const [index, file] of files.entries()) {
    const path = join(directory, 'mutant.db');
    writeFileSync(path, file);
    const layer = firstToCatch(path, database);
    if (layer === undefined) row.passed += 1;
    else row.caught[layer] += 1;
    if (!passesGardener(file)) row.gardener += 1;
    if (index < JUDGED) {
      row.asked += 1;
      if (await calledDamaged(tools.etcdutl, path)) row.status += 1;
    }
    // What nobody catches must not matter.
    if (layer === undefined && row.served < serve) {
      const served = await servedBy(tools, path, database);
      row.served += 1;
      if (served === database.live.hash) row.same += 1;
    }
  }
  return row;
}

function firstToCatch(path: string, { live }: Database): 'L1' | 'L2' | 'L3' | undefined {
  return withFile(path, (file) => {
    const nothing = (): void => undefined;
    if (trailerLayer(file, CLOCK, nothing).verdict !== 'holds') return 'L1';
    const { content } = contentLayer(file, CLOCK, nothing);
    if (content === undefined) return 'L2';
    const told = { revision: live.newest, compactRevision: live.compactRevision, hash: live.hash, source: 'a' };
    return hashLayer(content, [told], '', 0).verdict === 'holds' ? undefined : 'L3';
  });
}

/** As its change of 2025 describes it: the length leaves 32 over pages of 512, and the last 32 bytes are the SHA-256 of the rest. */
function passesGardener(file: Buffer): boolean {
  if (file.length % PAGE_MULTIPLE !== TRAILER) return false;
  return createHash('sha256').update(file.subarray(0, -TRAILER)).digest().equals(file.subarray(-TRAILER));
}

async function calledDamaged(etcdutl: string, path: string): Promise<boolean> {
  return run(etcdutl, ['snapshot', 'status', path], { timeout: 20_000 }).then(
    () => false,
    () => true,
  );
}

/** The key-value hash of a real etcd on the file, at its newest revision; undefined when it does not get that far. */
async function servedBy({ etcd, etcdutl }: Tools, path: string, { live }: Database): Promise<number | undefined> {
  try {
    return await withDatabase(
      etcd,
      async (target) => (await callOnce(target, HASH_KV, { revision: live.newest }, 20_000)).hash,
      async (directory) => {
        const place = ['--data-dir', join(directory, 'data'), '--name', 'a'];
        const peers = ['--initial-cluster', 'a=unix://peer:1', '--initial-advertise-peer-urls', 'unix://peer:1'];
        await run(etcdutl, ['snapshot', 'restore', path, ...place, ...peers], { cwd: directory });
      },
    );
  } catch {
    return undefined;
  }
}

/** A row whose mutants were all caught, or are served as the original is. */
export function isSound({ mutants, served, same }: Row): boolean {
  return mutants > 0 && same === served;
}

export function lineOf(row: Row | undefined): string {
  if (row === undefined) return '';
  const { kind, mutants, caught, passed, served, same, status, asked, gardener } = row;
  return `${kind}: ${mutants} mutants, L1 ${caught.L1}, L2 ${caught.L2}, L3 ${caught.L3}, passed ${passed} (${same} of ${served} served as before); etcdutl ${status} of ${asked}, Gardener ${gardener}`;
}

/** The rows as a table of Markdown. */
export function tableOf(rows: readonly Row[]): string {
  const head = [
    '| damage | mutants | L1 | L2 | L3 | not caught, and a real etcd serves the same | `etcdutl snapshot status` | Gardener’s check |',
    '|---|---|---|---|---|---|---|---|',
  ];
  const lines = rows.map(({ kind, mutants, caught, passed, served, same, status, asked, gardener }) =>
    [
      `| ${kind} | ${mutants} | ${caught.L1} | ${caught.L2} | ${caught.L3}`,
      `${passed === 0 ? '-' : `${passed} (${same} of ${served} asked)`} | ${status} of ${asked} | ${gardener} of ${mutants} |`,
    ].join(' | '),
  );
  return [...head, ...lines].join('\n');
}
