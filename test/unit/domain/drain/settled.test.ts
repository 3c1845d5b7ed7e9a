import { describe, expect, it } from 'vitest';
import { awaitedOf, unsettledOf } from '#domain/drain/settled.ts';
import { type PodShape, pod } from '../../../support/drain.ts';

const of = (uid: string, kind = 'ReplicaSet') => ({ kind, uid });

describe('what is to be Ready again', () => {
  it.each<[string, PodShape[], Record<string, number>]>([
    [
      'each controller with a Ready pod on the node, with all that it has',
      [{ node: 'n1' }, { node: 'n2', name: 'web-2' }],
      { 'rs-web': 2 },
    ],
    ['each for itself', [{ owner: of('a') }, { name: 'b-1', owner: of('b') }, { name: 'b-2', node: 'n2', owner: of('b') }], { a: 1, b: 2 }],
    ['none of a pod elsewhere', [{ node: 'n2' }], {}],
    ['none of a pod that is not Ready', [{ ready: false }, { name: 'web-2', node: 'n2' }], {}],
    ['not counting pods that are not Ready', [{}, { name: 'web-2', node: 'n2', ready: false }], { 'rs-web': 1 }],
    ['nor those that are ending', [{}, { name: 'web-2', node: 'n2', ending: -10 }], { 'rs-web': 1 }],
    ['nor finished ones', [{}, { name: 'web-2', node: 'n2', phase: 'Succeeded' }], { 'rs-web': 1 }],
    ['none of a pod that is ending', [{ ending: -10 }, { name: 'web-2', node: 'n2' }], {}],
    ['none of a job', [{ owner: of('j', 'Job') }], {}],
    ['none of what ends with its node', [{ owner: of('d', 'DaemonSet') }], {}],
    ['none of a bare pod', [{ owner: of('', '') }], {}],
  ])('%s', (_name, shapes, awaited) => {
    expect(Object.fromEntries(awaitedOf('n1', shapes.map(pod)))).toEqual(awaited);
  });
});

describe('what is not Ready again yet', () => {
  const left = (awaits: Record<string, number>, shapes: PodShape[], replicas: Record<string, number> = {}): string[] =>
    unsettledOf(new Map(Object.entries(awaits)), { pods: shapes.map(pod), replicas: new Map(Object.entries(replicas)) });

  it.each<[string, Record<string, number>, PodShape[], Record<string, number>, string[]]>([
    ['as many as before are', { 'rs-web': 1 }, [{}], { 'rs-web': 1 }, []],
    ['one less', { 'rs-web': 2 }, [{}], { 'rs-web': 2 }, ['shop/rs-web (1 of 2)']],
    ['one is not Ready', { 'rs-web': 2 }, [{}, { name: 'web-2', ready: false }], { 'rs-web': 2 }, ['shop/rs-web (1 of 2)']],
    ['one is ending', { 'rs-web': 2 }, [{}, { name: 'web-2', ending: -10 }], { 'rs-web': 2 }, ['shop/rs-web (1 of 2)']],
    ['one is finished', { 'rs-web': 2 }, [{}, { name: 'web-2', phase: 'Failed' }], { 'rs-web': 2 }, ['shop/rs-web (1 of 2)']],
    ['fewer are wanted now', { 'rs-web': 2 }, [{}], { 'rs-web': 1 }, []],
    ['more are wanted now', { 'rs-web': 1 }, [{}], { 'rs-web': 5 }, []],
    ['all are gone, and are wanted', { 'rs-web': 2 }, [], { 'rs-web': 2 }, ['rs-web (0 of 2)']],
    ['nobody knows how many are wanted: those that are there', { 'rs-web': 2 }, [{ ready: false }], {}, ['shop/rs-web (0 of 1)']],
    ['nobody knows, and none is there', { 'rs-web': 2 }, [], {}, []],
    ['nobody knows, and what is there is ending', { 'rs-web': 2 }, [{ ending: -10 }], {}, []],
    [
      'pods of others do not help',
      { 'rs-web': 1 },
      [{ owner: of('other') }, { name: 'x', owner: of('', '') }],
      { 'rs-web': 1 },
      ['rs-web (0 of 1)'],
    ],
    ['three are told', { a: 1, b: 1, c: 1 }, [], { a: 1, b: 1, c: 1 }, ['a (0 of 1)', 'b (0 of 1)', 'c (0 of 1)']],
    [
      'and how many more there are',
      { a: 1, b: 1, c: 1, d: 1, e: 1 },
      [],
      { a: 1, b: 1, c: 1, d: 1, e: 1 },
      ['a (0 of 1)', 'b (0 of 1)', 'c (0 of 1)', '2 more'],
    ],
  ])('%s', (_name, awaits, shapes, replicas, unsettled) => {
    expect(left(awaits, shapes, replicas)).toEqual(unsettled);
  });
});
