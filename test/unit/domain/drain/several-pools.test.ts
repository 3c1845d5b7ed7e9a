import { describe, expect, it } from 'vitest';
import type { RollFacts } from '#domain/drain/view.ts';
import { ago, NOW, pod } from '../../../support/drain.ts';
import { decide, drained, note, pool, type Setting, told } from '../../../support/roll.ts';

const BEGAN = new Date('2026-03-01T11:00:00.000Z');
const LATER = { permission: { decision: 'later', reason: 'frozen' } } as const;
const WAIT = { permission: { decision: 'wait', reason: 'halted' } } as const;

/** `general`, then `batch`. */
function two(first: Setting, second: Setting, change: Partial<RollFacts> = {}) {
  const { actions, ...rest } = decide([pool(first), pool({ ...second, pool: { name: 'batch', ...second.pool } })], change);
  return { actions: told(actions), ...rest };
}

function one(setting: Setting, change: Partial<RollFacts> = {}) {
  const { actions, ...rest } = decide([pool(setting)], change);
  return { actions: told(actions), ...rest };
}

describe('several pools', () => {
  it('are given back together, once nothing of any of them is drained', () => {
    const busy = two(
      { instances: 'a1 a2*', nodes: { a1: drained() }, change: { note: note(1, 1) } },
      { instances: 'a6', change: { note: note(1, 1) } },
      LATER,
    );
    const idle = two({ instances: 'a1' }, { instances: 'a6' }, LATER);

    expect(busy).toMatchObject({ done: false, deferred: 0, actions: ['end a1 and shrink'] });
    expect(idle).toMatchObject({ done: false, deferred: 2, actions: ['rebalance on', 'rebalance on'] });
    expect(idle.doing).toEqual(['pool general is given back', 'pool batch is given back']);
  });

  it('have begun once one of them has', () => {
    const begun = two(
      { instances: 'a1 a2*', nodes: { a1: drained() }, change: { note: note(1, 1) } },
      { instances: 'a6', change: { note: undefined } },
      WAIT,
    );

    expect(begun.actions).toEqual(['note 1 1 as-it-was']);
  });

  it('are all prepared before one of them is touched', () => {
    const prepared = two({ instances: 'a1 b1 c1' }, { instances: 'a6', nodes: { a6: { labels: {} } }, change: { note: note(1, 1) } });

    expect(prepared.actions).toEqual(['mark a6']);
    expect(prepared.doing).toEqual(['marking 1 nodes of pool batch']);
  });

  it('that are over are left alone while others are rolled', () => {
    const over = {
      instances: 'a2* b2* c2*',
      nodes: { a2: { annotations: { 'cluster-autoscaler.kubernetes.io/scale-down-disabled': 'no' } } },
    };

    expect(two(over, { instances: 'a6 b6 c6' })).toMatchObject({ actions: ['desired 4'], doing: ['adding 1 to pool batch'] });
  });

  it('share the addresses that are free', () => {
    const surge = { instances: 'a1 b1 c1', change: { note: note(3, 2) } };
    const other = { instances: 'a6 b6 c6', change: { note: note(3, 2) } };

    expect(two(surge, other, { room: 4 }).actions).toEqual(['desired 5', 'desired 5']);
    expect(two(surge, other, { room: 3 }).actions).toEqual(['desired 5', 'desired 4']);
    expect(two(surge, other, { room: 2 }).actions).toEqual(['desired 5']);
    expect(two(surge, other, { room: undefined }).actions).toEqual(['desired 4', 'desired 4']);
  });

  it('that are stateful take turns, also in one zone', () => {
    const turns = two(
      { pool: { stateful: true }, instances: 'a1 a2*', change: { note: note(1, 1) } },
      { pool: { stateful: true }, instances: 'a6 a7*', nodes: { a6: drained() }, change: { note: note(1, 1) } },
      { pods: [pod({ node: 'a6' })] },
    );

    expect(turns.actions).toEqual(['evict web-1']);
    expect(turns.waits.map(({ reason }) => reason)).toEqual([
      'evicting shop/web-1 from a6',
      'waiting until pool general has 2 nodes that take pods; it has 2',
    ]);
  });

  it('one of which is stateful do not', () => {
    const beside = two(
      { instances: 'a1 a2*', change: { note: note(1, 1) } },
      { pool: { stateful: true }, instances: 'a6 a7*', nodes: { a6: drained() }, change: { note: note(1, 1) } },
      { pods: [pod({ node: 'a6' })] },
    );

    expect(beside.actions).toEqual(['evict web-1', 'cordon a1']);
  });
});

