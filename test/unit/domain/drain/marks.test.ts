import { describe, expect, it } from 'vitest';
import {
  cordonPatch,
  drainOf,
  forcedPatch,
  isKept,
  isMarked,
  isReady,
  keepPatch,
  markPatch,
  oneByOnePatch,
  releasePatch,
} from '#domain/drain/marks.ts';
import type { Node } from '#model/kubernetes.ts';
import { ago, NOW, type NodeShape, node } from '../../../support/drain.ts';

const DISABLED = 'cluster-autoscaler.kubernetes.io/scale-down-disabled';
const OFF = 'sluice/scale-down-off';
const STARTED = { 'sluice/drain-started': NOW.toISOString() };
const PENDING = { key: 'decommission-pending', value: 'rolling-upgrade', effect: 'PreferNoSchedule' };
const OTHER = { key: 'gpu', effect: 'NoSchedule' };
const LABEL = { 'lifecycle-status': 'decommission-pending' };

/** A node that does not tell its version. */
function unversioned(shape: NodeShape = {}): Node {
  const { metadata, ...rest } = node('n1', shape);
  const { resourceVersion: _, ...others } = metadata;
  return { ...rest, metadata: others };
}

describe('what a node is', () => {
  it.each([
    ['Ready', [{ type: 'Ready', status: 'True' }], true],
    [
      'Ready among other conditions',
      [
        { type: 'DiskPressure', status: 'False' },
        { type: 'Ready', status: 'True' },
      ],
      true,
    ],
    ['not Ready', [{ type: 'Ready', status: 'False' }], false],
    ['of unknown state', [{ type: 'Ready', status: 'Unknown' }], false],
    ['under pressure alone', [{ type: 'DiskPressure', status: 'True' }], false],
    ['silent', [], false],
  ])('ready: %s', (_name, conditions, ready) => {
    const one = node('n1');

    expect(isReady({ ...one, status: { ...one.status, conditions } })).toBe(ready);
  });

  it.each<[string, NodeShape, boolean]>([
    ['label and taint', { labels: LABEL, taints: [PENDING] }, true],
    ['beside another taint', { labels: LABEL, taints: [OTHER, PENDING] }, true],
    ['the label alone', { labels: LABEL, taints: [OTHER] }, false],
    ['the taint alone', { taints: [PENDING] }, false],
    ['another label', { labels: { 'lifecycle-status': 'ready' }, taints: [PENDING] }, false],
    ['neither', {}, false],
  ])('marked: %s', (_name, shape, marked) => {
    expect(isMarked(node('n1', shape))).toBe(marked);
  });

  it.each([
    ['true', true],
    ['false', false],
  ])('kept from the autoscaler: %s', (value, kept) => {
    expect(isKept(node('n1', { annotations: { [DISABLED]: value } }))).toBe(kept);
    expect(isKept(node('n1'))).toBe(false);
  });
});

describe('marks', () => {
  const KEEP = { [DISABLED]: 'true', [OFF]: 'true' };

  it('are a label, a taint that replaces nobody’s, and the autoscaler off', () => {
    expect(markPatch(node('n1', { taints: [OTHER, { ...PENDING, effect: 'NoSchedule' }] }))).toEqual({
      metadata: { resourceVersion: '7', labels: LABEL, annotations: KEEP },
      spec: { taints: [OTHER, PENDING] },
    });
  });

  it.each<[string, NodeShape, object]>([
    ['the autoscaler is on', {}, KEEP],
    ['a person switched it off', { annotations: { [DISABLED]: 'true' } }, {}],
    ['a roll did', { annotations: KEEP }, KEEP],
    ['it was on again although a roll had it off', { annotations: { ...KEEP, [DISABLED]: 'false' } }, KEEP],
  ])('of a node that stays: %s', (_name, shape, annotations) => {
    expect(keepPatch(node('n1', shape))).toEqual({ metadata: { resourceVersion: '7', annotations } });
  });

  it('do not ask for a version that nobody told', () => {
    expect(keepPatch(unversioned())).toEqual({ metadata: { annotations: KEEP } });
  });
});

