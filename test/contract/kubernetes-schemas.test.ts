import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDiscovery, type Discover, pathOf } from '#adapters/kubernetes/discovery.ts';
import { createSend, type Send } from '#adapters/kubernetes/http.ts';
import { createKubernetes } from '#adapters/kubernetes/kubernetes.ts';
import { inApplyOrder } from '#domain/apply-order.ts';
import { parseConfiguration } from '#domain/configuration.ts';
import { API_PORT } from '#domain/network.ts';
import { render } from '#domain/render.ts';
import { type Manifest, Manifest as ManifestShape } from '#model/render.ts';
import { schemasOf } from '../../cli/kubernetes-schemas.ts';
import { shippedSchemas } from '../../functions/plan/kubernetes-schemas.ts';
import { KUBERNETES_VERSIONS } from '../../local/toolchain/versions.ts';
import { until } from '../support/child.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { damaged, seedOf, withoutEach } from '../support/damage.ts';
import { objectFindingsOf } from '../support/kubernetes-objects.ts';
import { MANY_KINDS } from '../support/many-kinds.ts';
import { referenceSnapshot } from '../support/reference-fleet.ts';

describe.each(KUBERNETES_VERSIONS)('the schemas of %s', (version) => {
  it('are what a real API server serves', async () => {
    const served = await schemasOf(version);

    expect(Object.keys(served.kinds).length).toBeGreaterThan(50);
    expect(shippedSchemas(version.replace(/\.\d+$/, ''))).toEqual(served);
  }, 60_000);
});

describe('validation and a real API server', () => {
  let plane: ControlPlane;
  let send: Send;
  let discover: Discover;
  const objects = [...referenceObjects(), ...MANY_KINDS.map((object) => ManifestShape.parse(object))];
  const seen = { total: 0, refusedByBoth: 0, takenByBoth: 0 };
  // What others are in or of: applied first, and not damaged.
  const own = ['gates.example.net', ...referenceObjects().map(({ metadata }) => metadata.name)];
  const given = objects.filter(
    ({ kind, metadata }) => kind === 'Namespace' || (kind === 'CustomResourceDefinition' && own.includes(metadata.name)),
  );

  const targets = twoOfEachKind(objects.filter((object) => !given.includes(object)));

  beforeAll(async () => {
    plane = await startControlPlane();
    const api = { ...(await plane.client('kubernetes')), address: plane.address, port: API_PORT, serverName: 'kubernetes' };
    send = createSend(api);
    discover = createDiscovery(send);
    const kubernetes = createKubernetes(api);
    for (const object of given) expect(await kubernetes.apply(object)).not.toMatchObject({ outcome: 'refused' });
    await until('the definitions', async () => {
      const found = await Promise.all(objects.map((object) => discover(object.apiVersion, object.kind)));
      return found.includes(undefined) ? undefined : true;
    });
  }, 60_000);
  afterAll(async () => {
    process.stderr.write(`objects compared with the API server: ${JSON.stringify(seen)}\n`);
    await plane.stop();
  });

  /** What the API server says to applying an object for trial; undefined when it takes it. */
  async function refusal(original: Manifest, object: unknown): Promise<string | undefined> {
    const resource = await discover(original.apiVersion, original.kind);
    if (resource === undefined) return `no kind ${original.kind}`;
    const { name, namespace } = original.metadata;
    const path = pathOf(resource, { name, ...(namespace === undefined ? {} : { namespace }) });
    const query = 'dryRun=All&fieldManager=trial&force=true&fieldValidation=Strict';
    // Some damaged definitions make the handler panic: it hangs up, and has not applied anything.
    const answer = await send({
      method: 'PATCH',
      path: `${path}?${query}`,
      body: object,
      contentType: 'application/apply-patch+yaml',
    }).catch((error: unknown) => ({ status: 0, body: String(error) }));
    return answer.status >= 200 && answer.status < 300 ? undefined : `${answer.status} ${answer.body}`;
  }

  function told(object: unknown): string[] {
    const world = given.map((one) => JSON.stringify(one)).join('\n---\n');
    try {
      const findings = objectFindingsOf({ given: { phase: 'system', objects: world }, one: { objects: JSON.stringify(object) } });
      return findings
        .filter(({ level, path }) => level === 'failure' && path.includes('/one/'))
        .map(({ rule, message }) => `${rule}: ${message}`);
    } catch (error) {
      return [`schema: ${String(error)}`];
    }
  }

  it('take the same objects', async () => {
    const wrong: string[] = [];
    for (const object of objects) {
      const [server, ours] = [await refusal(object, object), given.includes(object) ? [] : told(object)];
      if (server !== undefined || ours.length > 0)
        wrong.push(`${object.kind} ${object.metadata.name}: ${server ?? 'taken'} / ${ours.join(' ')}`);
    }

    expect(wrong).toEqual([]);
    expect(new Set(objects.map(({ kind }) => kind)).size).toBeGreaterThan(25);
  }, 120_000);

  /** Where the two disagree: what only we refuse, and what only the API server can not read. */
  async function disagreement(original: Manifest, object: unknown): Promise<string | undefined> {
    const [server, ours] = [await refusal(original, object), told(object)];
    seen.total += 1;
    if (ours.length > 0 && server !== undefined) seen.refusedByBoth += 1;
    if (ours.length === 0 && server === undefined) seen.takenByBoth += 1;
    // The server takes a number beyond 32 bits and keeps what is left of it in them: refusing it is the better answer.
    if (ours.length > 0 && server === undefined && ours.every((text) => BEYOND_32_BITS.test(text))) return undefined;
    if (ours.length > 0 && server === undefined) return `we alone refuse: ${ours.join(' ')} ${JSON.stringify(object)}`;
    if (ours.length === 0 && server !== undefined && UNREADABLE.test(server))
      return `it alone can not read: ${server} ${JSON.stringify(object)}`;
    return undefined;
  }

  it('refuse the same objects when any one field is left out', async () => {
    const wrong: string[] = [];
    for (const original of targets) {
      for (const object of withoutEach(original))
        wrong.push(...[await disagreement(original, object)].filter((text) => text !== undefined));
    }

    expect(wrong).toEqual([]);
    expect(seen.refusedByBoth).toBeGreaterThan(50);
  }, 600_000);

  it('refuse the same damaged objects: whatever we refuse it refuses, and what it can not read we refuse', async () => {
    // The same sample each time: what other seeds find is for a look of its own, by SCHEMA_RUNS and SCHEMA_SEED.
    const runs = Number(process.env['SCHEMA_RUNS'] ?? 200);
    const seed = Number(process.env['SCHEMA_SEED'] ?? 1);
    const before = { ...seen };
    const wrong: string[] = [];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...targets), fc.infiniteStream(fc.nat()), async (original, numbers) => {
        wrong.push(...[await disagreement(original, damaged(original, seedOf(numbers)))].filter((text) => text !== undefined));
      }),
      { numRuns: runs, seed },
    );

    expect(wrong).toEqual([]);
    expect(seen.refusedByBoth - before.refusedByBoth).toBeGreaterThan(runs / 4);
    expect(seen.takenByBoth - before.takenByBoth).toBeGreaterThan(runs / 40);
  }, 3_600_000);
});

