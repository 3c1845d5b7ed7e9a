import { describe, expect, it } from 'vitest';
import { BlockedError, DeadlineError, NotFoundError, RefusedError } from '#model/errors.ts';
import type { Manifest, RenderedComponent } from '#model/render.ts';
import { applyComponents } from '../../../functions/cluster/apply-components.ts';
import { awaitWorkloads } from '../../../functions/cluster/await-workloads.ts';
import { prune } from '../../../functions/cluster/prune.ts';
import { aPod, aRender, CLUSTER, CONTEXT, createClusterWorld, HASH } from '../../support/cluster-world.ts';
import { versionOf } from '../../support/fakes/secrets.ts';

const INPUT = { cluster: CLUSTER, render: { hash: HASH } };
const SYSTEM = { ...INPUT, phase: 'system' as const };
const WAIT = { ...SYSTEM, deadlineMinutes: 20 };

function configMap(name: string, data: Record<string, string> = {}): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'kube-system' }, data };
}

function component(name: string, objects: Manifest[], phase: RenderedComponent['phase'] = 'system'): RenderedComponent {
  return { name, phase, objects };
}

function deployment(name: string): Manifest {
  const spec = { replicas: 1, selector: { matchLabels: { app: name } } };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: 'kube-system' }, spec };
}

const CRD: Manifest = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'gates.example.net' },
  spec: { group: 'example.net', names: { kind: 'Gate' }, versions: [{ name: 'v1' }] },
};
const SETTINGS = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'settings' };
const HOOK: Manifest = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'checks', labels: { team: 'payments' } },
  webhooks: [{ name: 'maps.example.net', failurePolicy: 'Fail', clientConfig: { service: { namespace: 'team', name: 'hook' } } }],
};
const GATE: Manifest = { apiVersion: 'example.net/v1', kind: 'Gate', metadata: { name: 'one', namespace: 'team' } };

async function worldWith(...components: RenderedComponent[]) {
  const world = createClusterWorld();
  await world.deliver(aRender({ components }));
  return world;
}

