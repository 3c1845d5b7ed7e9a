import { BackupNotProvenError } from '#model/errors.ts';
import type { EtcdDrill, RestoredEtcd } from '#ports/drill.ts';
import { callOnce } from './connection.ts';
import { HASH_KV } from './messages.ts';
import { type RunningEtcd, readKeys, withRestored } from './restored.ts';

/** A hash is computed over the whole database. */
const HASH_MILLISECONDS = 120_000;

/** Restores a snapshot with the official tools and reads the etcd that boots on it. */
export function createEtcdDrill(): EtcdDrill {
  return { restore: (request) => withRestored(request, undefined, readAll) };
}

async function readAll({ target, status }: RunningEtcd): Promise<RestoredEtcd> {
  const { revision } = status.header;
  try {
    const { hash, compactRevision } = await callOnce(target, HASH_KV, { revision }, HASH_MILLISECONDS);
    const keys: string[] = [];
    for await (const key of readKeys(target, revision)) keys.push(key);
    return { version: status.version, revision, hash, compactRevision, keys };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BackupNotProvenError(`the restored etcd cannot be read: ${reason}`, { cause: error });
  }
}