describe('what is said', () => {
  it.each<[string, Setting, Partial<RollFacts>, string[]]>([
    ['noting', { instances: 'a1 b1 c1', change: { note: undefined } }, {}, ['pool general: 3 to replace, 1 more at once']],
    [
      'switching balancing off',
      { instances: 'a1 b1 c1', change: { rebalances: true } },
      {},
      ['pool general: 3 to replace, 1 more at once'],
    ],
    [
      'marking',
      {
        instances: 'a1 b1*',
        nodes: { a1: { labels: {} }, b1: { annotations: { 'cluster-autoscaler.kubernetes.io/scale-down-disabled': '' } } },
        change: { note: note(2, 1) },
      },
      {},
      ['marking 2 nodes of pool general'],
    ],
    ['adding', { instances: 'a1 b1 c1', change: { note: note(3, 3) } }, { room: 2 }, ['adding 2 to pool general']],
    ['beginning', { instances: 'a1 b1 c1 a2*' }, {}, ['replacing node b1']],
    ['ending', { instances: 'a1 b1 c1 a2*', nodes: { b1: drained() } }, {}, ['ending node b1, which is empty']],
    [
      'widening',
      { instances: 'a1 b2* b3* c2*' },
      { attached: new Set(['a1']) },
      ['pool general needs one more, for a zone that has no new node'],
    ],
    [
      'ending what never joined',
      { instances: 'a1 b2* c2*', nodes: { a1: null }, change: { max: 3, note: note(3, 0) } },
      {},
      ['old instance a1 never joined; ending it'],
    ],
    ['giving back', { instances: 'a1*' }, {}, ['pool general is given back']],
    ['unmarking', { instances: 'a1', change: { rebalances: true } }, LATER, ['pool general is given back']],
    ['forgetting', { instances: '', change: { rebalances: true, desired: 3 } }, {}, ['pool general is given back']],
    ['nothing', { instances: 'a1*', change: { note: undefined }, nodes: { a1: null } }, {}, []],
    ['nothing while it waits', { instances: 'a1 b1 c1 a2*', nodes: { a2: null } }, {}, []],
  ])('%s', (_name, setting, change, doing) => {
    expect(one(setting, change).doing).toEqual(doing);
  });

  it('of a wait: since when, as far as it is known', () => {
    const evicting = one({ instances: 'a1 b1 c1 a2*', nodes: { b1: drained(90) } }, { pods: [pod({ node: 'b1' })] });
    const booting = one({ instances: 'a1 b1 c1 a2*', nodes: { a2: null } });
    const short = one({ instances: 'a1 b1 c1', change: { desired: 4 } });
    const halted = one({ instances: 'a1 b1 c1' }, WAIT);

    expect(evicting).toMatchObject({
      doing: ['evicting shop/web-1 from b1'],
      waits: [{ reason: 'evicting shop/web-1 from b1', since: ago(90) }],
    });
    expect(booting.waits).toEqual([{ reason: 'waiting until a2 (InService, Healthy) of pool general is Ready', since: BEGAN }]);
    expect(short.waits).toEqual([{ reason: 'waiting until pool general has 4 nodes that take pods; it has 3', since: BEGAN }]);
    expect(halted).toMatchObject({ done: false, deferred: 0, actions: [], doing: [], waits: [{ reason: 'halted' }] });
  });

  it('nothing where nothing is waited for', () => {
    expect(one({ instances: 'a1 b1 c1' }).waits).toEqual([]);
    expect(one({ instances: 'a1*', change: { note: undefined }, nodes: { a1: null } })).toEqual({
      done: true,
      deferred: 0,
      actions: [],
      doing: [],
      waits: [],
    });
  });

  it('of a node that must go and of one that takes no pods: how many do', () => {
    const sequential = two(
      { pool: { stateful: true }, instances: 'a1 a3 a2*', nodes: { a3: { ready: false } }, change: { note: note(2, 1) } },
      { pool: { stateful: true }, instances: 'a6 a7*', nodes: { a6: drained() }, change: { note: note(1, 1) } },
      { pods: [pod({ node: 'a6' })] },
    );

    expect(sequential.waits.map(({ reason }) => reason)).toContain('waiting until pool general has 3 nodes that take pods; it has 2');
  });
});

