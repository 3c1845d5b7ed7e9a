import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { callOnce, callStream, type Target } from '#adapters/etcd/connection.ts';
import { HASH_KV, SNAPSHOT, STATUS, WATCH_COMPACTION } from '#adapters/etcd/messages.ts';
import { encode, type Value } from '#adapters/etcd/protobuf.ts';
import { withFile } from '#adapters/files/random-access.ts';
import { findRecorded } from '#domain/hash-proof.ts';
import { contentLayer, trailerLayer } from '#domain/snapshot/verdicts.ts';
import type { HashRequest } from '#domain/snapshot/verify.ts';
import { startChild, until } from './child.ts';

const CLOCK = { now: () => new Date() };
const CALL_MILLISECONDS = 20_000;
/** Revisions, back from the newest, at which hashes are compared. */
const COMPARED = 6;

/** One thing done to a database. */
export type DatabaseStep =
  | { readonly act: 'put' | 'lease'; readonly key: number; readonly size: number }
  | { readonly act: 'delete'; readonly key: number }
  | { readonly act: 'delete-range'; readonly namespace: number }
  | { readonly act: 'revoke'; readonly lease: number }
  /** At a revision this far below the newest; twice at the same one. */
  | { readonly act: 'compact'; readonly back: number; readonly twice: boolean }
  /** Right at the revision of a deletion that is made for it. */
  | { readonly act: 'compact-on-deletion'; readonly key: number }
  | { readonly act: 'defragment' };

/** Any history of a database, the empty one among them. */
export function databaseHistory(): fc.Arbitrary<readonly DatabaseStep[]> {
  const key = fc.nat(11);
  const is = <T extends string>(act: T) => fc.constant(act);
  const step = fc.oneof(
    { weight: 10, arbitrary: fc.record({ act: is('put'), key, size: fc.oneof(fc.nat(200), fc.nat(20_000)) }) },
    { weight: 3, arbitrary: fc.record({ act: is('lease'), key, size: fc.nat(100) }) },
    { weight: 4, arbitrary: fc.record({ act: is('delete'), key }) },
    { weight: 1, arbitrary: fc.record({ act: is('delete-range'), namespace: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.record({ act: is('revoke'), lease: key }) },
    { weight: 2, arbitrary: fc.record({ act: is('compact'), back: fc.nat(5), twice: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ act: is('compact-on-deletion'), key }) },
    { weight: 1, arbitrary: fc.record({ act: is('defragment') }) },
  );
  return fc.array(step, { maxLength: 40, size: 'max' });
}

/** What a member and the file that it sent tell of one database. */
export interface Comparison {
  readonly revision: number;
  readonly compactRevision: number;
  readonly keys: number;
  /** Hashes that were equal. */
  readonly equal: number;
  /** Hashes that the member recorded at compactions after the file was taken, and the file has too. */
  readonly recorded: number;
  readonly wrong: readonly string[];
}

/** Starts a real etcd with an empty database, leads it through a history, and compares its hashes with those of its snapshot. */
export function compareDatabase(etcd: string, history: readonly DatabaseStep[]): Promise<Comparison> {
  return withDatabase(etcd, async (target, directory) => {
    for (const step of history) await applyStep(target, step);
    return compare(target, join(directory, 'snapshot.db'));
  });
}

/** Runs with a real etcd of one member that nobody else reaches. @param prepare fills its folder before it starts */
export async function withDatabase<T>(
  etcd: string,
  use: (target: Target, directory: string) => Promise<T>,
  prepare: (directory: string) => Promise<void> = async () => undefined,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'sl-db-'));
  const socket = join(directory, 'client:1');
  // Sockets in its own folder; etcd wants host:port in their names.
  const [client, peer] = ['unix://client:1', 'unix://peer:1'];
  const args = [
    ...['--name', 'a', '--data-dir', join(directory, 'data'), '--log-level', 'error', '--unsafe-no-fsync'],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `a=${peer}`],
  ];
  await prepare(directory);
  // It reads each variable that begins with ETCD_ as a setting.
  const server = startChild(etcd, args, {}, directory);
  try {
    const target = { socket };
    await until('etcd', async () => ((await statusOf(target).catch(() => undefined))?.leader ?? '0') !== '0' || undefined, server);
    return await use(target, directory);
  } finally {
    await server.stop(0);
    rmSync(directory, { recursive: true, force: true });
  }
}

function statusOf(target: Target) {
  return callOnce(target, STATUS, undefined, CALL_MILLISECONDS);
}