describe('applying components', () => {
  it.each([
    [{ conditions: null, storedVersions: null }, 'TransientError', /gates\.example\.net is applied but not established yet$/],
    [
      { conditions: [{ type: 'NamesAccepted', status: 'False', message: 'Gate is taken' }] },
      'BlockedError',
      /NamesAccepted: Gate is taken/,
    ],
  ])('waits for a definition whose status is %j', async (status, name, message) => {
    const world = await worldWith(component('gates', [CRD]));
    const { get } = world.kubernetes;
    world.kubernetes.get = async (id) => {
      const found = await get(id);
      return id.kind === CRD.kind && found !== undefined ? { ...found, status } : found;
    };

    const applying = applyComponents.run({ ...INPUT, phase: 'system' }, world.ports, CONTEXT);

    await expect(applying).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
  });

  it('applies namespaces and definitions before what needs them, whatever the order', async () => {
    const world = await worldWith(component('gates', [GATE, CRD, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } }]));

    const first = await applyComponents.run(SYSTEM, world.ports, CONTEXT);
    const second = await applyComponents.run(SYSTEM, world.ports, CONTEXT);

    expect(first).toMatchObject({ applied: 3, changed: 3, unchanged: 0 });
    expect(second).toMatchObject({ applied: 3, changed: 0, unchanged: 3 });
  });

  it('changes nothing and asks for no change the second time', async () => {
    const world = await worldWith(component('dns', [deployment('coredns'), configMap('coredns', { a: '1' })]));
    await applyComponents.run(SYSTEM, world.ports, CONTEXT);
    await prune.run(INPUT, world.ports, CONTEXT);
    world.kubernetes.calls.length = 0;

    await applyComponents.run(SYSTEM, world.ports, CONTEXT);
    await prune.run(INPUT, world.ports, CONTEXT);

    expect(world.kubernetes.calls).toEqual([]);
  });

  it('sets back what was changed by hand, once, and tells from whom', async () => {
    const world = await worldWith(component('settings', [configMap('settings', { color: 'blue' })]));
    await applyComponents.run(SYSTEM, world.ports, CONTEXT);
    const byHand = () => world.kubernetes.updateAs('kubectl-edit', SETTINGS, { data: { color: 'red', more: 'theirs' } });
    byHand();

    const first = await applyComponents.run(SYSTEM, world.ports, CONTEXT);
    const mended = await world.kubernetes.get(SETTINGS);
    byHand();
    const second = applyComponents.run(SYSTEM, world.ports, CONTEXT);

    expect(first.repaired).toEqual([{ object: 'v1 ConfigMap kube-system/settings', field: '.data.color', owner: 'kubectl-edit' }]);
    expect(first.reason).toContain('kubectl-edit');
    expect(mended?.['data']).toEqual({ color: 'blue', more: 'theirs' });
    await expect(second).rejects.toThrow(RefusedError);
    await expect(second).rejects.toThrow(/kubectl-edit.*\.data\.color again/);
  });

  it('sets nothing back while one field must be left to its owner', async () => {
    const world = await worldWith(component('settings', [configMap('settings', { color: 'blue' }), configMap('other', { size: '1' })]));
    await applyComponents.run(SYSTEM, world.ports, CONTEXT);
    world.kubernetes.updateAs('kubectl-edit', SETTINGS, { data: { color: 'red' } });
    world.kubernetes.applyAs('flux', configMap('other', { size: '2' }), true);

    await expect(applyComponents.run(SYSTEM, world.ports, CONTEXT)).rejects.toThrow(/"flux".*size/);

    expect((await world.kubernetes.get(SETTINGS))?.['data']).toEqual({ color: 'red' });
  });

  it('leaves a field alone that nobody declared, and removes one that is declared no more', async () => {
    const world = await worldWith(component('settings', [configMap('settings', { color: 'blue', old: '1' })]));
    await applyComponents.run(SYSTEM, world.ports, CONTEXT);
    world.kubernetes.updateAs('kubectl-edit', SETTINGS, { data: { theirs: '2' } });
    await world.deliver(aRender({ components: [component('settings', [configMap('settings', { color: 'blue' })])] }));

    const { changed } = await applyComponents.run(SYSTEM, world.ports, CONTEXT);

    expect(changed).toBe(1);
    expect((await world.kubernetes.get(SETTINGS))?.['data']).toEqual({ color: 'blue', theirs: '2' });
  });

  it('names the webhook that does not answer, what it calls and whose it is, and stops at once', async () => {
    const world = await worldWith(
      component(
        'many',
        Array.from({ length: 40 }, (_, index) => configMap(`one-${index}`)),
      ),
    );
    world.kubernetes.put(HOOK);
    world.kubernetes.admission = ({ metadata }) =>
      metadata.name.startsWith('one-')
        ? { outcome: 'blocked', reason: 'Internal error occurred: failed calling webhook "maps.example.net": connection refused' }
        : undefined;

    const run = applyComponents.run(SYSTEM, world.ports, CONTEXT);

    await expect(run).rejects.toThrow(BlockedError);
    await expect(run).rejects.toThrow(/ValidatingWebhookConfiguration \/checks \(team=payments\) calls service team\/hook/);
    expect(world.kubernetes.calls.filter((call) => call.includes('one-')).length).toBeLessThan(20);
  });

  it('names the webhook that refuses, and its owner', async () => {
    const world = await worldWith(component('a', [configMap('one')]));
    world.kubernetes.put(HOOK);
    world.kubernetes.admission = ({ metadata }) =>
      metadata.name === 'one'
        ? { outcome: 'refused', reason: 'admission webhook "maps.example.net" denied the request: never' }
        : undefined;

    const run = applyComponents.run(SYSTEM, world.ports, CONTEXT);

    await expect(run).rejects.toThrow(RefusedError);
    await expect(run).rejects.toThrow(/kube-system\/one: refused: .*never.*In the way: .*team=payments/);
  });

  it('waits for an object that is being deleted, and says what holds it', async () => {
    const world = await worldWith(component('a', [configMap('one')]));
    const metadata = { name: 'one', namespace: 'kube-system', finalizers: ['example.net/keep'], deletionTimestamp: '2026-01-01T00:00:00Z' };
    world.kubernetes.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata });

    const run = applyComponents.run(SYSTEM, world.ports, CONTEXT);

    await expect(run).rejects.toThrow(BlockedError);
    await expect(run).rejects.toThrow(/kube-system\/one \(component a\) is being deleted since .*held by example.net\/keep/);
  });

  it('goes on later when there is too much for one call', async () => {
    const world = await worldWith(
      component(
        'many',
        Array.from({ length: 300 }, (_, index) => configMap(`one-${index}`)),
      ),
    );
    let seconds = 0;
    const slow = { ...world.ports, clock: { now: () => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds++)) } };

    await expect(applyComponents.run(SYSTEM, slow, CONTEXT)).rejects.toThrow(/of 300 objects are applied after/);
    const rest = await applyComponents.run(SYSTEM, world.ports, CONTEXT);

    expect(rest.changed).toBeGreaterThan(0);
    expect(rest.unchanged).toBeGreaterThan(100);
    expect(rest.applied).toBe(300);
  });

  it('applies nothing whose skew rule some running API server does not fit', async () => {
    const proxy = deployment('kube-proxy');
    const image = (tag: string) => ({ ...proxy, spec: { ...(proxy['spec'] as object), containers: [{ image: `k8s/kube-proxy:${tag}` }] } });
    const world = createClusterWorld();
    const deliver = (tag: string) =>
      world.deliver(aRender({ components: [{ ...component('kube-proxy', [image(tag)]), skew: { maxMinorsBehind: 1 } }] }));
    const answer = (version: string) => ({ ready: true, version, milliseconds: 1, reason: 'ok' });
    world.kubernetes.probes = [answer('1.36.3'), answer('1.35.4'), answer('1.36.3')];

    await deliver('v1.36.3');
    const ahead = applyComponents.run(SYSTEM, world.ports, CONTEXT);
    await expect(ahead).rejects.toThrow(BlockedError);
    await expect(ahead).rejects.toThrow(/kube-proxy.*newer than the API server that runs \(1\.35\.4\)/);
    await deliver('v1.34.0');
    await expect(applyComponents.run(SYSTEM, world.ports, CONTEXT)).rejects.toThrow('2 minors behind');
    expect(world.kubernetes.all('Deployment')).toEqual([]);
    await deliver('v1.35.4');
    expect(await applyComponents.run(SYSTEM, world.ports, CONTEXT)).toMatchObject({ applied: 1 });
  });

  it('applies its own phase only; system covers what comes before the control plane, which a new cluster skips', async () => {
    const world = await worldWith(
      component('early', [configMap('early')], 'before-control-plane'),
      component('late', [configMap('late')], 'workloads'),
    );

    await applyComponents.run(SYSTEM, world.ports, CONTEXT);

    const names = world.kubernetes.all('ConfigMap').map(({ metadata }) => metadata.name);
    expect(names.sort()).toEqual(['early', 'sluice-inventory']);
  });

  it('fails by name for a field that somebody else owns', async () => {
    const world = await worldWith(component('settings', [configMap('settings', { color: 'blue' })]));
    world.kubernetes.applyAs('night-shift', configMap('settings', { color: 'red' }));

    const run = applyComponents.run(SYSTEM, world.ports, CONTEXT);

    await expect(run).rejects.toThrow(RefusedError);
    await expect(run).rejects.toThrow(/kube-system\/settings: conflict: .*night-shift.*color/);
  });

  it('owns an object before it is applied, so that a run that breaks leaves none behind', async () => {
    const world = await worldWith(component('gates', [configMap('fine'), GATE]));
    await expect(applyComponents.run(SYSTEM, world.ports, CONTEXT)).rejects.toThrow('Gate');
    await world.deliver(aRender());

    const { deleted } = await prune.run(INPUT, world.ports, CONTEXT);

    expect(deleted).toEqual(['v1 ConfigMap kube-system/fine']);
  });

  it('deletes first what deletions.yaml wants deleted before, and refuses a contradiction', async () => {
    const world = createClusterWorld();
    const deletion = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'old', reason: 'renamed' };
    world.kubernetes.put(configMap('old'));
    await world.deliver(aRender({ deletions: { before: [deletion], after: [] } }));

    await applyComponents.run(SYSTEM, world.ports, CONTEXT);
    await world.deliver(aRender({ deletions: { before: [deletion], after: [] }, components: [component('a', [configMap('old')])] }));

    expect(world.kubernetes.all('ConfigMap')).toEqual([]);
    await expect(applyComponents.run(SYSTEM, world.ports, CONTEXT)).rejects.toThrow('remove one of both');
  });

  it('says which step must run first when the render is not there', async () => {
    const world = createClusterWorld();

    await expect(applyComponents.run(SYSTEM, world.ports, CONTEXT)).rejects.toThrow(NotFoundError);
  });
});

