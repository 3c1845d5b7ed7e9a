import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callingInstance, decideJoin, nodeCertificate, signedRequest } from '#domain/join.ts';
import { RefusedError } from '#model/errors.ts';
import type { JoinRequest } from '#model/join.ts';
import type { Machine } from '#ports/machines.ts';
import { signIdentity } from '../../../local/machine-room/join.ts';

const NOW = new Date('2026-01-01T12:00:00Z');
const REGION = 'eu-central-1';
const ID = 'i-0123456789abcdef0';
const WHO = { instance: ID, role: 'sluice-dev-1-pool-general-Role-1' };
const MACHINE: Machine = {
  id: ID,
  state: 'running',
  address: '10.20.1.5',
  roles: [WHO.role],
  group: {
    name: 'sluice-dev-1-pool-general-Group-1',
    tags: { 'sluice:cluster': 'dev-1', 'sluice:role': 'pool-general' },
    lifecycleState: 'InService',
    healthStatus: 'HEALTHY',
  },
};

function request(change: { now?: Date; region?: string; cluster?: string } = {}): JoinRequest {
  const csr = '-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----';
  const session = { accessKeyId: 'ASIA0', secretAccessKey: 's', sessionToken: 't' };
  const host = 'sts.eu-central-1.amazonaws.com';
  const cluster = change.cluster ?? 'dev-1';
  return { cluster, csr, sts: signIdentity(session, { host, region: change.region ?? REGION, cluster, csr, now: change.now ?? NOW }) };
}

describe('a request that proves an instance', () => {
  it('is bound to its cluster and to the key that asks', () => {
    const first = signedRequest(request(), REGION, NOW).bound;
    const other = signedRequest({ ...request(), cluster: 'dev-2', csr: `${request().csr}\n` }, REGION, NOW).bound;

    expect(first['x-sluice-cluster']).toBe('dev-1');
    expect(other['x-sluice-cluster']).toBe('dev-2');
    expect(other['x-sluice-request']).not.toBe(first['x-sluice-request']);
  });

  it.each([
    ['five minutes', 300, true],
    ['longer', 301, false],
    ['a minute ahead', -60, true],
    ['further ahead', -61, false],
  ])('is good for five minutes: %s', (_, seconds, good) => {
    const made = request({ now: new Date(NOW.getTime() - seconds * 1000) });

    const check = () => signedRequest(made, REGION, NOW);

    if (good) expect(check().date).toBe(made.sts.date);
    else expect(check).toThrow(RefusedError);
  });

  it('is refused when the signature leaves a header out, or is for another region, service or day', () => {
    const { sts, ...rest } = request();
    const changed = (from: string | RegExp, to: string): JoinRequest => ({
      ...rest,
      sts: { ...sts, authorization: sts.authorization.replace(from, to) },
    });
    const wrong = [
      changed(';x-sluice-cluster', ''),
      changed(';x-sluice-request', ''),
      changed('=host;', '='),
      changed(';x-amz-security-token', ''),
      changed('/sts/', '/s3/'),
      changed('/20260101/', '/20251231/'),
      changed('Signature=', 'Signature=zz'),
      request({ region: 'us-east-1' }),
    ];

    for (const one of wrong) expect(() => signedRequest(one, REGION, NOW)).toThrow(RefusedError);
  });
});

describe('who signed', () => {
  it('is the instance that EC2 named the session by', () => {
    const arn = `arn:aws:sts::111111111111:assumed-role/${WHO.role}/${ID}`;

    expect(callingInstance({ account: '111111111111', arn }, '111111111111')).toEqual(WHO);
  });

  it.each([
    'arn:aws:iam::111111111111:root',
    'arn:aws:iam::111111111111:user/i-0123456789abcdef0',
    'arn:aws:sts::111111111111:assumed-role/admin/somebody',
    'arn:aws:sts::111111111111:assumed-role/a/b/i-0123456789abcdef0',
    'arn:aws:sts::222222222222:assumed-role/admin/i-0123456789abcdef0',
    'arn:aws:sts::111111111111:federated-user/i-0123456789abcdef0',
  ])('is nobody for %s', (arn) => {
    expect(() => callingInstance({ account: '111111111111', arn }, '111111111111')).toThrow(RefusedError);
  });
});

describe('whether an instance may be a node', () => {
  const group = (change: Partial<NonNullable<Machine['group']>>): Machine => ({
    ...MACHINE,
    group: { ...(MACHINE.group as NonNullable<Machine['group']>), ...change },
  });

  it.each(['Pending', 'Pending:Wait', 'InService'])('it may while it lives: %s', (lifecycleState) => {
    expect(decideJoin('dev-1', WHO, group({ lifecycleState }))).toEqual({ name: ID, pool: 'general', address: '10.20.1.5' });
  });

  it.each<[string, Machine | undefined]>([
    ['is not there', undefined],
    ['is another one', { ...MACHINE, id: 'i-0000000000000000f' }],
    ['is stopped', { ...MACHINE, state: 'stopped' }],
    ['shuts down', { ...MACHINE, state: 'shutting-down' }],
    ['has another role', { ...MACHINE, roles: ['admin'] }],
    ['has no role', { ...MACHINE, roles: [] }],
    ['is in no group', { ...MACHINE, group: undefined }],
    ['is of another cluster', group({ tags: { 'sluice:cluster': 'dev-2', 'sluice:role': 'pool-general' } })],
    ['is a control plane', group({ tags: { 'sluice:cluster': 'dev-1', 'sluice:role': 'control-plane' } })],
    ['is an etcd member', group({ tags: { 'sluice:cluster': 'dev-1', 'sluice:role': 'etcd-a' } })],
    ['has no tags', group({ tags: {} })],
    ['is being ended', group({ lifecycleState: 'Terminating:Wait' })],
    ['is on standby', group({ lifecycleState: 'Standby' })],
    ['is unhealthy', group({ healthStatus: 'UNHEALTHY' })],
    ['has no address', { ...MACHINE, address: undefined }],
  ])('it may not when it %s', (_, machine) => {
    expect(() => decideJoin('dev-1', WHO, machine)).toThrow(RefusedError);
  });

  it('names the certificate by what AWS says, never by what was asked', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^i-[0-9a-f]{17}$/), fc.ipV4(), (id, address) => {
        const leaf = nodeCertificate({ name: id, pool: 'general', address }, NOW);

        expect([leaf.commonName, leaf.organizations, leaf.addresses]).toEqual([`system:node:${id}`, ['system:nodes'], [address]]);
        expect(leaf.until.getTime() - NOW.getTime()).toBe(12 * 3600 * 1000);
      }),
    );
  });
});