const BEYOND_32_BITS = /at most 2147483647 is allowed|at least -2147483648 is needed/;

/** How the API server says that an object does not fit its schema, in contrast to rules of its own code. */
const UNREADABLE =
  /unknown field|not declared in schema|cannot unmarshal|expected (?:map|list|string|numeric|boolean|bool)|strict decoding error/;

/** The two largest objects of each kind: the twentieth ClusterRole tells nothing that two did not. */
function twoOfEachKind(objects: readonly Manifest[]): Manifest[] {
  const size = (object: Manifest): number => JSON.stringify(object).length;
  const kinds = Map.groupBy(objects, ({ apiVersion, kind }) => `${apiVersion} ${kind}`);
  return [...kinds.values()].flatMap((same) => same.toSorted((left, right) => size(right) - size(left)).slice(0, 2));
}

function referenceObjects(): Manifest[] {
  const { value } = parseConfiguration(referenceSnapshot());
  if (value === undefined) throw new Error('the reference configuration does not validate');
  const cluster = {
    name: 'sample',
    account: '111111111111',
    region: 'eu-central-1',
    environment: 'production' as const,
    network: '10.0.0.0/16',
    channel: 'dev',
  };
  const { components, load } = render(value, cluster);
  const all = inApplyOrder([...components.flatMap((component) => component.objects), ...(load ?? [])]).flat();
  // Whether containers may be privileged, and so mount for the node, is a flag of the API server, and off in this one.
  const plain = (object: Manifest): string =>
    JSON.stringify(object)
      .replaceAll('"privileged":true', '"privileged":false')
      .replaceAll('"mountPropagation":"Bidirectional"', '"mountPropagation":"HostToContainer"');
  return all.map((object) => ManifestShape.parse(JSON.parse(plain(object))));
}
