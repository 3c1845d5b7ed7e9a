import { describe, expect, it } from 'vitest';
import type { RollDecision } from '#domain/drain/decide.ts';
import { drainOf, isMarked } from '#domain/drain/marks.ts';
import type { RollFacts } from '#domain/drain/view.ts';
import { ago, budget, NOW, type NodeShape, node, pod } from '../../../support/drain.ts';
import { decide, drained, MARKED, note, pool, type Setting, told } from '../../../support/roll.ts';

const done = (setting: Setting, change: Partial<RollFacts> = {}): string[] => told(decide([pool(setting)], change).actions);
const reasons = (decision: RollDecision): string[] => decision.waits.map(({ reason }) => reason);

describe('how a roll begins', () => {
  const START = { instances: 'a1 b1 c1', nodes: { a1: { annotations: {} } } };
  const plain = (setting: Setting): ReturnType<typeof pool> => {
    const made = pool(setting);
    return { ...made, nodes: made.nodes.map(({ metadata }) => node(metadata.name, { zone: metadata.name.slice(0, 1) })) };
  };

  it('notes the size it finds before anything else', () => {
    const { actions } = decide([plain({ ...START, change: { note: undefined, rebalances: true } })]);

    expect(told(actions)).toEqual(['note 3 1 rebalances']);
  });

  it('switches balancing off, then marks all old nodes and keeps the autoscaler off the others', () => {
    const off = decide([plain({ ...START, change: { rebalances: true } })]);
    const marks = decide([plain({ ...START, instances: 'a1 b1 c1*' })]);

    expect(told(off.actions)).toEqual(['rebalance off']);
    expect(told(marks.actions)).toEqual(['mark a1', 'mark b1', 'keep c1']);
  });

  it('adds instances once all is marked', () => {
    expect(done({ instances: 'a1 b1 c1' })).toEqual(['desired 4']);
  });

  it('is over before it begins where nothing is old', () => {
    const clean = plain({ instances: 'a1* b1* c1*', change: { note: undefined, rebalances: true } });

    expect(decide([clean])).toMatchObject({ done: true, deferred: 0, actions: [] });
  });
});

describe('how many are added', () => {
  it.each<[string, Setting, Partial<RollFacts>, string[]]>([
    ['a tenth, at least one', { instances: 'a1 b1 c1' }, {}, ['desired 4']],
    ['as noted', { instances: 'a1 b1 c1', change: { note: note(3, 3) } }, {}, ['desired 6']],
    ['no more than there are addresses for', { instances: 'a1 b1 c1', change: { note: note(3, 3) } }, { room: 2 }, ['desired 5']],
    ['one at a time where nobody can tell', { instances: 'a1 b1 c1', change: { note: note(3, 3) } }, { room: undefined }, ['desired 4']],
    [
      'and the next one once it is there',
      { instances: 'a1 b1 c1 a2*', change: { note: note(3, 3), desired: 5 } },
      { room: undefined },
      ['cordon b1'],
    ],
    ['no more than the group may have', { instances: 'a1 b1 c1', change: { note: note(3, 3), max: 4 } }, {}, ['note 3 1 rebalances']],
    ['no more than are to be replaced', { instances: 'a1 b1* c1*', change: { note: note(3, 3) } }, {}, ['desired 4']],
    ['none without addresses: a node is replaced in place', { instances: 'a1 b1 c1' }, { room: 0 }, ['cordon a1']],
    [
      'none where the group is full: in place too',
      { instances: 'a1 b1 c1', change: { note: note(3, 1), max: 3 } },
      {},
      ['note 3 0 rebalances'],
    ],
  ])('%s', (_name, setting, change, expected) => {
    expect(done(setting, change)).toEqual(expected);
  });

  it('is the same in every zone for a stateful pool, and where an old node has a volume', () => {
    const fresh = { change: { note: undefined, rebalances: true } };
    const stateful = done({ instances: 'a1 b1 c1', pool: { stateful: true }, ...fresh });
    const volume = done({ instances: 'a1 b1 c1', ...fresh }, { attached: new Set(['b1']) });
    const large = done({
      instances: Array.from({ length: 8 }, (_, index) => `a${index}`).join(' '),
      pool: { stateful: true, surgePercent: 50 },
      change: { note: undefined, max: 20 },
    });

    expect([stateful, volume, large]).toEqual([['note 3 3 rebalances'], ['note 3 3 rebalances'], ['note 8 6 as-it-was']]);
  });

  it.each([
    ['somebody made the group larger', { desired: 7 }, ['note 6 1 rebalances']],
    ['somebody made it smaller', { desired: 2 }, ['note 2 1 rebalances']],
    ['the minimum was raised', { desired: 4, min: 4 }, ['note 4 1 rebalances']],
    ['a note of another shape', { note: 'three' }, ['note 4 1 as-it-was']],
  ])('goes on from another size when %s', (_name, change, expected) => {
    expect(done({ instances: 'a1 b1 c1 a2*', change: { desired: 4, ...change } })).toEqual(expected);
  });
});

