import { expect, it } from 'vitest';
import { ConflictError, NotFoundError } from '#model/errors.ts';
import type { Manifest } from '#model/render.ts';
import type { Kubernetes, ObjectId } from '#ports/kubernetes.ts';

/** What the suite needs besides the port. Every test uses objects of its own. */
export interface KubernetesWorld {
  readonly kubernetes: Kubernetes;
  /** Server-side apply by another field owner. */
  applyAs(owner: string, object: Manifest): Promise<void>;
  /** JSON merge patch by another client. */
  updateAs(owner: string, id: ObjectId, patch: unknown): Promise<void>;
  /** Makes a pod count as running, as a kubelet would. */
  run(pod: ObjectId): Promise<void>;
  /** Has a disruption budget forbid the eviction of pods labelled `app: <name>`. */
  protect(name: string): Promise<void>;
}

function configMap(name: string, data: Record<string, string>, namespace = 'default'): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
}

function configMapId(name: string): ObjectId {
  return { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name };
}

function pod(name: string): Manifest {
  const spec = { containers: [{ name: 'main', image: 'registry.k8s.io/pause:3.10' }], terminationGracePeriodSeconds: 0 };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', labels: { app: name } }, spec };
}

/** The behaviour that every implementation of port Kubernetes has. */
export function kubernetesContract(world: () => KubernetesWorld): void {
  it('tells created, unchanged and changed apart', async () => {
    const { kubernetes } = world();

    const first = await kubernetes.apply(configMap('apply', { color: 'red' }));
    const second = await kubernetes.apply(configMap('apply', { color: 'red' }));
    const third = await kubernetes.apply(configMap('apply', { color: 'blue' }));

    expect([first.outcome, second.outcome, third.outcome]).toEqual(['created', 'unchanged', 'changed']);
    expect((await kubernetes.get(configMapId('apply')))?.['data']).toEqual({ color: 'blue' });
  });

  it('removes a field that is no longer applied and keeps those of others', async () => {
    const { kubernetes, applyAs } = world();
    await kubernetes.apply(configMap('fields', { ours: '1', also: '2' }));
    await applyAs('operator', configMap('fields', { theirs: '3' }));

    await kubernetes.apply(configMap('fields', { ours: '1' }));

    expect((await kubernetes.get(configMapId('fields')))?.['data']).toEqual({ ours: '1', theirs: '3' });
  });

  it('does not take a field from another owner and names the owner', async () => {
    const { kubernetes, applyAs } = world();
    await applyAs('night-shift', configMap('conflict', { color: 'red' }));

    const result = await kubernetes.apply(configMap('conflict', { color: 'blue' }));

    expect(result.outcome).toBe('conflict');
    expect(result.reason).toContain('night-shift');
    expect(result.reason).toContain('color');
    expect((await kubernetes.get(configMapId('conflict')))?.['data']).toEqual({ color: 'red' });
  });

  it('takes a field by force, once it knows from whom', async () => {
    const { kubernetes, applyAs, updateAs } = world();
    await applyAs('night-shift', configMap('force', { color: 'red' }));
    await kubernetes.apply(configMap('drift', { color: 'blue' }));
    await updateAs('by-hand', configMapId('drift'), { data: { color: 'red' } });

    const declared = await kubernetes.apply(configMap('force', { color: 'blue' }));
    const changed = await kubernetes.apply(configMap('drift', { color: 'blue' }));
    const forced = await kubernetes.apply(configMap('drift', { color: 'blue' }), { force: true });

    expect(declared.conflicts).toEqual([{ owner: 'night-shift', field: '.data.color', operation: 'Apply' }]);
    expect(changed.conflicts).toEqual([{ owner: 'by-hand', field: '.data.color', operation: 'Update' }]);
    expect(forced.outcome).toBe('changed');
    expect((await kubernetes.get(configMapId('drift')))?.['data']).toEqual({ color: 'blue' });
  });

  it('tells what happened by the version that was read before', async () => {
    const { kubernetes } = world();
    const created = await kubernetes.apply(configMap('versions', { a: '1' }), { before: '' });
    const before = String((await kubernetes.get(configMapId('versions')))?.metadata['resourceVersion']);

    const unchanged = await kubernetes.apply(configMap('versions', { a: '1' }), { before });
    const changed = await kubernetes.apply(configMap('versions', { a: '2' }), { before });

    expect([created.outcome, unchanged.outcome, changed.outcome]).toEqual(['created', 'unchanged', 'changed']);
  });

  it('reads many in the order asked for, with who owns what', async () => {
    const { kubernetes } = world();
    const names = ['read-a', 'read-b', 'read-c', 'read-d', 'read-e'];
    for (const name of names) await kubernetes.apply(configMap(name, { name }));
    const ids = [...names, 'read-absent'].reverse().map(configMapId);

    const found = await kubernetes.getAll([...ids, { apiVersion: 'example.org/v1', kind: 'Widget', name: 'x' }, configMapId('read-c')]);

    expect(found.map((object) => object?.metadata.name)).toEqual([undefined, ...[...names].reverse(), undefined, 'read-c']);
    expect(found.at(-1)).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { name: 'read-c' } });
    expect(JSON.stringify(found.at(-1)?.metadata['managedFields'])).toContain('"f:data":{"f:name":{}}');
    expect(await kubernetes.getAll([])).toEqual([]);
  });

  it('reports what the server refuses, with its reason', async () => {
    const { kubernetes } = world();

    const noNamespace = await kubernetes.apply(configMap('x', {}, 'absent-namespace'));
    const noKind = await kubernetes.apply({ apiVersion: 'example.org/v1', kind: 'Widget', metadata: { name: 'x', namespace: 'default' } });

    expect(noNamespace).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('absent-namespace') });
    expect(noKind).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('Widget') });
  });

  it('answers what is absent without an error', async () => {
    const { kubernetes } = world();

    const got = await kubernetes.get(configMapId('absent'));
    const deleted = await kubernetes.delete(configMapId('absent'));
    const unknown = await kubernetes.list('example.org/v1', 'Widget');

    expect(got).toBeUndefined();
    expect(deleted).toBe(false);
    expect(unknown).toEqual([]);
  });

  it('lists with kind and version, in one namespace or all', async () => {
    const { kubernetes } = world();
    await kubernetes.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } });
    await kubernetes.apply(configMap('listed', {}));
    await kubernetes.apply(configMap('listed', {}, 'other'));

    const here = (await kubernetes.list('v1', 'ConfigMap', 'default')).filter(({ metadata }) => metadata.name === 'listed');
    const all = (await kubernetes.list('v1', 'ConfigMap')).filter(({ metadata }) => metadata.name === 'listed');

    expect(here).toMatchObject([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'default' } }]);
    expect(all).toHaveLength(2);
  });

  it('patches, and refuses a stale resource version', async () => {
    const { kubernetes } = world();
    await kubernetes.apply(configMap('patched', { a: '1', b: '2' }));
    const before = await kubernetes.get(configMapId('patched'));
    const resourceVersion = before?.metadata['resourceVersion'];

    const patched = await kubernetes.patch(configMapId('patched'), { metadata: { resourceVersion }, data: { a: null, c: '3' } });
    const stale = kubernetes.patch(configMapId('patched'), { metadata: { resourceVersion }, data: { c: '4' } });

    expect(patched['data']).toEqual({ b: '2', c: '3' });
    await expect(stale).rejects.toBeInstanceOf(ConflictError);
    await expect(kubernetes.patch(configMapId('not-there'), { data: {} })).rejects.toBeInstanceOf(NotFoundError);
  });

  it('deletes', async () => {
    const { kubernetes } = world();
    await kubernetes.apply(configMap('deleted', {}));

    const deleted = await kubernetes.delete(configMapId('deleted'));

    expect(deleted).toBe(true);
    expect(await kubernetes.get(configMapId('deleted'))).toBeUndefined();
  });

  it('evicts a pod, unless a disruption budget forbids it', async () => {
    const { kubernetes, run, protect } = world();
    await protect('guarded');
    for (const name of ['free', 'guarded']) {
      await kubernetes.apply(pod(name));
      await run({ apiVersion: 'v1', kind: 'Pod', namespace: 'default', name });
    }

    const free = await kubernetes.evict('default', 'free');
    const guarded = await kubernetes.evict('default', 'guarded');
    const gone = await kubernetes.evict('default', 'never-there');

    expect(free.outcome).toBe('evicted');
    expect(guarded).toMatchObject({ outcome: 'blocked', reason: expect.stringContaining('disruption budget') });
    expect(gone.outcome).toBe('gone');
  });

  it('is ready and tells its version, on each new connection too', async () => {
    const { kubernetes } = world();

    const [ready, version, probe] = await Promise.all([kubernetes.ready(), kubernetes.version(), kubernetes.probe()]);

    expect(ready).toBe(true);
    expect(version).toMatch(/^\d+\.\d+\.\d+/);
    expect(probe).toMatchObject({ ready: true, version });
  });
}
