import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createAuthority } from '#adapters/x509/authority.ts';
import { mintClient } from '#adapters/x509/clients.ts';
import { secretIds } from '#domain/names.ts';
import type { IdentityVersions } from '#model/configuration.ts';
import { ConflictError, NotFoundError, RefusedError, TransientError } from '#model/errors.ts';
import { deleteIdentity } from '../../../functions/identity/delete-identity.ts';
import { issueIdentity } from '../../../functions/identity/issue-identity.ts';
import { CLUSTER, CONTEXT } from '../../support/cluster-world.ts';
import { createFakeObjects } from '../../support/fakes/objects.ts';
import { createFakeSecrets } from '../../support/fakes/secrets.ts';

const NOW = new Date('2026-01-01T00:00:00Z');
const IDS = [secretIds.authority, secretIds.etcd, secretIds.controlPlane].map((id) => id(CLUSTER.name));

function world() {
  const secrets = createFakeSecrets();
  let now = NOW;
  const ports = { secrets, authority: createAuthority(), clock: { now: () => now }, issuer: createFakeObjects() };
  const files = (id: string): Record<string, string> => JSON.parse(secrets.values.get(id) ?? '{}');
  const issue = (identity?: Partial<IdentityVersions>) =>
    issueIdentity.run({ cluster: CLUSTER, ...(identity === undefined ? {} : { render: { versions: { identity } } }) }, ports, CONTEXT);
  const pass = (days: number): void => {
    now = new Date(now.getTime() + days * 24 * 3600 * 1000);
  };
  return { secrets, ports, files, issue, pass };
}

function certificate(files: Record<string, string>, name: string): X509Certificate {
  return new X509Certificate(files[`${name}.crt`] ?? '');
}

describe('issuing an identity', () => {
  it('takes the whole render that its state machine holds, and keeps of it what it goes by', () => {
    const versions = { kubernetes: '1.36.3', etcd: '3.6.16', osImage: 'ami-1', e2eTests: '1.36.3' };
    const identity = { clusterCa: { trusted: [1, 2], issues: 1 } };
    const parse = (of: object) => issueIdentity.input.parse({ cluster: CLUSTER, render: { hash: 'f'.repeat(64), versions: of } }).render;

    expect(parse(versions)).toEqual({ versions: {} });
    expect(parse({ ...versions, identity })).toEqual({ versions: { identity } });
  });

  it.each([
    [undefined, 3],
    [3 as const, 3],
    [5 as const, 5],
  ])('certifies the addresses of %s members', async (etcdMembers, count) => {
    const { files, ports } = world();
    await issueIdentity.run({ cluster: { ...CLUSTER, ...(etcdMembers === undefined ? {} : { etcdMembers }) } }, ports, CONTEXT);

    const names = certificate(files(secretIds.etcd(CLUSTER.name)), 'member').subjectAltName?.match(/IP Address:[\d.]+/g) ?? [];
    expect(names).toHaveLength(count);
    expect(names.slice(3).map((name) => name.replace(/.*\./, ''))).toEqual(Array.from({ length: count - 3 }, () => '12'));
  });

  it('makes the three secrets once; a later call changes nothing', async () => {
    const { secrets, issue } = world();

    const first = await issue();
    const before = new Map(secrets.values);
    const second = await issue();

    expect(first).toEqual({ created: true, version: 1, expires: '2027-01-01T00:00:00.000Z' });
    expect(second).toEqual({ ...first, created: false });
    expect([...secrets.values.keys()].sort()).toEqual([...IDS].sort());
    expect(secrets.values).toEqual(before);
  });

  it('completes what is half made, from the authority that is there', async () => {
    const { secrets, files, issue } = world();
    await issue();
    const ca = files(IDS[0] ?? '')['ca.crt'];
    secrets.values.delete(secretIds.etcd(CLUSTER.name));
    const plane = files(secretIds.controlPlane(CLUSTER.name));
    const { 'scheduler.crt': _certificate, ...without } = plane;
    secrets.values.set(secretIds.controlPlane(CLUSTER.name), JSON.stringify(without));

    const again = await issue();

    const completed = files(secretIds.controlPlane(CLUSTER.name));
    expect(again.created).toBe(true);
    expect(files(secretIds.etcd(CLUSTER.name))['ca.crt']).toBe(files(IDS[0] ?? '')['etcd-ca.crt']);
    expect(certificate(completed, 'scheduler').verify(new X509Certificate(ca ?? '').publicKey)).toBe(true);
    expect(completed['apiserver.crt']).toBe(plane['apiserver.crt']);
  });

  it('ends in one authority when two run at once', async () => {
    const { files, issue } = world();

    const results = await Promise.all([issue(), issue(), issue()]);

    const ca = new X509Certificate(files(IDS[0] ?? '')['ca.crt'] ?? '');
    expect(results.some(({ created }) => created)).toBe(true);
    expect(certificate(files(secretIds.controlPlane(CLUSTER.name)), 'apiserver').checkIssued(ca)).toBe(true);
    expect(certificate(files(secretIds.controlPlane(CLUSTER.name)), 'scheduler').verify(ca.publicKey)).toBe(true);
  });

  it('refuses an authority that lacks files instead of making another one', async () => {
    const { secrets, issue } = world();
    await issue();
    secrets.values.set(IDS[0] ?? '', JSON.stringify({ 'ca.crt': 'gone' }));

    await expect(issue()).rejects.toBeInstanceOf(RefusedError);
  });

  it('names who a certificate is for, and how long', async () => {
    const { files, issue } = world();
    await issue();

    const plane = files(secretIds.controlPlane(CLUSTER.name));
    const api = certificate(plane, 'apiserver');
    const member = certificate(files(secretIds.etcd(CLUSTER.name)), 'member');
    const ca = new X509Certificate(plane['ca.crt'] ?? '');

    for (const name of ['kubernetes', 'kubernetes.default.svc.cluster.local', 'api.dev-1.sluice.internal'])
      expect(api.checkHost(name)).toBe(name);
    for (const address of ['10.20.0.10', '10.20.16.10', '10.20.32.10', '10.96.0.1']) expect(api.checkIP(address)).toBe(address);
    for (const address of ['10.20.0.11', '10.20.16.11', '10.20.32.11']) expect(member.checkIP(address)).toBe(address);
    expect(ca.ca).toBe(true);
    expect(api.ca).toBe(false);
    expect(new Date(ca.validTo).getUTCFullYear()).toBe(2036);
    expect(new Date(api.validTo)).toEqual(new Date('2027-01-01T00:00:00Z'));
    expect(plane['encryption.yaml']).toMatch(/secretbox[\s\S]*identity: {}/);
  });
});