describe('which node is next', () => {
  it('none before the new one is Ready', () => {
    const booting = decide([pool({ instances: 'a1 b1 c1 a2*', nodes: { a2: null } })]);

    expect(booting.actions).toEqual([]);
    expect(reasons(booting)).toEqual(['waiting until a2 (InService, Healthy) of pool general is Ready']);
  });

  it('one of a zone that has nothing in addition, so that the zone with the new one is last', () => {
    expect(done({ instances: 'a1 b1 c1 a2*' })).toEqual(['cordon b1']);
    expect(done({ instances: 'a1 b2* c2* a2*' })).toEqual(['cordon a1']);
  });

  it('one that is not Ready before one that is, and it costs nobody anything', () => {
    expect(done({ instances: 'a1 b1 b3 c1 a2*', nodes: { b3: { ready: false } }, change: { note: note(4, 1) } })).toEqual(['cordon b3']);
  });

  it('as many at once as were added and are Ready', () => {
    const setting = { instances: 'a1 a3 a4 b1 b3 b4 a5* b5*', change: { note: note(6, 2), desired: 8 } };

    expect(done(setting)).toEqual(['cordon a1', 'cordon a3']);
    expect(done({ ...setting, nodes: { b5: { ready: false } } })).toEqual(['cordon b1']);
  });

  it('a stateful pool goes one by one, and not beside another stateful one', () => {
    const big = { pool: { stateful: true }, instances: 'a1 a3 a5* b5* c5*', change: { note: note(2, 3), desired: 5 } };
    const busy = pool({
      pool: { name: 'db', stateful: true },
      instances: 'a7 a8* b8* c8*',
      nodes: { a7: drained() },
      change: { note: note(1, 3) },
    });

    expect(done(big)).toEqual(['cordon a1']);
    expect(told(decide([busy, pool(big)]).actions)).toEqual(['end a7 and shrink']);
  });

  it('where volumes are: one that has a new node in its zone', () => {
    expect(done({ instances: 'a1 b1 c1 c2*' }, { attached: new Set(['a1']) })).toEqual(['cordon c1']);
  });

  it('where volumes are and no zone has one: one more is added first, while the group may grow', () => {
    const setting = { instances: 'a1 b2* b3* c2*' };
    const attached = new Set(['a1']);

    expect(done(setting, { attached })).toEqual(['note 3 2 rebalances']);
    expect(done({ ...setting, change: { note: note(3, 2), desired: 4 } }, { attached })).toEqual(['desired 5']);
    expect(done({ ...setting, change: { note: note(3, 1), max: 4 } }, { attached })).toEqual(['cordon a1']);
  });
});

describe('zones', () => {
  const two = (first: Setting, second: Setting, change: Partial<RollFacts> = {}) =>
    decide([pool(first), pool({ pool: { name: 'batch' }, ...second })], change);

  it('pools begin together, in one zone', () => {
    const { actions } = two({ instances: 'a1 b1 c1 a2*' }, { instances: 'a6 b6 c6 a7*' });

    expect(told(actions)).toEqual(['cordon b1', 'cordon b6']);
  });

  it('none is begun in a second zone while one is drained', () => {
    const waits = two({ instances: 'a1 b1 c1 a2*', nodes: { b1: drained() } }, { instances: 'a6 c6 c7*', change: { note: note(2, 1) } });

    expect(told(waits.actions)).toEqual(['end b1']);
    expect(reasons(waits)).toEqual(['nodes in b are being drained']);
  });

  it('none is begun while something in another zone is not Ready', () => {
    const stranger = node('x1', { zone: 'c', ready: false });
    const one = pool({ instances: 'a1 b1 a2*', change: { note: note(2, 1) } });
    const sick = decide([one], { nodes: [...one.nodes, stranger] });

    expect(sick.actions).toEqual([]);
    expect(reasons(sick)).toEqual(['waiting until node x1 is Ready']);
  });

  it('in the zone where it is, it is begun', () => {
    const stranger = node('x1', { zone: 'b', ready: false });
    const one = pool({ instances: 'a1 b1 a2*', change: { note: note(2, 1) } });

    expect(told(decide([one], { nodes: [...one.nodes, stranger] }).actions)).toEqual(['cordon b1']);
  });

  it('what is on its way out is nobody’s concern', () => {
    const one = pool({
      instances: 'a1 b1 a2* c9',
      states: { c9: { lifecycleState: 'Terminating' } },
      nodes: { c9: { ready: false } },
      change: { note: note(2, 1), desired: 3 },
    });

    expect(told(decide([one]).actions)).toEqual(['cordon b1']);
  });

  it('a pool that can not begin does not keep the others from it', () => {
    const stuck = { instances: 'a1 b1 c1', change: { desired: 4 } };
    const { actions, waits } = two(stuck, { instances: 'b6 c6 b7*', change: { note: note(2, 1) } });

    expect(told(actions)).toEqual(['cordon c6']);
    expect(waits.map(({ reason }) => reason)).toEqual(['waiting until pool general has 4 nodes that take pods; it has 3']);
  });
});

