import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKubernetes } from '#adapters/kubernetes/kubernetes.ts';
import { parseConfiguration } from '#domain/configuration.ts';
import { API_PORT } from '#domain/network.ts';
import { parseOwnPolicies, withPolicies } from '#domain/policies/own-policies.ts';
import { render } from '#domain/render.ts';
import type { Manifest } from '#model/render.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { referenceSnapshot } from '../support/reference-fleet.ts';

const PATH = 'channels/policies/services.yaml';
/** The example of docs/configure.md. */
const POLICY = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: service-external-ips
spec:
  matchConstraints:
    resourceRules:
      - { apiGroups: [''], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [services] }
  validations:
    - expression: "!has(object.spec.externalIPs) || object.spec.externalIPs.size() == 0"
      message: In \${CLUSTER_NAME} a Service can't take the address of another.
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: service-external-ips
spec:
  policyName: service-external-ips
  validationActions: [Deny]
`;

function service(name: string, externalIPs: readonly string[]): Manifest {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' }, spec: { ports: [{ port: 80 }], externalIPs } };
}

describe.each(['1.35.4', '1.36.3'])('the own policies of a fleet on a real API server %s', (version) => {
  let plane: ControlPlane;
  let kubernetes: Kubernetes;
  beforeAll(async () => {
    plane = await startControlPlane({ version });
    kubernetes = createKubernetes({
      ...(await plane.client('kubernetes')),
      address: plane.address,
      port: API_PORT,
      serverName: 'kubernetes',
    });
  }, 120_000);
  afterAll(() => plane.stop());

  /** What a cluster gets of these policies. */
  function rendered(text: string): Manifest[] {
    const { value, findings } = parseOwnPolicies([{ path: PATH, content: text }]);
    const configuration = parseConfiguration(referenceSnapshot()).value;
    expect(findings).toEqual([]);
    if (value === undefined || configuration === undefined) throw new Error('the policies are not valid');
    const [component] = render(withPolicies(configuration, value), plane.cluster).components;
    return component?.objects ?? [];
  }

  it('are taken, and refuse what they are to refuse', async () => {
    const objects = rendered(POLICY);
    const outcomes: string[] = [];
    for (const object of objects) outcomes.push((await kubernetes.apply(object)).outcome);

    expect(outcomes).toEqual(['created', 'created']);
    let attempt = 0;
    const refusal = async (): Promise<string | undefined> => {
      attempt += 1;
      return (await kubernetes.apply(service(`taken-${attempt}`, ['192.0.2.1']))).reason;
    };
    await expect
      .poll(refusal, { timeout: 30_000, interval: 500 })
      .toContain(`In ${plane.cluster.name} a Service can't take the address of another.`);
    expect(await kubernetes.apply(service('plain', []))).toMatchObject({ outcome: 'created' });
    const again: string[] = [];
    for (const object of objects) again.push((await kubernetes.apply(object)).outcome);
    expect(again).toEqual(['unchanged', 'unchanged']);
  }, 60_000);

  it('are refused when an expression does not compile', async () => {
    const broken = POLICY.replaceAll('service-external-ips', 'broken').replace('object.spec.externalIPs.size() == 0', 'object.spec.(');
    const [policy] = rendered(broken);

    const result = policy === undefined ? undefined : await kubernetes.apply(policy);

    expect(result).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('spec.validations[0].expression') });
  });
});
