import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBinaries } from '#adapters/files/binaries.ts';
import { createScratch } from '#adapters/files/scratch.ts';
import { BackupNotProvenError, RefusedError } from '#model/errors.ts';
import type { EtcdDrill } from '#ports/drill.ts';
import { proveSnapshot } from '../../../functions/drill/prove-snapshot.ts';
import { CLUSTER } from '../../support/cluster-ref.ts';
import { createFakeBlobs, type FakeBlobs } from '../../support/fakes/blobs.ts';
import { createFakeObjects, type FakeObjects } from '../../support/fakes/objects.ts';

const SNAPSHOT = Buffer.from('a snapshot');
const RESTORED = {
  version: '3.6.16',
  revision: 100,
  hash: 7,
  compactRevision: -1,
  keys: ['/registry/pods/a/b', '/registry/pods/a/c', '/registry/nodes/n'],
};

const FILE = { hash: 7, compactRevision: -1, counts: { pods: 2, nodes: 1 } };

let root: string;
let blobs: FakeBlobs;
let objects: FakeObjects;
let drill: EtcdDrill;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'sluice-drill-'));
  blobs = createFakeBlobs();
  objects = createFakeObjects();
  blobs.stored.set('snapshot', SNAPSHOT);
  drill = { restore: async ({ etcd }) => ({ ...RESTORED, version: readFileSync(etcd, 'utf8') }) };
  await publish(['etcd', 'etcdutl']);
});
afterEach(() => rmSync(root, { recursive: true }));

describe('prove-snapshot', () => {
  it('holds L4 and L5, and counts what was restored', async () => {
    const output = await run();

    expect(output.verdicts.map(({ layer, verdict }) => [layer, verdict])).toEqual([
      ['L4', 'holds'],
      ['L5', 'holds'],
    ]);
    expect(output).toMatchObject({ revision: 100, counts: { pods: 2, nodes: 1 } });
  });

  it.each([
    ['is gone', () => blobs.stored.delete('snapshot')],
    ['holds other bytes', () => blobs.stored.set('snapshot', Buffer.from('a snapshoT'))],
    ['is cut off', () => blobs.stored.set('snapshot', SNAPSHOT.subarray(0, 5))],
  ])('fails L4 and restores nothing when the stored object %s', async (_, damage) => {
    damage();
    drill = { restore: () => Promise.reject(new Error('must not be restored')) };

    const { verdicts } = await run();

    expect(verdicts).toMatchObject([
      { layer: 'L4', verdict: 'fails' },
      { layer: 'L5', verdict: 'not-run' },
    ]);
  });

  it.each([
    ['the artifact is not there', async () => objects.remove('artifacts/etcd/3.6.16.json')],
    ['it is still being built', () => publish([], 'building')],
    ['it lacks a file', () => publish(['etcd'])],
    [
      'a file of it is not stored',
      async () => {
        blobs.stored.clear();
        blobs.stored.set('snapshot', SNAPSHOT);
      },
    ],
  ])('says that L5 was not run when %s', async (_, change) => {
    await change();

    const { verdicts, revision } = await run();

    expect(verdicts[1]).toMatchObject({ layer: 'L5', verdict: 'not-run' });
    expect(verdicts[1]?.reason).not.toBe('');
    expect(revision).toBeNull();
  });

  it('runs no tool that is not what the index says', async () => {
    for (const key of blobs.stored.keys()) if (key.endsWith('/etcdutl')) blobs.stored.set(key, Buffer.from('evil'));

    await expect(run()).rejects.toBeInstanceOf(RefusedError);
  });

  it('fetches a tool once and checks it at each use', async () => {
    await run();
    for (const key of blobs.stored.keys()) if (key.startsWith('artifacts/')) blobs.stored.delete(key);
    const warm = await run();
    writeFileSync(join(root, 'sluice-binaries', sha256('etcd'), 'etcd'), 'damaged');

    const damaged = await run();

    expect(warm.verdicts[1]?.verdict).toBe('holds');
    expect(damaged.verdicts[1]?.verdict).toBe('not-run');
  });

  it('fails L5 when the data does not restore, or at a revision that the live member never had', async () => {
    drill = { restore: () => Promise.reject(new BackupNotProvenError('etcd does not run on the restored data')) };
    const broken = await run();
    drill = { restore: async () => ({ ...RESTORED, revision: 111 }) };
    const stale = await run();
    drill = { restore: async () => ({ ...RESTORED, keys: RESTORED.keys.slice(1) }) };

    const lossy = await run();

    expect(broken.verdicts[1]).toMatchObject({ verdict: 'fails', reason: 'etcd does not run on the restored data' });
    expect(stale.verdicts[1]).toMatchObject({ verdict: 'fails' });
    expect(lossy.verdicts[1]).toMatchObject({ verdict: 'fails', reason: 'the restored etcd has 1 pods instead of 2' });
  });
});

function run() {
  const takeSnapshot = {
    key: 'snapshot',
    sha256: sha256('a snapshot'),
    bytes: SNAPSHOT.length,
    bracket: { from: 90, to: 110 },
    file: FILE,
  };
  const input = proveSnapshot.input.parse({ cluster: CLUSTER, checkMembers: { version: '3.6.16' }, takeSnapshot });
  const ports = { objects, blobs, scratch: createScratch(root), binaries: createBinaries(root), drill, clock: { now: () => new Date() } };
  return proveSnapshot.run(input, ports, { execution: 'backup-1' });
}

async function publish(files: readonly string[], state: 'ready' | 'building' = 'ready'): Promise<void> {
  const entries = files.map((file) => ({ file, sha256: sha256(file), bytes: file.length }));
  await objects.put('artifacts/etcd/3.6.16.json', JSON.stringify({ name: 'etcd', version: '3.6.16', state, files: entries }));
  for (const file of files) blobs.stored.set(`artifacts/etcd/3.6.16/${sha256(file)}/${file}`, Buffer.from(file));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