describe('how a node ends', () => {
  const ending = (change: Partial<Setting> = {}, more: Partial<RollFacts> = {}): RollDecision =>
    decide([pool({ instances: 'a1 b1 c1 a2*', nodes: { b1: drained() }, ...change })], more);
  const web = pod({ node: 'b1' });

  it('evicts what is on it, all at once, and then one by one', () => {
    const pods = [web, pod({ name: 'web-2', node: 'b1' }), pod({ name: 'web-3', node: 'a1' })];
    const slow = { nodes: { b1: drained(60, { 'sluice/drain-mode': 'one-by-one' }) } };

    expect(told(ending({}, { pods }).actions)).toEqual(['evict web-1 web-2']);
    expect(told(ending(slow, { pods }).actions)).toEqual(['evict web-1 web-2 one by one']);
  });

  it('one by one, waits for the one that is ending, for its grace period and 30 s', () => {
    const slow = { nodes: { b1: drained(60, { 'sluice/drain-mode': 'one-by-one' }) } };
    const other = pod({ name: 'web-2', node: 'b1' });
    const running = ending(slow, { pods: [pod({ node: 'b1', ending: 30 }), other] });
    const overdue = ending(slow, { pods: [pod({ node: 'b1', ending: 31 }), other] });

    expect([running.actions, reasons(running)]).toEqual([[], ['waiting until shop/web-1 has left b1']]);
    expect(told(overdue.actions)).toEqual(['evict web-2 one by one']);
  });

  it('forces only what is evicted one by one', () => {
    const forcible = { pods: [pod({ node: 'b1', age: 100 * 3600 })], budgets: [budget({ selector: {} })] };
    const verdict = (nodes: Record<string, NodeShape>): boolean | undefined => {
      const action = ending({ nodes }, forcible).actions[0];
      return action?.type === 'evict' ? action.pods[0]?.force.allowed : undefined;
    };

    expect(verdict({ b1: drained(7 * 3600) })).toBe(false);
    expect(verdict({ b1: drained(7 * 3600, { 'sluice/drain-mode': 'one-by-one' }) })).toBe(true);
    expect(verdict({ b1: drained(7 * 3600, { 'sluice/drain-mode': 'one-by-one', 'sluice/last-forced': ago(10).toISOString() }) })).toBe(
      false,
    );
  });

  it.each<[string, Partial<RollFacts>, NodeShape, string]>([
    ['a pod that is ending', { pods: [pod({ node: 'b1', ending: -5 })] }, drained(), 'waiting until shop/web-1 has left b1'],
    [
      'one that is long overdue, and says so',
      { pods: [pod({ node: 'b1', ending: 31 })] },
      drained(),
      'waiting until shop/web-1 has left b1; shop/web-1 should be gone by now, look at finalizers and the kubelet',
    ],
    ['a volume', { attached: new Set(['b1']) }, drained(), 'waiting until volumes are detached from b1'],
    ['a second look', {}, drained(1), 'node b1 is empty; looking once more'],
    [
      'what left it to be Ready again',
      { pods: [pod({ name: 'web-9', node: 'a2', ready: false })], replicas: new Map([['rs-web', 2]]) },
      drained(60, { 'sluice/drain-awaits': 'rs-web=1' }),
      'waiting until what left b1 is Ready elsewhere: shop/rs-web (0 of 1)',
    ],
    [
      'postgres-operator',
      {
        pods: [
          pod({ name: 'db-0', node: 'b1', labels: { application: 'spilo', 'spilo-role': 'master' } }),
          pod({ name: 'db-1', node: 'b1', labels: { application: 'spilo', 'spilo-role': 'replica' } }),
        ],
      },
      drained(1199),
      'waiting until postgres-operator has moved the primary of shop/db-0, shop/db-1 off b1',
    ],
  ])('waits for %s', (_name, change, shape, reason) => {
    const decision = ending({ nodes: { b1: shape } }, change);

    expect(decision.actions).toEqual([]);
    expect(reasons(decision)[0]).toBe(reason);
    expect(decision.waits[0]?.since).toEqual(drainOf(node('b1', shape))?.since);
  });

  it.each<[string, Partial<RollFacts>, NodeShape]>([
    ['nothing is on it', {}, drained(2)],
    ['what is on it ends with it', { pods: [pod({ node: 'b1', owner: { kind: 'DaemonSet', uid: 'd' } })] }, drained()],
    [
      'its kubelet is gone and its pods are overdue',
      { pods: [pod({ node: 'b1', ending: 31 })], attached: new Set(['b1']) },
      { ...drained(), ready: false },
    ],
    [
      'fewer were Ready before, or are wanted now',
      { replicas: new Map([['rs-web', 1]]), pods: [pod({ name: 'web-9', node: 'a2' })] },
      drained(60, { 'sluice/drain-awaits': 'rs-web=2 gone=3' }),
    ],
  ])('is ended when %s', (_name, change, shape) => {
    expect(told(ending({ nodes: { b1: shape } }, change).actions)).toEqual(['end b1']);
  });

  it('of postgres goes by eviction once the operator had its time, and other pods at once', () => {
    const primary = pod({ name: 'db-0', node: 'b1', labels: { application: 'spilo', 'spilo-role': 'primary' } });
    const late = ending({ nodes: { b1: drained(1200) } }, { pods: [primary, web] });
    const early = ending({}, { pods: [primary, web] });
    const moved = ending({}, { pods: [pod({ name: 'db-1', node: 'b1', labels: { application: 'spilo', 'spilo-role': 'replica' } })] });

    expect([told(late.actions), told(early.actions), told(moved.actions)]).toEqual([['evict db-0 web-1'], ['evict web-1'], ['evict db-1']]);
  });

  it.each<[string, Setting, string[]]>([
    ['is replaced where its zone would be short', { instances: 'a1 b1 c1 a2*', nodes: { b1: drained() } }, ['end b1']],
    [
      'makes the group smaller where its zone has one in addition',
      { instances: 'a1 b2* c2* a2*', nodes: { a1: drained() } },
      ['end a1 and shrink'],
    ],
    ['never makes it smaller than it was', { instances: 'a1 b2* c2*', nodes: { a1: drained() }, change: { desired: 3 } }, ['end a1']],
    [
      'nor than its minimum',
      { instances: 'a1 b2* c2* a2*', nodes: { a1: drained() }, change: { desired: 4, min: 4, note: note(4, 1) } },
      ['end a1'],
    ],
    [
      'several at once count one after the other',
      { instances: 'a1 a3 b5* c5* a5* a6*', nodes: { a1: drained(), a3: drained() }, change: { note: note(4, 2) } },
      ['end a1 and shrink', 'end a3 and shrink'],
    ],
    [
      'a zone that would be short is filled up again, and what is too much then goes later',
      { instances: 'a1 a3 b5* c5* a5*', nodes: { a1: drained(), a3: drained() }, change: { note: note(4, 2) } },
      ['end a1', 'end a3'],
    ],
  ])('%s', (_name, setting, expected) => {
    expect(done(setting)).toEqual(expected);
  });

  it('whose instance never joined is ended when nothing else is left', () => {
    expect(done({ instances: 'a1 b2* c2*', nodes: { a1: null }, change: { desired: 3, max: 3, note: note(3, 0) } })).toEqual(['end a1']);
    expect(done({ instances: 'a1 b2* c2* b3*', nodes: { a1: null, b3: null }, change: { desired: 4 } })).toEqual([]);
  });
});

