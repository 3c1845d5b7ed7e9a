import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLASSES } from '#domain/backup-retention.ts';
import { TransientError } from '#model/errors.ts';
import type { BackupChanges } from '#model/removal.ts';
import type { Versions } from '#ports/versions.ts';
import { removeBackups } from '../../../functions/remover/remove-backups.ts';
import { CLUSTER } from '../../support/cluster-ref.ts';
import { createFakeVersions, type FakeVersions } from '../../support/fakes/versions.ts';
import { KEYS, type MadeBackup, makeBackup, store } from '../../support/stored-backup.ts';

const HOUR = 3600 * 1000;
const DAY = 24 * HOUR;
const START = Date.parse('2026-06-15T12:00:00Z');
const REVISIONS = ['a', 'b', 'c'].map((letter) => letter.repeat(40));
const HOLD_DAYS = 7;

const EVENT = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constant('backup' as const),
      kind: fc.constantFrom('proven', 'restored', 'restored', 'not-proven', 'struck'),
      strange: fc.nat(9),
      purpose: fc.option(fc.nat(2), { nil: undefined, freq: 3 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ what: fc.constant('time' as const), hours: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('time' as const), hours: fc.integer({ min: 24 * 8, max: 24 * 60 }) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('time' as const), hours: fc.integer({ min: 24 * 360, max: 24 * 600 }) }) },
  // Of the functions, not of the store.
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant('clock' as const), days: fc.oneof(fc.constant(0), fc.integer({ min: -4000, max: 4000 })) }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('change' as const), revision: fc.nat(2), open: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('lock' as const),
      which: fc.nat(40),
      days: fc.option(fc.integer({ min: 1, max: 90 }), { nil: undefined }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('harm' as const),
      which: fc.nat(40),
      how: fc.constantFrom('mark', 'again', 'manifest', 'gone'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constant('remove' as const),
      runs: fc.constantFrom(1, 1, 2),
      dies: fc.option(fc.nat(60), { nil: undefined, freq: 2 }),
      known: fc.nat(9).map((one) => one > 0),
      order: fc.infiniteStream(fc.boolean()),
    }),
  },
);
type Event = typeof EVENT extends fc.Arbitrary<infer E> ? E : never;

interface Taken extends MadeBackup {
  /** By the store. */
  readonly at: number;
  readonly proven: boolean;
  readonly restored: boolean;
  readonly strange: boolean;
  readonly purpose: string | undefined;
}

/** What the bucket, the clocks and the fleet are, and what the test itself knows of each backup. */
class History {
  readonly versions: FakeVersions = createFakeVersions(new Date(START));
  readonly taken: Taken[] = [];
  readonly harmed = new Set<string>();
  readonly open = new Set<string>();
  readonly ended: Record<string, string> = {};
  #tells = (facts: BackupChanges): BackupChanges => facts;
  removed = 0;
  #now = START;
  #skew = 0;

  async apply(event: Event): Promise<void> {
    if (event.what === 'time') this.#to(this.#now + event.hours * HOUR);
    if (event.what === 'clock') this.#skew = event.days * DAY;
    if (event.what === 'backup') this.#backup(event);
    if (event.what === 'change') this.#change(REVISIONS[event.revision] ?? '', event.open);
    if (event.what === 'lock') await this.#lock(event);
    if (event.what === 'harm') await this.#harm(event);
    if (event.what === 'remove') await this.#remove(event);
  }

  /** Has the hub tell something else. */
  lies(tells: (facts: BackupChanges) => BackupChanges): void {
    this.#tells = tells;
  }

