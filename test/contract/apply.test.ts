import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSend, type Send } from '#adapters/kubernetes/http.ts';
import { createKubernetes } from '#adapters/kubernetes/kubernetes.ts';
import { isAsApplied } from '#domain/applied-fields.ts';
import { idOf } from '#domain/inventory.ts';
import { API_PORT } from '#domain/network.ts';
import type { Manifest } from '#model/render.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import { applyComponents } from '../../functions/cluster/apply-components.ts';
import { prune } from '../../functions/cluster/prune.ts';
import { aRender, CLUSTER, CONTEXT, createClusterWorld, HASH } from '../support/cluster-world.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';

const INPUT = { cluster: CLUSTER, render: { hash: HASH } };
const PHASE = { ...INPUT, phase: 'workloads' as const };

let plane: ControlPlane;
let kubernetes: Kubernetes;
let send: Send;
beforeAll(async () => {
  plane = await startControlPlane({ version: '1.36.3', audit: true });
  const api = { ...(await plane.client('kubernetes')), address: plane.address, port: API_PORT, serverName: 'kubernetes' };
  kubernetes = createKubernetes(api);
  send = createSend(api);
}, 60_000);
afterAll(() => plane.stop());

/** Runs the step on the real API; what is rendered may change from run to run. */
async function apply(objects: readonly Manifest[]) {
  const world = createClusterWorld();
  await world.deliver(aRender({ components: [{ name: 'contract', phase: 'workloads', objects: [...objects] }] }));
  const ports = { ...world.ports, kubernetes: async () => kubernetes };
  return { applied: await applyComponents.run(PHASE, ports, CONTEXT), prune: () => prune.run(INPUT, ports, CONTEXT) };
}

const PATHS: Readonly<Record<string, string>> = {
  ConfigMap: '/api/v1/namespaces/default/configmaps',
  Service: '/api/v1/namespaces/default/services',
  Deployment: '/apis/apps/v1/namespaces/default/deployments',
  NetworkPolicy: '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies',
  Role: '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles',
};

interface Change {
  readonly kind: string;
  /** JSON patch of another client. */
  readonly patch: readonly { readonly op: 'replace' | 'remove' | 'add'; readonly path: string; readonly value?: unknown }[];
}

