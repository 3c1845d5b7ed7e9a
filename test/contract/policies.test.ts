import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKubernetes } from '#adapters/kubernetes/kubernetes.ts';
import { parseConfiguration } from '#domain/configuration.ts';
import { API_PORT } from '#domain/network.ts';
import { parseOwnPolicies, withPolicies } from '#domain/policies/own-policies.ts';
import { render } from '#domain/render.ts';
import type { Manifest } from '#model/render.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import { FIELDS, policyOf, REFUSED, TAKEN } from '../support/cel-expressions.ts';
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

  it('are refused when an expression has a function that is none, which only the API server knows', async () => {
    const broken = POLICY.replaceAll('service-external-ips', 'broken').replace(
      'object.spec.externalIPs.size() == 0',
      'sise(object.spec.externalIPs) == 0',
    );
    const [policy] = rendered(broken);

    const result = policy === undefined ? undefined : await kubernetes.apply(policy);

    expect(result).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('spec.validations[0].expression') });
  });

  /** The place of the expression that does not compile, by the API server's word; undefined when it takes all of them. */
  async function refusedBy(policy: Manifest): Promise<string | undefined> {
    const { outcome, reason } = await kubernetes.apply(policy);
    if (outcome !== 'refused') return undefined;
    return /spec\.\w+\[\d+\]\.\w+(?=: (?:Invalid|Required) value)/.exec(reason ?? '')?.[0] ?? reason;
  }

  it('have the expressions that validation lets pass', async () => {
    const refused: string[] = [];
    for (const [index, expression] of TAKEN.entries()) {
      const place = await refusedBy(policyOf(`taken-${index}`, { validations: [{ expression }] }));
      if (place !== undefined) refused.push(expression);
    }

    expect(refused).toEqual([]);
  }, 60_000);

  it('do not have those that it refuses', async () => {
    const taken: string[] = [];
    for (const [index, [expression]] of REFUSED.entries()) {
      // No expression at all is refused in other words.
      const place = await refusedBy(policyOf(`refused-${index}`, { validations: [{ expression: expression === '' ? ' ' : expression }] }));
      if (place !== 'spec.validations[0].expression') taken.push(expression);
    }

    expect(taken).toEqual([]);
  }, 60_000);

  it.each(FIELDS)('agree that $what', async ({ what, spec, refused }) => {
    const name = what.replaceAll(' ', '-');

    expect(await refusedBy(policyOf(name, spec))).toBe(refused);
  });
});
