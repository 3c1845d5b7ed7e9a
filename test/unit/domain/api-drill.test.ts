import { describe, expect, it } from 'vitest';
import { addKey, createComparison, placeOf, type StoredKeys, servedVerdict, unservedDefinitions, unservedOf } from '#domain/api-drill.ts';
import type { Served, ServedResource } from '#ports/api-drill.ts';

const FACTS = { version: '1.35.4', writtenBy: '1.35.4', revision: 100, seconds: 3 };

function resource(over: Partial<ServedResource> = {}): ServedResource {
  return { name: 'pods', prefix: 'pods', stored: 2, listed: 2, missing: [], missingCount: 0, added: [], addedCount: 0, ...over };
}

function served(over: Partial<Served> = {}): Served {
  return { revision: 1100, bump: 1000, resources: [resource()], unserved: {}, aggregated: [], oldWatch: 410, ...over };
}

function storedOf(...keys: readonly string[]): StoredKeys {
  const stored: StoredKeys = new Map();
  for (const key of keys) addKey(stored, key);
  return stored;
}

describe('where objects lie', () => {
  it.each([
    ['', 'pods', false, 'pods'],
    ['', 'nodes', false, 'minions'],
    ['', 'services', false, 'services/specs'],
    ['', 'endpoints', false, 'services/endpoints'],
    ['', 'replicationcontrollers', false, 'controllers'],
    ['apps', 'deployments', false, 'deployments'],
    ['networking.k8s.io', 'ingresses', false, 'ingress'],
    ['apiextensions.k8s.io', 'customresourcedefinitions', false, 'apiextensions.k8s.io/customresourcedefinitions'],
    ['apiregistration.k8s.io', 'apiservices', false, 'apiregistration.k8s.io/apiservices'],
    ['example.org', 'widgets', true, 'example.org/widgets'],
    ['example.org', 'nodes', true, 'example.org/nodes'],
  ])('%s %s (custom %s) is %s', (group, name, custom, place) => {
    expect(placeOf(group, name, custom)).toBe(place);
  });
});

describe('a list beside the keys', () => {
  it('is equal when each key has its object', () => {
    const stored = storedOf('/registry/pods/a/one', '/registry/pods/a/two', '/registry/minions/n');
    const pods = createComparison('pods', 'pods', stored);
    pods.see({ namespace: 'a', name: 'one' });
    pods.see({ namespace: 'a', name: 'two' });

    expect(pods.result()).toEqual(resource());
    expect(unservedOf(stored)).toEqual({ minions: 1 });
  });

  it('tells by name what is missing and what is new', () => {
    const pods = createComparison('pods', 'pods', storedOf('/registry/pods/a/one', '/registry/pods/b/one'));
    pods.see({ namespace: 'a', name: 'one' });
    pods.see({ namespace: 'c', name: 'one' });

    expect(pods.result({ problem: 'cut off', late: false })).toEqual(
      resource({ missing: ['b/one'], missingCount: 1, added: ['c/one'], addedCount: 1, problem: 'cut off', late: false }),
    );
  });

  it('knows objects of the whole cluster, and resources without any key', () => {
    const nodes = createComparison('nodes', 'minions', storedOf('/registry/minions/n'));
    nodes.see({ name: 'n' });

    expect(nodes.result()).toMatchObject({ stored: 1, listed: 1, missingCount: 0, addedCount: 0 });
    expect(createComparison('jobs.batch', 'jobs', storedOf()).result()).toMatchObject({ stored: 0, listed: 0, missingCount: 0 });
  });

  it('does not miss what ends by itself', () => {
    const keys = storedOf('/registry/events/a/e', '/registry/leases/kube-system/apiserver-x', '/registry/leases/kube-system/scheduler');

    const services = storedOf('/registry/apiregistration.k8s.io/apiservices/v1.example.org');
    const place = 'apiregistration.k8s.io/apiservices';
    expect(createComparison('apiservices.apiregistration.k8s.io', place, services).result()).toMatchObject({ stored: 1, missingCount: 0 });
    const addresses = storedOf('/registry/ipaddresses/10.96.0.7');
    expect(createComparison('ipaddresses.networking.k8s.io', 'ipaddresses', addresses).result()).toMatchObject({ missingCount: 0 });
    expect(createComparison('events', 'events', keys).result()).toMatchObject({ stored: 1, missingCount: 0 });
    expect(createComparison('leases.coordination.k8s.io', 'leases', keys).result()).toMatchObject({ missing: ['kube-system/scheduler'] });
  });

  it('shows a few of many', () => {
    const keys = storedOf(...Array.from({ length: 9 }, (_, index) => `/registry/pods/a/${index}`));
    const pods = createComparison('pods', 'pods', keys);
    for (let index = 0; index < 9; index++) pods.see({ namespace: 'b', name: `${index}` });

    const { missing, missingCount, added, addedCount } = pods.result();

    expect([missing.length, missingCount, added.length, addedCount]).toEqual([5, 9, 5, 9]);
  });

  it('leaves the keys of the API server itself out of what nobody serves', () => {
    const keys = storedOf(
      '/registry/masterleases/10.0.0.1',
      '/registry/ranges/serviceips',
      '/registry/peerserverleases/a',
      '/registry/old/a',
    );

    expect(unservedOf(keys)).toEqual({ old: 1 });
  });
});

