import { describe, expect, it } from 'vitest';
import { planItems } from '#domain/plan-items.ts';
import { Manifest, type Render, type RenderedStack } from '#model/render.ts';

const MAP = Manifest.parse({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one', namespace: 'rooms' } });

function renderOf(parts: Partial<Render>): Render {
  return {
    cluster: 'dev-1',
    revision: 'a'.repeat(40),
    versions: { kubernetes: '1.36.3', etcd: '3.6.16', osImage: 'ami-1' },
    pools: [],
    stacks: [],
    components: [],
    deletions: { before: [], after: [] },
    ...parts,
  };
}

function stackOf(ignition?: object): RenderedStack {
  return {
    role: 'pool-general',
    stackName: 'sluice-dev-1-pool-general',
    template: 'Resources: {}',
    parameters: { PoolSize: '3', IgnitionHash: 'hash', IgnitionUrl: 'url' },
    ...(ignition === undefined ? {} : { ignition: JSON.stringify(ignition) }),
  };
}

describe('what of a render can change', () => {
  it('is each object, and the phase of its component', () => {
    const items = planItems(renderOf({ components: [{ name: 'zoo', phase: 'workloads', objects: [MAP] }] }));

    expect(Object.fromEntries(items)).toEqual({
      'object /ConfigMap/rooms/one': expect.anything(),
      'component zoo': { kind: 'component', area: 'component zoo', part: 'zoo', name: 'phase', value: 'workloads' },
    });
    expect([...items.values()][0]).toEqual({ kind: 'object', area: 'component zoo', part: 'zoo', name: 'ConfigMap rooms/one', value: MAP });
  });

  it('is each deletion, by when it happens', () => {
    const entry = { apiVersion: 'v1', kind: 'ConfigMap', name: 'old', reason: 'r' };
    const items = planItems(renderOf({ deletions: { before: [entry], after: [{ ...entry, namespace: 'rooms' }] } }));

    expect([...items]).toEqual([
      [
        'deletion before delete ConfigMap old',
        { kind: 'deletion', area: 'deletions before applying', part: 'before', name: 'delete ConfigMap old', value: entry },
      ],
      [
        'deletion after delete ConfigMap rooms/old',
        {
          kind: 'deletion',
          area: 'deletions after applying',
          part: 'after',
          name: 'delete ConfigMap rooms/old',
          value: { ...entry, namespace: 'rooms' },
        },
      ],
    ]);
  });

  it('is template and parameters of a stack, but for those that only say that its document changed', () => {
    expect([...planItems(renderOf({ stacks: [stackOf()] }))]).toEqual([
      [
        'stack pool-general template',
        { kind: 'template', area: 'stack pool-general', part: 'pool-general', name: 'template', value: 'Resources: {}' },
      ],
      [
        'stack pool-general parameters',
        { kind: 'parameters', area: 'stack pool-general', part: 'pool-general', name: 'parameters', value: { PoolSize: '3' } },
      ],
    ]);
  });

  it('is each file and unit of an instance, as it is there', () => {
    const source = `data:text/plain;base64,${Buffer.from('größe\n').toString('base64')}`;
    const unit = { name: 'a.service', enabled: true, contents: '[Unit]' };
    const ignition = { storage: { files: [{ path: '/etc/a', mode: 0o644, contents: { source } }] }, systemd: { units: [unit] } };

    expect([...planItems(renderOf({ stacks: [stackOf(ignition)] }))].slice(2)).toEqual([
      [
        'instances of pool-general file /etc/a',
        {
          kind: 'file',
          area: 'instances of pool-general',
          part: 'pool-general',
          name: '/etc/a',
          value: { mode: '0644', content: 'größe\n' },
        },
      ],
      [
        'instances of pool-general unit a.service',
        { kind: 'unit', area: 'instances of pool-general', part: 'pool-general', name: 'a.service', value: unit },
      ],
    ]);
  });
});
