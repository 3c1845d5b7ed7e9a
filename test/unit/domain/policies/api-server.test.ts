import { describe, it } from 'vitest';
import { anonymousAccess, apiAuthorization, apiLogin, auditLog, encryptionAtRest, staticCredentials } from '#domain/policies/api-server.ts';
import { expectFound } from '../../../support/policies.ts';

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

describe('encryption-at-rest', () => {
  it('passes with a provider', () => expectFound(encryptionAtRest, FILE, api(START, '--encryption-provider-config=/x')));

  it('is found without', () =>
    expectFound(encryptionAtRest, FILE, api(`▸${START}`), [`${FILE}: Secrets lie in etcd in clear. Set --encryption-provider-config.`]));
});
