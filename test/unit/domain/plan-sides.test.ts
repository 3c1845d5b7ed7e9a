import { describe, expect, it } from 'vitest';
import type { PlanItem } from '#domain/plan-items.ts';
import { type Candidate, createSides, type FoldedSide, isRaw, stackOf, templateOf } from '#domain/plan-sides.ts';
import type { ClusterRef } from '#model/settings.ts';
import { referenceConfiguration } from '../../support/reference-configuration.ts';

const CONFIGURATION = referenceConfiguration();
const CLUSTER: ClusterRef = {
  name: 'dev-1',
  account: '200000000001',
  region: 'eu-central-1',
  environment: 'development',
  network: '10.1.0.0/16',
  channel: 'dev',
};
const OTHER = { ...CLUSTER, name: 'dev-2', account: '200000000002', network: '10.2.0.0/16' };

const empty = createSides().of({ configuration: CONFIGURATION, cluster: CLUSTER });

function item(value: unknown, kind: PlanItem['kind'] = 'object'): PlanItem {
  return { kind, area: 'component zoo', name: 'ConfigMap default/one', part: 'zoo', value };
}

function side(items: Readonly<Record<string, PlanItem>>): FoldedSide {
  return { ...empty, items: new Map(Object.entries(items)) };
}

function candidates(before: Readonly<Record<string, PlanItem>>, after: Readonly<Record<string, PlanItem>>): readonly Candidate[] {
  const { all, changed } = createSides().pair(side(before), side(after));
  expect(changed).toEqual(all.filter(({ differs }) => differs));
  return all;
}

function candidate(before: PlanItem | undefined, after: PlanItem | undefined, key = 'key'): Candidate {
  const [only] = candidates(before === undefined ? {} : { [key]: before }, after === undefined ? {} : { [key]: after });
  if (only === undefined) throw new Error('no candidate');
  return only;
}

describe('what is rendered and compared once', () => {
  const sides = createSides();
  const of = (cluster: ClusterRef, configuration = CONFIGURATION) => sides.of({ configuration, cluster });

  it('is a configuration, for all clusters that differ by what is their own', () => expect(of(OTHER)).toBe(of(CLUSTER)));

  it.each<[string, Partial<ClusterRef>]>([
    ['environment', { environment: 'production' }],
    ['region', { region: 'eu-west-1' }],
    ['channel', { channel: 'beta' }],
  ])('is another one for another %s', (_name, change) => {
    expect(of({ ...CLUSTER, ...change })).not.toBe(of(CLUSTER));
  });

  it('is another one for another configuration', () => {
    const configuration = { ...CONFIGURATION, components: [] };

    expect(of(CLUSTER, configuration).render.components).toEqual([]);
    expect(of(CLUSTER).render.components.length).toBeGreaterThan(10);
  });

  it('is a pair of them, each template, and the lines of each candidate', () => {
    const [left, right] = [side({ a: item('x') }), side({ a: item('y') })];
    const [one] = sides.pair(left, right).all;
    const template = CONFIGURATION.templates.etcd;
    if (one === undefined) throw new Error('no candidate');

    expect(sides.pair(left, right)).toBe(sides.pair(left, right));
    expect(sides.pair(left, right)).not.toBe(sides.pair(left, left));
    expect(sides.launchTemplates(template)).toBe(sides.launchTemplates(template));
    expect(sides.launchTemplates(template)).not.toEqual(sides.launchTemplates(CONFIGURATION.templates['node-pool']));
    expect(sides.lines(one)).toBe(sides.lines(one));
  });
});

