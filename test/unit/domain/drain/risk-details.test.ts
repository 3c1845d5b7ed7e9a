import { describe, expect, it } from 'vitest';
import { forceLimits } from '#domain/drain/force.ts';
import { risksInCluster, risksInObjects } from '#domain/drain/pod-groups.ts';
import { reportText, riskText } from '#domain/drain/report.ts';
import { type PodGroup, type RiskFacts, risksOf } from '#domain/drain/risks.ts';
import { PodDisruptionBudget, Service, WebhookConfiguration } from '#model/kubernetes.ts';
import { Manifest } from '#model/render.ts';
import { budget, NOW, type PodShape, pod, WEB } from '../../../support/drain.ts';

const HOUR = 3600;
const ALL = { selector: {}, maxUnavailable: 0 };

function risks(
  change: Partial<RiskFacts>,
): { kind: string; object: string; owner: string | null; why: string; waitSeconds: number | null }[] {
  const groups = change.groups ?? [WEB];
  return risksOf({ groups, all: groups, budgets: [], services: [], webhooks: [], limits: forceLimits('production'), ...change });
}

describe('a budget that lets no pod go', () => {
  const told = (spec: object, groups: PodGroup[] = [WEB], metadata: object = {}) => risks({ groups, budgets: [budget(spec, metadata)] });

  it('is told with what it keeps, whose it is and how long it may hold a node', () => {
    expect(told(ALL)).toEqual([
      {
        kind: 'budget',
        object: 'PodDisruptionBudget shop/web',
        owner: 'app web',
        why: 'it never lets any of its 2 pods go: deleted by force at the end',
        waitSeconds: 6 * HOUR,
      },
    ]);
    expect(told(ALL, [{ ...WEB, replicas: 1, labels: {} }])[0]).toMatchObject({
      owner: null,
      why: 'it never lets its only pod go: deleted by force at the end',
    });
    expect(told(ALL, [WEB], { labels: { team: 'shop' } })[0]?.owner).toBe('team shop');
  });

  it.each(['master', 'primary'])('of the %s of postgres waits for its operator only', (role) => {
    const spec = { minAvailable: 2, selector: { matchLabels: { 'spilo-role': role } } };
    const primary = { ...WEB, labels: { application: 'spilo', 'spilo-role': role } };

    expect(told(spec, [primary])).toEqual([
      {
        kind: 'budget',
        object: 'PodDisruptionBudget shop/web',
        owner: 'application spilo',
        why: 'postgres-operator moves the primary first',
        waitSeconds: 1200,
      },
    ]);
  });

  it.each<[string, object, PodGroup[], object]>([
    ['it is of another namespace', ALL, [WEB], { namespace: 'other' }],
    ['it selects others', { maxUnavailable: 0, selector: { matchLabels: { app: 'db' } } }, [WEB], {}],
    ['it selects nothing', { maxUnavailable: 0 }, [WEB], {}],
    ['what it selects has no pods', ALL, [{ ...WEB, replicas: 0 }], {}],
    ['nothing moves', ALL, [], {}],
    ['one may go', { selector: {}, maxUnavailable: 1 }, [WEB], {}],
  ])('is none where %s', (_name, spec, groups, metadata) => {
    expect(told(spec, groups, metadata).filter(({ kind }) => kind === 'budget')).toEqual([]);
  });

  it('is judged by all pods that it selects, and told only where one of them moves', () => {
    const other = { ...WEB, name: 'Deployment shop/api', labels: { app: 'api' } };
    const elsewhere = { ...WEB, namespace: 'other', replicas: 9 };
    const four = budget({ selector: {}, minAvailable: 4 });
    const two = budget({ selector: { matchLabels: { app: 'web' } }, minAvailable: 2 });

    expect(risks({ all: [WEB, other, elsewhere], budgets: [four] })[0]?.why).toContain('any of its 4 pods');
    expect(risks({ groups: [WEB], all: [WEB, other, elsewhere], budgets: [two] })[0]?.why).toContain('any of its 2 pods');
    expect(risks({ groups: [other], all: [WEB, other], budgets: [two] })).toEqual([]);
  });

  it('holds a node as long as the youngest of its pods that move', () => {
    const young = (seconds: number): PodGroup => ({ ...WEB, youngest: seconds });
    const db = { ...WEB, labels: { app: 'db' }, youngest: 70 * HOUR };

    expect(told(ALL, [young(10 * HOUR)])[0]?.waitSeconds).toBe(62 * HOUR);
    expect(told(ALL, [young(70 * HOUR)])[0]?.waitSeconds).toBe(6 * HOUR);
    expect(told(ALL, [db, young(60 * HOUR)])[0]?.waitSeconds).toBe(12 * HOUR);
  });
});