describe('pruning', () => {
  it('deletes what the new revision lacks, keeps data and strangers, and can be repeated', async () => {
    const namespace: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } };
    const world = await worldWith(component('a', [configMap('one'), configMap('two'), namespace]));
    world.kubernetes.put(configMap('of-a-stranger'));
    await applyComponents.run(SYSTEM, world.ports, CONTEXT);
    await world.deliver(aRender({ components: [component('a', [configMap('one')])] }));

    const first = await prune.run(INPUT, world.ports, CONTEXT);
    const second = await prune.run(INPUT, world.ports, CONTEXT);

    expect(first).toMatchObject({ deleted: ['v1 ConfigMap kube-system/two'], kept: ['v1 Namespace /team'], left: [] });
    expect(second).toMatchObject({ deleted: [], kept: ['v1 Namespace /team'] });
    const names = world.kubernetes.all('ConfigMap').map(({ metadata }) => metadata.name);
    expect(names.sort()).toEqual(['of-a-stranger', 'one', 'sluice-inventory']);
  });

  it('deletes a namespace that deletions.yaml names', async () => {
    const world = createClusterWorld();
    world.kubernetes.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
    await world.deliver(
      aRender({ deletions: { before: [], after: [{ apiVersion: 'v1', kind: 'Namespace', name: 'team', reason: 'unused' }] } }),
    );

    const { deleted } = await prune.run(INPUT, world.ports, CONTEXT);

    expect(deleted).toEqual(['v1 Namespace /team']);
  });
});