describe('what may have changed', () => {
  it('is each key of both sides, once', () => {
    const before = { gone: item('a'), same: item('b') };

    expect(candidates(before, { same: item('b'), come: item('c') }).map(({ key, differs }) => [key, differs])).toEqual([
      ['gone', true],
      ['same', false],
      ['come', true],
    ]);
  });

  it('differs by values, not by the order of keys, nor by their being the same in memory', () => {
    const value = { a: 1, b: { c: 2 } };

    expect(candidate(item(value), item(value))).toMatchObject({ differs: false, hash: '' });
    expect(candidate(item(value), item({ b: { c: 2 }, a: 1 }))).toMatchObject({ differs: false, hash: '' });
    expect(candidate(item(value), item({ a: 1, b: { c: 3 } })).differs).toBe(true);
  });

  it('has a hash of both values: equal changes are equal, others are not', () => {
    const hash = (before: unknown, after: unknown): string => candidate(item(before), item(after)).hash;

    expect(hash({ a: 1 }, { a: 2, b: 1 })).toBe(hash({ a: 1 }, { b: 1, a: 2 }));
    expect(new Set([hash('a', 'b'), hash('b', 'a'), hash('a', 'c'), hash('c', 'b')]).size).toBe(4);
    expect(candidate(undefined, item('a')).hash).not.toBe(candidate(item('a'), undefined).hash);
  });

  it.each<[string, PlanItem | undefined, PlanItem | undefined, string, boolean]>([
    ['neither side', item('a'), item('b'), 'key', false],
    ['the key', item('a'), item('b'), 'key-${CLUSTER_NAME}', true],
    ['the value before', item('${NETWORK}'), item('b'), 'key', true],
    ['the value after', item('a'), item({ in: ['$${NETWORK}'] }), 'key', true],
    ['what comes', undefined, item('${NETWORK}'), 'key', true],
    ['what goes', item('${NETWORK}'), undefined, 'key', true],
    ['a template, where it is CloudFormation’s', item('${NETWORK}', 'template'), item('${ACCOUNT}', 'template'), 'key', false],
    ['a deletion', undefined, item('${NETWORK}', 'deletion'), 'key', false],
    ['a deletion that is taken back', item('${NETWORK}', 'deletion'), undefined, 'key', false],
    ['the phase of a component', item('${NETWORK}', 'component'), item('b', 'component'), 'key', false],
    ['a file', item('${NETWORK}', 'file'), item('b', 'file'), 'key', true],
    ['a key of a template', item('a', 'template'), item('b', 'template'), '${CLUSTER_NAME}', true],
  ])('is a cluster’s own by a variable in %s', (_name, before, after, key, own) => {
    expect(candidate(before, after, key)).toMatchObject({ own, differs: true });
  });
});

describe('lines of what changed', () => {
  const lines = (before: PlanItem | undefined, after: PlanItem | undefined) => createSides().lines(candidate(before, after));

  it('are those of both values, each once, those with variables apart', () => {
    const { plain, own } = lines(
      item({ a: 'one', b: '${NETWORK}', d: 'two' }),
      item({ a: 'one', b: '${ACCOUNT}', c: '${NETWORK}', d: 'three' }),
    );

    expect([...plain].filter((line) => line !== '')).toEqual(['a: one', 'd: two', 'd: three']);
    expect(own).toEqual(['b: ${NETWORK}', 'b: ${ACCOUNT}', 'c: ${NETWORK}']);
  });

  it('are equal where YAML quotes one of two texts', () => {
    const { plain, own } = lines(item({ a: '1', b: '${NETWORK}' }), item({ a: 'it"s', b: "${NETWORK}'" }));

    expect([...plain].filter((line) => line !== '')).toEqual(['a: 1', 'a: its']);
    expect(own).toEqual(['b: ${NETWORK}']);
  });

  it('are those of one side of what comes or goes', () => {
    const only = { plain: new Set(['a: one', '']), own: ['b: ${NETWORK}'] };
    const value = item({ a: 'one', b: '${NETWORK}' });

    expect(lines(undefined, value)).toEqual(only);
    expect(lines(value, undefined)).toEqual(only);
  });
});

describe('what stands where', () => {
  it.each([
    ['template', true],
    ['component', true],
    ['deletion', true],
    ['object', false],
    ['parameters', false],
    ['file', false],
    ['unit', false],
  ] as const)('no variable is put into a %s: %s', (kind, raw) => expect(isRaw(item('a', kind))).toBe(raw));

  it('nothing is no raw text', () => expect(isRaw(undefined)).toBe(false));

  it.each([
    ['network', 'network'],
    ['etcd', 'etcd'],
    ['control-plane', 'control-plane'],
    ['pool-general', 'node-pool'],
    ['pool-etcd', 'node-pool'],
  ] as const)('the template of the stack %s is %s', (role, name) =>
    expect(templateOf(CONFIGURATION, role)).toBe(CONFIGURATION.templates[name]),
  );

  it('a stack is found by its role', () => {
    expect(stackOf(empty, 'etcd')?.role).toBe('etcd');
    expect(stackOf(empty, 'pool-none')).toBeUndefined();
  });
});
