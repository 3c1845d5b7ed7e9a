import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDiscovery, pathOf } from '#adapters/kubernetes/discovery.ts';
import { createSend, type Send } from '#adapters/kubernetes/http.ts';
import { createKubernetes } from '#adapters/kubernetes/kubernetes.ts';
import { parseConfiguration } from '#domain/configuration.ts';
import { formatId, idOf } from '#domain/inventory.ts';
import { accountKeys } from '#domain/names.ts';
import { API_PORT } from '#domain/network.ts';
import { render } from '#domain/render.ts';
import type { Manifest, Render } from '#model/render.ts';
import type { ClusterRef, Environment } from '#model/settings.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import { applyComponents } from '../../functions/cluster/apply-components.ts';
import { awaitWorkloads } from '../../functions/cluster/await-workloads.ts';
import type { ClusterPorts } from '../../functions/cluster/ports.ts';
import { HASH } from '../support/cluster-world.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { createFakeInstances } from '../support/fakes/instances.ts';
import { createFakeObjects } from '../support/fakes/objects.ts';
import { createFakeSecrets } from '../support/fakes/secrets.ts';
import { eventually } from '../support/machine-room/world.ts';
import { referenceSnapshot } from '../support/reference-fleet.ts';
import { startWholeControlPlane } from '../support/whole-control-plane.ts';

/** Its pods would have to answer the API server. */
const METRICS_API = 'metrics-api';
const PHASES = ['system', 'workloads'] as const;

/** Each version with an environment, so that every component is met. */
const CLUSTERS: readonly [string, Environment][] = [
  ['1.35.4', 'development'],
  ['1.36.3', 'production'],
];

function renderedFor(cluster: ClusterRef): Render {
  const { value, findings } = parseConfiguration(referenceSnapshot());
  if (value === undefined) throw new Error(JSON.stringify(findings));
  return render(value, cluster);
}

it('each component is applied by one of the clusters below', () => {
  const { value } = parseConfiguration(referenceSnapshot());
  const cluster = { name: 'a', account: '111111111111', region: 'eu-central-1', network: '10.9.0.0/16', channel: 'dev' };
  const met = CLUSTERS.flatMap(([, environment]) => renderedFor({ ...cluster, environment }).components.map(({ name }) => name));

  expect(new Set(met)).toEqual(new Set(value?.components.map(({ file }) => file.name)));
});