describe('a pod of several budgets', () => {
  const one = budget({ selector: {}, maxUnavailable: 1 }, { name: 'one' });

  it('is told with their names, and how long it may hold a node', () => {
    const two = budget({ selector: { matchLabels: { app: 'web' } }, maxUnavailable: 1 }, { name: 'two' });

    expect(risks({ groups: [{ ...WEB, youngest: 10 * HOUR }], budgets: [one, two] })).toEqual([
      {
        kind: 'budgets',
        object: 'Deployment shop/web',
        owner: 'app web',
        why: "more than one budget selects it (one, two), so it can't be evicted",
        waitSeconds: 62 * HOUR,
      },
    ]);
  });

  it.each<[string, object, object]>([
    ['of another namespace', { selector: {}, maxUnavailable: 1 }, { namespace: 'other' }],
    ['of others', { selector: { matchLabels: { app: 'db' } }, maxUnavailable: 1 }, {}],
    ['without a selector', { maxUnavailable: 1 }, {}],
  ])('is none with one %s', (_name, spec, metadata) => {
    expect(risks({ budgets: [one, budget(spec, metadata)] })).toEqual([]);
  });
});

describe('pods that hurt', () => {
  it.each<[string, Partial<PodGroup>, object[]]>([
    ['nothing', {}, []],
    ['no controller', { controlled: false, replicas: 1 }, [{ kind: 'bare-pod', why: 'no controller makes it anew', waitSeconds: 30 }]],
    ['one replica', { replicas: 1 }, [{ kind: 'single-replica', why: 'its only pod is away while it moves', waitSeconds: 30 }]],
    [
      'volumes of the node',
      { local: ['emptyDir', 'hostPath'] },
      [{ kind: 'local-data', why: 'what it has in emptyDir, hostPath stays behind', waitSeconds: null }],
    ],
    ['five minutes to end', { graceSeconds: 300 }, []],
    ['longer', { graceSeconds: 301 }, [{ kind: 'long-grace', why: 'its pods may take so long to end', waitSeconds: 301 }]],
  ])('%s', (_name, change, expected) => {
    const own = { object: 'Deployment shop/web', owner: 'app web' };

    expect(risks({ groups: [{ ...WEB, ...change }] })).toEqual(expected.map((risk) => ({ ...own, ...risk })));
  });

  it('are told by how long they wait, then by name', () => {
    const group = (name: string, change: Partial<PodGroup>): PodGroup => ({ ...WEB, name, labels: {}, ...change });
    const told = risks({
      groups: [
        group('b', { replicas: 1 }),
        group('a', { replicas: 1 }),
        group('c', { local: ['emptyDir'] }),
        group('d', { replicas: 1, graceSeconds: 0 }),
        group('e', { replicas: 1, graceSeconds: 299 }),
      ],
    });

    expect(told.map(({ object }) => object)).toEqual(['e', 'a', 'b', 'd', 'c']);
  });
});

