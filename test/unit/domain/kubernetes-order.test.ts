import { describe, expect, it } from 'vitest';
import { type ComponentText, objectFindingsOf } from '../../support/kubernetes-objects.ts';

const NAMESPACE = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: rooms }\n';
const CONTENT = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: one, namespace: rooms }\n';
const DEFINITION = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: gates.example.net }
spec:
  group: example.net
  scope: Cluster
  names: { kind: Gate, plural: gates }
  versions: [{ name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object } } }]
`;
const GATE = 'apiVersion: example.net/v1\nkind: Gate\nmetadata: { name: one }\n';

function told(components: Readonly<Record<string, ComponentText>>, load?: string): string[] {
  const findings = objectFindingsOf(components, load === undefined ? {} : { load });
  return findings.map(({ rule, path, line, column, message }) => `${rule} ${path.split('/').at(-1)} ${line}:${column} ${message}`);
}

describe('what is put into a namespace', () => {
  it('may come in the same phase, whatever the order of components, or later', () => {
    expect(told({ a: { objects: CONTENT }, b: { objects: NAMESPACE } })).toEqual([]);
    expect(told({ a: { objects: CONTENT }, b: { phase: 'system', objects: NAMESPACE } })).toEqual([]);
  });

  it('must have one', () => {
    expect(told({ a: { objects: CONTENT }, b: { objects: NAMESPACE.replace('rooms', 'room') } })).toEqual([
      'missing-namespace objects.yaml 3:24 Nothing creates the namespace rooms of ConfigMap rooms/one. Did you mean room?',
    ]);
  });

  it('must not come in an earlier phase', () => {
    expect(told({ a: { phase: 'system', objects: CONTENT }, b: { objects: NAMESPACE } })).toEqual([
      'apply-order objects.yaml 3:24 The namespace rooms is created later, in phase workloads by the component b. Move it to this phase, or ConfigMap rooms/one to that one.',
    ]);
  });

  it('must have it in each environment', () => {
    expect(
      told({ a: { environments: ['test', 'production'], objects: CONTENT }, b: { environments: ['test', 'e2e'], objects: NAMESPACE } }),
    ).toEqual([
      'missing-namespace objects.yaml 3:24 Nothing creates the namespace rooms in production, where ConfigMap rooms/one is applied. It comes with b (test, e2e).',
    ]);
  });

  it('may have it from different components in different environments', () => {
    const components = {
      a: { objects: CONTENT },
      b: { environments: ['test', 'e2e'], objects: NAMESPACE },
      c: { environments: ['development', 'production'], objects: NAMESPACE },
    };

    expect(told(components)).toEqual([]);
    expect(told({ ...components, a: { phase: 'system', objects: CONTENT }, b: { ...components.b, phase: 'system' } })).toEqual([
      'apply-order objects.yaml 3:24 The namespace rooms is created later, in phase workloads by the component c. Move it to this phase, or ConfigMap rooms/one to that one.',
    ]);
  });
});

describe('what is no namespace', () => {
  it.each([
    ['an object of its name', 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: rooms, namespace: default }\n'],
    [
      'a kind of another group',
      `${DEFINITION.replace('kind: Gate', 'kind: Namespace')}---\napiVersion: example.net/v1\nkind: Namespace\nmetadata: { name: rooms }\n`,
    ],
  ])('makes none: %s', (_what, objects) => {
    expect(told({ a: { objects: CONTENT }, b: { objects } })).toEqual([
      'missing-namespace objects.yaml 3:24 Nothing creates the namespace rooms of ConfigMap rooms/one.',
    ]);
  });
});

describe('what several components apply', () => {
  const early = { phase: 'system', environments: ['production', 'test'] };

  it.each([
    ['a namespace', CONTENT, NAMESPACE],
    ['a definition', GATE, DEFINITION],
  ])('is there in time when one of them is: %s', (_what, content, provider) => {
    const both = { b: { ...early, objects: provider }, c: { environments: ['development', 'e2e'], objects: provider } };

    expect(told({ a: { objects: content }, ...both })).toEqual([]);
    expect(told({ a: { ...early, objects: content }, ...both })).toEqual([]);
    expect(told({ a: { phase: 'system', environments: ['e2e'], objects: content }, ...both })).toMatchObject([
      expect.stringContaining('later, in phase workloads by the component c.'),
    ]);
  });
});

describe('a custom resource', () => {
  it('may come in the phase of its definition, or later', () => {
    expect(told({ a: { objects: GATE }, b: { objects: DEFINITION } })).toEqual([]);
    expect(told({ a: { objects: GATE }, b: { phase: 'system', objects: DEFINITION } })).toEqual([]);
  });

  it('must not come earlier', () => {
    expect(told({ a: { phase: 'system', objects: GATE }, b: { objects: DEFINITION } })).toEqual([
      'apply-order objects.yaml 2:1 The definition gates.example.net is applied later, in phase workloads by the component b. Move it to this phase, or Gate one to that one.',
    ]);
  });

  it('must have it in each environment', () => {
    expect(told({ a: { objects: GATE }, b: { environments: ['test'], objects: DEFINITION } })).toEqual([
      'unknown-kind objects.yaml 2:1 The definition gates.example.net is not applied in development, production, e2e, where Gate one is. It comes with b (test).',
    ]);
  });
});

describe('the load of e2e', () => {
  it('comes after all components, in e2e only', () => {
    expect(told({ a: { environments: ['e2e'], objects: NAMESPACE } }, CONTENT)).toEqual([]);
    expect(told({ a: { environments: ['production'], objects: NAMESPACE } }, CONTENT)).toEqual([
      'missing-namespace load.yaml 3:24 Nothing creates the namespace rooms in e2e, where ConfigMap rooms/one is applied. It comes with a (production).',
    ]);
  });

  it('may bring its own namespace, which is too late for components', () => {
    expect(told({}, `${NAMESPACE}---\n${CONTENT}`)).toEqual([]);
    expect(told({ a: { environments: ['e2e'], objects: CONTENT } }, NAMESPACE)).toEqual([
      'apply-order objects.yaml 3:24 The namespace rooms is created later, with the load of e2e. Move it to this phase, or ConfigMap rooms/one to that one.',
    ]);
    expect(told({ a: { objects: CONTENT } }, NAMESPACE)).toEqual([
      'missing-namespace objects.yaml 3:24 Nothing creates the namespace rooms in development, test, production, where ConfigMap rooms/one is applied. It comes with the load of e2e.',
    ]);
  });
});
