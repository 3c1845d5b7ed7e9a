import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ETCD_NEXT_VERSION } from '../../local/toolchain/versions.ts';
import { binary } from '../support/binaries.ts';
import { compareDatabase, databaseHistory } from '../support/etcd-database.ts';
import { createRandom } from '../support/faults/random.ts';
import { subjectOf } from '../support/snapshot-mutants.ts';
import { isSound, makeDatabase, missingTypes, mutateSnapshots } from '../support/snapshot-mutations.ts';

/** Samples of `npm run soak -- etcd-hash` and `snapshot-mutations`. */
const DATABASES = 12;
const MUTANTS = 6;

describe('the verifier on generated databases', () => {
  it.each([
    ['the version in use', () => binary('etcd')],
    ['the next minor', () => binary('etcd', ETCD_NEXT_VERSION)],
  ])('computes the hash that the member of %s tells, and that it records when it is compacted', async (_, etcd) => {
    const histories = fc.sample(databaseHistory(), DATABASES);
    let equal = 0;
    let recorded = 0;
    for (const history of histories) {
      const found = await compareDatabase(etcd(), history);
      expect(found.wrong).toEqual([]);
      equal += found.equal;
      recorded += found.recorded;
    }
    expect(equal).toBeGreaterThanOrEqual(DATABASES);
    expect(recorded).toBeGreaterThan(0);
  });
});

describe('a damaged snapshot', () => {
  it('is caught by a layer, or a real etcd serves it as it was', async () => {
    const tools = { etcd: binary('etcd'), etcdutl: binary('etcdutl') };
    const database = await makeDatabase(tools.etcd, 1);
    const other = await makeDatabase(tools.etcd, 2);
    const random = createRandom(Date.now() % 2 ** 31);
    const how = { each: MUTANTS, serve: 2, below: (limit: number) => random.below(limit), tell: () => undefined };

    const rows = await mutateSnapshots(database, { 'of another cluster': other.file }, tools, how);

    expect(missingTypes(subjectOf(database.file))).toEqual([]);
    expect(rows.filter((row) => !isSound(row))).toEqual([]);
    expect(rows.at(-1)).toMatchObject({ mutants: 1, passed: 0 });
  });
});
