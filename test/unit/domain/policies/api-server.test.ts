import { describe, expect, it } from 'vitest';
import {
  anonymousAccess,
  apiAuthorization,
  apiLogin,
  auditLog,
  auditSink,
  encryptionAtRest,
  staticCredentials,
} from '#domain/policies/api-server.ts';
import { policySubject } from '#domain/policies/subject.ts';
import { configurationWith, expectFound, NOW } from '../../../support/policies.ts';
import { referenceSnapshot } from '../../../support/reference-fleet.ts';

const FILE = 'user-data/control-plane.yaml';

/** User data with one API server, the lines of its command as given. */
function api(...lines: string[]): string {
  const command = lines.join(' \\\n        ');
  return `units:
  - name: other.service
    content: |
      [Service]
      ExecStart=/opt/bin/not-kube-apiserver-at-all --token-auth-file=x
  - name: masked.service
    mask: true
  - name: kube-apiserver.service
    content: |
      [Service]
      ${command}
      Restart=always --token-auth-file=not-a-flag
`;
}

const START = 'ExecStart=/opt/bin/kube-apiserver';

describe('static-credentials', () => {
  it('passes other flags', () => expectFound(staticCredentials, FILE, api(START, '--anonymous-auth=false', '--insecure-port=0')));

  it('is found at the flag', () =>
    expectFound(staticCredentials, FILE, api(START, '--v=2', '▸--token-auth-file=/etc/tokens', '▸--insecure-port=8080'), [
      `${FILE}: --token-auth-file lets in who has read a file.`,
      `${FILE}: --insecure-port lets in who has read a file.`,
    ]));

  it('is found on one line', () =>
    expectFound(staticCredentials, FILE, api(`${START} --v=2 ▸--basic-auth-file=/etc/passwords`), [
      `${FILE}: --basic-auth-file lets in who has read a file.`,
    ]));
});

describe('api-login', () => {
  it.each(['--authentication-token-webhook-config-file=/x', '--oidc-issuer-url=https://x', '--authentication-config=/x'])(
    'passes %s',
    (flag) => expectFound(apiLogin, FILE, api(START, flag)),
  );

  it('is found at the program', () =>
    expectFound(apiLogin, FILE, api(`▸${START}`, '--anonymous-auth=false'), [
      `${FILE}: nobody can log in but by a certificate. Give it a token webhook or an OIDC issuer.`,
    ]));
});

describe('anonymous-access', () => {
  const message = `${FILE}: anonymous callers are let in. Limit them to health paths by --authentication-config.`;

  it.each(['--anonymous-auth=false', '--authentication-config=/x'])('passes %s', (flag) =>
    expectFound(anonymousAccess, FILE, api(START, flag)),
  );

  it('is found at the flag', () => expectFound(anonymousAccess, FILE, api(START, '▸--anonymous-auth=true'), [message]));

  it('is found at the program that leaves it to the default', () =>
    expectFound(anonymousAccess, FILE, api(`▸${START}`, '--v=2'), [message]));
});

describe('api-authorization', () => {
  it.each(['--authorization-mode=Node,RBAC', '--authorization-config=/x'])('passes %s', (flag) =>
    expectFound(apiAuthorization, FILE, api(START, flag)),
  );

  it('finds that everything is allowed', () =>
    expectFound(apiAuthorization, FILE, api(START, '▸--authorization-mode=RBAC,AlwaysAllow'), [
      `${FILE}: the API server authorizes by RBAC, AlwaysAllow. Use RBAC.`,
    ]));

  it('finds the default, which allows everything', () =>
    expectFound(apiAuthorization, FILE, api(`▸${START}`, '--v=2'), [`${FILE}: the API server authorizes by AlwaysAllow. Use RBAC.`]));

  it('finds a mode without RBAC', () =>
    expectFound(apiAuthorization, FILE, api(START, '▸--authorization-mode=Node'), [
      `${FILE}: the API server authorizes by Node. Use RBAC.`,
    ]));
});

describe('audit-log', () => {
  const message = `${FILE}: there is no audit log. Set --audit-policy-file and where the log goes.`;

  it.each(['--audit-log-path=-', '--audit-webhook-config-file=/x'])('passes a policy with %s', (flag) =>
    expectFound(auditLog, FILE, api(START, '--audit-policy-file=/x', flag)),
  );

  it.each(['--audit-policy-file=/x', '--audit-log-path=-'])('is found with %s only', (flag) =>
    expectFound(auditLog, FILE, api(`▸${START}`, flag), [message]),
  );
});

describe('audit-sink', () => {
  const message = `${FILE}: the audit log stays on the instance, and goes with it. Send it away.`;
  const LOG = '--audit-log-path=/var/log/kubernetes/audit.log';

  it.each([['--v=2'], [LOG, '--audit-webhook-config-file=/x']])('passes %s', (...flags) =>
    expectFound(auditSink, FILE, api(START, ...flags)),
  );

  it.each([LOG, '--audit-log-path=-'])('finds a log that nothing reads: %s', (flag) =>
    expectFound(auditSink, FILE, api(START, `▸${flag}`), [message]),
  );

  it.each([
    ['/var/log/kubernetes', true],
    ['/var/log/', true],
    ['/var/log/kubernetes-other', false],
    ['/var/log/kubernetes/deeper', false],
    ['/', false],
  ])('asks whether a pod mounts it: %s', (path, passes) => {
    const pod = `apiVersion: apps/v1\nkind: DaemonSet\nmetadata: { name: d }\nspec: { template: { spec: { containers: [], volumes: [{ name: a, hostPath: { path: ${path} } }] } } }\n`;
    expect(sinkWith({ 'components/probe/component.yaml': 'name: probe\nphase: workloads\n', 'components/probe/d.yaml': pod })).toEqual(
      passes ? [] : [message],
    );
  });

  it('asks whether a unit reads it', () => {
    const unit = '  - name: send.service\n    content: |\n      [Service]\n      ExecStart=/opt/bin/send /var/log/kubernetes/audit.log\n';
    expect(sinkWith({ [FILE]: `${api(START, LOG)}${unit}` })).toEqual([]);
    expect(sinkWith({ [FILE]: `${api(START, LOG)}${unit.replace('kubernetes', 'other')}` })).toEqual([message]);
  });

  it('says nothing where what reads it may be what could not be read', () => {
    expect(sinkWith({}, { objectsAreRead: false })).toEqual([]);
    expect(sinkWith({})).toEqual([message]);
  });

  function sinkWith(files: Record<string, string>, parts: { objectsAreRead?: boolean } = {}): string[] {
    const all = { [FILE]: api(START, LOG), ...files };
    const subject = policySubject({ ...configurationWith(all), ...parts }, referenceSnapshot(all).files, NOW);
    return auditSink.check(subject).map((violation) => violation.message);
  }
});

describe('encryption-at-rest', () => {
  it('passes with a provider', () => expectFound(encryptionAtRest, FILE, api(START, '--encryption-provider-config=/x')));

  it('is found without', () =>
    expectFound(encryptionAtRest, FILE, api(`▸${START}`), [`${FILE}: Secrets lie in etcd in clear. Set --encryption-provider-config.`]));
});
