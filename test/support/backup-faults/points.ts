import type { RequestFault } from './memory-s3.ts';

/** Where a backup can be struck, by what it asks of the world; calls of S3 by their name and what they are for. */
export type Place =
  | 'status'
  | 'chunk'
  | 'hash'
  | 'hash of another'
  | 'compaction'
  | 'restore'
  | 'serve'
  | 'secret'
  | 'sign'
  | 'version'
  | 'download'
  | `s3 ${string}`;

/**
 * What happens there. `killed`: the function ends and cleans nothing up. `unreachable`: no answer. `ends`: the stream ends as
 * if that were all. `full`: the disk is. `fails`: what was restored does not start. `wrong`: something else is told.
 */
export type PointFault = RequestFault | 'killed' | 'unreachable' | 'ends' | 'flipped' | 'full' | 'fails' | 'wrong';

/** How often: at this point, or at this one and every later one of its place while the first execution runs. */
export interface Strike {
  readonly place: Place;
  /** The n-th time that the place is come to, from 1. */
  readonly visit: number;
  readonly fault: PointFault;
  readonly from: boolean;
}

const AT: Readonly<Record<string, readonly PointFault[]>> = {
  status: ['unreachable', 'killed'],
  chunk: ['unreachable', 'ends', 'flipped', 'full', 'killed'],
  hash: ['unreachable', 'wrong', 'killed'],
  'hash of another': ['unreachable', 'wrong', 'killed'],
  compaction: ['unreachable', 'killed'],
  restore: ['fails', 'wrong', 'killed'],
  serve: ['fails', 'wrong', 'killed'],
  secret: ['unreachable', 'killed'],
  sign: ['unreachable', 'wrong', 'killed'],
  version: ['unreachable', 'killed'],
  download: ['full'],
};
const OF_REQUESTS: readonly PointFault[] = ['refused', 'unavailable', 'reset', 'lost', 'silent', 'silent-after'];

export function faultsAt(place: Place): readonly PointFault[] {
  if (!place.startsWith('s3 ')) return AT[place] ?? [];
  // Bits of small texts are held together by TLS alone; those of files by their SHA-256.
  return place.startsWith('s3 GetObject of a file') ? [...OF_REQUESTS, 'cut', 'corrupt'] : OF_REQUESTS;
}

/** Counts what is come to, and says what happens there. */
export interface Points {
  visit(place: Place): PointFault | undefined;
  /** How often each place was come to. */
  readonly visits: ReadonlyMap<Place, number>;
  readonly struck: () => number;
  /** From now on nothing happens. */
  heal(): void;
}

export function createPoints(strikes: readonly Strike[]): Points {
  const visits = new Map<Place, number>();
  let struck = 0;
  let healed = false;
  return {
    visits,
    struck: () => struck,
    heal: () => {
      healed = true;
    },
    visit(place) {
      const count = (visits.get(place) ?? 0) + 1;
      visits.set(place, count);
      const strike = strikes.find((one) => one.place === place && (one.from ? count >= one.visit : count === one.visit));
      if (healed || strike === undefined) return undefined;
      struck += 1;
      return strike.fault;
    },
  };
}
