/** Share of places taken at most: beyond it, searching gets long. */
const FULL = 0.6;
const FIRST_PLACES = 1024;

/** A set of keys by a hash of 64 bits: 8 bytes a place, so that 10 million keys take 134 MB at most. */
export interface KeySet {
  /** Adds a key. @returns whether it was not there */
  add(high: number, low: number): boolean;
  readonly size: () => number;
}

/** Two keys with one hash would be taken for one: at 10 million keys, that happens once in 400,000 files. */
export function createKeySet(): KeySet {
  let places = new DataView(new ArrayBuffer(FIRST_PLACES * 8));
  let mask = FIRST_PLACES - 1;
  let size = 0;
  const put = (high: number, low: number): boolean => {
    for (let place = low & mask; ; place = (place + 1) & mask) {
      const foundLow = places.getInt32(place * 8, true);
      const foundHigh = places.getInt32(place * 8 + 4, true);
      if (foundLow === 0 && foundHigh === 0) {
        places.setInt32(place * 8, low, true);
        places.setInt32(place * 8 + 4, high, true);
        return true;
      }
      if (foundLow === low && foundHigh === high) return false;
    }
  };
  const grow = (): void => {
    const before = places;
    places = new DataView(new ArrayBuffer(before.byteLength * 2));
    mask = places.byteLength / 8 - 1;
    for (let place = 0; place < before.byteLength; place += 8) {
      const low = before.getInt32(place, true);
      const high = before.getInt32(place + 4, true);
      if (low !== 0 || high !== 0) put(high, low);
    }
  };
  return {
    add(high, low) {
      if (size >= (mask + 1) * FULL) grow();
      // 0 and 0 mark a free place.
      const isNew = put(high | 0, high === 0 && low === 0 ? 1 : low | 0);
      if (isNew) size += 1;
      return isNew;
    },
    size: () => size,
  };
}