describe('a webhook that stands on one pod', () => {
  const GATE: PodGroup = { ...WEB, name: 'Deployment shop/gate', labels: { app: 'gate' }, replicas: 1, graceSeconds: 45 };
  const service = (change: object = {}, metadata: object = {}): Service =>
    Service.parse({ metadata: { name: 'gate', namespace: 'shop', ...metadata }, spec: { selector: { app: 'gate' }, ...change } });
  const hook = (change: object = {}, labels: object = {}): WebhookConfiguration =>
    WebhookConfiguration.parse({
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'gate', labels },
      webhooks: [
        {
          name: 'gate.example.org',
          clientConfig: { service: { namespace: 'shop', name: 'gate' } },
          rules: [{ apiGroups: [''], resources: ['pods'] }],
          ...change,
        },
      ],
    });
  const told = (change: Partial<RiskFacts> = {}) =>
    risks({ groups: [GATE], services: [service()], webhooks: [hook()], ...change }).filter(({ kind }) => kind === 'webhook');

  it('is told with its pod and how long that one is away', () => {
    expect(told()).toEqual([
      {
        kind: 'webhook',
        object: 'MutatingWebhookConfiguration gate',
        owner: 'app gate',
        why: 'it fails closed and Deployment shop/gate behind it has one pod: no pod is made or evicted while that one moves',
        waitSeconds: 45,
      },
    ]);
    expect(told({ webhooks: [hook({}, { team: 'ops' })] })[0]?.owner).toBe('team ops');
    expect(told({ groups: [{ ...GATE, labels: { app: 'gate', team: '' } }] })[0]?.owner).toBe('app gate');
    expect(
      told({ groups: [{ ...GATE, labels: { role: 'gate' } }], services: [service({ selector: { role: 'gate' } })] })[0]?.owner,
    ).toBeNull();
  });

  it.each<[string, Partial<RiskFacts>]>([
    ['it lets pass', { webhooks: [hook({ failurePolicy: 'Ignore' })] }],
    ['it calls no service', { webhooks: [hook({ clientConfig: { url: 'https://example.org' } })] }],
    ['it has no rules', { webhooks: [hook({ rules: [] })] }],
    ['it asks only about new nodes', { webhooks: [hook({ rules: [{ operations: ['CREATE'], apiGroups: [''], resources: ['nodes'] }] })] }],
    ['it asks about another group', { webhooks: [hook({ rules: [{ apiGroups: ['apps'], resources: ['*'] }] })] }],
    ['it asks about other things', { webhooks: [hook({ rules: [{ apiGroups: [''], resources: ['secrets', 'pods/log'] }] })] }],
    ['its service is not there', { services: [] }],
    ['one of that name is in another namespace', { services: [service({}, { namespace: 'other' })] }],
    ['another one is in that namespace', { services: [service({}, { name: 'other' })] }],
    ['its service selects nothing', { services: [service({ selector: {} })] }],
    ['its service selects by hand', { services: [service({ selector: null })] }],
    ['its pods are others', { groups: [{ ...GATE, labels: { app: 'other' } }] }],
    ['its pods are in another namespace', { groups: [{ ...GATE, namespace: 'other' }] }],
    ['it has two pods', { groups: [{ ...GATE, replicas: 2 }] }],
    ['it has two pods of two controllers', { groups: [GATE], all: [GATE, { ...GATE, name: 'Deployment shop/gate-2' }] }],
    ['its pod stays', { groups: [WEB], all: [WEB, GATE] }],
  ])('is none where %s', (_name, change) => {
    expect(told(change)).toEqual([]);
  });

  it('stops the roll itself where it is asked about nodes', () => {
    const rules = [{ operations: ['CREATE', 'UPDATE'], apiGroups: [''], resources: ['nodes'] }];

    expect(told({ webhooks: [hook({ rules })] })[0]?.why).toBe(
      'it fails closed and Deployment shop/gate behind it has one pod: no node is marked, cordoned or released while that one moves',
    );
    expect(told({ webhooks: [hook({ rules: [{ operations: ['*'], apiGroups: ['*'], resources: ['*'] }] })] })[0]?.why).toMatch(
      /no pod is made or evicted, and no node is marked, cordoned or released/,
    );
  });

  it.each<[string, object[]]>([
    ['of every group', [{ apiGroups: ['*'], resources: ['pods'] }]],
    ['of evictions', [{ apiGroups: [''], resources: ['pods/eviction'] }]],
    ['of everything of pods', [{ apiGroups: [''], resources: ['pods/*'] }]],
    ['of every object', [{ apiGroups: [''], resources: ['*'] }]],
    ['of everything of every object', [{ apiGroups: [''], resources: ['*/*'] }]],
    ['by one of several resources', [{ apiGroups: ['apps', ''], resources: ['secrets', 'pods'] }]],
    [
      'by one of several rules',
      [
        { apiGroups: ['apps'], resources: ['deployments'] },
        { apiGroups: [''], resources: ['pods'] },
      ],
    ],
  ])('is one by its rules %s', (_name, rules) => {
    expect(told({ webhooks: [hook({ rules })] })).toHaveLength(1);
  });

  it('is one where its pod is the only one of that service among others', () => {
    const others = [WEB, { ...GATE, namespace: 'other', replicas: 4 }];

    expect(told({ all: [...others, GATE], services: [service({}, { name: 'other' }), service()] })).toHaveLength(1);
  });
});

