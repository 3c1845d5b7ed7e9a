import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBinaries } from '#adapters/files/binaries.ts';
import { createScratch } from '#adapters/files/scratch.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { sha256 } from '#domain/hash.ts';
import { accountKeys, secretIds } from '#domain/names.ts';
import { BackupNotProvenError, InputError, RefusedError, TransientError } from '#model/errors.ts';
import type { ApiDrill, ApiDrillRequest } from '#ports/api-drill.ts';
import { issueIdentity } from '../../../functions/identity/issue-identity.ts';
import { proveUpgrade } from '../../../functions/rehearsal/prove-upgrade.ts';
import { CLUSTER } from '../../support/cluster-ref.ts';
import { createFakeBlobs, type FakeBlobs } from '../../support/fakes/blobs.ts';
import { createFakeObjects, type FakeObjects } from '../../support/fakes/objects.ts';
import { createFakeSecrets, type FakeSecrets } from '../../support/fakes/secrets.ts';

const ID = '20260105T060000Z-422a689b6051';
const KEY = accountKeys.backup(CLUSTER.name, ID, 'snapshot.db');
const POD = { name: 'pods', prefix: 'pods', stored: 2, listed: 2, missing: [], missingCount: 0, added: [], addedCount: 0 };
const SERVED = { revision: 1100, bump: 1000, resources: [POD], unserved: {}, aggregated: [], oldWatch: 410 };
const [TODAY, TO] = ['1.35.4', { kubernetes: '1.36.3', etcd: '3.7.3' }];

let root: string;
let blobs: FakeBlobs;
let objects: FakeObjects;
let secrets: FakeSecrets;
/** Contents of the tools that ran, in order; a tool's content is its file and version. */
let ran: { api: string; etcd: string; request: ApiDrillRequest }[];
let serve: ApiDrill['serve'];
let now: number;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'sluice-rehearsal-'));
  blobs = createFakeBlobs();
  objects = createFakeObjects();
  secrets = createFakeSecrets();
  ran = [];
  now = Date.parse('2026-01-05T08:00:00Z');
  serve = async () => SERVED;
  blobs.stored.set(KEY, Buffer.from('a snapshot'));
  const identity = { secrets, authority: createAuthority(), clock: { now: () => new Date(now) }, issuer: createFakeObjects() };
  await issueIdentity.run({ cluster: CLUSTER }, identity, { execution: 'x' });
  await publish('etcd', TO.etcd, ['etcd', 'etcdutl']);
  for (const version of [TODAY, TO.kubernetes]) await publish('kubernetes', version, ['kube-apiserver']);
});
afterEach(() => {
  expect(readdirSync(root).filter((name) => name !== 'sluice-binaries')).toEqual([]);
  rmSync(root, { recursive: true });
});

