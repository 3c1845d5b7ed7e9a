import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BackupNotProvenError, type ClusterUnreachableError } from '#model/errors.ts';
import type { EtcdDrill, RestoredEtcd, RestoreRequest } from '#ports/drill.ts';
import { type GuardedProcess, startGuarded, tailOf } from '../process/guarded.ts';
import { callOnce, type Target } from './connection.ts';
import { HASH_KV, RANGE_KEYS, STATUS, type StatusResponse } from './messages.ts';

/** Longest restore and boot: 8 GB take about 50 s on 2 cores. */
const RESTORE_MILLISECONDS = 300_000;
const BOOT_MILLISECONDS = 120_000;
const CALL_MILLISECONDS = 30_000;
/** Keys have about 60 bytes; a page stays far below the message limit. */
const PAGE_KEYS = 10_000;
const NAME = 'drill';
/** Unix sockets in the working directory: no port that anyone else could reach or hold. etcd wants host:port in them. */
const CLIENT = 'client:1';
const PEER = 'peer:1';

/** Restores a snapshot with the official tools and reads the etcd that boots on it. */
export function createEtcdDrill(): EtcdDrill {
  return {
    async restore(request) {
      await runRestore(request);
      const log = join(request.directory, 'etcd.log');
      const etcd = startGuarded({ command: request.etcd, args: serverArgs(), directory: request.directory, log });
      try {
        const target = { socket: join(request.directory, CLIENT) };
        return await readAll(target, await untilReady(target, etcd, log));
      } finally {
        await etcd.end();
      }
    },
  };
}

async function runRestore({ etcdutl, snapshot, directory }: RestoreRequest): Promise<void> {
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
    ],
    directory,
    log,
  });
  const limit = new AbortController();
  try {
    const late = delay(RESTORE_MILLISECONDS, 'late' as const, { signal: limit.signal });
    const code = await Promise.race([restore.exited, late]);
    if (code === 0) return;
    const how = code === 'late' ? `did not end within ${RESTORE_MILLISECONDS / 1000} s` : `ended with ${code ?? 'a signal'}`;
    throw new BackupNotProvenError(`etcdutl snapshot restore ${how}: ${await lastLine(log)}`);
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

async function untilReady(target: Target, etcd: GuardedProcess, log: string): Promise<StatusResponse> {
  const ended = etcd.exited.then(() => 'ended' as const);
  const deadline = Date.now() + BOOT_MILLISECONDS;
  let reason = 'no answer';
  while (Date.now() < deadline) {
    const answer = await Promise.race([ended, callOnce(target, STATUS, undefined, 1_000).catch((error: ClusterUnreachableError) => error)]);
    if (answer === 'ended') throw new BackupNotProvenError(`etcd does not run on the restored data: ${await lastLine(log)}`);
    if (!(answer instanceof Error) && answer.leader !== '0') return answer;
    reason = answer instanceof Error ? answer.message : 'no leader';
    await Promise.race([ended, delay(50)]);
  }
  throw new BackupNotProvenError(`etcd on the restored data is not ready after ${BOOT_MILLISECONDS / 1000} s: ${reason}`);
}

async function readAll(target: Target, status: StatusResponse): Promise<RestoredEtcd> {
  const { revision } = status.header;
  try {
    const { hash, compactRevision } = await callOnce(target, HASH_KV, { revision }, BOOT_MILLISECONDS);
    return { version: status.version, revision, hash, compactRevision, keys: await readKeys(target, revision) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BackupNotProvenError(`the restored etcd cannot be read: ${reason}`, { cause: error });
  }
}

async function readKeys(target: Target, revision: number): Promise<string[]> {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  const keys: string[] = [];
  let from = encoder.encode('/registry/');
  for (;;) {
    const page = await callOnce(
      target,
      RANGE_KEYS,
      { from, end: encoder.encode('/registry0'), limit: PAGE_KEYS, revision },
      CALL_MILLISECONDS,
    );
    for (const key of page.keys) keys.push(decoder.decode(key));
    const last = page.keys.at(-1);
    if (!page.more || last === undefined) return keys;
    // The smallest key after the last one.
    from = Uint8Array.from([...last, 0]);
  }
}

async function lastLine(log: string): Promise<string> {
  const lines = (await tailOf(log, 2_000)).trim().split('\n');
  return lines.at(-1)?.slice(0, 500) ?? 'no output';
}
