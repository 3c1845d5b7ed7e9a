/** Kinds and namespaces counted by name; what is beyond is summed up, so that no file can fill the memory. */
const MAX_NAMES = 10_000;
/** Of a key, so much is read: an API server's keys have 700 bytes at most (group, resource, namespace and name). */
const MAX_KEY_BYTES = 1024;
const OTHERS = '(others)';
const REGISTRY = '/registry/';

export interface ResourceCounts {
  /** Objects by kind, the most frequent first; see `resourceOf` of domain/backup.ts. */
  readonly kinds: Record<string, number>;
  /** Objects by namespace, the most frequent first; those of the whole cluster are not in it. */
  readonly namespaces: Record<string, number>;
  /** Keys that are no object of an API server (not under `/registry/`). */
  readonly otherKeys: number;
}

export interface ResourceCounter {
  count(bytes: Uint8Array, start: number, end: number): void;
  result(): ResourceCounts;
}

/** Counts the keys of an API server: `/registry/<kind>/[<namespace>/]<name>`, some kinds of two parts. */
export function createResourceCounter(): ResourceCounter {
  const kinds = new Map<string, number>();
  const namespaces = new Map<string, number>();
  const decoder = new TextDecoder();
  let otherKeys = 0;
  return {
    count(bytes, start, end) {
      const key = decoder.decode(bytes.subarray(start, Math.min(end, start + MAX_KEY_BYTES)));
      if (!key.startsWith(REGISTRY)) {
        otherKeys += 1;
        return;
      }
      const [first = '', second, ...rest] = key.slice(REGISTRY.length).split('/');
      const pair = second !== undefined && (first.includes('.') || first === 'services');
      const kind = pair ? `${first}/${second}` : first === '' ? '(none)' : first;
      add(kinds, kind);
      const names = pair || second === undefined ? rest : [second, ...rest];
      if (names.length >= 2 && names[0] !== undefined) add(namespaces, names[0]);
    },
    result: () => ({ kinds: ordered(kinds), namespaces: ordered(namespaces), otherKeys }),
  };
}

function add(counts: Map<string, number>, name: string): void {
  const known = counts.get(name);
  const place = known === undefined && counts.size >= MAX_NAMES ? OTHERS : name;
  counts.set(place, (counts.get(place) ?? 0) + 1);
}

function ordered(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([left, many], [right, few]) => few - many || (left < right ? -1 : 1)));
}
