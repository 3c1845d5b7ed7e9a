import { describe, expect, it } from 'vitest';
import { awsRoles } from '#domain/policies/aws-roles.ts';
import { policySubject } from '#domain/policies/subject.ts';
import { configurationWith, expectInObjects, NOW } from '../../../support/policies.ts';
import { referenceSnapshot } from '../../../support/reference-fleet.ts';

const ARN = 'arn:aws:iam::${ACCOUNT}:role/sluice-${CLUSTER_NAME}-external-dns';

interface Parts {
  readonly arn?: string;
  readonly namespace?: string;
  readonly account?: string;
  readonly file?: string;
  readonly audience?: string;
  readonly mount?: string;
  readonly volume?: string;
  readonly mark?: string;
}

function pod(parts: Parts = {}): string {
  const { arn = ARN, namespace = 'kube-system', account = 'external-dns', file = '/var/run/secrets/sts/token' } = parts;
  const { audience = 'sts.amazonaws.com', mount = '/var/run/secrets/sts', volume = 'aws-token', mark = '▸' } = parts;
  return `apiVersion: v1
kind: Pod
metadata: { name: a, namespace: ${namespace} }
spec:
  serviceAccountName: ${account}
  containers:
    - name: main
      env:
        - { name: AWS_WEB_IDENTITY_TOKEN_FILE, value: ${file} }
        - ${mark}{ name: AWS_ROLE_ARN, value: '${arn}' }
      volumeMounts: [{ name: aws-token, mountPath: ${mount} }]
  volumes:
    - name: ${volume}
      projected: { sources: [{ serviceAccountToken: { audience: ${audience}, path: token } }] }
`;
}

const NO_TOKEN =
  'it has no token for AWS. Mount a projected serviceAccountToken of the audience sts.amazonaws.com, and name its file in AWS_WEB_IDENTITY_TOKEN_FILE.';
const OTHER_ACCOUNT = "its role must be of the cluster's own account. Write arn:aws:iam::${ACCOUNT}:role/NAME.";
const ROLE = 'sluice-${CLUSTER_NAME}-external-dns';
const TRUSTED = `the role ${ROLE} is trusted to system:serviceaccount:kube-system:external-dns, not to`;

describe('aws-role', () => {
  it('passes a pod that has the role of its service account, and one that has none', () => {
    expectInObjects(awsRoles, pod({ mark: '' }));
    expectInObjects(awsRoles, pod({ mark: '' }).replace('AWS_ROLE_ARN', 'OTHER').replace('sts.amazonaws.com', 'other'));
  });

  it.each<[string, Parts, string]>([
    ['another account', { arn: 'arn:aws:iam::123456789012:role/a' }, OTHER_ACCOUNT],
    ['no ARN', { arn: ROLE }, OTHER_ACCOUNT],
    ['another audience', { audience: 'other' }, NO_TOKEN],
    ['another file', { file: '/var/run/secrets/sts/other' }, NO_TOKEN],
    ['another folder', { mount: '/var/run/secrets/other' }, NO_TOKEN],
    ['another volume', { volume: 'other' }, NO_TOKEN],
    ['a role that nobody makes', { arn: `${ARN}-2` }, `no template makes the role ${ROLE}-2.`],
    ['another service account', { account: 'other' }, `${TRUSTED} system:serviceaccount:kube-system:other.`],
    ['another namespace', { namespace: 'other' }, `${TRUSTED} system:serviceaccount:other:external-dns.`],
  ])('finds %s', (_, parts, problem) =>
    expectInObjects(awsRoles, pod(parts), [`Pod ${parts.namespace ?? 'kube-system'}/a: container main: ${problem}`]),
  );

  it('takes a pod that names neither namespace nor service account as the default ones', () =>
    expectInObjects(awsRoles, pod().replace(', namespace: kube-system', '').replace('  serviceAccountName: external-dns\n', ''), [
      `Pod a: container main: ${TRUSTED} system:serviceaccount:default:default.`,
    ]));

  it('passes the reference configuration, and finds the one component whose role another template trusts to somebody else', () => {
    const { files } = referenceSnapshot();
    const network = files.find(({ path }) => path === 'network.yaml')?.content ?? '';
    const check = (text: string) => awsRoles.check(policySubject(configurationWith({ 'network.yaml': text }), files, NOW));
    const other = check(network.replace('system:serviceaccount:kube-system:external-dns', 'system:serviceaccount:team:external-dns'));

    expect(check(network)).toEqual([]);
    expect(other.map(({ message }) => message)).toEqual([
      `Deployment kube-system/external-dns: container external-dns: the role ${ROLE} is trusted to system:serviceaccount:team:external-dns, not to system:serviceaccount:kube-system:external-dns.`,
    ]);
  });
});
