import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backupId, chooseMember, countByResource, resourceOf, restoredVerdict, unproven, verdict } from '#domain/backup.ts';
import { LayerVerdict } from '#model/backup-records.ts';
import { memberStatus } from '../../support/fakes/etcd.ts';

const LAYERS = LayerVerdict.shape.layer.options;

describe('the member to take a snapshot from', () => {
  it('is a follower where there is one', () => {
    const members = [memberStatus({ name: 'a', leader: true }), memberStatus({ name: 'c' }), memberStatus({ name: 'b' })];

    expect(chooseMember(members)).toMatchObject({ source: { name: 'b' }, problems: [] });
  });

  it('is the leader where it is alone', () => {
    expect(chooseMember([memberStatus({ leader: true })]).source?.name).toBe('a');
  });

  it.each([
    [[], 'etcd lists no member'],
    [[memberStatus({ healthy: false, reason: 'no answer within 5 s' })], 'a (https://a.example:2379): no answer within 5 s'],
    [[memberStatus({ healthy: false, endpoint: '' })], 'a (no address): not healthy'],
    [[memberStatus({ alarms: ['alarm:NOSPACE'] })], 'alarm:NOSPACE'],
    [[memberStatus(), memberStatus({ name: 'b', clusterId: 'c2' })], '2 different etcd clusters'],
  ])('is not trusted: %#', (members, problem) => {
    expect(chooseMember(members).problems.join()).toContain(problem);
  });
});

describe('proven', () => {
  const outcome = fc.constantFrom('holds' as const, 'fails' as const, 'not-run' as const);
  const layers = fc.array(
    fc.tuple(fc.constantFrom(...LAYERS), outcome).map(([layer, how]) => verdict(layer, how, 'why', 1)),
    { maxLength: 10 },
  );
  const required = fc.subarray([...LAYERS], { minLength: 1 });

  it('means that each required layer holds and none fails', () => {
    fc.assert(
      fc.property(layers, required, (found, wanted) => {
        const all = wanted.every((layer) => found.some((entry) => entry.layer === layer));
        const good = found.every((entry) => entry.verdict === 'holds' || (entry.verdict === 'not-run' && !wanted.includes(entry.layer)));

        expect(unproven(found, wanted).length === 0).toBe(all && good);
      }),
    );
  });

  it('is nothing when nothing is asked for', () => {
    expect(unproven([verdict('L0', 'holds', '', 0)], [])).toHaveLength(1);
  });

  it('says why not', () => {
    const found = [verdict('L1', 'holds', 'equal', 0), verdict('L4', 'fails', 'other bytes', 0), verdict('L5', 'not-run', 'no etcdutl', 0)];

    expect(unproven(found, ['L0', 'L1', 'L4', 'L5'])).toEqual([
      'L0 was not run: no verdict',
      'L4 fails: other bytes',
      'L5 was not run: no etcdutl',
    ]);
  });
});

const BRACKET = { from: 100, to: 105 };
const FILE = { hash: 1, compactRevision: -1, counts: { pods: 2, nodes: 1 } };
const RESTORED = { revision: 100, hash: 1, compactRevision: -1, keys: 3, counts: { pods: 2, nodes: 1 } };

describe('the restored revision', () => {
  it.each([
    [99, 'fails'],
    [100, 'holds'],
    [105, 'holds'],
    [106, 'fails'],
  ])('%i within 100 to 105: %s', (revision, expected) => {
    expect(restoredVerdict({ ...RESTORED, revision }, BRACKET, FILE, 0).verdict).toBe(expected);
  });

  it.each([
    [{ hash: 2 }, 'the restored etcd has the key-value hash 2, the file 1'],
    [{ counts: { pods: 1, nodes: 1 } }, 'the restored etcd has 1 pods instead of 2'],
    [{ counts: { pods: 2 } }, 'the restored etcd has 0 nodes instead of 1'],
    [{ counts: { pods: 2, nodes: 1, secrets: 3 } }, 'the restored etcd has 3 secrets instead of 0'],
  ])('fails when the restored etcd holds something else than the file: %o', (change, reason) => {
    expect(restoredVerdict({ ...RESTORED, ...change }, BRACKET, FILE, 0)).toMatchObject({ layer: 'L5', verdict: 'fails', reason });
  });

  it('compares hashes of the same compaction only: another one is another sum of the same records', () => {
    expect(restoredVerdict({ ...RESTORED, hash: 2, compactRevision: 50 }, BRACKET, FILE, 0).verdict).toBe('holds');
  });
});

describe('names and counts', () => {
  it('orders backups by time and names them by content', () => {
    expect(backupId(new Date('2026-01-05T08:09:10.987Z'), `abcdef012345${'0'.repeat(52)}`)).toBe('20260105T080910Z-abcdef012345');
  });

  it.each([
    ['/registry/pods/default/web', 'pods'],
    ['/registry/namespaces/default', 'namespaces'],
    ['/registry/services/specs/default/kubernetes', 'services/specs'],
    ['/registry/apps.example.org/widgets/ns/one', 'apps.example.org/widgets'],
    ['/registry/', '(none)'],
  ])('%s is counted as %s', (key, resource) => {
    expect(resourceOf(key)).toBe(resource);
  });

  it('never loses a key, and keeps the list short', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{1,3}$/), { maxLength: 600 }), (resources) => {
        const counts = countByResource(resources.map((resource) => `/registry/${resource}/one`));

        expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(resources.length);
        expect(Object.keys(counts).length).toBeLessThanOrEqual(251);
      }),
    );
  });
});