describe('what a configuration says of pods', () => {
  const workload = (kind: string, change: object = {}, template: object = {}): Manifest =>
    Manifest.parse({
      apiVersion: 'apps/v1',
      kind,
      metadata: { name: 'web', ...change },
      spec: { replicas: 3, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [], ...template } } },
    });
  const groups = (...objects: Manifest[]): readonly PodGroup[] => risksInObjects(objects).groups;

  it.each(['Deployment', 'StatefulSet', 'ReplicaSet'])('of a %s', (kind) => {
    expect(groups(workload(kind, { namespace: 'shop' }))).toEqual([
      { name: `${kind} shop/web`, namespace: 'shop', labels: { app: 'web' }, replicas: 3, controlled: true, graceSeconds: 30, local: [] },
    ]);
  });

  it('of one without a namespace, that is in the default one', () => {
    expect(groups(workload('Deployment'))[0]).toMatchObject({ name: 'Deployment default/web', namespace: 'default' });
    const bare = Manifest.parse({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'lone' }, spec: { containers: [] } });
    expect(groups(bare)).toEqual([
      { name: 'Pod default/lone', namespace: 'default', labels: {}, replicas: 1, controlled: false, graceSeconds: 30, local: [] },
    ]);
  });

  it.each<[string, object, readonly string[]]>([
    ['a disk', { volumes: [{ name: 'a', emptyDir: {} }] }, ['emptyDir']],
    ['a disk that is written as nothing', { volumes: [{ name: 'a', emptyDir: null }] }, []],
    ['one of a size', { volumes: [{ name: 'a', emptyDir: { medium: '' } }] }, ['emptyDir']],
    ['memory', { volumes: [{ name: 'a', emptyDir: { medium: 'Memory' } }] }, []],
    ['a path of the node', { volumes: [{ name: 'a', hostPath: { path: '/x' } }] }, ['hostPath']],
    ['other volumes', { volumes: [{ name: 'a', configMap: { name: 'c' } }] }, []],
    [
      'a disk among others',
      {
        volumes: [
          { name: 'a', configMap: {} },
          { name: 'b', emptyDir: {} },
        ],
      },
      ['emptyDir'],
    ],
    [
      'a path among others',
      {
        volumes: [
          { name: 'a', configMap: {} },
          { name: 'b', hostPath: {} },
        ],
      },
      ['hostPath'],
    ],
    ['none', { volumes: null }, []],
  ])('that keep data in %s', (_name, template, local) => {
    expect(groups(workload('Deployment', {}, template))[0]?.local).toEqual(local);
  });

  it('leaves out what has another shape or no pods', () => {
    const odd = (kind: string, spec: unknown) => Manifest.parse({ apiVersion: 'v1', kind, metadata: { name: 'odd' }, spec });

    expect(groups(odd('Pod', 3), odd('Deployment', 3), odd('ConfigMap', 3), odd('DaemonSet', { template: {} }))).toEqual([]);
  });

  it('finds budgets, services and webhooks among all, as far as they have their shape', () => {
    const of = (apiVersion: string, kind: string, rest: object = { spec: {} }): Manifest =>
      Manifest.parse({ apiVersion, kind, metadata: { name: 'x', namespace: 'shop' }, ...rest });
    const found = risksInObjects([
      of('policy/v1', 'PodDisruptionBudget'),
      of('policy/v1', 'PodDisruptionBudget', { spec: 3 }),
      of('v1', 'Service'),
      of('v1', 'Service', { spec: 3 }),
      of('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', { webhooks: [] }),
      of('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', { webhooks: [] }),
      of('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', { webhooks: 3 }),
      of('v1', 'ConfigMap'),
    ]);

    expect(found.budgets).toEqual([
      PodDisruptionBudget.parse({
        metadata: { name: 'x', namespace: 'shop' },
        spec: {},
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
      }),
    ]);
    expect(found.services.map(({ metadata }) => metadata.name)).toEqual(['x']);
    expect(found.webhooks.map(({ kind }) => kind)).toEqual(['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration']);
  });
});

