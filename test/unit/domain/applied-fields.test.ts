import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAsApplied } from '#domain/applied-fields.ts';
import type { Manifest } from '#model/render.ts';

type Tree = Record<string, unknown>;

const CONTAINER = {
  name: 'main',
  image: 'registry.example.net/web:1',
  ports: [{ containerPort: 80 }],
  resources: { limits: { cpu: '1000m' } },
};
const SPEC = { selector: { matchLabels: { app: 'web' } }, template: { spec: { containers: [CONTAINER] } } };
const DESIRED: Manifest = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'team', labels: { app: 'web' } },
  spec: SPEC,
};

/** As a real API server 1.36 keeps the fields of DESIRED. */
const FIELDS: Tree = {
  'f:metadata': { 'f:labels': { 'f:app': {} } },
  'f:spec': {
    'f:selector': {},
    'f:template': {
      'f:spec': {
        'f:containers': {
          'k:{"name":"main"}': {
            '.': {},
            'f:name': {},
            'f:image': {},
            'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
            'f:resources': { 'f:limits': { 'f:cpu': {} } },
          },
        },
      },
    },
  },
};

const LIVE_CONTAINER = {
  name: 'main',
  image: 'registry.example.net/web:1',
  imagePullPolicy: 'IfNotPresent',
  ports: [{ containerPort: 80, protocol: 'TCP' }],
  resources: { limits: { cpu: '1' } },
};

function live(change: { containers?: unknown[]; fields?: Tree; entry?: object; labels?: Tree } = {}): Manifest {
  const entry = { manager: 'sluice', operation: 'Apply', apiVersion: 'apps/v1', fieldsV1: change.fields ?? FIELDS, ...change.entry };
  const managedFields = [{ manager: 'kube-controller-manager', operation: 'Update', apiVersion: 'apps/v1', fieldsV1: {} }, entry];
  return {
    ...DESIRED,
    metadata: { ...DESIRED.metadata, labels: change.labels ?? { app: 'web', other: 'x' }, uid: 'u', managedFields },
    spec: { ...SPEC, replicas: 1, template: { spec: { containers: change.containers ?? [LIVE_CONTAINER], dnsPolicy: 'ClusterFirst' } } },
    status: { replicas: 1 },
  };
}

/** FIELDS with one more container. */
function withSide(): Tree {
  const copy = structuredClone(FIELDS) as { 'f:spec': { 'f:template': { 'f:spec': { 'f:containers': Tree } } } };
  copy['f:spec']['f:template']['f:spec']['f:containers']['k:{"name":"side"}'] = { '.': {}, 'f:name': {} };
  return copy;
}

