import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { liveSkewProblems } from '#domain/live-skew.ts';
import { decidePhase, type MovePhase, type Truth } from '#domain/phase-move.ts';
import { decideMove, type VersionState } from '#domain/version-move.ts';

/** Rows of the table of a document that has this heading line, each as its cells. */
function table(heading: string): string[][] {
  const lines = readFileSync('docs/operate.md', 'utf8').split('\n');
  const from = lines.indexOf(heading);
  if (from < 0) throw new Error(`docs/operate.md has no table ${heading}`);
  const rest = lines.slice(from + 2);
  const rows = rest.slice(
    0,
    rest.findIndex((line) => !line.startsWith('|')),
  );
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function state(kubernetes: string, etcd = '3.6.16', definitions: VersionState['definitions'] = []): VersionState {
  return { versions: { kubernetes, etcd }, definitions };
}

const GATE = { name: 'gates.example.net', storage: 'v1', versions: ['v1', 'v2'] };
const NEWER_GATE = { name: 'gates.example.net', storage: 'v2', versions: ['v2'] };

/** Of each row of the first table: moves that it is about. */
const MOVES: Readonly<Record<string, readonly (readonly [VersionState, VersionState])[]>> = {
  'another patch of the same minor, up or down': [
    [state('1.35.4'), state('1.35.9')],
    [state('1.35.9'), state('1.35.4')],
    [state('1.35.4', '3.6.16'), state('1.35.4', '3.6.11')],
  ],
  'Kubernetes or etcd one minor up': [
    [state('1.35.4'), state('1.36.3')],
    [state('1.35.4', '3.6.16'), state('1.35.4', '3.7.0')],
  ],
  'more than one minor up at once': [
    [state('1.34.1'), state('1.36.3')],
    [state('1.35.4', '3.5.32'), state('1.35.4', '3.7.0')],
  ],
  'Kubernetes to a lower minor': [[state('1.36.3'), state('1.35.4')]],
  'etcd 3.7 → 3.6.11 or later': [[state('1.35.4', '3.7.0'), state('1.35.4', '3.6.11')]],
  'etcd to another lower minor': [
    [state('1.35.4', '3.6.16'), state('1.35.4', '3.5.32')],
    [state('1.35.4', '3.7.0'), state('1.35.4', '3.6.10')],
  ],
  'etcd 3.5 below 3.5.32 → 3.6, etcd 3.6 below 3.6.11 → 3.7': [
    [state('1.35.4', '3.5.31'), state('1.35.4', '3.6.16')],
    [state('1.35.4', '3.6.10'), state('1.35.4', '3.7.0')],
  ],
  'a CustomResourceDefinition without the version that its objects are stored in': [
    [state('1.35.4', '3.6.16', [GATE]), state('1.35.4', '3.6.16', [NEWER_GATE])],
  ],
};
/** Rows about what the record says of updates that did not end; begin-update's tests are about those. */
const OF_RECORDS = [
  'after a half-done update that had begun with etcd or the control plane (`reached` in the record)',
  'after one that had not',
];

const PHASES: readonly MovePhase[] = ['begin', 'control-plane', 'nodes', 'workloads'];
const FINE: Truth = { servers: ['1.36.3'], kubelets: ['1.36.3'], stored: [] };
/** Of each row of the second table: clusters as it says, for an update to 1.36.3. */
const TRUTHS: Readonly<Record<string, readonly Truth[]>> = {
  'an API server of a newer minor, or more than one minor back, runs': [
    { ...FINE, servers: ['1.36.3', '1.37.0'] },
    { ...FINE, servers: ['1.36.3', '1.34.9'] },
  ],
  'a node is newer than the API server will be, or more than three minors behind it': [
    { ...FINE, kubelets: ['1.37.0'] },
    { ...FINE, kubelets: ['1.32.9', '1.36.3'] },
  ],
  'an API server of an older minor than the nodes will have still runs': [{ ...FINE, servers: ['1.36.3', '1.35.4'] }],
  'a CustomResourceDefinition would lose a version of its `status.storedVersions`': [
    { ...FINE, stored: [{ name: 'gates.example.net', storage: 'v1', versions: [] }] },
  ],
};

describe('the tables of where a cluster can go', () => {
  it('say of each move what the code decides', () => {
    const rows = table('| from → to | | because |');

    expect(rows.map(([what]) => what)).toEqual([...Object.keys(MOVES), ...OF_RECORDS]);
    for (const [what = '', verdict] of rows) {
      for (const [from, to] of MOVES[what] ?? []) {
        const told = decideMove(from, to).length === 0 ? 'yes' : 'no';
        expect(told, `${what}: ${JSON.stringify([from.versions, to.versions])}`).toBe(verdict);
      }
    }
  });

  it('say before which phase a cluster that is otherwise than it should be stops the update', () => {
    const rows = table('| | at the beginning | control plane | nodes | workloads |');

    expect(rows.map(([what]) => what)).toEqual(Object.keys(TRUTHS));
    for (const [what = '', ...cells] of rows) {
      expect(cells).toHaveLength(PHASES.length);
      for (const truth of TRUTHS[what] ?? []) {
        const decided = PHASES.map((phase) => {
          const older = truth.servers.some((server) => server.startsWith('1.34.'));
          // A server that is two minors back stops the nodes too, by the row below.
          if (older && phase === 'nodes') return '';
          return decidePhase(phase, truth, state('1.36.3', '3.6.16', [NEWER_GATE])).length === 0 ? '' : 'refused';
        });
        expect(decided, `${what}: ${JSON.stringify(truth)}`).toEqual(cells);
      }
    }
    for (const phase of PHASES) expect(decidePhase(phase, FINE, state('1.36.3', '3.6.16', [NEWER_GATE]))).toEqual([]);
  });

  it('are asked of each node in the same way right before the act', () => {
    const truths = TRUTHS['a node is newer than the API server will be, or more than three minors behind it'] ?? [];

    expect(truths.length).toBeGreaterThan(1);
    for (const kubelet of [
      '1.31.0',
      '1.32.9',
      '1.33.0',
      '1.35.4',
      '1.36.3',
      '1.36.9',
      '1.37.0',
      ...truths.flatMap(({ kubelets }) => kubelets),
    ]) {
      const phase = decidePhase('control-plane', { ...FINE, kubelets: [kubelet] }, state('1.36.3'));
      expect(phase.length, kubelet).toBe(liveSkewProblems('1.36.3', ['1.36.3'], [{ name: 'kubelet of n1', version: kubelet }]).length);
    }
  });
});
