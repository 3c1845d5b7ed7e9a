import { podTemplates } from './pods.ts';
import { FAILS, FAILS_IN_PRODUCTION, type Policy, type Violation, WARNS, WARNS_IN_PRODUCTION } from './policy.ts';
import type { PolicySubject } from './subject.ts';
import { type Program, programs, textsOf } from './user-data.ts';
import { listAt, textAt } from './values.ts';

export const staticCredentials: Policy = {
  id: 'static-credentials',
  title: 'The API server knows no static tokens or passwords',
  why: 'a token in a file has no end and no owner, and can be taken back only by restarting every API server.',
  fix: 'remove the flag from `user-data/control-plane.yaml`; people log in by webhook or OIDC, machines by certificate.',
  levels: FAILS,
  check: (subject) =>
    ['token-auth-file', 'basic-auth-file', 'insecure-port'].flatMap((flag) =>
      apiServers(subject, (api) =>
        api.flags.has(flag) && api.flags.get(flag) !== '0' ? api.violation(flag, `--${flag} lets in who has read a file.`) : undefined,
      ),
    ),
};

export const apiLogin: Policy = {
  id: 'api-login',
  title: 'People log in by token webhook or OIDC',
  why: 'otherwise certificates are handed out by hand, which nobody can take back.',
  fix: 'give the API server `--authentication-token-webhook-config-file`, `--oidc-issuer-url` or `--authentication-config`.',
  levels: FAILS_IN_PRODUCTION,
  check: (subject) =>
    apiServers(subject, (api) =>
      hasAny(api, ['authentication-token-webhook-config-file', 'oidc-issuer-url', 'authentication-config'])
        ? undefined
        : api.violation(undefined, 'nobody can log in but by a certificate. Give it a token webhook or an OIDC issuer.'),
    ),
};

export const anonymousAccess: Policy = {
  id: 'anonymous-access',
  title: 'The API server knows no anonymous callers, but for health',
  why: 'whoever reaches the address may try; one careless binding to system:anonymous opens the cluster.',
  fix: 'set `--anonymous-auth=false`, or allow it for `/livez`, `/readyz` and `/healthz` only, in `--authentication-config`.',
  levels: WARNS,
  check: (subject) =>
    apiServers(subject, (api) =>
      api.flags.get('anonymous-auth') === 'false' || api.flags.has('authentication-config')
        ? undefined
        : api.violation('anonymous-auth', 'anonymous callers are let in. Limit them to health paths by --authentication-config.'),
    ),
};

export const apiAuthorization: Policy = {
  id: 'api-authorization',
  title: 'The API server decides by RBAC',
  why: 'AlwaysAllow makes everybody who logs in an administrator.',
  fix: 'set `--authorization-mode` to a list with RBAC and without AlwaysAllow.',
  levels: FAILS,
  check: (subject) =>
    apiServers(subject, (api) => {
      if (api.flags.has('authorization-config')) return undefined;
      const modes = (api.flags.get('authorization-mode') ?? 'AlwaysAllow').split(',');
      if (modes.includes('RBAC') && !modes.includes('AlwaysAllow')) return undefined;
      return api.violation('authorization-mode', `the API server authorizes by ${modes.join(', ')}. Use RBAC.`);
    }),
};

export const auditLog: Policy = {
  id: 'audit-log',
  title: 'The API server keeps an audit log',
  why: 'without it nobody can tell who changed or read what.',
  fix: 'give the API server `--audit-policy-file` and `--audit-log-path` or `--audit-webhook-config-file`.',
  levels: FAILS_IN_PRODUCTION,
  check: (subject) =>
    apiServers(subject, (api) =>
      api.flags.has('audit-policy-file') && hasAny(api, ['audit-log-path', 'audit-webhook-config-file'])
        ? undefined
        : api.violation(undefined, 'there is no audit log. Set --audit-policy-file and where the log goes.'),
    ),
};

export const auditSink: Policy = {
  id: 'audit-sink',
  title: 'The audit log leaves the instance',
  why: 'an instance goes with each roll and takes its log along; who took one over can change what it says.',
  fix: 'give the API server `--audit-webhook-config-file`, or let a DaemonSet (`hostPath`) or a unit of `user-data/control-plane.yaml` send the folder of `--audit-log-path` away.',
  levels: WARNS_IN_PRODUCTION,
  check: (subject) =>
    apiServers(subject, (api) => {
      const path = api.flags.get('audit-log-path');
      if (path === undefined || api.flags.has('audit-webhook-config-file') || isSentAway(subject, path)) return undefined;
      return api.violation('audit-log-path', 'the audit log stays on the instance, and goes with it. Send it away.');
    }),
};

/** Where systemd keeps what a program writes to its output. */
const JOURNAL = '/var/log/journal';

/** Whether something else of the configuration reads where the log is; also when it may be what could not be read. */
function isSentAway(subject: PolicySubject, path: string): boolean {
  const { objects, userData, objectsAreRead } = subject;
  if (!objectsAreRead || userData.common === undefined) return true;
  const folder = path === '-' ? JOURNAL : path.slice(0, path.lastIndexOf('/'));
  const mounted = podTemplates(objects).some(({ spec }) =>
    listAt(spec, ['volumes']).some((volume) => isAbove(textAt(volume, ['hostPath', 'path']), folder)),
  );
  const isNamed = (name: 'common' | 'control-plane'): boolean =>
    (['files', 'units'] as const).some((list) =>
      textsOf(subject, name, list).some(({ text }) => text.includes(folder) && !text.includes('--audit-log-path')),
    );
  return mounted || isNamed('common') || isNamed('control-plane');
}

/** Whether a folder of the node has the other in it, or is it. The whole disk is mounted for other reasons. */
function isAbove(mounted: string | undefined, folder: string): boolean {
  const path = mounted?.replace(/\/+$/, '') ?? '';
  return path !== '' && `${folder}/`.startsWith(`${path}/`);
}

export const encryptionAtRest: Policy = {
  id: 'encryption-at-rest',
  title: 'Secrets are encrypted in etcd',
  why: 'otherwise every backup and every disk of etcd holds them in clear.',
  fix: 'give the API server `--encryption-provider-config=/etc/sluice/pki/encryption.yaml`.',
  levels: FAILS_IN_PRODUCTION,
  check: (subject) =>
    apiServers(subject, (api) =>
      api.flags.has('encryption-provider-config')
        ? undefined
        : api.violation(undefined, 'Secrets lie in etcd in clear. Set --encryption-provider-config.'),
    ),
};

function apiServers(subject: PolicySubject, check: (api: Program) => Violation | undefined): Violation[] {
  return programs(subject, 'control-plane', 'kube-apiserver').flatMap((api) => check(api) ?? []);
}

function hasAny(program: Program, flags: readonly string[]): boolean {
  return flags.some((flag) => program.flags.has(flag));
}