describe('an object that was applied', () => {
  it('is as applied although the server put defaults, forms of its own and fields of others in', () => {
    expect(isAsApplied(DESIRED, live())).toBe(true);
  });

  it.each([
    ['a value is another', { containers: [{ ...LIVE_CONTAINER, image: 'registry.example.net/web:2' }] }],
    ['a quantity is another', { containers: [{ ...LIVE_CONTAINER, resources: { limits: { cpu: '2' } } }] }],
    ['a label is another', { labels: { app: 'db' } }],
    ['an item is gone', { containers: [] }],
    ['an item has another key', { containers: [{ ...LIVE_CONTAINER, ports: [{ containerPort: 80, protocol: 'UDP' }] }] }],
    ['the fields are of another version', { entry: { apiVersion: 'apps/v1beta1' } }],
    ['the fields are of another owner', { entry: { manager: 'other' } }],
    ['the owner changed but did not apply', { entry: { operation: 'Update' } }],
    ['the owner applied a subresource', { entry: { subresource: 'status' } }],
    ['a field was taken away', { fields: { ...FIELDS, 'f:metadata': {} } }],
    ['a field more is owned than wanted', { fields: { ...FIELDS, 'f:status': {} } }],
    ['nothing says who owns what', { entry: { fieldsV1: undefined } }],
    ['the fields can not be read', { entry: { fieldsV1: 'broken' } }],
  ])('is not when %s', (_why, change) => {
    expect(isAsApplied(DESIRED, live(change))).toBe(false);
  });

  it('is not when an item is wanted that is not owned, or owned and not wanted', () => {
    const more = withSide();
    const side = { name: 'side' };
    const wanted = { ...DESIRED, spec: { ...SPEC, template: { spec: { containers: [CONTAINER, side] } } } };

    expect(isAsApplied(DESIRED, live({ fields: more, containers: [LIVE_CONTAINER, side] }))).toBe(false);
    expect(isAsApplied(wanted, live({ containers: [LIVE_CONTAINER, side] }))).toBe(false);
    expect(isAsApplied(wanted, live({ fields: more, containers: [LIVE_CONTAINER, side] }))).toBe(true);
  });

  it('is not when its items are in another order', () => {
    const fields = withSide();
    const side = { name: 'side' };
    const wanted = { ...DESIRED, spec: { ...SPEC, template: { spec: { containers: [CONTAINER, side] } } } };

    expect(isAsApplied(wanted, live({ fields, containers: [side, LIVE_CONTAINER] }))).toBe(false);
  });

  it('compares text of a custom resource as text', () => {
    const fieldsV1 = { 'f:spec': { 'f:resources': { 'f:limits': { 'f:cpu': {} } } } };
    const gate = (cpu: string, apiVersion: string): Manifest => ({
      apiVersion,
      kind: 'Gate',
      metadata: { name: 'one', managedFields: [{ manager: 'sluice', operation: 'Apply', apiVersion, fieldsV1 }] },
      spec: { resources: { limits: { cpu } } },
    });
    const wanted = (apiVersion: string): Manifest => ({ ...gate('1000m', apiVersion), metadata: { name: 'one' } });

    expect(isAsApplied(wanted('example.net/v1'), gate('1', 'example.net/v1'))).toBe(false);
    expect(isAsApplied(wanted('example.net/v1'), gate('1000m', 'example.net/v1'))).toBe(true);
    expect(isAsApplied(wanted('apps/v1'), gate('1', 'apps/v1'))).toBe(true);
  });

  it('compares values of a ConfigMap as text, whatever their names', () => {
    const fieldsV1 = { 'f:data': { 'f:limits': {} } };
    const map = (limits: string): Manifest => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'm', managedFields: [{ manager: 'sluice', operation: 'Apply', apiVersion: 'v1', fieldsV1 }] },
      data: { limits },
    });

    expect(isAsApplied({ ...map('1000m'), metadata: { name: 'm' } }, map('1'))).toBe(false);
  });

  it.each([
    ['fieldRef', { fieldPath: 'a' }, { fieldPath: 'a', apiVersion: 'v1' }, true],
    ['fieldRef', { fieldPath: 'a' }, { fieldPath: 'a', apiVersion: 'v2' }, false],
    ['fieldRef', { fieldPath: 'a' }, { fieldPath: 'b', apiVersion: 'v1' }, false],
    ['ports', [{ port: 80 }], [{ port: 80, protocol: 'TCP' }], true],
    ['ports', [{ port: 80 }], [{ port: 80, protocol: 'UDP' }], false],
    ['ports', [{ port: 80, protocol: 'TCP' }], [{ port: 80 }], false],
    ['nodeSelector', { pool: 'a' }, { pool: 'a', zone: 'b' }, false],
    ['limits', [{ max: { cpu: '1000m' }, type: 'Pod' }], [{ max: { cpu: '1' }, type: 'Pod' }], true],
    ['limits', [{ max: { cpu: '1000m' } }], [{ max: { cpu: '2' } }], false],
    ['list', [1, 2], [2, 1], false],
    ['list', [1], [1, 2], false],
    ['list', [1], 1, false],
    ['list', {}, [], false],
  ])('compares %s as a whole: %j and %j', (name, wanted, there, same) => {
    const fieldsV1 = { 'f:spec': { [`f:${name}`]: {} } };
    const policy = (value: unknown): Manifest => ({
      apiVersion: 'apps/v1',
      kind: 'Any',
      metadata: { name: 'a', managedFields: [{ manager: 'sluice', operation: 'Apply', apiVersion: 'apps/v1', fieldsV1 }] },
      spec: { [name]: value },
    });

    expect(isAsApplied({ ...policy(wanted), metadata: { name: 'a' } }, policy(there))).toBe(same);
  });

  it('with a name only is as applied once it is there and nothing of it is ours', () => {
    const account: Manifest = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'a', namespace: 'b' } };
    const owned = [{ manager: 'sluice', operation: 'Apply', apiVersion: 'v1', fieldsV1: { 'f:metadata': { 'f:labels': { 'f:x': {} } } } }];

    expect(isAsApplied(account, account)).toBe(true);
    expect(isAsApplied(account, { ...account, metadata: { ...account.metadata, managedFields: owned } })).toBe(false);
  });
});