describe('rotating an identity', () => {
  const BOTH_OLD = { trusted: [1, 2], issues: 1 };
  const BOTH_NEW = { trusted: [1, 2], issues: 2 };
  const NEW = { trusted: [2], issues: 2 };
  const plane = secretIds.controlPlane(CLUSTER.name);
  const pems = (text = ''): string[] => text.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];

  it('goes by trust both, issue new, drop old; each kind for itself', async () => {
    const { issue, files } = world();
    await issue();
    const before = files(plane);
    const seen = [];
    for (const generation of [BOTH_OLD, BOTH_NEW, NEW]) {
      await issue({ clusterCa: generation });
      seen.push(files(plane));
    }
    const [both, issued, dropped] = seen;

    const ca = (text: Record<string, string> | undefined): string[] => pems(text?.['ca.crt']);
    expect([ca(before).length, ca(both).length, ca(issued).length, ca(dropped).length]).toEqual([1, 2, 2, 1]);
    expect(both?.['apiserver.crt']).toBe(before['apiserver.crt']);
    expect(issued?.['apiserver.crt']).not.toBe(before['apiserver.crt']);
    const issuer = new X509Certificate(dropped?.['ca.crt'] ?? '');
    expect(certificate(issued ?? {}, 'scheduler').verify(issuer.publicKey)).toBe(true);
    expect(issued?.['ca-issuing.crt']).toBe(dropped?.['ca.crt']);
    expect(issuer.subject).toBe('CN=dev-1-ca-2');
    expect([dropped?.['sa.key'], dropped?.['encryption.yaml']]).toEqual([before['sa.key'], before['encryption.yaml']]);
  });

  it.each([
    ['in the middle', BOTH_NEW, 2],
    ['at its end', NEW, 1],
    ['after the next one', { trusted: [3], issues: 3 }, 1],
  ])('makes a new cluster as the others are by then: %s', async (_, generation, trusted) => {
    const { issue, files, secrets } = world();
    const kinds = { clusterCa: generation, serviceAccounts: generation, encryption: generation };

    const made = await issue(kinds);
    const before = new Map(secrets.values);
    await issue(kinds);

    const issuer = new X509Certificate(files(IDS[0] ?? '')['ca.crt'] ?? '');
    expect(made.created).toBe(true);
    expect(secrets.values).toEqual(before);
    expect(issuer.subject).toBe(`CN=dev-1-ca-${generation.issues}`);
    expect(certificate(files(plane), 'apiserver').verify(issuer.publicKey)).toBe(true);
    expect([pems(files(plane)['ca.crt']).length, pems(files(plane)['sa.pub']).length]).toEqual([trusted, trusted]);
    expect(files(plane)['encryption.yaml']).toContain(`name: key${generation.issues}`);
  });

  it('signs tokens and encrypts by one key, and knows those of both', async () => {
    const { issue, files } = world();
    await issue();
    const before = files(plane);
    const kinds = (generation: typeof BOTH_OLD) => ({ serviceAccounts: generation, encryption: generation });

    await issue(kinds(BOTH_OLD));
    const both = files(plane);
    await issue(kinds(BOTH_NEW));
    const issued = files(plane);
    await issue(kinds(NEW));
    const dropped = files(plane);

    const names = (text: Record<string, string>): string[] =>
      [...(text['encryption.yaml'] ?? '').matchAll(/name: (key\d)/g)].map((match) => match[1] ?? '');
    expect([before, both, issued, dropped].map(names)).toEqual([['key1'], ['key1', 'key2'], ['key2', 'key1'], ['key2']]);
    expect([before, both, issued, dropped].map((text) => pems(text['sa.pub']).length)).toEqual([1, 2, 2, 1]);
    expect(both['sa.key']).toBe(before['sa.key']);
    expect(issued['sa.key']).not.toBe(before['sa.key']);
    expect(pems(issued['sa.pub'])[0]).toBe(pems(dropped['sa.pub'])[0]);
  });

  it('refuses to skip a move, and leaves everything as it was', async () => {
    const { issue, secrets } = world();
    await issue();
    const before = new Map(secrets.values);

    for (const identity of [{ clusterCa: NEW }, { serviceAccounts: BOTH_NEW }, { encryption: NEW }])
      await expect(issue(identity)).rejects.toBeInstanceOf(RefusedError);
    expect(secrets.values).toEqual(before);
  });

  it('ends in the same when it stops after the authority and runs again', async () => {
    const { issue, secrets, files, ports } = world();
    await issue();
    const replace = secrets.replace;
    secrets.replace = async (id, value, version) => {
      if (id === plane) throw new TransientError('Secrets Manager answered 500');
      return replace(id, value, version);
    };
    await expect(issue({ clusterCa: BOTH_OLD })).rejects.toBeInstanceOf(TransientError);
    secrets.replace = replace;

    await issue({ clusterCa: BOTH_OLD });
    const after = new Map(secrets.values);
    await issue({ clusterCa: BOTH_OLD });

    expect(pems(files(plane)['ca.crt'])).toHaveLength(2);
    expect(secrets.values).toEqual(after);
    expect((await mintClient(ports, CLUSTER.name, 'kubernetes')).ca).toBe(files(plane)['ca.crt']);
  });

  it('begins again with the same keys after it was given up, also half-way', async () => {
    const { issue, files } = world();
    const kinds = (generation: typeof BOTH_OLD) => ({ clusterCa: generation, serviceAccounts: generation, encryption: generation });
    await issue();
    const before = files(plane);
    await issue(kinds(BOTH_OLD));
    const both = files(plane);

    await issue(kinds({ trusted: [1], issues: 1 }));
    const givenUp = files(plane);
    await issue(kinds(BOTH_OLD));

    // Instances that got the two keys the first time are not replaced, since the words of their user data are the same.
    expect(givenUp).toEqual(before);
    expect(files(plane)).toEqual(both);
  });

  it('keeps no old key that was dropped', async () => {
    const { issue, files } = world();
    await issue();
    for (const generation of [BOTH_OLD, BOTH_NEW, NEW])
      await issue({ clusterCa: generation, serviceAccounts: generation, encryption: generation });

    const kept = JSON.parse(files(IDS[0] ?? '')['generations.json'] ?? '{}');

    expect([kept.clusterCa, kept.serviceAccounts, kept.encryption].map((kind) => Object.keys(kind))).toEqual([['2'], ['2'], ['2']]);
  });

  it('keeps the generations that there are when it is called without a configuration', async () => {
    const { issue, secrets } = world();
    await issue({ clusterCa: BOTH_OLD });
    const before = new Map(secrets.values);

    await issue();

    expect(secrets.values).toEqual(before);
  });

  it('makes one key of a generation when two run at once: the second starts anew', async () => {
    const { issue, files, secrets } = world();
    await issue();

    const results = await Promise.allSettled([issue({ clusterCa: BOTH_OLD }), issue({ clusterCa: BOTH_OLD })]);
    const failed = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    await issue({ clusterCa: BOTH_OLD });
    const after = new Map(secrets.values);
    await issue({ clusterCa: BOTH_OLD });

    expect(failed.map((error) => error instanceof ConflictError)).toEqual([true]);
    expect(files(plane)['ca.crt']).toBe(files(IDS[0] ?? '')['ca-bundle.crt']);
    expect(secrets.values).toEqual(after);
  });

  it('takes an authority from before rotations as the first generation', async () => {
    const { issue, secrets, files } = world();
    await issue();
    const id = secretIds.authority(CLUSTER.name);
    const { 'generations.json': _generations, 'ca-bundle.crt': _bundle, ...old } = files(id);
    secrets.values.set(id, JSON.stringify(old));

    await issue({ encryption: BOTH_OLD });

    expect(files(id)['ca.key']).toBe(old['ca.key']);
    expect(files(plane)['encryption.yaml']).toContain(/secret: (\S+)/.exec(old['encryption.yaml'] ?? '')?.[1]);
  });

  it('renews certificates of a year when four months are left', async () => {
    const { issue, files, pass } = world();
    await issue();
    const first = files(plane)['apiserver.crt'];

    pass(240);
    const early = await issue();
    pass(6);
    const late = await issue();

    expect([early.created, late.created]).toEqual([false, true]);
    expect(files(plane)['apiserver.crt']).not.toBe(first);
    expect(late.expires > early.expires).toBe(true);
  });
});

