import { describe, expect, it } from 'vitest';
import { forceLimits } from '#domain/drain/force.ts';
import { ownerOf } from '#domain/drain/owners.ts';
import { risksInCluster, risksInObjects } from '#domain/drain/pod-groups.ts';
import { reportText } from '#domain/drain/report.ts';
import { allowedBy, risksOf } from '#domain/drain/risks.ts';
import { Manifest } from '#model/render.ts';
import { budget, NOW, type PodShape, pod } from '../../../support/drain.ts';

const HOUR = 3600;

function workload(
  kind: string,
  name: string,
  replicas: number | undefined,
  spec: object = {},
  labels: Record<string, string> = { app: name },
): Manifest {
  const template = { metadata: { labels }, spec: { containers: [], ...spec } };
  const apiVersion = 'apps/v1';
  return Manifest.parse({
    apiVersion,
    kind,
    metadata: { name, namespace: 'shop' },
    spec: { ...(replicas === undefined ? {} : { replicas }), template },
  });
}

function pdb(name: string, spec: object, labels: Record<string, string> = {}): Manifest {
  return Manifest.parse({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name, namespace: 'shop', labels }, spec });
}

function hook(rule: object, failurePolicy?: string, name = 'gate'): Manifest {
  const webhook = { name: 'gate.example.org', clientConfig: { service: { namespace: 'shop', name: 'gate' } }, rules: [rule] };
  return Manifest.parse({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name },
    webhooks: [failurePolicy === undefined ? webhook : { ...webhook, failurePolicy }],
  });
}

const PODS_RULE = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] };
const GATE_SERVICE = Manifest.parse({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'gate', namespace: 'shop' },
  spec: { selector: { app: 'gate' } },
});

function told(...objects: Manifest[]): string[] {
  const risks = risksOf({ ...risksInObjects(objects), limits: forceLimits('production') });
  return risks.map(({ kind, object, owner, waitSeconds }) => `${kind} ${object} ${owner ?? '-'} ${waitSeconds ?? '-'}`);
}

const SELECTOR = { selector: { matchLabels: { app: 'web' } } };

