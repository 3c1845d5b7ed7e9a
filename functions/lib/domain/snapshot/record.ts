import { damage, numberAt } from './pages.ts';

/** Key of bucket `key` (etcd's mvcc/revision.go): `main u64 BE, '_', sub u64 BE`, and a `t` when the record deletes. */
const REVISION_BYTES = 17;
const SEPARATOR = 0x5f;
const TOMBSTONE = 0x74;
/** The largest revision taken: beyond, numbers are not exact; etcd gets nowhere near. */
const MAX_REVISION = Number.MAX_SAFE_INTEGER;

/** One record of the key-value store; filled anew by each read. */
export interface KeyRecord {
  main: number;
  sub: number;
  tombstone: boolean;
  /** Where the key of the record lies in the page's bytes. */
  keyStart: number;
  keyEnd: number;
}

export function newRecord(): KeyRecord {
  return { main: 0, sub: 0, tombstone: false, keyStart: 0, keyEnd: 0 };
}

/** Reads a revision. @throws BackupNotProvenError */
export function readRevision(view: DataView, start: number, length: number, where: string, into: KeyRecord): void {
  const marked = length === REVISION_BYTES + 1;
  if ((!marked && length !== REVISION_BYTES) || view.getUint8(start + 8) !== SEPARATOR)
    throw damage(where, 'holds a key that is no revision');
  if (marked && view.getUint8(start + REVISION_BYTES) !== TOMBSTONE) throw damage(where, 'holds a revision with an unknown mark');
  into.main = numberAt(view, start, false);
  into.sub = numberAt(view, start + 9, false);
  into.tombstone = marked;
  if (into.main === 0 || into.main > MAX_REVISION || into.sub > MAX_REVISION)
    throw damage(where, `holds the revision ${into.main}.${into.sub}`);
}

/**
 * Reads the value of a record, mvccpb.KeyValue (api/mvccpb/kv.proto): key 1, create revision 2, mod revision 3, version 4,
 * value 5, lease 6. The mod revision must be that of the record; a record that deletes has a key only, and the one that
 * `etcdutl snapshot restore --bump-revision` writes is empty. @throws BackupNotProvenError
 */
export function readValue(view: DataView, start: number, length: number, where: string, into: KeyRecord): void {
  into.keyStart = start;
  into.keyEnd = start;
  if (length === 0 && !into.tombstone) return;
  const fields = { place: start, end: start + length, value: 0 };
  const found = { 2: 0, 3: 0, 4: 0 };
  let last = 0;
  while (fields.place < fields.end) {
    const tag = view.getUint8(fields.place);
    fields.place += 1;
    const number = tag >> 3;
    // Written by one encoder: in order, each once.
    if (number <= last || number > 6) throw damage(where, `the record of revision ${into.main} has field ${number} after ${last}`);
    last = number;
    const bytes = number === 1 || number === 5;
    if ((tag & 7) !== (bytes ? 2 : 0)) throw damage(where, `the record of revision ${into.main} has field ${number} of another type`);
    readVarint(view, fields, where);
    if (bytes) {
      if (fields.value > fields.end - fields.place) throw damage(where, `the record of revision ${into.main} is cut off`);
      if (number === 1) [into.keyStart, into.keyEnd] = [fields.place, fields.place + fields.value];
      fields.place += fields.value;
    } else if (number === 2 || number === 3 || number === 4) {
      found[number] = fields.value;
    }
  }
  checkFields(into, found, where);
}

function checkFields({ main, tombstone, keyStart, keyEnd }: KeyRecord, found: { 2: number; 3: number; 4: number }, where: string): void {
  const { 2: created, 3: modified, 4: version } = found;
  if (keyStart === keyEnd) throw damage(where, `the record of revision ${main} has no key`);
  if (tombstone) {
    if (created !== 0 || modified !== 0 || version !== 0)
      throw damage(where, `the record of revision ${main} deletes a key and has a value`);
    return;
  }
  if (modified !== main) throw damage(where, `the record of revision ${main} says that it is of revision ${modified}`);
  if (created === 0 || created > main || version === 0)
    throw damage(where, `the record of revision ${main} is version ${version} of a key made at ${created}`);
}

function readVarint(view: DataView, fields: { place: number; end: number; value: number }, where: string): void {
  let value = 0;
  let factor = 1;
  for (let index = 0; index < 10; index += 1) {
    if (fields.place >= fields.end) break;
    const byte = view.getUint8(fields.place);
    fields.place += 1;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) {
      fields.value = value;
      return;
    }
    factor *= 128;
  }
  throw damage(where, 'holds a record with a broken number');
}