describe('a client certificate of Sluice', () => {
  it('lasts half an hour and is signed by the authority of its target', async () => {
    const { ports, files, issue } = world();
    await issue();
    const authority = files(IDS[0] ?? '');

    const kubernetes = await mintClient(ports, CLUSTER.name, 'kubernetes');
    const etcd = await mintClient(ports, CLUSTER.name, 'etcd');

    expect(new X509Certificate(kubernetes.cert).subject).toBe('O=system:masters\nCN=sluice');
    expect(new Date(new X509Certificate(kubernetes.cert).validTo)).toEqual(new Date('2026-01-01T00:30:00Z'));
    expect(kubernetes.ca).toBe(authority['ca.crt']);
    expect(etcd.ca).toBe(authority['etcd-ca.crt']);
    expect(new X509Certificate(etcd.cert).verify(new X509Certificate(etcd.ca).publicKey)).toBe(true);
  });

  it('needs an identity', async () => {
    await expect(mintClient(world().ports, CLUSTER.name, 'etcd')).rejects.toBeInstanceOf(NotFoundError);
  });
});

describe('deleting an identity', () => {
  it('is refused for a cluster that lives', async () => {
    const { secrets, issue, ports } = world();
    await issue();

    await expect(deleteIdentity.run({ cluster: CLUSTER, purpose: 'e2e' }, ports, CONTEXT)).rejects.toBeInstanceOf(RefusedError);
    expect(secrets.values.size).toBe(3);
  });

  it('of an e2e cluster is at once, of a decommissioned one recoverable', async () => {
    const e2e = world();
    const old = world();
    await Promise.all([e2e.issue(), old.issue()]);

    await deleteIdentity.run({ cluster: { ...CLUSTER, environment: 'e2e' }, purpose: 'e2e' }, e2e.ports, CONTEXT);
    await deleteIdentity.run({ cluster: CLUSTER, purpose: 'decommission' }, old.ports, CONTEXT);

    expect([...e2e.secrets.deleted.values()]).toEqual([undefined, undefined, undefined]);
    expect([...old.secrets.deleted.values()]).toEqual([30, 30, 30]);
    expect([...old.secrets.deleted.keys()].at(-1)).toBe(IDS[0]);
  });
});
