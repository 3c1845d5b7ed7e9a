import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSend, type Send } from '#adapters/kubernetes/http.ts';
import { createKubernetes } from '#adapters/kubernetes/kubernetes.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { validity } from '#domain/identity.ts';
import { INVENTORY } from '#domain/inventory.ts';
import { API_PORT } from '#domain/network.ts';
import { Pod } from '#model/kubernetes.ts';
import type { Manifest, RenderedComponent } from '#model/render.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import { applyComponents } from '../../functions/cluster/apply-components.ts';
import { awaitWorkloads } from '../../functions/cluster/await-workloads.ts';
import { prune } from '../../functions/cluster/prune.ts';
import { type Child, until } from '../support/child.ts';
import { aRender, CLUSTER, CONTEXT, createClusterWorld, HASH } from '../support/cluster-world.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { controlPlaneFiles, startControllerManager } from '../support/whole-control-plane.ts';

const VERSION = '1.36.3';
const INPUT = { cluster: CLUSTER, render: { hash: HASH } };
const PHASE = { ...INPUT, phase: 'workloads' as const };
const WAIT = { ...PHASE, deadlineMinutes: 20 };

let plane: ControlPlane;
let kubernetes: Kubernetes;
let send: Send;
let manager: Child;
const directory = mkdtempSync(join(tmpdir(), 'sluice-obstacles-'));
beforeAll(async () => {
  plane = await startControlPlane({ version: VERSION, controllers: true });
  const { own } = await controlPlaneFiles(plane, directory);
  manager = startControllerManager(VERSION, own('controller-manager'), directory, plane.address);
  const api = { ...(await plane.client('kubernetes')), address: plane.address, port: API_PORT, serverName: 'kubernetes' };
  kubernetes = createKubernetes(api);
  send = createSend(api);
}, 60_000);
afterAll(async () => {
  await manager.stop();
  await plane.stop();
  rmSync(directory, { recursive: true, force: true });
});

// What one test owns is not the next one's.
beforeEach(async () => void (await kubernetes.delete(INVENTORY)));

async function worldWith(...objects: Manifest[]) {
  const world = createClusterWorld();
  const components: RenderedComponent[] = [{ name: 'ours', phase: 'workloads', objects }];
  await world.deliver(aRender({ components }));
  return { ...world, ports: { ...world.ports, kubernetes: async () => kubernetes } };
}

async function apply(...objects: Manifest[]) {
  return applyComponents.run(PHASE, (await worldWith(...objects)).ports, CONTEXT);
}

/** As people make it: not Sluice's. */
async function make(path: string, object: Manifest): Promise<void> {
  const answer = await send({ method: 'POST', path: `${path}?fieldManager=kubectl-create`, body: object });
  if (answer.status !== 201) throw new Error(`${answer.status} ${answer.body}`);
}

async function makeNamespace(name: string): Promise<void> {
  await make('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { team: 'payments' } } });
  await until(`the service account of ${name}`, async () =>
    kubernetes.get({ apiVersion: 'v1', kind: 'ServiceAccount', namespace: name, name: 'default' }),
  );
}

function configMap(name: string, namespace: string, data: Record<string, string> = { a: '1' }): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
}

function webhook(name: string, namespace: string, clientConfig: object): Manifest {
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] }];
  const one = {
    name: `${name}.example.net`,
    clientConfig,
    rules,
    failurePolicy: 'Fail',
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    timeoutSeconds: 5,
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
  };
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name, labels: { team: 'payments' } },
    webhooks: [one],
  };
}

const HOOKS = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';

