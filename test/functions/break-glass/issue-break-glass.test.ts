import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createAuthority } from '#adapters/x509/authority.ts';
import { BreakGlassRecord } from '#model/access.ts';
import { InputError, NotFoundError, TransientError } from '#model/errors.ts';
import { issueBreakGlass } from '../../../functions/break-glass/issue-break-glass.ts';
import { issueIdentity } from '../../../functions/identity/issue-identity.ts';
import { CLUSTER, CONTEXT } from '../../support/cluster-world.ts';
import { createFakeObjects } from '../../support/fakes/objects.ts';
import { createFakeSecrets } from '../../support/fakes/secrets.ts';

const NOW = new Date('2026-01-01T12:00:00Z');
const EVENT = { cluster: CLUSTER.name, by: 'ann@example.com', reason: 'RBAC was deleted by a mistake' };
const KEY = `break-glass/${CLUSTER.name}/2026-01-01T12:00:00.000Z.json`;

async function world() {
  const [secrets, objects] = [createFakeSecrets(), createFakeObjects()];
  const shared = { secrets, authority: createAuthority(), clock: { now: () => NOW } };
  await issueIdentity.run({ cluster: CLUSTER }, { ...shared, issuer: createFakeObjects() }, CONTEXT);
  const logged: unknown[] = [];
  const note = (...line: unknown[]): void => void logged.push(line);
  return { ports: { ...shared, objects, log: { info: note, warn: note, error: note } }, objects, secrets, logged };
}

function clientOf(kubeconfig: string): X509Certificate {
  const { users } = parse(kubeconfig) as { users: { user: { 'client-certificate-data': string } }[] };
  return new X509Certificate(Buffer.from(users[0]?.user['client-certificate-data'] ?? '', 'base64'));
}

describe('breaking the glass', () => {
  it("gives an administrator's certificate of one hour, and keeps who asked and why", async () => {
    const { ports, objects, logged } = await world();

    const answer = await issueBreakGlass(EVENT, ports);

    const certificate = clientOf(answer.kubeconfig);
    expect(certificate.subject).toBe('O=system:masters\nCN=break-glass:ann@example.com');
    expect([answer.until, new Date(certificate.validTo).toISOString()]).toEqual(['2026-01-01T13:00:00.000Z', '2026-01-01T13:00:00.000Z']);
    expect(BreakGlassRecord.parse(JSON.parse(objects.contents()[KEY] ?? ''))).toMatchObject({ ...EVENT, until: answer.until });
    expect(JSON.stringify(logged)).toContain(EVENT.reason);
    expect(JSON.stringify(logged)).not.toContain('PRIVATE');
  });

  it('gives nothing when it can not be recorded', async () => {
    const { ports, objects } = await world();
    const lost = { ...ports, objects: { putIfAbsent: async () => Promise.reject(new TransientError('S3 answered 503')) } };

    await expect(issueBreakGlass(EVENT, lost)).rejects.toBeInstanceOf(TransientError);
    await issueBreakGlass(EVENT, ports);
    await expect(issueBreakGlass(EVENT, ports)).rejects.toBeInstanceOf(TransientError);
    expect(Object.keys(objects.contents())).toEqual([KEY]);
  });

  it.each([
    ['no reason', { ...EVENT, reason: '' }],
    ['nobody', { ...EVENT, by: '' }],
    ['a name that no certificate can hold', { ...EVENT, by: 'x'.repeat(53) }],
    ['a name that would end the subject', { ...EVENT, by: 'x\nO=y' }],
    ['something more', { ...EVENT, hours: 100 }],
  ])('refuses a request with %s', async (_, event) => {
    const { ports, objects } = await world();

    await expect(issueBreakGlass(event, ports)).rejects.toBeInstanceOf(InputError);
    expect(objects.contents()).toEqual({});
  });

  it('knows the clusters of its account only', async () => {
    const { ports } = await world();

    await expect(issueBreakGlass({ ...EVENT, cluster: 'beta-9' }, ports)).rejects.toBeInstanceOf(NotFoundError);
  });
});

describe('the account stack', () => {
  const { Resources } = parse(readFileSync(new URL('../../../channels/bootstrap/account.yaml', import.meta.url), 'utf8'), {
    logLevel: 'silent',
  }) as { Resources: Record<string, { Type: string; Properties: Record<string, unknown> }> };

  it('raises an alarm at the first invocation, whatever becomes of it', () => {
    expect(Resources['BreakGlassAlarm']?.Properties).toMatchObject({
      Namespace: 'AWS/Lambda',
      MetricName: 'Invocations',
      Dimensions: [{ Name: 'FunctionName', Value: 'sluice-break-glass' }],
      Threshold: 1,
      EvaluationPeriods: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    });
    expect(JSON.stringify(Resources['BreakGlassAlarm']?.Properties['AlarmActions'])).toContain('Alarms');
  });

  it('lets only the role of that name invoke it', () => {
    const invoking = Object.entries(Resources).filter(
      ([, { Type, Properties }]) =>
        /Role|ManagedPolicy/.test(Type) && JSON.stringify(Properties['Policies'] ?? Properties).includes('function:sluice-break-glass'),
    );

    expect(invoking.map(([id]) => id)).toEqual(['BreakGlassRole']);
  });
});