describe('what will hold a drain, of a configuration', () => {
  it.each<[string, Manifest[], string[]]>([
    ['nothing', [workload('Deployment', 'web', 2)], []],
    ['a workload of no pods', [workload('Deployment', 'web', 0)], []],
    ['a budget that allows one', [workload('Deployment', 'web', 2), pdb('web', { ...SELECTOR, maxUnavailable: 1 })], []],
    [
      'one that wants all',
      [workload('Deployment', 'web', 2), pdb('web', { ...SELECTOR, minAvailable: 2 })],
      [`budget PodDisruptionBudget shop/web app web ${6 * HOUR}`],
    ],
    [
      'one that wants 100 %',
      [workload('StatefulSet', 'web', 3), pdb('web', { ...SELECTOR, minAvailable: '100%' })],
      [`budget PodDisruptionBudget shop/web app web ${6 * HOUR}`],
    ],
    [
      'one whose owner is named',
      [workload('Deployment', 'web', 2), pdb('web', { ...SELECTOR, maxUnavailable: 0 }, { team: 'shop' })],
      [`budget PodDisruptionBudget shop/web team shop ${6 * HOUR}`],
    ],
    ['one that selects nothing here', [pdb('web', { ...SELECTOR, maxUnavailable: 0 })], []],
    [
      'the primary of postgres',
      [
        workload('StatefulSet', 'db', 2, {}, { application: 'spilo', 'spilo-role': 'master' }),
        pdb('db', { minAvailable: 2, selector: { matchLabels: { 'spilo-role': 'master' } } }),
      ],
      ['budget PodDisruptionBudget shop/db application spilo 1200'],
    ],
    [
      'two budgets',
      [workload('Deployment', 'web', 3), pdb('one', { ...SELECTOR, maxUnavailable: 1 }), pdb('two', { ...SELECTOR, maxUnavailable: 1 })],
      [`budgets Deployment shop/web app web ${6 * HOUR}`],
    ],
    ['a single replica', [workload('Deployment', 'web', 1)], ['single-replica Deployment shop/web app web 30']],
    ['one that is not written', [workload('Deployment', 'web', undefined)], ['single-replica Deployment shop/web app web 30']],
    ['a DaemonSet, which ends with its node', [workload('DaemonSet', 'web', undefined)], []],
    [
      'a bare pod',
      [
        Manifest.parse({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'lone', namespace: 'shop' },
          spec: { terminationGracePeriodSeconds: 5 },
        }),
      ],
      ['bare-pod Pod shop/lone - 5'],
    ],
    [
      'data of the node',
      [
        workload('Deployment', 'web', 2, {
          volumes: [
            { name: 'a', emptyDir: {} },
            { name: 'b', hostPath: { path: '/x' } },
          ],
        }),
      ],
      ['local-data Deployment shop/web app web -'],
    ],
    [
      'memory is no data',
      [
        workload('Deployment', 'web', 2, {
          volumes: [
            { name: 'a', emptyDir: { medium: 'Memory' } },
            { name: 'c', configMap: { name: 'c' } },
          ],
        }),
      ],
      [],
    ],
    ['a grace period of five minutes', [workload('Deployment', 'web', 2, { terminationGracePeriodSeconds: 300 })], []],
    [
      'a longer one',
      [workload('Deployment', 'web', 2, { terminationGracePeriodSeconds: 301 })],
      ['long-grace Deployment shop/web app web 301'],
    ],
    ['a webhook with two pods', [workload('Deployment', 'gate', 2), GATE_SERVICE, hook(PODS_RULE)], []],
    [
      'a webhook with one',
      [workload('Deployment', 'gate', 1), GATE_SERVICE, hook(PODS_RULE)],
      ['single-replica Deployment shop/gate app gate 30', 'webhook ValidatingWebhookConfiguration gate app gate 30'],
    ],
    [
      'which lets pass when it is away',
      [workload('Deployment', 'gate', 1), GATE_SERVICE, hook(PODS_RULE, 'Ignore')],
      ['single-replica Deployment shop/gate app gate 30'],
    ],
    [
      'which asks about something else',
      [workload('Deployment', 'gate', 1), GATE_SERVICE, hook({ ...PODS_RULE, resources: ['secrets'] })],
      ['single-replica Deployment shop/gate app gate 30'],
    ],
    [
      'which asks about another group',
      [workload('Deployment', 'gate', 1), GATE_SERVICE, hook({ ...PODS_RULE, apiGroups: ['apps'] })],
      ['single-replica Deployment shop/gate app gate 30'],
    ],
    [
      'which asks about evictions',
      [workload('Deployment', 'gate', 1), GATE_SERVICE, hook({ ...PODS_RULE, apiGroups: ['*'], resources: ['pods/eviction'] })],
      ['single-replica Deployment shop/gate app gate 30', 'webhook ValidatingWebhookConfiguration gate app gate 30'],
    ],
    [
      'whose service is not there',
      [workload('Deployment', 'gate', 1), hook(PODS_RULE)],
      ['single-replica Deployment shop/gate app gate 30'],
    ],
    ['an object of no shape', [Manifest.parse({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'odd' }, spec: 3 })], []],
  ])('%s', (_name, objects, expected) => {
    expect(told(...objects)).toEqual(expected);
  });

  it('tells the longest wait first', () => {
    const risks = told(
      workload('Deployment', 'a', 1),
      workload('Deployment', 'b', 2, { terminationGracePeriodSeconds: 900 }),
      workload('Deployment', 'c', 2, { volumes: [{ emptyDir: {} }] }),
    );

    expect(risks.map((risk) => risk.split(' ')[0])).toEqual(['long-grace', 'single-replica', 'local-data']);
  });
});