describe('what a cluster says of pods', () => {
  const groups = (shapes: PodShape[], nodes = ['n1']) => risksInCluster(shapes.map(pod), [], new Set(nodes), NOW);

  it('are of one controller, or alone; with those elsewhere, and their youngest', () => {
    const seen = groups([
      { age: 3 * HOUR },
      { name: 'web-2', node: 'n2', age: 2 * HOUR, spec: { volumes: [{ hostPath: {} }] } },
      { name: 'db-1', node: 'n2', owner: { kind: 'StatefulSet', uid: 'db' } },
      { name: 'lone', owner: { kind: '', uid: '' }, namespace: '', labels: {}, age: null, spec: { terminationGracePeriodSeconds: 7 } },
      { name: 'lone-2', owner: { kind: '', uid: '' }, labels: {}, age: null },
    ]);

    expect(seen.groups).toEqual([
      {
        name: 'ReplicaSet shop/rs-web',
        namespace: 'shop',
        labels: { app: 'web' },
        replicas: 2,
        controlled: true,
        graceSeconds: 30,
        local: [],
        youngest: 2 * HOUR,
      },
      { name: 'Pod default/lone', namespace: 'default', labels: {}, replicas: 1, controlled: false, graceSeconds: 7, local: [] },
      { name: 'Pod shop/lone-2', namespace: 'shop', labels: {}, replicas: 1, controlled: false, graceSeconds: 30, local: [] },
    ]);
    expect(seen.all.map(({ name }) => name)).toEqual([
      'ReplicaSet shop/rs-web',
      'StatefulSet shop/db',
      'Pod default/lone',
      'Pod shop/lone-2',
    ]);
  });

  it.each<[string, PodShape]>([
    ['of a job', { owner: { kind: 'Job', uid: 'j' } }],
    ['that are ending', { ending: -10 }],
    ['that end with their node', { owner: { kind: 'DaemonSet', uid: 'd' } }],
    ['that are finished', { phase: 'Failed' }],
  ])('are none %s', (_name, shape) => {
    expect(groups([shape])).toMatchObject({ groups: [], all: [] });
  });
});

describe('the words of the report', () => {
  const risk = { kind: 'budget' as const, object: 'x', owner: null, why: 'y', waitSeconds: 60 };

  it('are of six risks, and tell how many more there are', () => {
    const of = (count: number) =>
      reportText(
        Array.from({ length: count }, (_, index) => ({ ...risk, object: `x${index}` })),
        1,
      );

    expect(of(2)).toBe('1 node is replaced; to know: x0: y; up to 60 s | x1: y; up to 60 s');
    expect(of(6)).toMatch(/x5: y; up to 60 s$/);
    expect(of(7)).toMatch(/x5: y; up to 60 s \| and 1 more$/);
  });

  it('tell no wait and no owner where there is none', () => {
    expect(riskText({ ...risk, waitSeconds: null })).toBe('x: y');
    expect(riskText({ ...risk, owner: 'team z', waitSeconds: 0 })).toBe('x (team z): y; up to 1 s');
  });
});