describe('how a roll ends', () => {
  it('ends what is too many, from the zone that has most, as carefully as an old one', () => {
    const many = { instances: 'a2* b2* b3* c2*', change: { desired: 4 } };
    const marked = { ...many, nodes: { b2: MARKED } };

    expect(done(many)).toEqual(['mark b2']);
    expect(done(marked)).toEqual(['cordon b2']);
    expect(done({ ...many, nodes: { b2: { ...MARKED, ...drained() } } })).toEqual(['end b2 and shrink']);
  });

  it('switches balancing on again, gives nodes back, then forgets', () => {
    const over = { instances: 'a2* b2* c2*' };
    const clean = { a2: node('a2', { zone: 'a' }), b2: node('b2', { zone: 'b' }), c2: node('c2', { zone: 'c' }) };
    const balanced = pool({ ...over, change: { rebalances: true } });

    expect(done(over)).toEqual(['rebalance on']);
    expect(told(decide([balanced]).actions)).toEqual(['keep a2', 'keep b2', 'keep c2']);
    expect(told(decide([{ ...balanced, nodes: Object.values(clean) }]).actions)).toEqual(['note none']);
  });

  it('leaves balancing off where it was off before', () => {
    expect(done({ instances: 'a2* b2* c2*', change: { note: '3 1 as-it-was 2026-03-01T11:00:00.000Z' } })[0]).toBe('keep a2');
  });

  it('releases a node that is current again, drained or marked', () => {
    expect(done({ instances: 'a1 b2* c2* a2*', nodes: { b2: drained(), c2: MARKED } })).toEqual(['release b2', 'unmark c2']);
  });
});

