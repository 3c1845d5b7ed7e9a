import { TEMPLATE_NAMES } from '../stack-parameters.ts';
import { namedBy, policyDocument } from './iam.ts';
import { type Container, containers } from './pods.ts';
import { FAILS, type Policy } from './policy.ts';
import type { PolicySubject } from './subject.ts';
import { listAt, listOf, textAt, valueAt } from './values.ts';

const AUDIENCE = 'sts.amazonaws.com';
const ROLE = /^arn:aws(?:-cn|-us-gov)?:iam::\$\{ACCOUNT\}:role\/(\S+)$/;

/** A pod that asks AWS for a role in vain fails when it starts, in each cluster: nothing in the API server looks at it before. */
export const awsRoles: Policy = {
  id: 'aws-role',
  title: 'What a pod needs for its role of AWS is all there',
  why: 'AWS gives a role only to the service account that its trust names, by a token that is made for AWS; else the pod can do nothing.',
  fix: 'write role, token file and projected token as the other components have them, and the role into a template.',
  levels: FAILS,
  check: (subject) => {
    // In a template that was not read, or not whole, each role may be.
    const whole = TEMPLATE_NAMES.every((name) => {
      const template = subject.template(name);
      return template !== undefined && subject.isSound(template.path);
    });
    const roles = whole ? rolesOf(subject) : undefined;
    return containers(subject.objects).flatMap((container) => {
      const index = listAt(container.body, ['env']).findIndex((entry) => valueAt(entry, ['name']) === 'AWS_ROLE_ARN');
      if (index < 0) return [];
      const problem = roleProblem(container, textAt(container.body, ['env', index, 'value']) ?? '', roles);
      if (problem === undefined) return [];
      return [container.pod.object.violation([...container.path, 'env', index], `container ${container.name}: ${problem}`)];
    });
  },
};

function roleProblem(container: Container, arn: string, roles: ReadonlyMap<string, readonly string[]> | undefined): string | undefined {
  const name = ROLE.exec(arn)?.[1];
  if (name === undefined) return "its role must be of the cluster's own account. Write arn:aws:iam::${ACCOUNT}:role/NAME.";
  if (!hasToken(container))
    return `it has no token for AWS. Mount a projected serviceAccountToken of the audience ${AUDIENCE}, and name its file in AWS_WEB_IDENTITY_TOKEN_FILE.`;
  if (roles === undefined) return undefined;
  const subjects = roles.get(name);
  if (subjects === undefined) return `no template makes the role ${name}.`;
  const { object, spec } = container.pod;
  const own = `system:serviceaccount:${object.manifest.metadata.namespace ?? 'default'}:${textAt(spec, ['serviceAccountName']) ?? 'default'}`;
  return subjects.includes(own) ? undefined : `the role ${name} is trusted to ${subjects.join(', ') || 'nobody'}, not to ${own}.`;
}

/** Whether the file that is named is a token for AWS. */
function hasToken({ body, pod }: Container): boolean {
  const file = listAt(body, ['env']).find((entry) => valueAt(entry, ['name']) === 'AWS_WEB_IDENTITY_TOKEN_FILE');
  const path = textAt(file, ['value']);
  return listAt(body, ['volumeMounts']).some((mount) =>
    listAt(pod.spec, ['volumes'])
      .filter((volume) => valueAt(volume, ['name']) === valueAt(mount, ['name']))
      .flatMap((volume) => listAt(volume, ['projected', 'sources']))
      .map((source) => valueAt(source, ['serviceAccountToken']))
      .some((token) => valueAt(token, ['audience']) === AUDIENCE && `${textAt(mount, ['mountPath'])}/${textAt(token, ['path'])}` === path),
  );
}

/** Roles that templates name, as manifests name them, and the subjects of tokens that each is trusted to. */
function rolesOf(subject: PolicySubject): Map<string, readonly string[]> {
  const roles = new Map<string, readonly string[]>();
  for (const template of subject.templates) {
    for (const { Type, Properties } of Object.values(template.body.Resources)) {
      const name = textAt(Properties, ['RoleName', 'Fn::Sub']) ?? textAt(Properties, ['RoleName']);
      if (Type !== 'AWS::IAM::Role' || name === undefined) continue;
      const statements = listOf(valueAt(policyDocument(valueAt(Properties, ['AssumeRolePolicyDocument'])), ['Statement']));
      const allowed = statements.filter((statement) => valueAt(statement, ['Effect']) === 'Allow');
      roles.set(
        name.replaceAll('${ClusterName}', '${CLUSTER_NAME}'),
        allowed.flatMap((statement) => namedBy(statement, ':sub')),
      );
    }
  }
  return roles;
}
