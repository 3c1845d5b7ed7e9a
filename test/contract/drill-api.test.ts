import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEtcd } from '#adapters/etcd/etcd.ts';
import { createScratch } from '#adapters/files/scratch.ts';
import { createApiDrill } from '#adapters/kubernetes/api-drill.ts';
import { createKubernetesOf } from '#adapters/kubernetes/clusters.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { servedVerdict } from '#domain/api-drill.ts';
import { encryptionConfiguration } from '#domain/identity.ts';
import { secretIds } from '#domain/names.ts';
import { BackupNotProvenError } from '#model/errors.ts';
import { AuthoritySecret } from '#model/identity.ts';
import type { Manifest } from '#model/render.ts';
import type { Served } from '#ports/api-drill.ts';
import { binary } from '../support/binaries.ts';
import { until } from '../support/child.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { deleteKey, putKey, someSecrets } from '../support/plane-data.ts';

const VERSION = '1.35.4';
const SECRETS = 3;
/** Objects of a megabyte: more than the 64 MiB of one answer, on one page. */
const LARGE = 70;
const root = mkdtempSync(join(tmpdir(), 'sl-'));
const clock = { now: () => new Date() };

let plane: ControlPlane;
let encryption: string;
let whole: Snapshot;

const DEFINITION: Manifest = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.org' },
  spec: {
    group: 'example.org',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
const WIDGET: Manifest = { apiVersion: 'example.org/v1', kind: 'Widget', metadata: { name: 'one', namespace: 'default' } };

interface Snapshot {
  readonly path: string;
  readonly revision: number;
}

beforeAll(async () => {
  plane = await startControlPlane({ version: VERSION });
  const text = await plane.secrets.get(secretIds.authority(plane.cluster.name));
  encryption = AuthoritySecret.parse(JSON.parse(text ?? '{}'))['encryption.yaml'];
  const kubernetes = await createKubernetesOf(() => plane.client('kubernetes'))(plane.cluster);
  for (const object of [DEFINITION, ...someSecrets(SECRETS)]) expect(await kubernetes.apply(object)).toMatchObject({ outcome: 'created' });
  // The kind is served a moment after it was made.
  await until('the widget', async () => ((await kubernetes.apply(WIDGET)).outcome === 'created' ? true : undefined));
  // From here on nothing changes: what is in the snapshot is what each test says.
  await plane.stopApi();
  whole = await snapshot('whole');
}, 120_000);
afterAll(async () => {
  await plane.stop();
  rmSync(root, { recursive: true });
});

describe('a kube-apiserver on a restored snapshot', () => {
  it('serves each object by its key, decrypts Secrets and sends an old watch away', async () => {
    const served = await serve(whole, encryption);

    expect(judged(served, whole)).toMatchObject({ layer: 'L6', verdict: 'holds' });
    expect(judged(served, whole).reason).toContain(`${SECRETS} Secrets decrypted`);
    expect(served.resources.length).toBeGreaterThan(40);
    expect(resource(served, 'widgets.example.org')).toMatchObject({ prefix: 'example.org/widgets', stored: 1, listed: 1, missing: [] });
    expect(resource(served, 'secrets')).toMatchObject({ stored: SECRETS, listed: SECRETS });
    expect(served.oldWatch).toBe(410);
    expect(served.unserved).toEqual({});
    // Nothing is left running or lying about.
    expect(readdirSync(root).filter((name) => !name.endsWith('.db'))).toEqual([]);
  });

  it.each([
    ['lost', () => encryptionConfiguration([{ name: 'other', secret: createAuthority().randomKey(32) }])],
    ['another one of the same name', () => encryption.replace(/secret: \S+/, `secret: ${createAuthority().randomKey(32)}`)],
  ])('can not read Secrets when the key is %s', async (_, other) => {
    const served = await serve(whole, other()).then((told) => judged(told, whole), verdictOf);

    expect(served).toMatchObject({ verdict: 'fails' });
    expect(served.reason).toMatch(/secrets/);
  });

  it('fails for one Secret among many whose key is gone', async () => {
    const lost = 'k8s:enc:secretbox:v1:of-long-ago:nobody can read this';
    const mixed = await withValue('/registry/secrets/default/zz-old', lost, 'mixed');

    const found = await serve(mixed, encryption).then((told) => judged(told, mixed), verdictOf);

    expect(found.verdict).toBe('fails');
    expect(found.reason).toContain('/registry/secrets/default/zz-old');
  });

  it('fails for an object that no longer is one', async () => {
    const broken = await withValue('/registry/configmaps/default/broken', 'no object', 'broken');

    const found = await serve(broken, encryption).then((told) => judged(told, broken), verdictOf);

    expect(found.verdict).toBe('fails');
    expect(found.reason).toMatch(/configmaps|ready/);
  });

  it('does not miss the address of a Service that was not there yet', async () => {
    const leaked = {
      ...{ apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress' },
      metadata: {
        ...{ name: '10.96.77.7', uid: 'leaked', creationTimestamp: '2026-01-05T08:00:00Z' },
        labels: { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io', 'ipaddress.kubernetes.io/ip-family': 'IPv4' },
      },
      spec: { parentRef: { resource: 'services', namespace: 'default', name: 'gone' } },
    };
    const early = await withValue('/registry/ipaddresses/10.96.77.7', JSON.stringify(leaked), 'early');

    const served = await serve(early, encryption);

    expect(judged(served, early)).toMatchObject({ verdict: 'holds' });
    expect(resource(served, 'ipaddresses.networking.k8s.io')?.stored).toBeGreaterThan(1);
  });

  it('tells of the kind whose definition was dropped', async () => {
    const cut = await without('/registry/apiextensions.k8s.io/customresourcedefinitions/widgets.example.org', 'definition');

    const served = await serve(cut, encryption);

    expect(served.unserved).toEqual({ 'example.org/widgets': 1 });
    expect(judged(served, cut).reason).toContain('not served, by the live cluster neither: 1 of example.org/widgets');
  });

  it('reads pages that hold more than an answer may', async () => {
    const large = 'x'.repeat(1_000_000);
    for (let index = 0; index < LARGE; index++) {
      const name = `large-${index}`;
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', uid: name }, data: { large } };
      await putKey(plane, `/registry/configmaps/default/${name}`, JSON.stringify(object));
    }
    const heavy = await snapshot('heavy');

    const served = await serve(heavy, encryption);

    expect(judged(served, heavy)).toMatchObject({ verdict: 'holds' });
    expect(resource(served, 'configmaps')?.listed).toBeGreaterThanOrEqual(LARGE);
  });

  it('is not ready on a snapshot that is none', async () => {
    const path = join(root, 'none.db');
    copyFileSync(binary('etcdutl'), path);

    await expect(serve({ path, revision: 1 }, encryption)).rejects.toBeInstanceOf(BackupNotProvenError);
  });
});

function judged(served: Served, { revision }: Snapshot) {
  return servedVerdict(served, { version: VERSION, writtenBy: VERSION, revision, seconds: 0 });
}

function verdictOf(error: unknown): { verdict: string; reason: string } {
  if (!(error instanceof BackupNotProvenError)) throw error;
  return { verdict: 'fails', reason: error.message };
}

function resource(served: Served, name: string) {
  return served.resources.find((candidate) => candidate.name === name);
}

function serve({ path }: Snapshot, withEncryption: string): Promise<Served> {
  return createScratch(root).withDirectory(async (directory) => {
    const room = join(directory, 'api');
    mkdirSync(room);
    const tools = { etcd: binary('etcd'), etcdutl: binary('etcdutl'), kubeApiserver: binary('kube-apiserver', VERSION) };
    return createApiDrill({ authority: createAuthority(), clock }).serve({
      ...tools,
      snapshot: path,
      directory: room,
      encryption: withEncryption,
    });
  });
}

async function snapshot(name: string): Promise<Snapshot> {
  const etcd = createEtcd({ endpoints: [plane.etcdEndpoint], identity: await plane.client('etcd') });
  const path = join(root, `${name}.db`);
  const chunks = async function* () {
    for await (const { bytes } of etcd.snapshot(plane.etcdEndpoint)) yield bytes;
  };
  await createScratch(root).spool(chunks(), path);
  const [status] = await etcd.status();
  return { path, revision: status?.revision ?? 0 };
}

/** The last that changes the data: nothing is put back. */
async function without(key: string, name: string): Promise<Snapshot> {
  await deleteKey(plane, key);
  return snapshot(name);
}

async function withValue(key: string, value: string, name: string): Promise<Snapshot> {
  await putKey(plane, key, value);
  const changed = await snapshot(name);
  await deleteKey(plane, key);
  return changed;
}