async function changeAs(owner: string, name: string, { kind, patch }: Change): Promise<void> {
  const path = `${PATHS[kind]}/${name}?fieldManager=${owner}`;
  const answer = await send({ method: 'PATCH', path, body: patch, contentType: 'application/json-patch+json' });
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.body}`);
}

/** One object of each kind, with forms that the server changes: defaults, quantities, ports without a protocol. */
function objectsNamed(name: string): Manifest[] {
  const metadata = { name, namespace: 'default', labels: { app: name, team: 'contract' }, annotations: { note: 'ours' } };
  const probe = { httpGet: { path: '/ready', port: 'http' } };
  const main = {
    name: 'main',
    image: 'registry.example.net/main:1',
    args: ['--one', '--two'],
    ports: [
      { name: 'http', containerPort: 8080 },
      { name: 'dns', containerPort: 53, protocol: 'UDP' },
    ],
    env: [
      { name: 'A', value: '1' },
      { name: 'B', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ],
    resources: { requests: { cpu: 0.5, memory: '1024Mi' }, limits: { cpu: '1000m' } },
    readinessProbe: probe,
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
    securityContext: { capabilities: { drop: ['ALL'] } },
  };
  const side = { name: 'side', image: 'registry.example.net/side:1' };
  const pod = {
    containers: [main, side],
    volumes: [{ name: 'tmp', emptyDir: {} }],
    tolerations: [{ key: 'dedicated', operator: 'Exists', effect: 'NoSchedule' }],
    nodeSelector: { pool: 'general' },
    terminationGracePeriodSeconds: 20,
  };
  const template = { metadata: { labels: { app: name } }, spec: pod };
  const selector = { matchLabels: { app: name } };
  const rule = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] };
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { a: '1', b: 'two\nlines\n' } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
    },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { replicas: 2, selector, template, strategy: { type: 'Recreate' } } },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata,
      spec: { podSelector: selector, policyTypes: ['Ingress'], ingress: [{ ports: [{ port: 80, protocol: 'TCP' }] }] },
    },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules: [rule] },
  ];
}

const POD = '/spec/template/spec';
const MAIN = `${POD}/containers/0`;
/** Changes of fields that objectsNamed declares. */
const DRIFTS: readonly Change[] = [
  { kind: 'ConfigMap', patch: [{ op: 'replace', path: '/data/a', value: '2' }] },
  { kind: 'ConfigMap', patch: [{ op: 'remove', path: '/data/b' }] },
  { kind: 'ConfigMap', patch: [{ op: 'replace', path: '/metadata/labels/team', value: 'others' }] },
  { kind: 'ConfigMap', patch: [{ op: 'remove', path: '/metadata/annotations/note' }] },
  { kind: 'Service', patch: [{ op: 'replace', path: '/spec/ports/0/targetPort', value: 81 }] },
  { kind: 'Service', patch: [{ op: 'replace', path: '/spec/ports/0/name', value: 'other' }] },
  { kind: 'Service', patch: [{ op: 'replace', path: '/spec/selector/app', value: 'other' }] },
  { kind: 'Deployment', patch: [{ op: 'replace', path: `${MAIN}/image`, value: 'registry.example.net/main:2' }] },
  { kind: 'Deployment', patch: [{ op: 'replace', path: `${MAIN}/args`, value: ['--three'] }] },
  { kind: 'Deployment', patch: [{ op: 'remove', path: `${MAIN}/args` }] },
  { kind: 'Deployment', patch: [{ op: 'replace', path: `${MAIN}/env/0/value`, value: '2' }] },
  { kind: 'Deployment', patch: [{ op: 'remove', path: `${MAIN}/env/1` }] },
  { kind: 'Deployment', patch: [{ op: 'replace', path: `${MAIN}/resources/limits/cpu`, value: '1001m' }] },
  { kind: 'Deployment', patch: [{ op: 'remove', path: `${MAIN}/resources/requests/memory` }] },
  { kind: 'Deployment', patch: [{ op: 'replace', path: `${MAIN}/readinessProbe/httpGet/path`, value: '/other' }] },
  { kind: 'Deployment', patch: [{ op: 'remove', path: `${MAIN}/securityContext` }] },
  { kind: 'Deployment', patch: [{ op: 'remove', path: `${POD}/containers/1` }] },
  { kind: 'Deployment', patch: [{ op: 'replace', path: `${POD}/containers/1/image`, value: 'registry.example.net/side:2' }] },
  { kind: 'Deployment', patch: [{ op: 'replace', path: `${POD}/tolerations/0/effect`, value: 'NoExecute' }] },
  { kind: 'Deployment', patch: [{ op: 'replace', path: `${POD}/nodeSelector/pool`, value: 'other' }] },
  { kind: 'Deployment', patch: [{ op: 'replace', path: `${POD}/terminationGracePeriodSeconds`, value: 30 }] },
  { kind: 'NetworkPolicy', patch: [{ op: 'replace', path: '/spec/ingress/0/ports/0/port', value: 81 }] },
  { kind: 'NetworkPolicy', patch: [{ op: 'add', path: '/spec/ingress/-', value: {} }] },
  { kind: 'Role', patch: [{ op: 'replace', path: '/rules/0/verbs', value: ['*'] }] },
  { kind: 'Role', patch: [{ op: 'add', path: '/rules/-', value: { apiGroups: ['*'], resources: ['*'], verbs: ['*'] } }] },
];

/** Fields that nobody declares. */
const OTHERS: readonly Change[] = [
  { kind: 'ConfigMap', patch: [{ op: 'add', path: '/data/theirs', value: '1' }] },
  { kind: 'ConfigMap', patch: [{ op: 'add', path: '/metadata/labels/theirs', value: '1' }] },
  { kind: 'Service', patch: [{ op: 'add', path: '/metadata/annotations/theirs', value: '1' }] },
  { kind: 'Deployment', patch: [{ op: 'add', path: `${MAIN}/env/-`, value: { name: 'THEIRS', value: '1' } }] },
  { kind: 'Deployment', patch: [{ op: 'add', path: `${MAIN}/imagePullPolicy`, value: 'Never' }] },
  { kind: 'Deployment', patch: [{ op: 'add', path: '/spec/template/metadata/annotations', value: { theirs: '1' } }] },
  { kind: 'Role', patch: [{ op: 'add', path: '/metadata/labels/theirs', value: '1' }] },
];

async function contentOf(name: string): Promise<unknown[]> {
  const live = await kubernetes.getAll(objectsNamed(name).map(idOf));
  return live.map((object) => {
    if (object === undefined) throw new Error(`an object of ${name} is gone`);
    const { managedFields: _fields, resourceVersion: _version, generation: _generation, ...metadata } = object.metadata;
    return { ...object, metadata };
  });
}

function mutations(since: number): string[] {
  return plane
    .audited()
    .slice(since)
    .filter(({ user, verb }) => user === 'sluice' && !['get', 'list', 'watch'].includes(verb))
    .map(({ verb, what }) => `${verb} ${what}`);
}

describe('applying again', () => {
  it('asks the API server for no change, by its own audit', async () => {
    const objects = Array.from({ length: 5 }, (_, index) => objectsNamed(`idle-${index}`)).flat();
    const first = await apply(objects);
    await first.prune();
    const since = plane.audited().length;

    const second = await apply(objects);
    await second.prune();

    expect(first.applied).toMatchObject({ applied: 25, changed: 25 });
    expect(second.applied).toMatchObject({ applied: 25, unchanged: 25 });
    expect(plane.audited().length).toBeGreaterThan(since);
    expect(mutations(since)).toEqual([]);
  }, 60_000);

  it('finds by reading what a real apply would find, for each object and form', async () => {
    await apply(objectsNamed('forms'));

    for (const object of objectsNamed('forms')) {
      const live = await kubernetes.get(idOf(object));
      expect([object.kind, live !== undefined && isAsApplied(object, live)]).toEqual([object.kind, true]);
      expect((await kubernetes.apply(object)).outcome).toBe('unchanged');
    }
  }, 60_000);
});

describe('drift on a real API server', () => {
  it.each(DRIFTS.map((drift, index) => ({ drift, index, title: JSON.stringify(drift.patch[0]) })))(
    'is seen and mended: $drift.kind $title',
    async ({ drift, index }) => {
      const name = `drift-${index}`;
      await apply(objectsNamed(name));
      const before = await contentOf(name);
      await changeAs('kubectl-patch', name, drift);
      expect(await contentOf(name)).not.toEqual(before);

      const { applied } = await apply(objectsNamed(name));

      expect(await contentOf(name)).toEqual(before);
      expect(applied).toMatchObject({ changed: 1, unchanged: 4 });
    },
    30_000,
  );

  it.each(OTHERS.map((change, index) => ({ change, index, title: JSON.stringify(change.patch[0]) })))(
    'of a field that nobody declares is left alone, without a request: $change.kind $title',
    async ({ change, index }) => {
      const name = `others-${index}`;
      await apply(objectsNamed(name));
      await changeAs('others', name, change);
      const [before, since] = [await contentOf(name), plane.audited().length];

      const { applied } = await apply(objectsNamed(name));

      expect(applied).toMatchObject({ changed: 0, unchanged: 5 });
      expect(await contentOf(name)).toEqual(before);
      expect(mutations(since)).toEqual([]);
    },
    30_000,
  );

  it('of any few fields at once is seen and mended, and fields of others stay', async () => {
    let count = 0;
    const one = (changes: readonly Change[]) => fc.uniqueArray(fc.constantFrom(...changes), { minLength: 1, maxLength: 4 });

    await fc.assert(
      fc.asyncProperty(one(DRIFTS.filter(({ patch }) => patch[0]?.op === 'replace')), one(OTHERS), async (drifts, others) => {
        const name = `any-${count++}`;
        await apply(objectsNamed(name));
        for (const change of others) await changeAs('others', name, change);
        const before = await contentOf(name);
        for (const change of drifts) await changeAs('kubectl-edit', name, change);

        const mended = await apply(objectsNamed(name));
        const again = await apply(objectsNamed(name));

        expect(await contentOf(name)).toEqual(before);
        expect(mended.applied.changed).toBe(new Set(drifts.map(({ kind }) => kind)).size);
        expect(again.applied).toMatchObject({ changed: 0, unchanged: 5 });
      }),
      { numRuns: 25 },
    );
  }, 180_000);

  it('removes a field that is declared no more, and no other', async () => {
    await apply(objectsNamed('removed'));
    await changeAs('others', 'removed', { kind: 'ConfigMap', patch: [{ op: 'add', path: '/data/theirs', value: '1' }] });
    const [map, service, deployment, ...rest] = objectsNamed('removed');
    if (map === undefined || service === undefined || deployment === undefined) throw new Error('no objects');
    const fewer = [{ ...map, data: { a: '1' } }, { ...service, metadata: { name: 'removed', namespace: 'default' } }, deployment, ...rest];

    const { applied } = await apply(fewer);

    expect(applied).toMatchObject({ changed: 2, unchanged: 3 });
    expect((await kubernetes.get(idOf(map)))?.['data']).toEqual({ a: '1', theirs: '1' });
    expect((await kubernetes.get(idOf(service)))?.metadata['labels']).toBeUndefined();
  }, 30_000);
});

describe('two that want one field', () => {
  it('end in a failure with the object, the field and both, the second time', async () => {
    const change: Change = { kind: 'Deployment', patch: [{ op: 'replace', path: `${MAIN}/image`, value: 'registry.example.net/other:1' }] };
    await apply(objectsNamed('fight'));
    await changeAs('other-controller', 'fight', change);
    const first = await apply(objectsNamed('fight'));
    await changeAs('other-controller', 'fight', change);

    const second = apply(objectsNamed('fight'));

    expect(first.applied.repaired).toEqual([
      { object: 'apps/v1 Deployment default/fight', field: '.spec.template.spec.containers[name="main"].image', owner: 'other-controller' },
    ]);
    await expect(second).rejects.toMatchObject({ name: 'RefusedError' });
    await expect(second).rejects.toThrow(/Deployment default\/fight: conflict.*other-controller.*image again/);
  }, 30_000);

  it('fail by name when what both say can not be had together', async () => {
    const value = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
    await apply(objectsNamed('together'));
    await changeAs('others', 'together', { kind: 'Deployment', patch: [{ op: 'replace', path: '/spec/strategy', value }] });

    await expect(apply(objectsNamed('together'))).rejects.toThrow(
      /Deployment default\/together: refused: .*spec\.strategy\.rollingUpdate: Forbidden/,
    );
  }, 30_000);

  it('leave the number of replicas to what scales', async () => {
    await apply(objectsNamed('scaled'));
    const path = `${PATHS['Deployment']}/scaled/scale?fieldManager=autoscaler`;
    await send({ method: 'PATCH', path, body: { spec: { replicas: 7 } }, contentType: 'application/merge-patch+json' });

    const run = apply(objectsNamed('scaled'));

    await expect(run).rejects.toThrow(/"autoscaler", which sets \.spec\.replicas by scale: leave it out of the manifest/);
    expect(
      (await kubernetes.get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'default', name: 'scaled' }))?.['spec'],
    ).toMatchObject({
      replicas: 7,
    });
  }, 30_000);

  it('who both declare it are both named at once', async () => {
    const [map] = objectsNamed('declared');
    if (map === undefined) throw new Error('no object');
    const path = `${PATHS['ConfigMap']}/declared?fieldManager=flux`;
    await send({ method: 'PATCH', path, body: { ...map, data: { a: 'theirs' } }, contentType: 'application/apply-patch+yaml' });

    await expect(apply([map])).rejects.toThrow(/ConfigMap default\/declared: conflict.*"flux".*data\.a/);
  }, 30_000);
});
