// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables of manifests are written like this
import { describe, expect, it } from 'vitest';
import { CLUSTER_VARIABLES, clusterVariables, poolVariables, substitute } from '#domain/variables.ts';
import { InputError } from '#model/errors.ts';

describe('clusterVariables', () => {
  it('has a value for each variable of the closed list', () => {
    const values = clusterVariables(
      {
        name: 'dev-1',
        account: '200000000001',
        region: 'eu-central-1',
        environment: 'development',
        network: '10.1.0.0/16',
        channel: 'dev',
      },
      { kubernetes: '1.35.4', etcd: '3.6.16', osImage: 'ami-1' },
      'bucket',
    );

    expect(Object.keys(values).sort()).toEqual([...CLUSTER_VARIABLES].sort());
    expect(values).toMatchObject({
      API_ADDRESS: '10.1.0.10',
      ETCD_ENDPOINTS: 'https://10.1.0.11:2379',
      ETCD_INITIAL_CLUSTER: 'etcd-eu-central-1a=https://10.1.0.11:2380',
      DNS_ADDRESS: '10.96.0.10',
    });
  });

  it('gives a pool its own labels', () => {
    const values = poolVariables({
      name: 'batch',
      instanceType: 'm6i.large',
      size: 3,
      maxSize: 6,
      surgePercent: 10,
      stateful: false,
      market: 'spot',
      labels: { workload: 'batch' },
      generation: 2,
    });

    expect(values).toEqual({
      POOL_NAME: 'batch',
      POOL_GENERATION: '2',
      POOL_LABELS: 'node.kubernetes.io/instance-type=m6i.large,sluice/pool=batch,workload=batch',
    });
  });
});

describe('substitute', () => {
  it('puts values in, and leaves what is escaped', () => {
    const text = substitute('a ${X} b $${X} c $X $(X) ${X}', { X: '1' });

    expect(text).toBe('a 1 b ${X} c $X $(X) 1');
  });

  it('does not read a value again', () => {
    expect(substitute('${X}', { X: '${Y}', Y: 'no' })).toBe('${Y}');
  });

  it.each(['${Y}', '${constructor}', '${}', '${x y}'])('refuses %s', (text) => {
    expect(() => substitute(text, { X: '1' })).toThrow(InputError);
  });
});
