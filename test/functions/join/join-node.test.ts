import { createPublicKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createAuthority } from '#adapters/x509/authority.ts';
import { secretIds } from '#domain/names.ts';
import { InputError, NotFoundError, RefusedError } from '#model/errors.ts';
import type { SignedRequest } from '#ports/callers.ts';
import type { Machine } from '#ports/machines.ts';
import { issueIdentity } from '../../../functions/identity/issue-identity.ts';
import { type JoinPorts, joinNode } from '../../../functions/join/join-node.ts';
import { certificateRequest, signIdentity } from '../../../local/machine-room/join.ts';
import { CLUSTER, CONTEXT } from '../../support/cluster-world.ts';
import { createFakeObjects } from '../../support/fakes/objects.ts';
import { createFakeSecrets } from '../../support/fakes/secrets.ts';

const NOW = new Date('2026-01-01T12:00:00Z');
const ID = 'i-0123456789abcdef0';
const ROLE = 'sluice-dev-1-pool-general-Role-1';
const SESSION = { accessKeyId: 'ASIA0', secretAccessKey: 's', sessionToken: 't' };
const MACHINE: Machine = {
  id: ID,
  state: 'running',
  address: '10.20.1.5',
  roles: [ROLE],
  group: {
    name: 'group',
    tags: { 'sluice:cluster': CLUSTER.name, 'sluice:role': 'pool-general' },
    lifecycleState: 'InService',
    healthStatus: 'HEALTHY',
  },
};

async function world(change: { arn?: string; machine?: Machine } = {}) {
  const secrets = createFakeSecrets();
  const authority = createAuthority();
  const clock = { now: () => NOW };
  await issueIdentity.run({ cluster: CLUSTER }, { secrets, authority, clock, issuer: createFakeObjects() }, CONTEXT);
  const asked: SignedRequest[] = [];
  const logged: unknown[] = [];
  const note = (message: string, fields?: unknown): void => void logged.push([message, fields]);
  const ports: JoinPorts = {
    secrets,
    authority,
    clock,
    account: CLUSTER.account,
    region: CLUSTER.region,
    log: { info: note, warn: note, error: note },
    callers: {
      async identify(request) {
        asked.push(request);
        return { account: CLUSTER.account, arn: change.arn ?? `arn:aws:sts::${CLUSTER.account}:assumed-role/${ROLE}/${ID}` };
      },
    },
    machines: { find: async (id) => (id === ID ? (change.machine ?? MACHINE) : undefined) },
  };
  return { ports, secrets, asked, logged };
}

function request(cluster = CLUSTER.name) {
  const { csr, key } = certificateRequest('system:masters');
  const sts = signIdentity(SESSION, { host: 'sts', region: CLUSTER.region, cluster, csr, now: NOW });
  return { event: { cluster, csr, sts }, key };
}

describe('joining as a node', () => {
  it('gives a certificate of twelve hours for the key that asked, named as the instance', async () => {
    const { ports, secrets } = await world();
    const { event, key } = request();

    const answer = await joinNode(event, ports);

    const certificate = new X509Certificate(answer.certificate);
    const ca = new X509Certificate(answer.ca);
    expect(certificate.subject).toBe(`O=system:nodes\nCN=system:node:${ID}`);
    expect(certificate.checkIssued(ca) && certificate.verify(ca.publicKey)).toBe(true);
    expect(certificate.publicKey.equals(createPublicKey(key))).toBe(true);
    expect(certificate.checkIP('10.20.1.5')).toBe('10.20.1.5');
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1']);
    expect([answer.until, new Date(certificate.validTo).toISOString()]).toEqual(['2026-01-02T00:00:00.000Z', '2026-01-02T00:00:00.000Z']);
    expect(JSON.parse(secrets.values.get(secretIds.authority(CLUSTER.name)) ?? '{}')['ca.crt']).toBe(answer.ca);
  });

  it('tells the log who joined, and nothing that was sent', async () => {
    const { ports, logged } = await world();
    const { event } = request();

    await joinNode(event, ports);

    expect(JSON.stringify(logged)).toContain(ID);
    expect(JSON.stringify(logged)).not.toMatch(/BEGIN|AWS4-HMAC/);
  });

  it('asks STS with the request bound to what is asked for', async () => {
    const { ports, asked } = await world();
    const { event } = request();

    await joinNode(event, ports);

    expect(asked.map(({ bound }) => Object.keys(bound))).toEqual([['x-sluice-cluster', 'x-sluice-request']]);
    expect(asked[0]?.bound['x-sluice-cluster']).toBe(CLUSTER.name);
  });

  it.each([
    ['an instance of another group', { machine: { ...MACHINE, group: undefined } }],
    ['a person', { arn: `arn:aws:sts::${CLUSTER.account}:assumed-role/${ROLE}/somebody` }],
    ['an instance that is not there', { arn: `arn:aws:sts::${CLUSTER.account}:assumed-role/${ROLE}/i-00000000000000000` }],
    ['another account', { arn: `arn:aws:sts::999999999999:assumed-role/${ROLE}/${ID}` }],
  ])('refuses %s', async (_, change) => {
    const { ports } = await world(change);

    await expect(joinNode(request().event, ports)).rejects.toBeInstanceOf(RefusedError);
  });

  it('refuses an old request before anybody is asked', async () => {
    const { ports, asked } = await world();
    const later = { ...ports, clock: { now: () => new Date(NOW.getTime() + 301_000) } };

    await expect(joinNode(request().event, later)).rejects.toBeInstanceOf(RefusedError);
    expect(asked).toEqual([]);
  });

  it('refuses what is no request, a request signed by another key, and a cluster without identity', async () => {
    const { ports, secrets } = await world();
    const { event } = request();
    const der = Buffer.from(event.csr.replace(/-----.*-----|\n/g, ''), 'base64');
    der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----`;
    const signed = signIdentity(SESSION, { host: 'sts', region: CLUSTER.region, cluster: CLUSTER.name, csr: forged, now: NOW });

    await expect(joinNode({ ...event, extra: 1 }, ports)).rejects.toBeInstanceOf(InputError);
    const split = { ...event, sts: { ...event.sts, token: 'token\r\nx-amz-date: 20260101T000000Z' } };
    await expect(joinNode(split, ports)).rejects.toBeInstanceOf(InputError);
    await expect(joinNode({ ...event, csr: forged, sts: signed }, ports)).rejects.toBeInstanceOf(InputError);
    await expect(joinNode({ ...event, csr: event.csr.replace('MI', 'AA') }, ports)).rejects.toBeInstanceOf(InputError);
    secrets.values.clear();
    await expect(joinNode(event, ports)).rejects.toBeInstanceOf(NotFoundError);
  });
});
