import { describe, it } from 'vitest';
import { everybodyIsAdmin, humanWriteAccess } from '#domain/policies/access.ts';
import { expectInObjects } from '../../../support/policies.ts';

const ROLES = `---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: reader }
rules: [{ apiGroups: [''], resources: [pods], verbs: [get, list, watch] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: writer }
rules:
  - { apiGroups: [''], resources: [pods], verbs: [get] }
  - { apiGroups: [''], resources: [pods], verbs: [get, delete] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: local, namespace: shop }
rules: [{ apiGroups: [''], resources: [pods], verbs: ['*'] }]
`;

function binding(role: string, subject: string, kind = 'ClusterRole', namespace?: string): string {
  return `apiVersion: rbac.authorization.k8s.io/v1
kind: ${namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding'}
metadata: { name: people${namespace === undefined ? '' : `, namespace: ${namespace}`} }
roleRef: { kind: ${kind}, name: ${role} }
subjects:
  - ${subject}
${ROLES}`;
}

describe('human-write-access', () => {
  it.each(['cluster-admin', 'admin', 'edit', 'writer'])('finds a group bound to %s', (role) =>
    expectInObjects(humanWriteAccess, binding(role, '{ kind: Group, ▸name: developers }'), [
      `ClusterRoleBinding people: the group developers may write, by the role ${role}. In production people read only.`,
    ]),
  );

  it('finds a user, and a role of the namespace', () =>
    expectInObjects(humanWriteAccess, binding('local', '{ kind: User, ▸name: jane }', 'Role', 'shop'), [
      'RoleBinding shop/people: the user jane may write, by the role local. In production people read only.',
    ]));

  it.each(['view', 'reader', 'unknown'])('passes the role %s', (role) =>
    expectInObjects(humanWriteAccess, binding(role, '{ kind: Group, name: developers }')),
  );

  it('takes a role for what it is in its own namespace', () => {
    expectInObjects(humanWriteAccess, binding('local', '{ kind: User, name: jane }', 'Role', 'other'));
    expectInObjects(humanWriteAccess, binding('edit', '{ kind: User, name: jane }', 'Role', 'shop'));
    expectInObjects(humanWriteAccess, binding('writer', '{ kind: User, name: jane }', 'Role', 'shop'));
  });

  it.each([
    '{ kind: ServiceAccount, name: writer, namespace: shop }',
    '{ kind: Group, name: sluice:nodes }',
    '{ kind: User, name: sluice:node-agent }',
    '{ kind: User, name: sluice }',
    '{ kind: User, name: system:kube-proxy }',
  ])('passes the machine %s', (subject) => expectInObjects(humanWriteAccess, binding('edit', subject)));

  it.each(['sluices', 'my-system:node', 'sluice:read-only'])('does not take %s for a machine', (name) =>
    expectInObjects(humanWriteAccess, binding('edit', `{ kind: Group, ▸name: ${name} }`), [
      `ClusterRoleBinding people: the group ${name} may write, by the role edit. In production people read only.`,
    ]),
  );
});

describe('everybody-writes', () => {
  it.each(['system:authenticated', 'system:unauthenticated', 'system:anonymous', 'system:serviceaccounts'])('finds %s', (name) =>
    expectInObjects(everybodyIsAdmin, binding('writer', `{ kind: Group, ▸name: ${name} }`), [
      `ClusterRoleBinding people: ${name} is everybody, and gets writer.`,
    ]),
  );

  it('passes everybody who reads, and somebody who writes', () => {
    expectInObjects(everybodyIsAdmin, binding('reader', '{ kind: Group, name: system:authenticated }'));
    expectInObjects(everybodyIsAdmin, binding('writer', '{ kind: Group, name: developers }'));
  });
});
