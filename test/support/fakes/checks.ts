import { createChecks } from '#adapters/checks/checks.ts';
import { keys } from '#domain/names.ts';
import { type CheckRef, WantedCheck } from '#model/checks.ts';
import type { Checks } from '#ports/checks.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';

export interface FakeChecks extends Checks {
  /** The wanted state of a check; undefined when nobody wanted it. */
  wanted(ref: CheckRef): Promise<WantedCheck | undefined>;
  /** What the publisher was told of, in order. */
  readonly announced: CheckRef[];
}

/** The real wanted state in a bucket in memory; only the publisher is missing. */
export function createFakeChecks(objects: ObjectStore, clock: Clock): FakeChecks {
  const announced: CheckRef[] = [];
  const checks = createChecks(objects, async (ref) => void announced.push(ref), clock);
  return {
    ...checks,
    announced,
    async wanted(ref) {
      const stored = await objects.get(keys.check(ref.sha, ref.name));
      return stored === undefined ? undefined : WantedCheck.parse(JSON.parse(stored.body));
    },
  };
}