export async function applyStep(target: Target, step: DatabaseStep): Promise<void> {
  const call = (path: string, fields: readonly (readonly [number, Value])[]): Promise<void> =>
    callOnce(
      target,
      { path: `/etcdserverpb.${path}`, encode: () => encode(fields), decode: () => undefined },
      undefined,
      CALL_MILLISECONDS,
    );
  // What etcd refuses (a lease that is there or gone, a revision that is compacted) changes nothing.
  const perhaps = (path: string, fields: readonly (readonly [number, Value])[]): Promise<void> => call(path, fields).catch(() => undefined);
  const compact = async (back: number): Promise<void> =>
    perhaps('KV/Compact', [
      [1, Math.max(1, (await statusOf(target)).header.revision - back)],
      [2, true],
    ]);
  switch (step.act) {
    case 'put':
      return call('KV/Put', [
        [1, keyOf(step.key)],
        [2, 'x'.repeat(step.size)],
      ]);
    case 'lease':
      await perhaps('Lease/LeaseGrant', [
        [1, 600],
        [2, step.key + 1],
      ]);
      return call('KV/Put', [
        [1, keyOf(step.key)],
        [2, 'l'.repeat(step.size)],
        [3, step.key + 1],
      ]);
    case 'delete':
      return call('KV/DeleteRange', [[1, keyOf(step.key)]]);
    case 'delete-range':
      return call('KV/DeleteRange', [
        [1, `/registry/pods/ns${step.namespace}/`],
        [2, `/registry/pods/ns${step.namespace}0`],
      ]);
    case 'revoke':
      return perhaps('Lease/LeaseRevoke', [[1, step.lease + 1]]);
    case 'compact':
      await compact(step.back);
      return step.twice ? compact(step.back) : undefined;
    case 'compact-on-deletion':
      await call('KV/Put', [
        [1, keyOf(step.key)],
        [2, 'x'],
      ]);
      await call('KV/DeleteRange', [[1, keyOf(step.key)]]);
      return compact(0);
    case 'defragment':
      return call('Maintenance/Defragment', []);
  }
}

function keyOf(key: number): string {
  return `/registry/pods/ns${key % 3}/pod-${key}`;
}

export async function snapshotOf(target: Target): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const { blob } of callStream(target, SNAPSHOT, undefined)) parts.push(blob);
  return Buffer.concat(parts);
}

async function compare(target: Target, path: string): Promise<Comparison> {
  writeFileSync(path, await snapshotOf(target));
  const live = await callOnce(target, HASH_KV, { revision: 0 }, CALL_MILLISECONDS);
  const { l1, verdict, content } = withFile(path, (file) => ({
    l1: trailerLayer(file, CLOCK, () => undefined),
    ...contentLayer(
      file,
      CLOCK,
      () => undefined,
      (own) =>
        Array.from({ length: COMPARED }, (_, back) => ({ ...own, revision: own.revision - back })).filter(
          ({ revision }) => revision >= Math.max(1, own.compactRevision),
        ),
    ),
  }));
  if (content === undefined) return { revision: 0, compactRevision: 0, keys: 0, equal: 0, recorded: 0, wrong: [l1.reason, verdict.reason] };
  const wrong: string[] = l1.verdict === 'holds' ? [] : [l1.reason];
  const { revision, compactRevision, keys, hashes } = content;
  if (live.newest !== revision) wrong.push(`the member is at revision ${live.newest}, the file at ${revision}`);
  if (live.compactRevision !== compactRevision)
    wrong.push(`the member was compacted at ${live.compactRevision}, the file at ${compactRevision}`);
  if (hashes[0]?.hash !== live.hash) wrong.push(`the member's hash is ${live.hash}, the file's ${hashes[0]?.hash}`);
  let equal = wrong.length === 0 ? 1 : 0;
  for (const { revision: at, hash } of hashes.slice(1)) {
    const told = await callOnce(target, HASH_KV, { revision: at }, CALL_MILLISECONDS);
    // At a compaction's revision the member tells what it recorded before, of data that are gone since.
    if (told.compactRevision !== compactRevision) continue;
    if (told.hash === hash) equal += 1;
    else wrong.push(`at revision ${at} the member's hash is ${told.hash}, the file's ${hash}`);
  }
  const later = await compareRecorded(target, path, { revision, compactRevision });
  return { revision, compactRevision, keys, equal, recorded: later.recorded, wrong: [...wrong, ...later.wrong] };
}

/** Compacts the member twice, in the middle of what the file has since its compaction and at its end, and looks for what it recorded first. */
async function compareRecorded(target: Target, path: string, file: HashRequest): Promise<Pick<Comparison, 'recorded' | 'wrong'>> {
  const { revision, compactRevision } = file;
  const middle = Math.ceil((Math.max(compactRevision, 1) + revision) / 2);
  if (compactRevision <= 1 || middle >= revision) return { recorded: 0, wrong: [] };
  const wrong: string[] = [];
  for (const at of [middle, revision]) {
    const fields = encode([
      [1, at],
      [2, true],
    ]);
    await callOnce(
      target,
      { path: '/etcdserverpb.KV/Compact', encode: () => fields, decode: () => undefined },
      undefined,
      CALL_MILLISECONDS,
    );
    const told = await compactedAt(target);
    if (told !== at) wrong.push(`compacted at ${at}, the member says ${told}`);
  }
  const ask = (wanted: number) => callOnce(target, HASH_KV, { revision: wanted }, CALL_MILLISECONDS);
  const found = await findRecorded(file, revision, ask);
  if (!found.found) return { recorded: 0, wrong: [...wrong, `no recorded hash: ${found.why}`] };
  const { content } = withFile(path, (opened) =>
    contentLayer(
      opened,
      CLOCK,
      () => undefined,
      () => [found],
    ),
  );
  const own = content?.hashes.at(-1)?.hash;
  if (found.revision !== middle) wrong.push(`the hash at ${found.revision} was found, not that at ${middle}`);
  if (own !== found.hash) wrong.push(`the member recorded ${found.hash} at its compaction at ${middle}, the file has ${own}`);
  return { recorded: wrong.length === 0 ? 1 : 0, wrong };
}

async function compactedAt(target: Target): Promise<number | undefined> {
  for await (const { compactRevision } of callStream(target, WATCH_COMPACTION, undefined, CALL_MILLISECONDS))
    if (compactRevision > 0) return compactRevision;
  return undefined;
}