describe('pruning what does not go', () => {
  it('waits, names what holds it and keeps it in the inventory until it is gone', async () => {
    const held = { ...configMap('held'), metadata: { ...configMap('held').metadata, finalizers: ['example.net/keep'] } };
    const world = await worldWith(component('a', [held]));
    await applyComponents.run(SYSTEM, world.ports, CONTEXT);
    await world.deliver(aRender({ components: [component('a', [configMap('one')])] }));

    const first = prune.run(INPUT, world.ports, CONTEXT);
    await expect(first).rejects.toThrow(BlockedError);
    await expect(first).rejects.toThrow(/kube-system\/held \(component a\) is being deleted .*example.net\/keep/);
    await expect(prune.run(INPUT, world.ports, CONTEXT)).rejects.toThrow(BlockedError);
    world.kubernetes.updateAs('controller', { ...SETTINGS, name: 'held' }, { metadata: { finalizers: null, deletionTimestamp: null } });

    expect(await prune.run(INPUT, world.ports, CONTEXT)).toMatchObject({ deleted: ['v1 ConfigMap kube-system/held'] });
    expect(world.kubernetes.calls.filter((call) => call.startsWith('delete'))).toHaveLength(2);
  });

  it('leaves what somebody else has made anew under the same name', async () => {
    const world = await worldWith(component('a', [configMap('one'), configMap('settings', { a: '1' })]));
    await applyComponents.run(SYSTEM, world.ports, CONTEXT);
    await world.kubernetes.delete(SETTINGS);
    world.kubernetes.applyAs('flux', configMap('settings', { a: '2' }));
    await world.deliver(aRender({ components: [component('a', [configMap('one')])] }));

    const first = await prune.run(INPUT, world.ports, CONTEXT);
    const second = await prune.run(INPUT, world.ports, CONTEXT);

    expect(first).toMatchObject({ deleted: [], left: ['v1 ConfigMap kube-system/settings'] });
    expect(second).toMatchObject({ deleted: [], left: [] });
    expect(world.kubernetes.all('ConfigMap').map(({ metadata }) => metadata.name)).toContain('settings');
  });
});

