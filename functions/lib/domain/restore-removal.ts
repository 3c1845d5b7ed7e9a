import { isMap, isScalar, isSeq, type Pair, parseDocument, type YAMLMap } from 'yaml';
import { hashOf } from './hash.ts';

/**
 * A channel file without the line `restore` of one cluster, with everything else as it was, comments too; undefined when there is
 * no such line with this id.
 */
export function withoutRestore(text: string, cluster: string, id: string): string | undefined {
  const found = entryOf(text, cluster);
  const pair = found?.items.find((item) => keyOf(item) === 'restore');
  if (found === undefined || pair === undefined || fieldOf(pair, 'id') !== id) return undefined;
  const wanted = hashOf(dataWithout(text, cluster));
  const cut = found.flow === true ? undefined : withoutLines(text, pair);
  if (cut !== undefined && same(cut, wanted)) return cut;
  // Written in one line with others, or otherwise than usual: the text is written anew.
  const document = parseDocument(text);
  const entry = entryIn(document.contents, cluster);
  entry?.delete('restore');
  return document.toString({ lineWidth: 0 });
}

function entryOf(text: string, cluster: string): YAMLMap | undefined {
  return entryIn(parseDocument(text).contents, cluster);
}

function entryIn(contents: unknown, cluster: string): YAMLMap | undefined {
  const clusters = isMap(contents) ? contents.get('clusters') : undefined;
  if (!isSeq(clusters)) return undefined;
  return clusters.items.find((item): item is YAMLMap => isMap(item) && item.get('name') === cluster);
}

function keyOf({ key }: Pair): unknown {
  return isScalar(key) ? key.value : undefined;
}

function fieldOf({ value }: Pair, name: string): unknown {
  return isMap(value) ? value.get(name) : undefined;
}

/** From the line of the key to the last line of its value; undefined when the key shares its line with something. */
function withoutLines(text: string, { key, value }: Pair): string | undefined {
  const from = isScalar(key) ? key.range?.[0] : undefined;
  const until = isMap(value) ? value.range?.[1] : undefined;
  if (from === undefined || until === undefined) return undefined;
  const start = text.lastIndexOf('\n', from - 1) + 1;
  if (text.slice(start, from).trim() !== '') return undefined;
  const end = text.indexOf('\n', Math.max(from, until - 1));
  return end === -1 ? text.slice(0, start) : text.slice(0, start) + text.slice(end + 1);
}

function dataWithout(text: string, cluster: string): unknown {
  const data = parseDocument(text).toJS() as { clusters?: Record<string, unknown>[] };
  for (const entry of data.clusters ?? []) if (entry['name'] === cluster) delete entry['restore'];
  return data;
}

function same(text: string, wanted: string): boolean {
  const document = parseDocument(text);
  return document.errors.length === 0 && hashOf(document.toJS()) === wanted;
}
