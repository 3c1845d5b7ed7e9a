/** Kinds and namespaces counted by name; what is beyond is summed up, so that no file can fill the memory. */
const MAX_NAMES = 10_000;
/** Of a key, so much is read: an API server's keys have 700 bytes at most (group, resource, namespace and name). */
const MAX_KEY_BYTES = 1024;
const OTHERS = '(others)';
const REGISTRY = '/registry/';
const SLASH = 0x2f;
/** Of the places that are remembered: a power of 2, enough for the kinds times the namespaces in use at a time. */
const PREFIXES = 4096;

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

/** What keys with one beginning count for. */
interface Place {
  readonly kind: Counter | undefined;
  readonly namespace: Counter | undefined;
}

interface Counter {
  many: number;
}

type Counters = Map<string, Counter>;

/** Counts the keys of an API server: `/registry/<kind>/[<namespace>/]<name>`, some kinds of two parts. */
export function createResourceCounter(): ResourceCounter {
  const kinds: Counters = new Map();
  const namespaces: Counters = new Map();
  const known = createPrefixes();
  const decoder = new TextDecoder();
  let otherKeys = 0;
  const placeOf = (bytes: Uint8Array, start: number, end: number): Place => {
    const key = decoder.decode(bytes.subarray(start, end));
    if (!key.startsWith(REGISTRY)) return { kind: undefined, namespace: undefined };
    const [first = '', second, ...rest] = key.slice(REGISTRY.length).split('/');
    const pair = second !== undefined && (first.includes('.') || first === 'services');
    const names = pair || second === undefined ? rest : [second, ...rest];
    return {
      kind: counterOf(kinds, pair ? `${first}/${second}` : first === '' ? '(none)' : first),
      namespace: names.length >= 2 && names[0] !== undefined ? counterOf(namespaces, names[0]) : undefined,
    };
  };
  return {
    count(bytes, start, end) {
      const cut = Math.min(end, start + MAX_KEY_BYTES);
      // The name behind the last of four slashes or more changes neither kind nor namespace.
      const prefix = prefixEnd(bytes, start, cut);
      const place = known.find(bytes, start, prefix) ?? known.keep(bytes, start, prefix, placeOf(bytes, start, cut));
      if (place.kind === undefined) otherKeys += 1;
      else place.kind.many += 1;
      if (place.namespace !== undefined) place.namespace.many += 1;
    },
    result: () => ({ kinds: ordered(kinds), namespaces: ordered(namespaces), otherKeys }),
  };
}

function counterOf(counters: Counters, name: string): Counter {
  const known = counters.get(name);
  if (known !== undefined) return known;
  if (counters.size >= MAX_NAMES && name !== OTHERS) return counterOf(counters, OTHERS);
  const made = { many: 0 };
  counters.set(name, made);
  return made;
}

/** Behind the last slash when there are four; else `start`: no prefix says then where such a key belongs. */
function prefixEnd(bytes: Uint8Array, start: number, end: number): number {
  let slashes = 0;
  let last = start;
  for (let place = start; place < end; place += 1) {
    if (bytes[place] !== SLASH) continue;
    slashes += 1;
    last = place + 1;
  }
  return slashes >= 4 ? last : start;
}

/** Remembers the places of prefixes met lately, a fixed number of them: text is made of a key only when its prefix is new. */
function createPrefixes() {
  const kept: ({ prefix: Uint8Array; place: Place } | undefined)[] = new Array(PREFIXES).fill(undefined);
  return {
    find(bytes: Uint8Array, start: number, end: number): Place | undefined {
      if (start === end) return undefined;
      const found = kept[slotOf(bytes, start, end)];
      if (found === undefined || found.prefix.length !== end - start) return undefined;
      const { prefix } = found;
      for (let index = 0; index < prefix.length; index += 1) if (prefix[index] !== bytes[start + index]) return undefined;
      return found.place;
    },
    keep(bytes: Uint8Array, start: number, end: number, place: Place): Place {
      if (start < end) kept[slotOf(bytes, start, end)] = { prefix: bytes.slice(start, end), place };
      return place;
    },
  };
}

function slotOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let place = start; place < end; place += 1) hash = Math.imul(hash ^ (bytes[place] ?? 0), 0x01000193);
  return (hash ^ (hash >>> 15)) & (PREFIXES - 1);
}

function ordered(counters: Counters): Record<string, number> {
  const counts = [...counters].map(([name, { many }]): [string, number] => [name, many]);
  return Object.fromEntries(counts.sort(([left, many], [right, few]) => few - many || (left < right ? -1 : 1)));
}