describe('an admission webhook', () => {
  it('that is down blocks by name, with what it calls and whose it is', async () => {
    await makeNamespace('hooked');
    await make(HOOKS, webhook('down', 'hooked', { url: 'https://127.0.0.1:1/check' }));
    // A new configuration counts a moment later.
    await until('the webhook', async () =>
      (await kubernetes.apply(configMap('first', 'hooked'))).outcome === 'blocked' ? true : undefined,
    );

    const run = apply(...Array.from({ length: 30 }, (_, index) => configMap(`one-${index}`, 'hooked')));

    await expect(run).rejects.toMatchObject({ name: 'BlockedError' });
    await expect(run).rejects.toThrow(/v1 ConfigMap hooked\/one-0: blocked: .*failed calling webhook "down.example.net"/);
    await expect(run).rejects.toThrow(
      /In the way: ValidatingWebhookConfiguration \/down \(team=payments\) calls https:\/\/127\.0\.0\.1:1\/check, failurePolicy Fail/,
    );
  }, 60_000);

  it('that refuses everything fails by name at once, with its words and whose it is', async () => {
    await makeNamespace('refused');
    const { server, clientConfig } = await refusingServer();
    try {
      await make(HOOKS, webhook('never', 'refused', clientConfig));
      await until('the webhook', async () =>
        (await kubernetes.apply(configMap('first', 'refused'))).outcome === 'refused' ? true : undefined,
      );

      const run = apply(configMap('one', 'refused'));

      await expect(run).rejects.toMatchObject({ name: 'RefusedError' });
      await expect(run).rejects.toThrow(
        /ConfigMap refused\/one: refused: admission webhook "never.example.net" denied the request: not on my watch/,
      );
      await expect(run).rejects.toThrow(/In the way: ValidatingWebhookConfiguration \/never \(team=payments\)/);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  }, 60_000);
});

/** An HTTPS server that denies every review. */
async function refusingServer(): Promise<{ server: Server; clientConfig: object }> {
  const authority = createAuthority();
  const { from, until: end } = validity('client', new Date());
  const ca = await authority.createAuthority('hook', from, end);
  const leaf = await authority.issue(ca, { commonName: 'hook', addresses: ['127.0.0.1'], usages: ['server'], from, until: end });
  const server = createServer({ cert: leaf.certificate, key: leaf.key }, (request, answer) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const response = { uid: JSON.parse(body).request.uid, allowed: false, status: { message: 'not on my watch' } };
      answer.setHeader('content-type', 'application/json');
      answer.setHeader('connection', 'close');
      answer.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { server, clientConfig: { url: `https://127.0.0.1:${port}/check`, caBundle: Buffer.from(ca.certificate).toString('base64') } };
}

describe('something that is being deleted and does not go', () => {
  it('blocks what is to be applied into it: a namespace, with what is left inside', async () => {
    await makeNamespace('stuck');
    await make('/api/v1/namespaces/stuck/configmaps', {
      ...configMap('held', 'stuck'),
      metadata: { name: 'held', namespace: 'stuck', finalizers: ['example.net/keep'] },
    });
    await kubernetes.delete({ apiVersion: 'v1', kind: 'Namespace', name: 'stuck' });
    await until('the conditions of the namespace', async () =>
      JSON.stringify(await kubernetes.get({ apiVersion: 'v1', kind: 'Namespace', name: 'stuck' })).includes('example.net/keep')
        ? true
        : undefined,
    );

    const inside = apply(configMap('new', 'stuck'));

    await expect(inside).rejects.toMatchObject({ name: 'BlockedError' });
    await expect(inside).rejects.toThrow(
      /Namespace \/stuck \(team=payments\) is being deleted since \S+, held by kubernetes;.*example.net\/keep in 1 resource/,
    );
    // It claims the namespace for its component, so it comes after the one that must not know that.
    const itself = apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'stuck' } }, configMap('new', 'stuck'));
    await expect(itself).rejects.toMatchObject({ name: 'BlockedError' });
    await expect(itself).rejects.toThrow(/Namespace \/stuck.*is being deleted/);
  }, 60_000);

  it('blocks pruning, with the finalizer, and is pruned once that is gone', async () => {
    await makeNamespace('pruned');
    const held = { ...configMap('held', 'pruned'), metadata: { name: 'held', namespace: 'pruned', finalizers: ['example.net/keep'] } };
    await apply(held, configMap('other', 'pruned'));
    const { ports } = await worldWith(configMap('other', 'pruned'));

    for (let tries = 0; tries < 2; tries += 1) {
      const run = prune.run(INPUT, ports, CONTEXT);
      await expect(run).rejects.toMatchObject({ name: 'BlockedError' });
      await expect(run).rejects.toThrow(/ConfigMap pruned\/held \(component ours\) is being deleted since .*held by example.net\/keep/);
    }
    const id = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'pruned', name: 'held' };
    await kubernetes.patch(id, { metadata: { finalizers: null } });
    await prune.run(INPUT, ports, CONTEXT);

    expect(await kubernetes.get(id)).toBeUndefined();
    expect((await kubernetes.get(INVENTORY))?.['data']).not.toMatchObject({
      'component.ours': expect.stringContaining('held'),
    });
  }, 60_000);
});

