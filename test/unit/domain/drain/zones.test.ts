import { describe, expect, it } from 'vitest';
import { busyZones, chooseZone, hasMatch, preferredZones, sickZones } from '#domain/drain/zones.ts';
import type { Node } from '#model/kubernetes.ts';
import { node } from '../../../support/drain.ts';
import { drained, note, pool, type Setting, seen } from '../../../support/roll.ts';

/** `setting` may be of several pools; `others` are nodes of none. */
function look(settings: readonly Setting[], others: readonly Node[] = [], attached: readonly string[] = []) {
  const pools = settings.map(pool);
  const nodes = [...pools.flatMap((one) => one.nodes), ...others];
  const views = seen(pools, { nodes, attached: new Set(attached) });
  return { views, nodes };
}

describe('zones in which a node is drained', () => {
  it('are those of all pools, each once', () => {
    const { views } = look([
      { instances: 'a1 a3 b1', nodes: { a1: drained(), a3: drained() } },
      { instances: 'c6 d6*', nodes: { d6: drained() } },
    ]);

    expect([...busyZones(views)]).toEqual(['a', 'd']);
    expect([...busyZones(look([{ instances: 'a1' }]).views)]).toEqual([]);
  });
});

describe('zones in which something is not Ready', () => {
  it.each<[string, readonly Setting[], readonly Node[], Record<string, string>]>([
    ['nothing', [{ instances: 'a1 b2*' }], [node('x', { zone: 'c' })], {}],
    ['a node of a pool', [{ instances: 'a1', nodes: { a1: { ready: false } } }], [], { a: 'node a1' }],
    ['a node of the control plane, by where its instance is', [], [node('x', { zone: 'c', ready: false })], { c: 'node x' }],
    [
      'one that says its zone itself',
      [],
      [node('x', { zone: 'c', ready: false, labels: { 'topology.kubernetes.io/zone': 'b' } })],
      { b: 'node x' },
    ],
    ['one that is being drained is not told', [{ instances: 'a1', nodes: { a1: { ...drained(), ready: false } } }], [], {}],
    [
      'another one beside it is',
      [{ instances: 'a1 a3', nodes: { a1: { ...drained(), ready: false }, a3: { ready: false } } }],
      [],
      { a: 'node a3' },
    ],
    [
      'one that is on its way out is not',
      [{ instances: 'a1', states: { a1: { lifecycleState: 'Terminating' } }, nodes: { a1: { ready: false } } }],
      [],
      {},
    ],
    ['a new instance that has not joined', [{ instances: 'a1 b2*', nodes: { b2: null } }], [], { b: 'instance b2' }],
    ['an old one that never did is no concern', [{ instances: 'a1', nodes: { a1: null } }], [], {}],
    ['a node is told before an instance', [{ instances: 'b1 b2*', nodes: { b1: { ready: false }, b2: null } }], [], { b: 'node b1' }],
    ['the first instance of two', [{ instances: 'b2* b3*', nodes: { b2: null, b3: null } }], [], { b: 'instance b2' }],
  ])('%s', (_name, settings, others, sick) => {
    const { views, nodes } = look(settings, others);

    expect(Object.fromEntries(sickZones(views, nodes))).toEqual(sick);
  });

  it('are nowhere for a node that says nothing of its place', () => {
    const lost = node('x', { ready: false });
    const placeless = { ...lost, spec: { ...lost.spec, providerID: '' } };

    expect([...sickZones([], [placeless])]).toEqual([['', 'node x']]);
  });
});