  #to(time: number): void {
    this.#now = time;
    this.versions.setTime(new Date(time));
  }

  #backup({ kind, strange, purpose }: Event & { what: 'backup' }): void {
    this.#to(this.#now + HOUR);
    const takenAt = new Date(this.#now + this.#skew);
    const revision = purpose === undefined ? undefined : REVISIONS[purpose];
    const made = makeBackup({
      takenAt,
      proven: kind !== 'not-proven',
      restored: kind === 'restored',
      salt: String(this.taken.length),
      ...(revision === undefined ? {} : { purpose: revision }),
    });
    const proven = kind === 'proven' || kind === 'restored';
    this.taken.push({
      ...made,
      at: this.#now,
      proven,
      restored: kind === 'restored',
      strange: strange === 0,
      purpose: kind === 'struck' ? undefined : revision,
    });
    store(this.versions, made, kind === 'struck' ? { manifest: false } : {});
  }

  #change(revision: string, open: boolean): void {
    if (open) this.open.add(revision);
    else if (this.open.delete(revision)) this.ended[revision] = new Date(this.#now).toISOString();
  }

  async #lock({ which, days }: Event & { what: 'lock' }): Promise<void> {
    const one = this.there()[which];
    if (one === undefined) return;
    for (const { key, version } of await this.versions.list(`backups/${CLUSTER.name}/${one.id}/`)) {
      // A person may lock one of the two.
      if (days === undefined || (which % 2 === 1 && key === one.manifestKey)) continue;
      await this.versions.keepUntil(key, version, new Date(this.#now + days * DAY));
    }
  }

  /** What people do who have more rights than Sluice. */
  async #harm({ which, how }: Event & { what: 'harm' }): Promise<void> {
    const one = this.there()[which];
    if (one === undefined) return;
    this.harmed.add(one.id);
    if (how === 'mark') this.versions.mark(one.snapshotKey);
    if (how === 'again') this.versions.write(one.snapshotKey, 'another');
    if (how === 'manifest') this.versions.write(one.manifestKey, '{}');
    if (how === 'gone') {
      this.harmed.delete(one.id);
      for (const { key, version } of await this.versions.list(one.snapshotKey)) {
        if (await this.versions.remove(key, version)) this.harmed.add(one.id);
        // Not by Sluice.
        this.versions.removed.splice(0);
      }
    }
  }

  /** Backups whose two objects are both as they were written. */
  there(): Taken[] {
    return this.taken.filter(
      (one) =>
        !this.harmed.has(one.id) &&
        this.versions.current(one.snapshotKey) === one.snapshot &&
        this.versions.current(one.manifestKey) === JSON.stringify(one.manifest),
    );
  }

  /** The rule in its own words: what must be there afterwards, by what is there before. */
  mustStay(): Set<string> {
    const there = this.there();
    const good = there.filter(({ proven, strange }) => proven && !strange);
    const newest = (some: readonly Taken[], time: (one: Taken) => number): Taken[] => {
      const most = Math.max(...some.map(time));
      return some.filter((one) => time(one) === most).slice(-1);
    };
    const takenAt = (one: Taken): number => Date.parse(one.manifest.takenAt);
    const stay = new Set<string>();
    for (const some of [good, good.filter(({ restored }) => restored)]) {
      for (const one of newest(some, ({ at }) => at)) stay.add(one.id);
      if (some.length > 0) for (const one of some.filter((other) => takenAt(other) === Math.max(...some.map(takenAt)))) stay.add(one.id);
    }
    for (const one of there) {
      if (this.#now - one.at < CLASSES.hourly * DAY) stay.add(one.id);
      const { purpose } = one;
      if (purpose === undefined) continue;
      const end = this.ended[purpose];
      if (this.open.has(purpose)) stay.add(one.id);
      else if (end !== undefined && this.#now < Date.parse(end) + HOLD_DAYS * DAY) stay.add(one.id);
    }
    return stay;
  }

  async lockedNow(): Promise<Set<string>> {
    const locked = new Set<string>();
    for (const one of this.there()) {
      for (const { key, version } of await this.versions.list(`backups/${CLUSTER.name}/${one.id}/`)) {
        const lock = (await this.versions.look(key, version))?.lock;
        if (lock === 'open' || (lock !== undefined && lock.getTime() > this.#now)) locked.add(one.id);
      }
    }
    return locked;
  }

  async #remove({ runs, dies, known, order }: Event & { what: 'remove' }): Promise<void> {
    const stay = this.mustStay();
    const locked = await this.lockedNow();
    const before = this.there().map(({ id }) => id);
    const hadGood = this.there().some(({ proven, strange }) => proven && !strange);
    const strange = this.taken.filter((one) => one.strange).map(({ id }) => id);
    const changes = known
      ? this.#tells({ holdDays: HOLD_DAYS, open: [...this.open], ended: { ...this.ended }, suspicious: strange })
      : null;
    const turns = createTurns(order, dies);
    const ports = {
      versions: turns.over(this.versions),
      signer: { publicKey: async () => ({ key: 'key', pem: KEYS.publicKey }), macFits: async () => false },
      clock: { now: () => new Date(this.#now + this.#skew) },
    };
    await Promise.allSettled(
      Array.from({ length: runs }, () => removeBackups.run({ cluster: CLUSTER, changes }, ports, { execution: 'run' })),
    );
    const after = new Set(this.there().map(({ id }) => id));
    for (const id of [...stay, ...locked]) expect([id, after.has(id)]).toEqual([id, true]);
    if (!hadGood || !known) expect(after.size).toBe(before.length);
    for (const id of this.harmed) expect(this.versions.removed.filter((key) => key.includes(id))).toEqual([]);
    // A manifest never stands without its snapshot, but where somebody took that away.
    for (const one of this.taken.filter(({ id }) => !this.harmed.has(id))) {
      if (this.versions.current(one.manifestKey) !== undefined)
        expect([one.id, this.versions.current(one.snapshotKey) !== undefined]).toEqual([one.id, true]);
    }
    this.removed += before.length - after.size;
  }
}

/** Calls of several runs take turns by chance, and none is answered any more once the runs have died. */
function createTurns(order: fc.Stream<boolean>, dies: number | undefined): { over(versions: Versions): Versions } {
  let calls = 0;
  const step = async <T>(run: () => Promise<T>): Promise<T> => {
    if (order.next().value === true) await Promise.resolve();
    calls += 1;
    if (dies !== undefined && calls > dies) throw new TransientError('the function has ended');
    return run();
  };
  return {
    over: (versions) => ({
      list: (prefix) => step(() => versions.list(prefix)),
      read: (key, version) => step(() => versions.read(key, version)),
      look: (key, version) => step(() => versions.look(key, version)),
      remove: (key, version) => step(() => versions.remove(key, version)),
      keepUntil: (key, version, until) => step(() => versions.keepUntil(key, version, until)),
      now: () => step(() => versions.now()),
    }),
  };
}

/** What a history is told instead of the truth, to see that the property can fail. */
type Lie = (history: History) => void;

function property(lie: Lie = () => undefined, seen: (history: History) => void = () => undefined) {
  return fc.asyncProperty(fc.array(EVENT, { minLength: 5, maxLength: 80, size: 'max' }), fc.boolean(), async (events, hasObjectLock) => {
    const history = new History();
    history.versions.hasObjectLock = hasObjectLock;
    lie(history);
    for (const event of events) await history.apply(event);
    seen(history);
  });
}

describe('over any history of backups, failures, holds, locks, harm, wrong clocks, runs that die and runs at once', () => {
  let removed = 0;
  let kept = 0;

  it('the newest proven and restored backups stay, and what is held, locked, young or harmed', async () => {
    const seen = (history: History): void => {
      removed += history.removed;
      kept += history.there().length;
    };

    await fc.assert(property(undefined, seen), { numRuns: 80 });

    // Otherwise nothing was shown.
    expect(removed).toBeGreaterThan(50);
    expect(kept).toBeGreaterThan(300);
  });

  it.each<[string, Lie]>([
    ['no change were open', (history) => history.lies((facts) => ({ ...facts, open: [] }))],
    ['none were suspicious', (history) => history.lies((facts) => ({ ...facts, suspicious: [] }))],
    [
      'its newest were suspicious',
      (history) => history.lies((facts) => ({ ...facts, suspicious: history.taken.map(({ id }) => id).slice(-1) })),
    ],
    ['the store were ahead', (history) => history.versions.setAhead(9000 * DAY)],
  ])('and the property fails where it were told that %s', async (_, lie) => {
    expect((await fc.check(property(lie), { numRuns: 500, endOnFailure: true })).failed).toBe(true);
  });
});