const NAMES = fc.constantFrom('a', 'b', 'limits', '__proto__x', 'constructor', 'toString');
const { tree: TREE } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<unknown>('1', '1000m', 'x', 1, 0, true, null),
    fc.array(fc.constantFrom('p', 'q'), { maxLength: 2 }),
    fc.dictionary(NAMES, tie('tree'), { minKeys: 1, maxKeys: 3 }),
  ),
}));

/** The set of fields that a server without knowledge of the kind makes of an applied value. */
function fieldsOf(value: unknown): Tree {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [`f:${name}`, fieldsOf(entry)]));
}

function leaves(value: unknown, path: readonly string[] = []): string[][] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [[...path]];
  return Object.entries(value).flatMap(([name, entry]) => leaves(entry, [...path, name]));
}

function changed(value: unknown, path: readonly string[], change: (map: Tree, name: string) => void): Tree {
  const copy = structuredClone(value) as Tree;
  let at = copy;
  for (const name of path.slice(0, -1)) at = at[name] as Tree;
  change(at, path.at(-1) ?? '');
  return copy;
}

/** The set of fields of some paths; it has no path that leads to none. */
function setOf(paths: readonly (readonly string[])[]): Tree {
  const tree: Tree = {};
  for (const path of paths) {
    let at = tree;
    for (const name of path) {
      at[`f:${name}`] ??= {};
      at = at[`f:${name}`] as Tree;
    }
  }
  return tree;
}

describe('any object', () => {
  const contents = fc.dictionary(NAMES, TREE, { minKeys: 1, maxKeys: 3 });
  const object = (spec: unknown, fieldsV1?: Tree): Manifest => ({
    apiVersion: 'example.net/v1',
    kind: 'Any',
    metadata: {
      name: 'any',
      ...(fieldsV1 === undefined
        ? {}
        : { managedFields: [{ manager: 'sluice', operation: 'Apply', apiVersion: 'example.net/v1', fieldsV1 }] }),
    },
    spec,
  });

  it('is as applied with fields of others, and not once a value of ours is changed, gone or taken, or one more is ours', () => {
    fc.assert(
      fc.property(contents, fc.nat(), (spec, pick) => {
        const desired = object(spec);
        const fields = { 'f:spec': fieldsOf(spec) };
        const all = leaves(spec);
        const path = all[pick % all.length] ?? [];
        const withOthers = changed(spec, path, (map) => Object.assign(map, { ofOthers: 1 }));

        expect(isAsApplied(desired, object(withOthers, fields))).toBe(true);
        expect(
          isAsApplied(
            desired,
            object(
              changed(spec, path, (map, name) => (map[name] = 'drift')),
              fields,
            ),
          ),
        ).toBe(false);
        expect(
          isAsApplied(
            desired,
            object(
              changed(spec, path, (map, name) => delete map[name]),
              fields,
            ),
          ),
        ).toBe(false);
        const taken = setOf(all.filter((one) => one !== path).map((one) => ['spec', ...one]));
        expect(isAsApplied(desired, object(spec, taken))).toBe(false);
        const more = changed(fields, ['f:spec', ...path.map((name) => `f:${name}`)], (map) => Object.assign(map, { 'f:ofOthers': {} }));
        expect(isAsApplied(desired, object(withOthers, more))).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});
