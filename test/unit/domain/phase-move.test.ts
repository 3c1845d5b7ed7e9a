import { describe, expect, it } from 'vitest';
import { decidePhase, type MovePhase, type Truth } from '#domain/phase-move.ts';
import type { VersionState } from '#domain/version-move.ts';

function truth(change: Partial<Truth> = {}): Truth {
  return { servers: ['1.35.4'], kubelets: ['1.35.4'], stored: [], ...change };
}

function to(kubernetes: string, definitions: VersionState['definitions'] = []): VersionState {
  return { versions: { kubernetes, etcd: '3.6.16' }, definitions };
}

const GATE = [{ name: 'gates.example.net', storage: 'v2', versions: ['v1', 'v2'] }];
const OLD_GATE = [{ name: 'gates.example.net', storage: 'v2', versions: ['v2'] }];
const STORED = [
  { name: 'gates.example.net', storage: 'v1', versions: [] },
  { name: 'gates.example.net', storage: 'v2', versions: [] },
];

describe('decidePhase', () => {
  it.each<[string, MovePhase, Truth, VersionState, boolean]>([
    ['the same minor', 'begin', truth(), to('1.35.9'), true],
    ['the next minor', 'begin', truth(), to('1.36.3'), true],
    ['a lower minor', 'begin', truth({ servers: ['1.36.3'], kubelets: [] }), to('1.35.4'), false],
    [
      'a lower minor that one of two servers has left',
      'control-plane',
      truth({ servers: ['1.35.4', '1.36.3'], kubelets: [] }),
      to('1.35.4'),
      false,
    ],
    ['two minors at once', 'begin', truth({ servers: ['1.34.1'] }), to('1.36.3'), false],
    ['a node that would be newer than its API server', 'control-plane', truth({ kubelets: ['1.36.3'] }), to('1.35.4'), false],
    ['a node three minors behind', 'control-plane', truth({ kubelets: ['1.33.1'] }), to('1.36.3'), true],
    ['a node four minors behind', 'control-plane', truth({ kubelets: ['1.32.1', '1.35.4'] }), to('1.36.3'), false],
    ['nodes once every server is new', 'nodes', truth({ servers: ['1.36.3'] }), to('1.36.3'), true],
    ['nodes while one server is old', 'nodes', truth({ servers: ['1.35.4', '1.36.3'] }), to('1.36.3'), false],
    ['nodes of a patch that servers do not have yet', 'nodes', truth(), to('1.35.9'), true],
    ['workloads while one server is old', 'workloads', truth(), to('1.36.3'), true],
    ['definitions that know all that is stored', 'begin', truth({ stored: STORED }), to('1.35.4', GATE), true],
    ['a definition without a version that is stored', 'begin', truth({ stored: STORED }), to('1.35.4', OLD_GATE), false],
    ['the same before workloads', 'workloads', truth({ stored: STORED }), to('1.35.4', OLD_GATE), false],
    ['a definition that goes whole', 'begin', truth({ stored: STORED }), to('1.35.4'), true],
    ['a cluster without nodes and definitions', 'begin', truth({ kubelets: [] }), to('1.36.3'), true],
  ])('%s before %s', (_, phase, seen, next, fits) => {
    const problems = decidePhase(phase, seen, next);

    expect(problems.length === 0).toBe(fits);
    expect(new Set(problems).size).toBe(problems.length);
  });

  it('says what is in the way', () => {
    expect(decidePhase('control-plane', truth({ servers: ['1.36.3'], kubelets: ['1.36.3', '1.31.0'] }), to('1.35.4'))).toEqual([
      "kubernetes can't go back from 1.36.3 to 1.35.4: what it stores is of the newer minor.",
      '1.36.3 runs on a node, which is newer than the API server of 1.35.4 would be.',
      '1.31.0 runs on a node, which is more than 3 minors behind 1.35.4. Roll the nodes first.',
    ]);
    expect(decidePhase('nodes', truth(), to('1.36.3'))).toEqual(["nodes can't go to 1.36.3 while an API server of 1.35.4 runs."]);
  });
});
