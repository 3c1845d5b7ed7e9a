import { FAILS, ONLY_IN_PRODUCTION, type Policy } from './policy.ts';
import type { PolicyObject } from './subject.ts';
import { listAt, textAt } from './values.ts';

const BUILT_IN_WRITERS = ['cluster-admin', 'admin', 'edit'];
const READING = ['get', 'list', 'watch'];
/**
 * Machines and what Kubernetes itself binds; everything else that is a group or a user is people, `sluice:read-only` above all. Who
 * has `sluice:write` or `sluice:emergency` says the login: nobody in production, or until the end of an emergency.
 */
const MACHINES = /^(system:(node|kube-|serviceaccounts|bootstrappers|masters)|sluice(:(nodes?\b|write$|emergency$)|$))/;

export const humanWriteAccess: Policy = {
  id: 'human-write-access',
  title: 'In production people may only read',
  why: 'what is changed by hand is in no pull request, and the next update may undo it.',
  fix: 'bind people to `view`; what must change goes through a pull request.',
  levels: ONLY_IN_PRODUCTION,
  check: ({ objects }) =>
    bindings(objects).flatMap((binding) => {
      const role = textAt(binding.manifest, ['roleRef', 'name']) ?? '';
      if (!isWriter(binding, role, objects)) return [];
      return listAt(binding.manifest, ['subjects']).flatMap((subject, index) => {
        const kind = textAt(subject, ['kind']);
        const name = textAt(subject, ['name']) ?? '';
        if ((kind !== 'Group' && kind !== 'User') || MACHINES.test(name)) return [];
        const message = `the ${kind.toLowerCase()} ${name} may write, by the role ${role}. In production people read only.`;
        return [binding.violation(['subjects', index, 'name'], message)];
      });
    }),
};

/** Groups that everybody is in. */
const EVERYBODY = ['system:authenticated', 'system:unauthenticated', 'system:anonymous', 'system:serviceaccounts'];

export const everybodyIsAdmin: Policy = {
  id: 'everybody-writes',
  title: 'No rights to change anything for everybody',
  why: 'all who can log in, or all pods, would be administrators.',
  fix: 'bind a group of your own, or the one service account that needs it.',
  levels: FAILS,
  check: ({ objects }) =>
    bindings(objects).flatMap((binding) => {
      const role = textAt(binding.manifest, ['roleRef', 'name']) ?? '';
      if (!isWriter(binding, role, objects)) return [];
      return listAt(binding.manifest, ['subjects']).flatMap((subject, index) => {
        const name = textAt(subject, ['name']) ?? '';
        return EVERYBODY.includes(name) ? [binding.violation(['subjects', index, 'name'], `${name} is everybody, and gets ${role}.`)] : [];
      });
    }),
};

function bindings(objects: readonly PolicyObject[]): PolicyObject[] {
  return objects.filter(({ manifest }) => manifest.kind === 'ClusterRoleBinding' || manifest.kind === 'RoleBinding');
}

/** True when the role of a binding, built in or of the same configuration, can change something. */
function isWriter(binding: PolicyObject, role: string, objects: readonly PolicyObject[]): boolean {
  const kind = textAt(binding.manifest, ['roleRef', 'kind']) ?? '';
  if (kind === 'ClusterRole' && BUILT_IN_WRITERS.includes(role)) return true;
  const found = objects.find(
    ({ manifest }) =>
      manifest.kind === kind &&
      manifest.metadata.name === role &&
      (kind === 'ClusterRole' || manifest.metadata.namespace === binding.manifest.metadata.namespace),
  );
  return listAt(found?.manifest, ['rules']).some((rule) => listAt(rule, ['verbs']).some((verb) => !READING.includes(String(verb))));
}