describe('prove-upgrade', () => {
  it('boots both of the versions to come on the backup, with the keys of the cluster', async () => {
    const result = await run();

    expect(result).toMatchObject({ outcome: 'passed', seconds: 3 });
    expect(ran).toMatchObject([{ api: 'kube-apiserver 1.36.3', etcd: 'etcd 3.7.3' }]);
    expect(ran[0]?.request.encryption).toContain('secretbox');
  });

  it('asks today’s API server too when something is left unserved, and finds what that one serves', async () => {
    serve = async ({ kubeApiserver }) =>
      readFileSync(kubeApiserver, 'utf8').endsWith(TODAY) ? SERVED : { ...SERVED, unserved: { widgets: 3 } };

    const result = await run({ counts: { pods: 2, widgets: 3 } });

    expect(result).toMatchObject({ outcome: 'failed', orphans: [{ resource: 'widgets', objects: 3 }] });
    expect(ran.map(({ api }) => api)).toEqual(['kube-apiserver 1.36.3', `kube-apiserver ${TODAY}`]);
    expect(new Set(ran.map(({ request }) => request.directory)).size).toBe(2);
  });

  it.each([
    ['is not there', async () => objects.remove(`artifacts/kubernetes/${TODAY}.json`), /there is no artifact/],
    ['does not run', async () => undefined, /it does not run/],
  ])('does not know what is lost when today’s API server %s', async (_, change, reason) => {
    await change();
    serve = async ({ kubeApiserver }) => {
      if (readFileSync(kubeApiserver, 'utf8').endsWith(TODAY)) throw new BackupNotProvenError('it does not run');
      return { ...SERVED, unserved: { widgets: 3 } };
    };

    expect(await run({ counts: { pods: 2, widgets: 3 } })).toMatchObject({
      outcome: 'not-rehearsed',
      reason: expect.stringMatching(reason),
    });
  });

  it('fails when the API server or etcd does not get ready on it', async () => {
    serve = () => Promise.reject(new BackupNotProvenError('etcd does not run on the restored data'));

    expect(await run()).toMatchObject({ outcome: 'failed', reason: 'etcd does not run on the restored data' });
  });

  it('does not know when a limit of time ran out', async () => {
    serve = () => Promise.reject(new BackupNotProvenError('etcd is not ready after 120 s', { late: true }));

    expect(await run()).toMatchObject({ outcome: 'not-rehearsed', reason: 'etcd is not ready after 120 s' });
  });

  it.each([
    ['kube-apiserver', async () => objects.remove(`artifacts/kubernetes/${TO.kubernetes}.json`)],
    ['etcd', async () => objects.remove(`artifacts/etcd/${TO.etcd}.json`)],
    ['a file of an artifact', async () => void blobs.stored.delete(`artifacts/etcd/${TO.etcd}/${sha256(`etcdutl ${TO.etcd}`)}/etcdutl`)],
    ['the identity', async () => void secrets.values.delete(secretIds.authority(CLUSTER.name))],
    ['the snapshot', async () => void blobs.stored.delete(KEY)],
    ['what was taken', async () => void blobs.stored.set(KEY, Buffer.from('a snapshoT'))],
  ])('says that nothing was rehearsed without %s', async (_, change) => {
    await change();

    const result = await run();

    expect(result.outcome).toBe('not-rehearsed');
    expect(result.reason).not.toBe('');
    expect(ran).toEqual([]);
  });

  it('serves backups of its cluster only', async () => {
    const snapshot = { key: accountKeys.backup('other', ID, 'snapshot.db'), sha256: sha256('a snapshot') };

    await expect(run({ snapshot })).rejects.toBeInstanceOf(InputError);
    expect(ran).toEqual([]);
  });

  it('runs no tool that is not what the index says, and leaves a failing store to a retry', async () => {
    serve = () => Promise.reject(new TransientError('SlowDown'));
    await expect(run()).rejects.toBeInstanceOf(TransientError);

    for (const key of blobs.stored.keys()) if (key.endsWith('/etcdutl')) blobs.stored.set(key, Buffer.from('evil'));
    rmSync(join(root, 'sluice-binaries'), { recursive: true });
    await expect(run()).rejects.toBeInstanceOf(RefusedError);
  });
});

function run(over: object = {}) {
  const checkRehearsal = {
    id: ID,
    snapshot: { key: KEY, sha256: sha256('a snapshot') },
    revision: 100,
    counts: { pods: 2 },
    kubernetes: TODAY,
  };
  const input = proveUpgrade.input.parse({ cluster: CLUSTER, checkRehearsal: { ...checkRehearsal, ...over }, to: TO });
  const apiDrill: ApiDrill = {
    serve(request) {
      expect(readFileSync(request.snapshot, 'utf8')).toBe('a snapshot');
      now += 3000;
      ran.push({ api: readFileSync(request.kubeApiserver, 'utf8'), etcd: readFileSync(request.etcd, 'utf8'), request });
      return serve(request);
    },
  };
  const ports = {
    ...{ objects, blobs, secrets, apiDrill, clock: { now: () => new Date(now) } },
    ...{ scratch: createScratch(root), binaries: createBinaries(root) },
  };
  return proveUpgrade.run(input, ports, { execution: 'rehearse-1' });
}

async function publish(name: string, version: string, files: readonly string[]): Promise<void> {
  const entries = files.map((file) => ({ file, sha256: sha256(`${file} ${version}`), bytes: 1 }));
  await objects.put(`artifacts/${name}/${version}.json`, JSON.stringify({ name, version, state: 'ready', files: entries }));
  for (const { file, sha256: hash } of entries)
    blobs.stored.set(`artifacts/${name}/${version}/${hash}/${file}`, Buffer.from(`${file} ${version}`));
}
