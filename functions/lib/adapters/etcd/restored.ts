import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BackupNotProvenError, type ClusterUnreachableError } from '#model/errors.ts';
import type { RestoreRequest } from '#ports/drill.ts';
import { type GuardedProcess, startGuarded, tailOf } from '../process/guarded.ts';
import { callOnce, type Target } from './connection.ts';
import { RANGE_KEYS, STATUS, type StatusResponse } from './messages.ts';

/** Longest restore and boot: 8 GB take about 50 s on 2 cores. */
const LIMITS: RestoreLimits = { restoreMilliseconds: 300_000, bootMilliseconds: 120_000 };
const CALL_MILLISECONDS = 30_000;
/** Keys have about 60 bytes; a page stays far below the message limit. */
const PAGE_KEYS = 10_000;
const NAME = 'drill';
/** Unix sockets in the working directory: no port that anyone else could reach or hold. etcd wants host:port in them. */
const CLIENT = 'client:1';
const PEER = 'peer:1';

/** Longest run of etcdutl, and of etcd until it is ready. */
export interface RestoreLimits {
  readonly restoreMilliseconds: number;
  readonly bootMilliseconds: number;
}

/** A real etcd on restored data. */
export interface RunningEtcd {
  readonly target: Target;
  /** As it was when it became ready. */
  readonly status: StatusResponse;
}

/**
 * Restores a snapshot with the official tool, boots a real etcd on it and runs `use` beside it; the etcd is ended on every path.
 * @param bump raises the revision by this and marks all before it as compacted, as a restore of a cluster has to
 * @throws BackupNotProvenError when it does not restore or boot, `late` when it was not done in time
 */
export async function withRestored<T>(
  request: RestoreRequest,
  bump: number | undefined,
  use: (etcd: RunningEtcd) => Promise<T>,
  limits: RestoreLimits = LIMITS,
): Promise<T> {
  await runRestore(request, bump, limits.restoreMilliseconds);
  const log = join(request.directory, 'etcd.log');
  const etcd = startGuarded({ command: request.etcd, args: serverArgs(), directory: request.directory, log });
  try {
    const target = { socket: join(request.directory, CLIENT) };
    return await use({ target, status: await untilReady(target, etcd, log, limits.bootMilliseconds) });
  } finally {
    await etcd.end();
  }
}

async function runRestore({ etcdutl, snapshot, directory }: RestoreRequest, bump: number | undefined, milliseconds: number): Promise<void> {
  const log = join(directory, 'etcdutl.log');
  const restore = startGuarded({
    command: etcdutl,
    args: [
      'snapshot',
      'restore',
      snapshot,
      '--data-dir',
      'data',
      '--name',
      NAME,
      '--initial-cluster',
      `${NAME}=unix://${PEER}`,
      '--initial-advertise-peer-urls',
      `unix://${PEER}`,
      ...(bump === undefined ? [] : ['--bump-revision', String(bump), '--mark-compacted']),
    ],
    directory,
    log,
  });
  const limit = new AbortController();
  try {
    const late = delay(milliseconds, 'late' as const, { signal: limit.signal });
    const code = await Promise.race([restore.exited, late]);
    if (code === 0) return;
    const how = code === 'late' ? `did not end within ${milliseconds / 1000} s` : `ended with ${code ?? 'a signal'}`;
    throw new BackupNotProvenError(`etcdutl snapshot restore ${how}: ${await lastLine(log)}`, { late: code === 'late' });
  } finally {
    limit.abort();
    await restore.end();
  }
}

function serverArgs(): string[] {
  return [
    ...['--name', NAME, '--data-dir', 'data', '--log-level', 'warn'],
    ...['--listen-client-urls', `unix://${CLIENT}`, '--advertise-client-urls', `unix://${CLIENT}`],
    ...['--listen-peer-urls', `unix://${PEER}`, '--initial-advertise-peer-urls', `unix://${PEER}`],
    ...['--initial-cluster', `${NAME}=unix://${PEER}`, '--enable-grpc-gateway=false', '--unsafe-no-fsync'],
  ];
}

async function untilReady(target: Target, etcd: GuardedProcess, log: string, milliseconds: number): Promise<StatusResponse> {
  const ended = etcd.exited.then(() => 'ended' as const);
  const deadline = Date.now() + milliseconds;
  let reason = 'no answer';
  while (Date.now() < deadline) {
    const answer = await Promise.race([ended, callOnce(target, STATUS, undefined, 1_000).catch((error: ClusterUnreachableError) => error)]);
    if (answer === 'ended') throw new BackupNotProvenError(`etcd does not run on the restored data: ${await lastLine(log)}`);
    if (!(answer instanceof Error) && answer.leader !== '0') return answer;
    reason = answer instanceof Error ? answer.message : 'no leader';
    await Promise.race([ended, delay(50)]);
  }
  throw new BackupNotProvenError(`etcd on the restored data is not ready after ${milliseconds / 1000} s: ${reason}`, { late: true });
}

/** Each key under `/registry/` at a revision, in order. @throws ClusterUnreachableError */
export async function* readKeys(target: Target, revision: number): AsyncGenerator<string> {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  let from = encoder.encode('/registry/');
  for (;;) {
    const page = await callOnce(
      target,
      RANGE_KEYS,
      { from, end: encoder.encode('/registry0'), limit: PAGE_KEYS, revision },
      CALL_MILLISECONDS,
    );
    for (const key of page.keys) yield decoder.decode(key);
    const last = page.keys.at(-1);
    if (!page.more || last === undefined) return;
    // The smallest key after the last one.
    from = Uint8Array.from([...last, 0]);
  }
}

/** The last line of a log, for people. */
export async function lastLine(log: string): Promise<string> {
  const lines = (await tailOf(log, 2_000)).trim().split('\n');
  return lines.at(-1)?.slice(0, 500) ?? 'no output';
}