describe('how many nodes are begun at once', () => {
  const POD = { pods: [pod({ node: 'a1' })] };

  it.each<[string, Setting, Partial<RollFacts>, string[]]>([
    [
      'another one beside one that is drained, as far as new ones stand in for it',
      { instances: 'a1 a3 a4* a5*', nodes: { a1: drained() }, change: { note: note(2, 2) } },
      POD,
      ['evict web-1', 'cordon a3'],
    ],
    [
      'none more than were added',
      { instances: 'a1 a3 a4*', nodes: { a1: drained(), a3: { ready: false } }, change: { note: note(2, 1) } },
      POD,
      ['evict web-1'],
    ],
    [
      'a drained one is not counted as one that takes no pods',
      { instances: 'a1 a3 b1 a4*', nodes: { a1: drained() }, change: { note: note(3, 2) } },
      { ...POD, room: 0 },
      ['evict web-1'],
    ],
    ['one in place where the group is full', { instances: 'a1 b1 c1', change: { note: note(3, 0), max: 3 } }, {}, ['cordon a1']],
    ['one in place where there is no address', { instances: 'a1 b1 c1' }, { room: 0 }, ['cordon a1']],
    ['none in place where one was added already', { instances: 'a1 b1 c1 a2*', nodes: { a2: null } }, { room: 0 }, []],
    [
      'none in place where nobody knows of addresses',
      { instances: 'a1 b1 c1 a2*', nodes: { a2: null }, change: { desired: 3 } },
      { room: undefined },
      [],
    ],
    [
      'none where all are on their way',
      { instances: 'a1 a2* b2*', nodes: { a1: drained() }, change: { note: note(1, 2) } },
      POD,
      ['evict web-1'],
    ],
  ])('%s', (_name, setting, change, actions) => {
    expect(one(setting, change).actions).toEqual(actions);
  });

  it('tells no wait for a zone where all are on their way', () => {
    const { waits } = one({ instances: 'a1 a2* b2*', nodes: { a1: drained() }, change: { note: note(1, 2) } }, POD);

    expect(waits.map(({ reason }) => reason)).toEqual(['evicting shop/web-1 from a1']);
  });
});

describe('old instances that never joined', () => {
  it.each<[string, Setting, Partial<RollFacts>, string[]]>([
    [
      'all that was added for a version that was broken: one is ended, and comes anew',
      { instances: 'a1 b1 c1 a2', nodes: { a2: null } },
      {},
      ['end a2'],
    ],
    [
      'one of those before: it is ended and one less is too many',
      { instances: 'a1 b1 c1 a2*', nodes: { a1: null } },
      {},
      ['end a1 and shrink'],
    ],
    ['in a group that is full', { instances: 'a1 b1 c1', nodes: { a1: null }, change: { note: note(3, 0), max: 3 } }, {}, ['end a1']],
    [
      'not while others can be begun',
      { instances: 'a1 b1 c1 a2* b2*', nodes: { a1: null }, change: { note: note(3, 2) } },
      {},
      ['cordon c1'],
    ],
    [
      'not while one is drained',
      { instances: 'a1 b1 c1 a2*', nodes: { a1: null, b1: drained() } },
      { pods: [pod({ node: 'b1' })] },
      ['evict web-1'],
    ],
    ['not while a new one is on its way', { instances: 'a1 b1 c1 a2*', nodes: { a1: null, a2: null } }, {}, []],
    ['not before all is added that may be', { instances: 'a1 b1 c1', nodes: { a1: null } }, {}, ['desired 4']],
    ['one after the other', { instances: 'a1 b1', nodes: { a1: null, b1: null }, change: { note: note(2, 0), max: 2 } }, {}, ['end a1']],
  ])('%s', (_name, setting, change, actions) => {
    expect(one(setting, change).actions).toEqual(actions);
  });
});

describe('nodes that must be matched', () => {
  const at = (...names: string[]) => ({ attached: new Set(names) });

  it.each<[string, Setting, Partial<RollFacts>, string[]]>([
    [
      'all are added while one waits for its match, whatever is drained',
      { instances: 'a1 b1 c1 a2*', nodes: { a1: drained() }, change: { note: note(3, 3) } },
      { ...at('b1'), pods: [pod({ node: 'a1' })] },
      ['evict web-1', 'desired 6'],
    ],
    [
      'none more where all are being drained',
      { instances: 'a1 a2*', nodes: { a1: drained() }, change: { note: note(1, 3) } },
      { ...at('a1'), pods: [pod({ node: 'a1' })] },
      ['evict web-1'],
    ],
    [
      'one that comes may be the match',
      { instances: 'a1 b1 c1 a2*', nodes: { a2: { ready: false } }, change: { note: note(3, 3) } },
      at('a1'),
      ['desired 5'],
    ],
    [
      'the pool is not widened while one is drained',
      { instances: 'a1 b1 b2* c2*', nodes: { b1: drained() }, change: { note: note(3, 1) } },
      at('a1'),
      ['end b1 and shrink'],
    ],
    ['nor while one comes', { instances: 'a1 b2* b3* c2*', nodes: { b3: null } }, at('a1'), []],
    [
      'nor before an old instance that never joined is ended',
      { instances: 'a1 b1 b2* c2*', nodes: { b1: null }, change: { note: note(3, 1) } },
      at('a1'),
      ['end b1 and shrink'],
    ],
  ])('%s', (_name, setting, change, actions) => {
    expect(one(setting, change).actions).toEqual(actions);
  });

  it('tells since when a roll waits', () => {
    expect(one({ instances: 'a1 b2* b3* c2*', nodes: { b3: null } }, at('a1')).waits).toEqual([
      { reason: 'waiting until b3 (InService, Healthy) of pool general is Ready', since: BEGAN },
    ]);
    expect(NOW.getTime()).toBeGreaterThan(BEGAN.getTime());
  });
});