describe('the zone in which nodes are begun', () => {
  const choice = (settings: readonly Setting[], others: readonly Node[] = []) => {
    const { views, nodes } = look(settings, others);
    return chooseZone(views, views, { nodes });
  };
  const sick = (zone: string, name = `sick-${zone}`): Node => node(name, { zone, ready: false });

  it.each<[string, readonly Setting[], readonly Node[], string]>([
    ['the one with fewest instances', [{ instances: 'a1 a2* b1 b2* c1' }], [], 'c'],
    ['of those the one with most to replace', [{ instances: 'a1 a2* b1 b3 c1 c2*', change: { note: note(5, 1) } }], [], 'b'],
    ['of those the first', [{ instances: 'c1 b1 a1' }], [], 'a'],
    ['the one that most pools prefer', [{ instances: 'a1 c1' }, { instances: 'c6' }, { instances: 'b7 b8 c7' }], [], 'c'],
    ['where one is being drained: the same', [{ instances: 'a1 a2* b1 b3', nodes: { b1: drained() } }], [], 'b'],
    ['where something is not Ready: the same', [{ instances: 'a1 b1 c1' }], [sick('b')], 'b'],
  ])('%s', (_name, settings, others, zone) => {
    expect(choice(settings, others)).toEqual({ zone });
  });

  it.each<[string, readonly Setting[], readonly Node[], string]>([
    ['in another one a node is drained', [{ instances: 'a1 b1', nodes: { b1: drained() } }], [], 'nodes in b are being drained'],
    ['in two others', [{ instances: 'a1 b1 c1', nodes: { c1: drained(), b1: drained() } }], [], 'nodes in b, c are being drained'],
    [
      'in two, one of them its own',
      [{ instances: 'a1 a3 b1', nodes: { a1: drained(), b1: drained() } }],
      [],
      'nodes in a, b are being drained',
    ],
    [
      'the one that is drained is not preferred by any',
      [{ instances: 'a1 b1 b3', nodes: { b1: drained() } }],
      [],
      'nodes in b are being drained',
    ],
    ['in another one something is not Ready', [{ instances: 'a1 b1' }], [sick('c')], 'waiting until node sick-c is Ready'],
    [
      'in several, one of them its own',
      [{ instances: 'a1 b1' }],
      [sick('a'), sick('c')],
      'waiting until node sick-a, node sick-c is Ready',
    ],
    [
      'the one that is drained is not the one that is not Ready',
      [{ instances: 'a1 b1 b3', nodes: { a1: drained() } }],
      [sick('b')],
      'nodes in a are being drained',
    ],
  ])('none where %s', (_name, settings, others, reason) => {
    expect(choice(settings, others)).toEqual({ zone: undefined, reason });
  });

  it('is chosen for those that could begin, by what is going on in all', () => {
    const { views, nodes } = look([{ instances: 'a1' }, { instances: 'b6', nodes: { b6: drained() } }]);

    expect(chooseZone(views, views.slice(0, 1), { nodes })).toEqual({ zone: undefined, reason: 'nodes in b are being drained' });
    expect(chooseZone(views.slice(0, 1), views.slice(0, 1), { nodes })).toEqual({ zone: 'a' });
  });
});

describe('zones that a pool prefers', () => {
  it.each<[string, Setting, readonly string[], readonly string[], readonly string[]]>([
    ['only open ones', { instances: 'a1 b1 c1' }, ['b', 'c'], [], ['b', 'c']],
    ['those with fewest instances', { instances: 'a1 b1 b2* c1' }, ['a', 'b', 'c'], [], ['a', 'c']],
    ['those with most to replace', { instances: 'a1 a2* b1 b3 c1 c2*' }, ['a', 'b', 'c'], [], ['b']],
    ['none that has nothing to begin', { instances: 'a1 b2* c1', nodes: { c1: drained() } }, ['a', 'b', 'c'], [], ['a']],
    ['where volumes are: those that have a new node', { instances: 'a1 b1 b2* c1' }, ['a', 'b', 'c'], ['a1'], ['b']],
    ['if any has', { instances: 'a1 b1 c2*' }, ['a', 'b', 'c'], ['a1'], ['a', 'b']],
  ])('%s', (_name, setting, open, attached, preferred) => {
    const [one] = look([setting], [], attached).views;

    expect(one === undefined ? [] : [...preferredZones(one, new Set(open))]).toEqual(preferred);
  });
});

describe('a match for a node', () => {
  it.each<[string, Setting, boolean]>([
    ['a new one of its zone', { instances: 'a1 a2*' }, true],
    ['an old one is none', { instances: 'a1 a3' }, false],
    ['one of another zone is none', { instances: 'a1 b2*' }, false],
    ['nor one that is not Ready', { instances: 'a1 a2*', nodes: { a2: { ready: false } } }, false],
    ['nor one that somebody cordoned', { instances: 'a1 a2*', nodes: { a2: { cordoned: true } } }, false],
    ['nor one that is drained', { instances: 'a1 a2*', nodes: { a2: drained() } }, false],
    ['nor one that its group will end', { instances: 'a1 a2*', states: { a2: { healthStatus: 'Unhealthy' } } }, false],
    ['one among others', { instances: 'a1 a2* a3* b2*', nodes: { a2: { ready: false } } }, true],
  ])('%s', (_name, setting, matched) => {
    const [one] = look([setting]).views;

    expect(one !== undefined && hasMatch(one, 'a')).toBe(matched);
  });
});