describe('a rollout that is stuck', () => {
  const deployment = (name: string, namespace: string) => {
    const container = { name: 'main', image: 'registry.example.net/none:1', resources: { requests: { cpu: '100m' } } };
    const template = { metadata: { labels: { app: name } }, spec: { containers: [container] } };
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace },
      spec: { replicas: 1, selector: { matchLabels: { app: name } }, template },
    };
  };

  it('tells the image that does not exist, and ends at its deadline', async () => {
    await makeNamespace('images');
    const { ports } = await worldWith(deployment('web', 'images'));
    let now = new Date('2026-01-01T00:00:00Z');
    const timed = { ...ports, clock: { now: () => now } };
    await applyComponents.run(PHASE, timed, CONTEXT);
    const pod = await until('a pod', async () => (await kubernetes.list('v1', 'Pod', 'images'))[0]);
    const waiting = { reason: 'ErrImagePull', message: 'registry.example.net/none:1: not found' };
    const containerStatuses = [
      { name: 'main', image: 'registry.example.net/none:1', imageID: '', ready: false, restartCount: 0, state: { waiting } },
    ];
    const body = { status: { phase: 'Pending', containerStatuses } };
    const path = `/api/v1/namespaces/images/pods/${Pod.parse(pod).metadata.name}/status`;
    expect((await send({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' })).status).toBe(200);

    const first = await awaitWorkloads.run(WAIT, timed, CONTEXT);
    now = new Date('2026-01-01T00:21:00Z');
    const late = awaitWorkloads.run({ ...WAIT, awaitWorkloads: first }, timed, CONTEXT);

    expect(first).toMatchObject({ done: false });
    expect(first.reason).toMatch(
      /Deployment images\/web \(component ours\): .*container main: ErrImagePull: registry.example.net\/none:1: not found/,
    );
    await expect(late).rejects.toMatchObject({ name: 'DeadlineError' });
  }, 60_000);

  it('tells the quota that is used up, also of a StatefulSet, whose status does not', async () => {
    await makeNamespace('quota');
    const quota = {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'none', namespace: 'quota' },
      spec: { hard: { pods: '0' } },
    };
    await make('/api/v1/namespaces/quota/resourcequotas', quota);
    await until('the quota', async () =>
      JSON.stringify(await kubernetes.list('v1', 'ResourceQuota', 'quota')).includes('"used"') ? true : undefined,
    );
    const set = { ...deployment('db', 'quota'), kind: 'StatefulSet' };
    const { ports } = await worldWith(deployment('web', 'quota'), { ...set, spec: { ...set.spec, serviceName: 'db' } });
    await applyComponents.run(PHASE, ports, CONTEXT);

    const reason = await until('both causes', async () => {
      const told = (await awaitWorkloads.run(WAIT, ports, CONTEXT)).reason;
      return (told.match(/exceeded quota: none/g)?.length ?? 0) >= 2 ? told : undefined;
    });

    expect(reason).toMatch(/Deployment quota\/web \(component ours\): .*exceeded quota/);
    expect(reason).toMatch(/StatefulSet quota\/db \(component ours\): .*exceeded quota/);
  }, 60_000);
});

// The last: while it is down, the API server can't say what a namespace that is being deleted still holds.
describe('a conversion webhook', () => {
  it('that is down blocks by name, with the definition and whose it is', async () => {
    const schema = {
      openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { open: { type: 'boolean' } } } } },
    };
    const version = (name: string, storage: boolean) => ({ name, served: true, storage, schema });
    const conversion = {
      strategy: 'Webhook',
      webhook: { clientConfig: { url: 'https://127.0.0.1:1/convert' }, conversionReviewVersions: ['v1'] },
    };
    const definition: Manifest = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'gates.example.net', labels: { team: 'payments' } },
      spec: {
        group: 'example.net',
        scope: 'Namespaced',
        names: { plural: 'gates', singular: 'gate', kind: 'Gate' },
        versions: [version('v1', true), version('v2', false)],
        conversion,
      },
    };
    await make('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
    const gate = (apiVersion: string): Manifest => ({
      apiVersion,
      kind: 'Gate',
      metadata: { name: 'one', namespace: 'default' },
      spec: { open: true },
    });
    await until('the definition', async () => ((await kubernetes.apply(gate('example.net/v1'))).outcome === 'created' ? true : undefined));

    const run = apply(gate('example.net/v2'));

    await expect(run).rejects.toMatchObject({ name: 'BlockedError' });
    await expect(run).rejects.toThrow(/conversion webhook for example.net\/v1, Kind=Gate failed/);
    await expect(run).rejects.toThrow(
      /In the way: CustomResourceDefinition \/gates.example.net \(team=payments\) converts by https:\/\/127\.0\.0\.1:1\/convert/,
    );
  }, 60_000);
});