describe('definitions', () => {
  const widgets = { group: 'example.org', plural: 'widgets', established: true };

  it('are served when their place is among what is listed', () => {
    expect(unservedDefinitions([widgets], new Set(['pods', 'example.org/widgets']))).toEqual([]);
  });

  it('are named when nothing lists them', () => {
    const gadgets = { ...widgets, plural: 'gadgets' };

    expect(unservedDefinitions([widgets, gadgets], new Set(['pods', 'example.org/widgets']))).toEqual(['example.org/gadgets']);
  });

  it('are not awaited when the API server does not say that it serves them', () => {
    expect(unservedDefinitions([{ ...widgets, established: false }], new Set())).toEqual([]);
  });
});

describe('L6', () => {
  it('holds when every object is served by its key', () => {
    const secrets = resource({ name: 'secrets', prefix: 'secrets', stored: 3, listed: 3 });

    expect(servedVerdict(served({ resources: [resource(), secrets] }), FACTS)).toEqual({
      layer: 'L6',
      verdict: 'holds',
      reason:
        'kube-apiserver 1.35.4 serves 2 resources with 5 objects, each by its key, 3 Secrets decrypted; an old watch is told to list anew',
      seconds: 3,
    });
  });

  it.each<[string, Partial<Served>, string]>([
    ['etcd boots elsewhere', { revision: 1101 }, 'etcd boots at revision 1101, not at 100 raised by 1000'],
    ['nothing is served', { resources: [] }, 'no resource is served'],
    ['objects are missing', { resources: [resource({ missing: ['a/b'], missingCount: 1 })] }, '1 pods of the snapshot are not listed: a/b'],
    [
      'objects are new',
      { resources: [resource({ added: ['a/c'], addedCount: 1 })] },
      '1 pods are listed that the snapshot does not have: a/c',
    ],
    ['a list breaks', { resources: [resource({ problem: 'unable to transform key' })] }, "pods can't be listed: unable to transform key"],
    ['an old watch goes on', { oldWatch: 200 }, 'a watch from revision 100 is answered 200, not 410'],
  ])('fails when %s', (_, over, reason) => {
    const found = servedVerdict(served(over), FACTS);

    expect(found).toMatchObject({ layer: 'L6', verdict: 'fails' });
    expect(found.reason).toContain(reason);
  });

  it('tells a few of many faults', () => {
    const resources = Array.from({ length: 8 }, (_, index) => resource({ name: `r${index}`, problem: 'gone' }));

    expect(servedVerdict(served({ resources }), FACTS).reason).toMatch(/r4 can't be listed: gone; and 3 more$/);
  });

  it.each<[string, Partial<Served>, string]>([
    [
      'what the API server makes at its start',
      { resources: [resource({ name: 'namespaces', prefix: 'namespaces', added: ['x'], addedCount: 1 })] },
      'serves',
    ],
    [
      'what a webhook would convert',
      { resources: [resource({ problem: 'conversion webhook for x failed', missingCount: 2, missing: ['a'] })] },
      'their webhook converts them: pods',
    ],
    ['what other servers serve', { aggregated: ['metrics.k8s.io/v1beta1'] }, 'other servers serve them: metrics.k8s.io/v1beta1'],
    [
      'what Kubernetes no longer has',
      { unserved: { podsecuritypolicies: 2 } },
      'not served, by the live cluster neither: 2 of podsecuritypolicies',
    ],
    [
      'what no definition serves',
      { unserved: { 'example.org/widgets': 2 } },
      'not served, by the live cluster neither: 2 of example.org/widgets',
    ],
  ])('holds with %s', (_, over, told) => {
    const found = servedVerdict(served(over), FACTS);

    expect(found.verdict).toBe('holds');
    expect(found.reason).toContain(told);
  });

  it('lets an API server of another version take away what it does not have, and nothing else', () => {
    const gone = (prefix: string) => served({ resources: [resource({ name: prefix, prefix, missing: ['a'], missingCount: 1 })] });
    const newer = { ...FACTS, version: '1.36.3' };

    expect(servedVerdict(gone('flowschemas'), newer).verdict).toBe('holds');
    expect(servedVerdict(gone('flowschemas'), FACTS).verdict).toBe('fails');
    expect(servedVerdict(gone('pods'), newer).verdict).toBe('fails');
  });
});