describe.each(CLUSTERS)('the reference components on a real control plane %s, %s', (version, environment) => {
  let plane: ControlPlane;
  let kubernetes: Kubernetes;
  let send: Send;
  let ports: ClusterPorts;
  let whole: Render;
  let input: { cluster: ClusterRef; render: { hash: string } };

  beforeAll(async () => {
    plane = await startWholeControlPlane(version);
    const api = { ...(await plane.client('kubernetes')), address: plane.address, port: API_PORT, serverName: 'kubernetes' };
    send = createSend(api);
    kubernetes = createKubernetes(api);
    const cluster = { ...plane.cluster, environment };
    whole = renderedFor(cluster);
    const objects = createFakeObjects();
    const applied = { ...whole, components: whole.components.filter(({ name }) => name !== METRICS_API) };
    await objects.put(accountKeys.manifests(HASH), JSON.stringify(applied));
    ports = {
      kubernetes: async () => kubernetes,
      instances: createFakeInstances(),
      addresses: async () => new Map(),
      secrets: createFakeSecrets(),
      objects,
      clock: { now: () => new Date() },
    };
    input = { cluster, render: { hash: HASH } };
  }, 180_000);
  afterAll(() => plane.stop());

  /** Runs the step as the state machine does: again after an error, as when a new definition is not served yet. */
  async function apply(phase: (typeof PHASES)[number]) {
    return eventually(`the components of ${phase}`, 60, () => applyComponents.run({ ...input, phase }, ports, { execution: 'test' }));
  }

  it.each(PHASES)(
    'are all applied and get ready in phase %s',
    async (phase) => {
      const began = performance.now();
      const { applied } = await apply(phase);
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      const said = await eventually(`the workloads of ${phase}`, 120, async () => {
        const wait = awaitWorkloads.input.parse({ ...input, phase, deadlineMinutes: 5 });
        const { done, reason } = await awaitWorkloads.run(wait, ports, { execution: 'test' });
        if (!done) throw new Error(reason);
        return reason;
      });

      process.stderr.write(`${version} ${phase}: ${applied} objects applied in ${seconds} s; ${said}\n`);
      const wanted = whole.components.filter((one) => one.phase === phase && one.name !== METRICS_API);
      expect(applied).toBe(wanted.flatMap(({ objects }) => objects).length);
    },
    240_000,
  );

  it('change nothing when they are applied again', async () => {
    for (const phase of PHASES) expect(await apply(phase)).toMatchObject({ changed: 0 });
  }, 60_000);

  /** Applies for trial, strictly; undefined when the API server takes it. */
  async function refusal(object: Manifest): Promise<string | undefined> {
    const resource = await createDiscovery(send)(object.apiVersion, object.kind);
    if (resource === undefined) return `there is no kind ${object.kind}`;
    const answer = await send({
      method: 'PATCH',
      path: `${pathOf(resource, idOf(object))}?dryRun=All&fieldManager=trial&force=true&fieldValidation=Strict`,
      body: object,
      contentType: 'application/apply-patch+yaml',
    });
    return answer.status >= 200 && answer.status < 300 && !answer.body.includes('"warnings"') ? undefined : answer.body;
  }

  it('are what the API server takes, by a strict dry run of each object', async () => {
    const wrong: string[] = [];
    for (const object of whole.components.flatMap(({ objects }) => objects)) {
      const said = await refusal(object);
      if (said !== undefined) wrong.push(`${formatId(idOf(object))}: ${said}`);
    }

    expect(wrong).toEqual([]);
    expect(whole.components.flatMap(({ objects }) => objects).length).toBeGreaterThan(100);
  }, 60_000);

  it('have definitions that refuse a custom resource with a wrong value', async () => {
    const found = whole.components.flatMap(({ objects }) => objects).find(({ kind }) => kind === 'OperatorConfiguration');
    if (found === undefined) throw new Error('there is no OperatorConfiguration');
    const wrong = { ...found, configuration: { kubernetes: { node_readiness_label: 'ready' } } };

    expect(await refusal(found)).toBeUndefined();
    expect(await refusal(wrong)).toContain('node_readiness_label');
  });

  it('would hold up the deletion of namespaces by an API that nobody answers for, which is why it has a phase after its pods', async () => {
    const [api] = whole.components.find(({ name }) => name === METRICS_API)?.objects ?? [];
    if (api === undefined) throw new Error('there is no metrics-api');
    const namespace: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'short-lived' } };
    const conditions = async (): Promise<string> => JSON.stringify((await kubernetes.get(idOf(namespace)))?.['status'] ?? {});

    expect(await kubernetes.apply(api)).toMatchObject({ outcome: 'created' });
    await eventually('the API to be known as unavailable', 60, async () =>
      JSON.stringify((await kubernetes.get(idOf(api)))?.['status'] ?? {}).includes('"status":"False"') ? true : undefined,
    );
    await kubernetes.apply(namespace);
    await kubernetes.delete(idOf(namespace));
    const why = await eventually('the namespace to say why it stays', 60, async () => {
      const said = await conditions();
      return said.includes('NamespaceDeletionDiscoveryFailure') ? said : undefined;
    });
    await kubernetes.delete(idOf(api));
    await eventually('the namespace to go', 60, async () => ((await kubernetes.get(idOf(namespace))) === undefined ? true : undefined));

    expect(why).toContain('metrics.k8s.io');
  }, 240_000);
});