describe('a drain', () => {
  it('is begun by a cordon, which remembers what it was and what is awaited', () => {
    const awaits = new Map([
      ['rs-1', 12],
      ['rs-2', 3],
    ]);
    const annotations = { ...STARTED, 'sluice/drain-awaits': 'rs-1=12 rs-2=3' };

    expect(cordonPatch(node('n1'), NOW, awaits)).toEqual({
      metadata: { resourceVersion: '7', annotations: { ...annotations, 'sluice/cordoned': 'true' } },
      spec: { unschedulable: true },
    });
    expect(cordonPatch(node('n1', { cordoned: true }), NOW, awaits)).toEqual({
      metadata: { resourceVersion: '7', annotations },
      spec: { unschedulable: true },
    });
  });

  it('goes one by one, and forces, by patches that change nothing else', () => {
    expect(oneByOnePatch()).toEqual({ metadata: { annotations: { 'sluice/drain-mode': 'one-by-one' } } });
    expect(forcedPatch(NOW)).toEqual({ metadata: { annotations: { 'sluice/last-forced': NOW.toISOString() } } });
  });

  it.each<[string, NodeShape, ReturnType<typeof drainOf>]>([
    ['not cordoned', { annotations: STARTED }, undefined],
    ['cordoned by somebody', { cordoned: true }, undefined],
    ['since a time that is none', { cordoned: true, annotations: { 'sluice/drain-started': 'soon' } }, undefined],
    ['begun', { cordoned: true, annotations: STARTED }, { since: NOW, oneByOne: false, awaits: new Map() }],
    [
      'one by one, after a forced deletion',
      {
        cordoned: true,
        annotations: { ...STARTED, 'sluice/drain-mode': 'one-by-one', 'sluice/last-forced': ago(60).toISOString() },
      },
      { since: NOW, oneByOne: true, lastForced: ago(60), awaits: new Map() },
    ],
    [
      'in another mode, after one at no time',
      { cordoned: true, annotations: { ...STARTED, 'sluice/drain-mode': 'slow', 'sluice/last-forced': '' } },
      { since: NOW, oneByOne: false, awaits: new Map() },
    ],
    [
      'with what is awaited, as far as it can be read',
      { cordoned: true, annotations: { ...STARTED, 'sluice/drain-awaits': 'rs-1=12 =4 rs-2 rs-3=x4 rs-4=4x a=b=5  rs-5=0' } },
      {
        since: NOW,
        oneByOne: false,
        awaits: new Map([
          ['rs-1', 12],
          ['a=b', 5],
          ['rs-5', 0],
        ]),
      },
    ],
  ])('is read from its node: %s', (_name, shape, drain) => {
    expect(drainOf(node('n1', shape))).toEqual(drain);
  });

  it('that awaits nothing is not asked for anything', () => {
    expect(Object.keys(drainOf(node('n1', { cordoned: true, annotations: STARTED })) ?? {})).toEqual(['since', 'oneByOne', 'awaits']);
  });
});

describe('what a release takes back', () => {
  const ALL = {
    ...STARTED,
    'sluice/drain-mode': 'one-by-one',
    'sluice/drain-awaits': 'rs=1',
    'sluice/last-forced': NOW.toISOString(),
    'sluice/cordoned': 'true',
    [OFF]: 'true',
    [DISABLED]: 'true',
    'example.org/own': 'kept',
  };

  it.each<[string, NodeShape, object | undefined]>([
    ['nothing', { annotations: { 'example.org/own': 'kept' }, taints: [OTHER], labels: { 'lifecycle-status': 'ready' } }, undefined],
    ['a cordon and an autoscaler of a person', { cordoned: true, annotations: { [DISABLED]: 'true' } }, undefined],
    [
      'everything of a roll',
      { cordoned: true, annotations: ALL, labels: LABEL, taints: [PENDING, OTHER] },
      {
        metadata: {
          resourceVersion: '7',
          labels: { 'lifecycle-status': 'ready' },
          annotations: {
            'sluice/drain-started': null,
            'sluice/drain-mode': null,
            'sluice/drain-awaits': null,
            'sluice/last-forced': null,
            'sluice/cordoned': null,
            [OFF]: null,
            [DISABLED]: null,
          },
        },
        spec: { taints: [OTHER], unschedulable: false },
      },
    ],
    ['the taint alone', { taints: [OTHER, PENDING] }, { metadata: { resourceVersion: '7', annotations: {} }, spec: { taints: [OTHER] } }],
    [
      'the label alone',
      { labels: LABEL },
      { metadata: { resourceVersion: '7', labels: { 'lifecycle-status': 'ready' }, annotations: {} }, spec: {} },
    ],
    [
      'the autoscaler alone',
      { annotations: { [OFF]: 'true', [DISABLED]: 'true' } },
      { metadata: { resourceVersion: '7', annotations: { [OFF]: null, [DISABLED]: null } }, spec: {} },
    ],
    [
      'a drain of a node that a person had cordoned and kept',
      { cordoned: true, annotations: { ...STARTED, [DISABLED]: 'true' } },
      { metadata: { resourceVersion: '7', annotations: { 'sluice/drain-started': null } }, spec: {} },
    ],
  ])('%s', (_name, shape, patch) => {
    expect(releasePatch(node('n1', shape))).toEqual(patch);
  });
});
