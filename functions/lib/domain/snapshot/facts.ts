import { damage, keyLength, keyStart, type Page, valueLength } from './pages.ts';
import { newRecord, readRevision } from './record.ts';
import type { Bucket } from './tree.ts';

/** What the small buckets say of the database (etcd's storage/schema/bucket.go). */
export interface DatabaseFacts {
  /** Index and term of the last entry of the log that is in the database. */
  readonly consistentIndex: number;
  readonly term: number;
  /** Absent before etcd 3.6. */
  readonly storageVersion?: string;
  readonly clusterVersion?: string;
  /** Revision of the last compaction that was begun, -1 for none. */
  readonly compactRevision: number;
  readonly members: number;
}

const VERSION = /^\d{1,4}\.\d{1,4}\.\d{1,9}$/;
const MAX_SMALL_ENTRY = 4096;

/** @throws BackupNotProvenError when one of them is not as etcd writes it */
export function readFacts(meta: Bucket, cluster: Bucket | undefined, members: Bucket | undefined): DatabaseFacts {
  const entries = entriesOf(meta);
  const storage = versionOf(entries.get('storageVersion'), 'storageVersion');
  const version = cluster === undefined ? undefined : versionOf(entriesOf(cluster).get('clusterVersion'), 'clusterVersion');
  const revisions = [revisionOf(entries, 'scheduledCompactRev'), revisionOf(entries, 'finishedCompactRev')];
  return {
    consistentIndex: numberOf(entries, 'consistent_index'),
    term: numberOf(entries, 'term'),
    ...(storage === undefined ? {} : { storageVersion: storage }),
    ...(version === undefined ? {} : { clusterVersion: version }),
    // A compaction that was begun counts: the server refuses older revisions from then on.
    compactRevision: Math.max(...revisions),
    members: members === undefined ? 0 : entriesOf(members).size,
  };
}

function entriesOf(bucket: Bucket): Map<string, Uint8Array> {
  const entries = new Map<string, Uint8Array>();
  const decoder = new TextDecoder();
  bucket.leaves((page: Page) => {
    for (let index = 0; index < page.count; index += 1) {
      const start = keyStart(page, index);
      const end = start + keyLength(page, index);
      if (end - start > MAX_SMALL_ENTRY) continue;
      entries.set(
        decoder.decode(page.bytes.subarray(start, end)),
        page.bytes.slice(end, end + Math.min(valueLength(page, index), MAX_SMALL_ENTRY)),
      );
    }
  });
  return entries;
}

function versionOf(value: Uint8Array | undefined, name: string): string | undefined {
  if (value === undefined || value.length === 0) return undefined;
  const text = new TextDecoder().decode(value);
  if (!VERSION.test(text)) throw damage('bucket meta or cluster', `${name} is no version: ${JSON.stringify(text.slice(0, 40))}`);
  return text;
}

function numberOf(entries: ReadonlyMap<string, Uint8Array>, name: string): number {
  const value = entries.get(name);
  if (value === undefined) return 0;
  if (value.length !== 8) throw damage('bucket meta', `${name} has ${value.length} bytes instead of 8`);
  const number = Number(viewOf(value).getBigUint64(0, false));
  if (!Number.isSafeInteger(number)) throw damage('bucket meta', `${name} is ${number}`);
  return number;
}

function revisionOf(entries: ReadonlyMap<string, Uint8Array>, name: string): number {
  const value = entries.get(name);
  if (value === undefined) return -1;
  if (value.length !== 17) throw damage('bucket meta', `${name} has ${value.length} bytes instead of 17`);
  const record = newRecord();
  readRevision(viewOf(value), 0, value.length, `bucket meta, ${name}`, record);
  return record.main;
}

function viewOf(value: Uint8Array): DataView {
  return new DataView(value.buffer, value.byteOffset, value.length);
}