describe('when no node may be begun', () => {
  const wait = { permission: { decision: 'wait', reason: 'halted' } } as const;
  const later = { permission: { decision: 'later', reason: 'frozen' } } as const;
  const RUNNING = { instances: 'a1 b1 c1 a2*' };

  it('nothing is touched where nothing was begun', () => {
    const decision = decide([pool({ instances: 'a1 b1 c1', change: { note: undefined } })], wait);

    expect(decision).toMatchObject({ done: false, actions: [], waits: [{ reason: 'halted' }] });
  });

  it('none is added or begun, and what is begun is finished', () => {
    const idle = decide([pool(RUNNING)], wait);
    const busy = decide([pool({ ...RUNNING, nodes: { b1: drained() } })], wait);

    expect([idle.actions, reasons(idle)]).toEqual([[], ['halted']]);
    expect([told(busy.actions), reasons(busy)]).toEqual([['end b1'], ['halted']]);
  });

  it('later: what is begun is finished, the rest is given back and left', () => {
    const busy = decide([pool({ ...RUNNING, nodes: { b1: drained() } })], later);
    const idle = decide([pool({ ...RUNNING, change: { rebalances: true } })], later);
    const untouched = decide([pool({ instances: 'a1 b1', change: { note: undefined } })], { ...later, nodes: [node('a1'), node('b1')] });

    expect([busy.done, told(busy.actions)]).toEqual([false, ['end b1']]);
    expect([idle.done, told(idle.actions)]).toEqual([false, ['unmark a1', 'unmark b1', 'unmark c1', 'keep a2']]);
    expect(untouched).toMatchObject({ done: true, deferred: 2, actions: [] });
  });

  it('what was added stays known', () => {
    const made = pool({ ...RUNNING, change: { rebalances: true } });
    const given = made.nodes.map(({ metadata }) => node(metadata.name, { zone: metadata.name.slice(0, 1) }));

    expect(decide([{ ...made, nodes: given }], later)).toMatchObject({ done: true, deferred: 3, actions: [] });
  });
});

describe('what a cordon remembers', () => {
  it('how many Ready pods each controller had that has a Ready one on the node', () => {
    const pods = [
      pod({ node: 'b1' }),
      pod({ name: 'web-2', node: 'a1' }),
      pod({ name: 'web-3', node: 'c1', ready: false }),
      pod({ name: 'cache-1', node: 'b1', owner: { kind: 'StatefulSet', uid: 'cache' }, ready: false }),
      pod({ name: 'task-1', node: 'b1', owner: { kind: 'Job', uid: 'job' } }),
      pod({ name: 'agent-1', node: 'b1', owner: { kind: 'DaemonSet', uid: 'agent' } }),
    ];
    const action = decide([pool({ instances: 'a1 b1 c1 a2*' })], { pods }).actions[0];
    const patched = action?.type === 'patch-node' ? action.patch : undefined;

    expect(patched?.metadata.annotations).toEqual({
      'sluice/drain-started': NOW.toISOString(),
      'sluice/drain-awaits': 'rs-web=2',
      'sluice/cordoned': 'true',
    });
    expect(isMarked(node('b1', MARKED))).toBe(true);
  });
});