describe('secrets', () => {
  const secret = (stringData: object): Manifest => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'db', namespace: 'kube-system' },
    stringData,
  });
  const DB = { apiVersion: 'v1', kind: 'Secret', namespace: 'kube-system', name: 'db' };

  it('are put in from the account, in the version that is named, and told by name and version only', async () => {
    const world = await worldWith(component('db', [secret({ password: '${SECRET:db-password@v2}', user: '${SECRET:db-user}' })]));
    world.secrets.values.set('sluice-config/db-user', 'admin');
    world.secrets.values.set('sluice-config/db-password', 'newest');
    world.secrets.labelled.set('sluice-config/db-password@v2', 'second');

    const first = await applyComponents.run(SYSTEM, world.ports, CONTEXT);
    const second = await applyComponents.run(SYSTEM, world.ports, CONTEXT);

    const data = { password: Buffer.from('second').toString('base64'), user: Buffer.from('admin').toString('base64') };
    expect((await world.kubernetes.get(DB))?.['data']).toEqual(data);
    expect(first.secrets).toEqual([`db-password@v2 (${versionOf('second')})`, `db-user (${versionOf('admin')})`]);
    expect(JSON.stringify(first)).not.toMatch(/second|admin|c2Vjb25k/);
    expect(second).toMatchObject({ changed: 0, unchanged: 1 });
  });

  it('that changed in the account are applied by the next run', async () => {
    const world = await worldWith(component('db', [secret({ user: '${SECRET:db-user}' })]));
    world.secrets.values.set('sluice-config/db-user', 'admin');
    await applyComponents.run(SYSTEM, world.ports, CONTEXT);
    world.secrets.values.set('sluice-config/db-user', 'root');

    expect(await applyComponents.run(SYSTEM, world.ports, CONTEXT)).toMatchObject({ changed: 1 });
  });

  it('that are not there fail by name before anything is applied', async () => {
    const world = await worldWith(component('db', [configMap('one'), secret({ user: '${SECRET:db-user@v9}' })]));

    const run = applyComponents.run(SYSTEM, world.ports, CONTEXT);

    await expect(run).rejects.toThrow(NotFoundError);
    await expect(run).rejects.toThrow('Secret kube-system/db needs sluice-config/db-user in a version labelled v9');
    expect(world.kubernetes.all('ConfigMap').map(({ metadata }) => metadata.name)).not.toContain('one');
  });

  it('are not told by a refusal', async () => {
    const world = await worldWith(component('db', [secret({ user: '${SECRET:db-user}' })]));
    world.secrets.values.set('sluice-config/db-user', 'hunter2');
    const words = `data is bad: hunter2 or ${Buffer.from('hunter2').toString('base64')}`;
    world.kubernetes.admission = ({ kind }) => (kind === 'Secret' ? { outcome: 'refused', reason: words } : undefined);

    await expect(applyComponents.run(SYSTEM, world.ports, CONTEXT)).rejects.toThrow('data is bad: (secret) or (secret)');
  });

  it.each([
    ['a literal value', secret({ user: 'admin' })],
    ['text beside a reference', secret({ user: 'admin:${SECRET:db-user}' })],
    ['data', { ...secret({}), data: { user: 'YWRtaW4=' } }],
  ])('with %s are refused although validation finds them first', async (_what, object) => {
    const world = await worldWith(component('db', [object]));

    await expect(applyComponents.run(SYSTEM, world.ports, CONTEXT)).rejects.toThrow(RefusedError);
  });
});

