import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBinaries } from '#adapters/files/binaries.ts';
import { createScratch } from '#adapters/files/scratch.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { sha256 } from '#domain/hash.ts';
import { secretIds } from '#domain/names.ts';
import { BackupNotProvenError, ClusterUnreachableError, RefusedError, TransientError } from '#model/errors.ts';
import type { ApiDrill, ApiDrillRequest } from '#ports/api-drill.ts';
import { proveApi } from '../../../functions/drill/prove-api.ts';
import { issueIdentity } from '../../../functions/identity/issue-identity.ts';
import { CLUSTER } from '../../support/cluster-ref.ts';
import { createFakeBlobs, type FakeBlobs } from '../../support/fakes/blobs.ts';
import { createFakeKubernetes, type FakeKubernetes } from '../../support/fakes/kubernetes.ts';
import { createFakeObjects, type FakeObjects } from '../../support/fakes/objects.ts';
import { createFakeSecrets, type FakeSecrets } from '../../support/fakes/secrets.ts';

const POD = { name: 'pods', prefix: 'pods', stored: 2, listed: 2, missing: [], missingCount: 0, added: [], addedCount: 0 };
const SERVED = { revision: 1100, bump: 1000, resources: [POD], unserved: {}, aggregated: [], oldWatch: 410 };
const clock = { now: () => new Date('2026-01-05T08:00:00Z') };

let root: string;
let blobs: FakeBlobs;
let objects: FakeObjects;
let secrets: FakeSecrets;
let kubernetes: FakeKubernetes;
let asked: (ApiDrillRequest & { readonly snapshotText: string })[];
let apiDrill: ApiDrill;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'sluice-drill-'));
  blobs = createFakeBlobs();
  objects = createFakeObjects();
  secrets = createFakeSecrets();
  kubernetes = createFakeKubernetes();
  asked = [];
  apiDrill = {
    async serve(request) {
      asked.push({ ...request, snapshotText: readFileSync(request.snapshot, 'utf8') });
      return SERVED;
    },
  };
  blobs.stored.set('snapshot', Buffer.from('a snapshot'));
  await issueIdentity.run(
    { cluster: CLUSTER },
    { secrets, authority: createAuthority(), clock, issuer: createFakeObjects() },
    { execution: 'x' },
  );
  await publish('etcd', '3.6.16', ['etcd', 'etcdutl']);
  await publish('kubernetes', await kubernetes.version(), ['kube-apiserver']);
});
afterEach(() => {
  expect(readdirSync(root).filter((name) => name !== 'sluice-binaries')).toEqual([]);
  rmSync(root, { recursive: true });
});

describe('prove-api', () => {
  it('holds L6 when the API server that runs now serves all of it with the keys of the cluster', async () => {
    const output = await run();

    expect(output).toMatchObject({ kubernetes: await kubernetes.version(), verdicts: [{ layer: 'L6', verdict: 'holds' }] });
    expect(output.recoverySet?.encryptionKeys).toHaveLength(1);
    expect(Object.keys(output.recoverySet?.authorities ?? {})).toEqual(['ca', 'etcd-ca', 'front-proxy-ca']);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ snapshotText: 'a snapshot' });
    expect(asked[0]?.encryption).toContain('secretbox');
    expect(readFileSync(asked[0]?.kubeApiserver ?? '', 'utf8')).toBe('kube-apiserver');
  });

  it('fails L6 when it does not get ready, or serves something else', async () => {
    apiDrill = { serve: () => Promise.reject(new BackupNotProvenError("can't read secrets")) };
    const silent = await run();
    apiDrill = { serve: async () => ({ ...SERVED, resources: [{ ...POD, missingCount: 1, missing: ['a/b'] }] }) };

    const lossy = await run();

    expect(silent.verdicts).toMatchObject([{ layer: 'L6', verdict: 'fails', reason: "can't read secrets" }]);
    expect(lossy.verdicts).toMatchObject([{ layer: 'L6', verdict: 'fails' }]);
    expect(lossy.verdicts[0]?.reason).toContain('1 pods of the snapshot are not listed: a/b');
  });

  it.each([
    ['the artifact is not there', async () => objects.remove(`artifacts/kubernetes/${await kubernetes.version()}.json`)],
    ['etcd is not there', async () => objects.remove('artifacts/etcd/3.6.16.json')],
    ['the cluster has no identity', async () => void secrets.values.delete(secretIds.authority(CLUSTER.name))],
    [
      'its API does not answer',
      async () => void Object.assign(kubernetes, { version: () => Promise.reject(new ClusterUnreachableError('down')) }),
    ],
  ])('says that L6 was not run when %s', async (_, change) => {
    await change();

    const { verdicts } = await run();

    expect(verdicts).toMatchObject([{ layer: 'L6', verdict: 'not-run' }]);
    expect(verdicts[0]?.reason).not.toBe('');
    expect(asked).toEqual([]);
  });

  it('goes by the record when the API does not answer', async () => {
    const recorded = await kubernetes.version();
    Object.assign(kubernetes, { version: () => Promise.reject(new ClusterUnreachableError('down')) });

    expect(await run('holds', recorded)).toMatchObject({ kubernetes: recorded, verdicts: [{ verdict: 'holds' }] });
  });

  it.each(['fails', 'not-run'] as const)('serves nothing when L5 %s', async (l5) => {
    const output = await run(l5);

    expect(output).toMatchObject({ kubernetes: null, verdicts: [{ layer: 'L6', verdict: 'not-run' }] });
    expect(asked).toEqual([]);
  });

  it('fails when the stored object is no longer what was taken', async () => {
    blobs.stored.set('snapshot', Buffer.from('a snapshoT'));

    expect((await run()).verdicts).toMatchObject([{ layer: 'L6', verdict: 'fails' }]);
    expect(asked).toEqual([]);
  });

  it('runs no tool that is not what the index says, and leaves a failing store to a retry', async () => {
    for (const key of blobs.stored.keys()) if (key.endsWith('/kube-apiserver')) blobs.stored.set(key, Buffer.from('evil'));
    await expect(run()).rejects.toBeInstanceOf(RefusedError);

    apiDrill = { serve: () => Promise.reject(new TransientError('SlowDown')) };
    await publish('kubernetes', await kubernetes.version(), ['kube-apiserver']);

    await expect(run()).rejects.toBeInstanceOf(TransientError);
  });
});

function run(l5: 'holds' | 'fails' | 'not-run' = 'holds', recorded?: string) {
  const input = proveApi.input.parse({
    cluster: CLUSTER,
    checkMembers: { version: '3.6.16' },
    takeSnapshot: { key: 'snapshot', sha256: sha256('a snapshot'), revision: 100 },
    ...(recorded === undefined ? {} : { kubernetes: recorded }),
    proveSnapshot: { verdicts: [{ layer: 'L5', verdict: l5, reason: 'as told', seconds: 1 }] },
  });
  const ports = {
    ...{ objects, blobs, secrets, apiDrill, clock },
    ...{ scratch: createScratch(root), binaries: createBinaries(root), kubernetes: async () => kubernetes },
  };
  return proveApi.run(input, ports, { execution: 'backup-1' });
}

async function publish(name: string, version: string, files: readonly string[]): Promise<void> {
  const entries = files.map((file) => ({ file, sha256: sha256(file), bytes: file.length }));
  await objects.put(`artifacts/${name}/${version}.json`, JSON.stringify({ name, version, state: 'ready', files: entries }));
  for (const file of files) blobs.stored.set(`artifacts/${name}/${version}/${sha256(file)}/${file}`, Buffer.from(file));
}
