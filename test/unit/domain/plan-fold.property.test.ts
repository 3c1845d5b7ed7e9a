import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escaped, mapStrings, OWN_VARIABLES, putAll, putShared, subnetVariables, unfold } from '#domain/plan-fold.ts';
import { clusterVariables } from '#domain/variables.ts';
import type { ClusterRef } from '#model/settings.ts';
import { FOLDABLE } from '../../support/foldable.ts';

const CLUSTER: ClusterRef = {
  name: 'dev-1',
  account: '200000000001',
  region: 'eu-central-1',
  environment: 'development',
  network: '10.1.0.0/16',
  channel: 'dev',
};

describe('folding', () => {
  const piece = fc.oneof(FOLDABLE, fc.string(), fc.constantFrom('$', '{', '}', '${', '$${', '${A${B}', '\n'));
  const variables = clusterVariables(CLUSTER, { kubernetes: '1.36.3', etcd: '3.6.16', osImage: 'ami-1' }, 'a-bucket');
  const own = Object.fromEntries(Object.entries(variables).filter(([name]) => OWN_VARIABLES.has(name)));

  it('leaves a text that becomes the cluster’s own again', () => {
    fc.assert(
      fc.property(fc.array(FOLDABLE), (pieces) => {
        const whole = pieces.join(' ');

        expect(unfold(putShared(variables, OWN_VARIABLES)(whole), own)).toBe(putAll(variables)(whole));
      }),
    );
  });

  it('gives a literal text back, whatever it holds', () => {
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const whole = pieces.join('');

        expect(unfold(escaped(whole), own)).toBe(whole);
      }),
    );
  });

  it('keeps what holds no variable the same object', () => {
    const value = { a: ['x', { b: 1, c: null }], d: '$x' };

    const put = (one: unknown): unknown => mapStrings(one, (piece) => unfold(piece, own));

    expect(put(value)).toBe(value);
    expect(put({ ...value, e: '${CLUSTER_NAME}' })).toEqual({ ...value, e: 'dev-1' });
  });

  it('knows the variables that are a cluster’s own', () => {
    expect([...OWN_VARIABLES].sort()).toEqual([
      'ACCOUNT',
      'API_ADDRESS',
      'API_ADDRESS_B',
      'API_ADDRESS_C',
      'BUCKET',
      'CLUSTER_NAME',
      'ETCD_ADDRESS_A',
      'ETCD_ADDRESS_B',
      'ETCD_ADDRESS_C',
      'ETCD_ADDRESS_D',
      'ETCD_ADDRESS_E',
      'ETCD_ENDPOINTS',
      'ETCD_INITIAL_CLUSTER',
      'NETWORK',
      'SUBNET_A_CIDR',
      'SUBNET_B_CIDR',
      'SUBNET_C_CIDR',
      'TOKEN_ISSUER',
    ]);
  });
});

describe('texts that are folded', () => {
  const own = new Set(['NAME']);
  const put = putShared({ NAME: 'dev-1', ZONE: 'a', ODD: '${NAME}' }, own);

  it.each([
    ['plain $ {NAME}', 'plain $ {NAME}'],
    ['in ${ZONE}', 'in a'],
    ['is ${NAME} in ${ZONE}', 'is ${NAME} in a'],
    ['$${ZONE} ${ZONE}', '$${ZONE} a'],
    ['${ODD}', '$${NAME}'],
    // A secret is put in where it is applied, and never into a plan.
    ['${SECRET:db-password@v3} ${ZONE}', '${SECRET:db-password@v3} a'],
  ])('%s becomes %s', (text, folded) => expect(put(text)).toBe(folded));

  it.each(['${OTHER}', '${constructor}'])('have no unknown variable: %s', (text) =>
    expect(() => put(text)).toThrow(`unknown variable ${text}; validate the configuration before it is rendered`),
  );

  it.each([
    ['${NAME}', 'dev-1'],
    ['$${NAME}', '${NAME}'],
    ['${OTHER}', '${OTHER}'],
    ['${constructor}', '${constructor}'],
    ['plain', 'plain'],
  ])('%s unfolds to %s', (text, whole) => expect(unfold(text, { NAME: 'dev-1' })).toBe(whole));

  it('are changed in lists and mappings, never in keys', () => {
    const value = { NAME: ['NAME', 1, null, true, { a: 'NAME' }], b: 'b' };

    expect(mapStrings(value, (text) => text.toLowerCase())).toEqual({ NAME: ['name', 1, null, true, { a: 'name' }], b: 'b' });
  });

  it('leave what holds none of them the same object, list by list', () => {
    const value = { kept: ['a'], changed: ['B'] };

    const mapped = mapStrings(value, (text) => text.toLowerCase());

    expect(mapped).toEqual({ kept: ['a'], changed: ['b'] });
    expect(Reflect.get(Object(mapped), 'kept')).toBe(value.kept);
  });

  it('know the subnets of a network, and the load balancer in each', () =>
    expect(subnetVariables('10.1.0.0/16')).toEqual({
      SUBNET_A_CIDR: '10.1.0.0/20',
      SUBNET_B_CIDR: '10.1.16.0/20',
      SUBNET_C_CIDR: '10.1.32.0/20',
      API_ADDRESS_B: '10.1.16.10',
      API_ADDRESS_C: '10.1.32.10',
    }));
});
