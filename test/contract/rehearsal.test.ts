import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScratch } from '#adapters/files/scratch.ts';
import { createApiDrill } from '#adapters/kubernetes/api-drill.ts';
import { createKubernetesOf } from '#adapters/kubernetes/clusters.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { sha256 } from '#domain/hash.ts';
import { accountKeys } from '#domain/names.ts';
import type { Binaries } from '#ports/files.ts';
import { proveUpgrade } from '../../functions/rehearsal/prove-upgrade.ts';
import { binary } from '../support/binaries.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { createFakeBlobs } from '../support/fakes/blobs.ts';
import { createFakeObjects } from '../support/fakes/objects.ts';
import { deleteKey, putKey, someSecrets } from '../support/plane-data.ts';
import { type PlaneSnapshot, snapshotOf } from '../support/plane-snapshot.ts';

const [TODAY, TARGET] = ['1.35.4', '1.36.3'];
const ETCD_TARGET = '3.7.3';
const SECRETS = 3;
const ID = '20260105T060000Z-422a689b6051';
const root = mkdtempSync(join(tmpdir(), 'sl-'));
const clock = { now: () => new Date() };
const objects = createFakeObjects();
const blobs = createFakeBlobs();
/** Where the executable of a hash is. */
const paths = new Map<string, string>();
const binaries: Binaries = { provide: async (_, hash) => paths.get(hash) ?? '' };

let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane({ version: TODAY });
  const kubernetes = await createKubernetesOf(() => plane.client('kubernetes'))(plane.cluster);
  for (const object of someSecrets(SECRETS)) expect(await kubernetes.apply(object)).toMatchObject({ outcome: 'created' });
  // From here on nothing changes but what a test changes.
  await plane.stopApi();
  await publish('kubernetes', TODAY, { 'kube-apiserver': binary('kube-apiserver', TODAY) });
  await publish('kubernetes', TARGET, { 'kube-apiserver': binary('kube-apiserver', TARGET) });
  // The tool of the version before: etcd then boots on a directory as an upgrade finds it.
  await publish('etcd', ETCD_TARGET, { etcd: binary('etcd', ETCD_TARGET), etcdutl: binary('etcdutl') });
}, 120_000);
afterAll(async () => {
  // Nothing is left running or lying about.
  expect(readdirSync(root).filter((name) => !/\.(db|sh)$/.test(name))).toEqual([]);
  await plane.stop();
  rmSync(root, { recursive: true });
});

describe(`a backup of ${TODAY} under ${TARGET}`, () => {
  it('passes: etcd of the new version boots on it, each object is listed and each Secret decrypted', async () => {
    const result = await rehearse(await snapshotOf(plane, root, 'whole'));

    expect(result).toMatchObject({ outcome: 'passed', orphans: [], orphanedResources: 0 });
    expect(result.reason).toContain(`etcd ${ETCD_TARGET} and kube-apiserver ${TARGET} serves`);
    expect(result.reason).toContain(`${SECRETS} Secrets decrypted`);
    expect(result.seconds).toBeGreaterThan(0);
  });

  it('finds the objects of an API that is served today and by nobody then', async () => {
    // An API that is served on request only: today it was asked for.
    const path = join(root, 'kube-apiserver.sh');
    writeFileSync(path, `#!/bin/sh\nexec '${binary('kube-apiserver', TODAY)}' "$@" --runtime-config=coordination.k8s.io/v1beta1=true\n`, {
      mode: 0o755,
    });
    await publish('kubernetes', TODAY, { 'kube-apiserver': path });
    const candidate = {
      ...{ apiVersion: 'coordination.k8s.io/v1beta1', kind: 'LeaseCandidate' },
      metadata: { name: 'one', namespace: 'default', uid: 'one', creationTimestamp: '2026-01-05T08:00:00Z' },
      spec: { leaseName: 'lease', binaryVersion: '1.35.4', emulationVersion: '1.35.4', strategy: 'OldestEmulationVersion' },
    };
    const taken = await withValue('/registry/leasecandidates/default/one', JSON.stringify(candidate), 'candidate');

    const result = await rehearse(taken);
    await publish('kubernetes', TODAY, { 'kube-apiserver': binary('kube-apiserver', TODAY) });

    expect(result).toMatchObject({ outcome: 'failed', orphans: [{ resource: 'leasecandidates', objects: 1 }], orphanedResources: 1 });
    expect(result.reason).toBe('of what is served today nobody serves 1 of leasecandidates');
  });

  it('passes with what nobody serves today either, and says so', async () => {
    const old = await withValue('/registry/podsecuritypolicy/old', '{"kind":"PodSecurityPolicy"}', 'old');

    const result = await rehearse(old);

    expect(result).toMatchObject({ outcome: 'passed', orphans: [] });
    expect(result.reason).toContain('1 of podsecuritypolicy are served neither today nor then');
  });

  it('can not tell where the API server of today is gone', async () => {
    const index = accountKeys.artifactIndex('kubernetes', TODAY);
    const kept = (await objects.get(index))?.body ?? '';
    const old = await withValue('/registry/podsecuritypolicy/old', '{"kind":"PodSecurityPolicy"}', 'gone');
    objects.remove(index);

    const result = await rehearse(old);
    await objects.put(index, kept);

    expect(result).toMatchObject({ outcome: 'not-rehearsed' });
    expect(result.reason).toContain(`whether ${TODAY} does can't be told: there is no artifact ${index}`);
  });

  it('fails for an object that the new version can not read', async () => {
    const broken = await withValue('/registry/configmaps/default/broken', 'no object', 'broken');

    expect(await rehearse(broken)).toMatchObject({ outcome: 'failed', reason: expect.stringMatching(/configmaps|ready/) });
  });

  it('fails when etcd boots with other counts than the backup was proven with', async () => {
    const whole = await snapshotOf(plane, root, 'counted');

    const result = await rehearse({ ...whole, counts: { ...whole.counts, secrets: SECRETS + 1 } });

    expect(result).toMatchObject({ outcome: 'failed', reason: `etcd boots with ${SECRETS} secrets instead of ${SECRETS + 1}` });
  });
});

/** By the step, with the real servers. */
async function rehearse({ path, revision, counts }: PlaneSnapshot) {
  const content = readFileSync(path);
  const key = accountKeys.backup(plane.cluster.name, ID, 'snapshot.db');
  blobs.stored.set(key, content);
  const input = {
    cluster: plane.cluster,
    checkRehearsal: { id: ID, snapshot: { key, sha256: sha256(content) }, revision, counts, kubernetes: TODAY },
    to: { kubernetes: TARGET, etcd: ETCD_TARGET },
  };
  const ports = {
    ...{ objects, blobs, binaries, clock, scratch: createScratch(root) },
    ...{ secrets: plane.secrets, apiDrill: createApiDrill({ authority: createAuthority(), clock }) },
  };
  return proveUpgrade.run(proveUpgrade.input.parse(input), ports, { execution: 'rehearse-1' });
}

async function publish(name: string, version: string, files: Readonly<Record<string, string>>): Promise<void> {
  const entries = Object.entries(files).map(([file, path]) => {
    const hash = sha256(path);
    paths.set(hash, path);
    return { file, sha256: hash, bytes: 1 };
  });
  await objects.put(accountKeys.artifactIndex(name, version), JSON.stringify({ name, version, state: 'ready', files: entries }));
}

async function withValue(key: string, value: string, name: string): Promise<PlaneSnapshot> {
  await putKey(plane, key, value);
  const changed = await snapshotOf(plane, root, name);
  await deleteKey(plane, key);
  return changed;
}