describe('disruptions that a budget allows', () => {
  it.each<[object, number, number]>([
    [{ maxUnavailable: 0 }, 3, 0],
    [{ maxUnavailable: 5 }, 3, 3],
    [{ maxUnavailable: '1%' }, 3, 1],
    [{ maxUnavailable: '50%' }, 3, 2],
    [{ minAvailable: 1 }, 1, 0],
    [{ minAvailable: 1 }, 3, 2],
    [{ minAvailable: '50%' }, 3, 1],
    [{ minAvailable: 4 }, 3, -1],
    [{}, 3, 2],
  ])('%j of %i pods: %i', (spec, pods, allowed) => {
    expect(allowedBy(budget(spec), pods)).toBe(allowed);
  });
});

describe('what will hold a drain, of a live cluster', () => {
  const cluster = (shapes: PodShape[], others: Manifest[] = []) =>
    risksOf({ ...risksInCluster(shapes.map(pod), others, new Set(['n1']), NOW), limits: forceLimits('production') });

  it('tells of pods on the nodes that are drained only, but counts all', () => {
    const two = [{ name: 'web-1' }, { name: 'web-2', node: 'n2' }];
    const elsewhere = [{ name: 'db-1', node: 'n2', owner: { kind: 'StatefulSet', uid: 'db' } }];

    expect(cluster([...two, ...elsewhere])).toEqual([]);
  });

  it('knows from the age of the pods when a budget may be overruled', () => {
    const guard = pdb('web', { ...SELECTOR, minAvailable: 2 });
    const old = cluster(
      [
        { name: 'web-1', age: 200 * HOUR },
        { name: 'web-2', node: 'n2', age: 100 * HOUR },
      ],
      [guard],
    );
    const young = cluster(
      [
        { name: 'web-1', age: 200 * HOUR },
        { name: 'web-2', node: 'n2', age: 10 * HOUR },
      ],
      [guard],
    );

    expect([old[0]?.waitSeconds, young[0]?.waitSeconds]).toEqual([6 * HOUR, 62 * HOUR]);
  });

  it('leaves out what ends with its node, what is finished or ending, and jobs', () => {
    const gone: PodShape[] = [
      { name: 'a', owner: { kind: 'DaemonSet', uid: 'a' } },
      { name: 'b', owner: { kind: 'x', uid: 'b' }, phase: 'Succeeded' },
      { name: 'c', owner: { kind: 'x', uid: 'c' }, ending: -10 },
      { name: 'd', owner: { kind: 'Job', uid: 'd' } },
    ];

    expect(cluster(gone)).toEqual([]);
    expect(cluster([{ name: 'e', owner: { kind: '', uid: '' } }])).toMatchObject([{ kind: 'bare-pod', object: 'Pod shop/e' }]);
  });
});

describe('the report', () => {
  const risk = {
    kind: 'budget' as const,
    object: 'PodDisruptionBudget shop/db',
    owner: 'team shop',
    why: 'it never lets go',
    waitSeconds: 6 * HOUR,
  };

  it.each([
    ['no node', [risk], 0, 'no node is replaced'],
    ['nothing known', [], 1, '1 node is replaced; nothing is known that would hold a drain'],
    ['one', [risk], 6, '6 nodes are replaced; to know: PodDisruptionBudget shop/db (team shop): it never lets go; up to 6 h'],
    [
      'no owner, no wait',
      [{ ...risk, owner: null, waitSeconds: null }],
      2,
      '2 nodes are replaced; to know: PodDisruptionBudget shop/db: it never lets go',
    ],
  ])('%s', (_name, risks, nodes, text) => {
    expect(reportText(risks, nodes)).toBe(text);
  });

  it('says how many it leaves out', () => {
    expect(
      reportText(
        Array.from({ length: 9 }, () => risk),
        3,
      ),
    ).toMatch(/ \| and 3 more$/);
  });

  it.each([
    [{ team: 'shop', app: 'web' }, 'team shop'],
    [{ owner: 'ann' }, 'owner ann'],
    [{ 'app.kubernetes.io/name': 'web' }, 'name web'],
    [{ team: '' }, undefined],
    [{}, undefined],
  ])('names the owner by the labels %j', (labels, owner) => {
    expect(ownerOf(labels as Record<string, string>)).toBe(owner);
  });
});