describe('awaiting workloads', () => {
  it('applies webhooks once what they call runs, and not before', async () => {
    const world = await worldWith(component('hook', [HOOK, deployment('hook')]));
    await applyComponents.run(SYSTEM, world.ports, CONTEXT);
    const [live] = world.kubernetes.all('Deployment');
    if (live === undefined) throw new Error('not applied');
    const before = await awaitWorkloads.run(WAIT, world.ports, CONTEXT);
    const hooks = () => world.kubernetes.all('ValidatingWebhookConfiguration').length;
    const hooksBefore = hooks();
    world.kubernetes.put({ ...live, status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 } });

    const after = await awaitWorkloads.run({ ...WAIT, awaitWorkloads: before }, world.ports, CONTEXT);

    expect([before.done, hooksBefore, after.done, hooks()]).toEqual([false, 0, true, 1]);
    expect(before.reason).toContain('Deployment kube-system/hook (component hook)');
  });

  it('waits, within its deadline, while a webhook can not be applied', async () => {
    const world = await worldWith(component('hook', [HOOK]));
    world.kubernetes.admission = () => ({ outcome: 'blocked', reason: 'failed calling webhook "maps.example.net": EOF' });

    const first = await awaitWorkloads.run(WAIT, world.ports, CONTEXT);
    world.pass(21 * 60);

    expect(first).toMatchObject({ done: false, reason: expect.stringContaining('maps.example.net') });
    await expect(awaitWorkloads.run({ ...WAIT, awaitWorkloads: first }, world.ports, CONTEXT)).rejects.toThrow(DeadlineError);
  });

  async function applied() {
    const world = await worldWith(component('dns', [deployment('coredns')]));
    await applyComponents.run(SYSTEM, world.ports, CONTEXT);
    const live = world.kubernetes.all('Deployment')[0];
    if (live === undefined) throw new Error('not applied');
    const status = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
    return { world, become: (change: object) => void world.kubernetes.put({ ...live, status: { ...status, ...change } }) };
  }

  it('waits until they are rolled out', async () => {
    const { world, become } = await applied();

    const before = await awaitWorkloads.run(WAIT, world.ports, CONTEXT);
    become({});
    const after = await awaitWorkloads.run({ ...WAIT, awaitWorkloads: before }, world.ports, CONTEXT);

    expect(before).toMatchObject({ done: false, waitSeconds: 1, reason: expect.stringContaining('kube-system/coredns') });
    expect(after).toMatchObject({ done: true, since: before.since });
  });

  it('ends at its own deadline with the cause, counted anew for each phase', async () => {
    const { world, become } = await applied();
    become({ availableReplicas: 0 });
    const stuck = aPod('coredns-1', 'n', { namespace: 'kube-system', labels: { app: 'coredns' } });
    const containerStatuses = [{ name: 'main', state: { waiting: { reason: 'ImagePullBackOff', message: 'not found' } } }];
    world.kubernetes.put({ ...stuck, status: { phase: 'Pending', containerStatuses } });
    const first = await awaitWorkloads.run(WAIT, world.ports, CONTEXT);
    world.pass(21 * 60);

    const sameWait = awaitWorkloads.run({ ...WAIT, awaitWorkloads: first }, world.ports, CONTEXT);
    const otherPhase = awaitWorkloads.run({ ...WAIT, awaitWorkloads: { ...first, phase: 'workloads' } }, world.ports, CONTEXT);

    await expect(sameWait).rejects.toThrow(DeadlineError);
    await expect(sameWait).rejects.toThrow('ImagePullBackOff');
    await expect(otherPhase).resolves.toMatchObject({ done: false });
  });
});
