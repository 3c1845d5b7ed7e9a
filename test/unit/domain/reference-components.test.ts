import { describe, expect, it } from 'vitest';
import { parseConfiguration } from '#domain/configuration.ts';
import { containers } from '#domain/policies/pods.ts';
import { policySubject } from '#domain/policies/subject.ts';
import { listAt, valueAt } from '#domain/policies/values.ts';
import type { ComponentFile } from '#model/configuration.ts';
import { referenceSnapshot } from '../../support/reference-fleet.ts';

const EVERYWHERE = undefined;

/** What a cluster on AWS starts from: phase, environments, needs, and how far its images may be behind the API server. */
const COMPONENTS: readonly (readonly [string, ComponentFile['phase'], ComponentFile['environments'], readonly string[], number?])[] = [
  ['access', 'system', EVERYWHERE, []],
  ['cloud-controller', 'system', EVERYWHERE, ['network', 'kube-proxy'], 1],
  ['cluster-autoscaler', 'workloads', EVERYWHERE, ['cloud-controller'], 1],
  ['coredns', 'system', EVERYWHERE, ['network', 'kube-proxy']],
  ['downscaler', 'workloads', ['development', 'test'], ['priority-classes']],
  ['ebs-csi', 'system', EVERYWHERE, ['network', 'kube-proxy']],
  ['external-dns', 'workloads', EVERYWHERE, ['priority-classes']],
  ['ingress', 'workloads', EVERYWHERE, ['namespaces', 'priority-classes']],
  ['ingress-controller', 'workloads', EVERYWHERE, ['ingress']],
  ['kube-proxy', 'system', EVERYWHERE, [], 3],
  ['metrics-api', 'workloads', EVERYWHERE, ['metrics-server']],
  ['metrics-server', 'system', EVERYWHERE, ['network', 'kube-proxy', 'coredns']],
  ['namespaces', 'system', EVERYWHERE, []],
  ['network', 'system', EVERYWHERE, []],
  ['node-local-dns', 'system', EVERYWHERE, ['coredns', 'kube-proxy']],
  ['postgres-operator', 'workloads', EVERYWHERE, ['ebs-csi', 'priority-classes']],
  ['priority-classes', 'system', EVERYWHERE, []],
  ['resource-report', 'workloads', EVERYWHERE, ['metrics-server']],
];

describe('the reference configuration', () => {
  const { value } = parseConfiguration(referenceSnapshot());
  if (value === undefined) throw new Error('the reference configuration does not validate');
  const components = value.components;
  const { objects } = policySubject(value, [], '2026-01-05T08:00:00.000Z');

  it.each(COMPONENTS)('has %s in phase %s', (name, phase, environments, needs, behind) => {
    const file = components.find((component) => component.file.name === name)?.file;

    expect(file).toMatchObject({ phase, needs });
    expect([file?.environments, file?.skew?.maxMinorsBehind]).toEqual([environments, behind]);
  });

  it('has no other component', () => {
    expect(components.map(({ file }) => file.name).sort()).toEqual(COMPONENTS.map(([name]) => name));
  });

  it('has a default class for volumes, made by the driver that it runs', () => {
    const manifests = objects.map(({ manifest }) => manifest);
    const [driver] = manifests.filter(({ kind }) => kind === 'CSIDriver');
    const classes = manifests.filter(({ kind }) => kind === 'StorageClass');

    expect(classes).toMatchObject([{ provisioner: driver?.metadata.name, volumeBindingMode: 'WaitForFirstConsumer' }]);
    expect(classes[0]?.metadata['annotations']).toEqual({ 'storageclass.kubernetes.io/is-default-class': 'true' });
  });

  it('has no admission webhook: none may stand between the API server and the pods that a cluster starts with', () => {
    expect(objects.length).toBeGreaterThan(100);
    expect(objects.filter(({ manifest }) => manifest.kind.endsWith('WebhookConfiguration'))).toEqual([]);
  });

  it('gives each port of the host network to one workload', () => {
    const ports = containers(objects)
      .filter(({ pod }) => pod.spec['hostNetwork'] === true)
      .flatMap(({ pod, body }) => listAt(body, ['ports']).map((port) => `${String(valueAt(port, ['containerPort']))} ${pod.object.name}`));
    const numbers = ports.map((port) => port.split(' ')[0]);

    expect(numbers.toSorted()).toEqual(['10258', '7979', '9253']);
    expect(ports.filter((port, index) => numbers.indexOf(port.split(' ')[0]) !== index)).toEqual([]);
  });

  it('gives what calls AWS a role of its own, and the host network only to what asks its instance', () => {
    const callers = containers(objects).filter(({ body }) => JSON.stringify(body['env'] ?? []).includes('AWS_REGION'));
    const roles = callers.map(({ pod, body }) => {
      const role = listAt(body, ['env']).find((entry) => valueAt(entry, ['name']) === 'AWS_ROLE_ARN');
      const network = pod.spec['hostNetwork'] === true ? 'host' : 'pods';
      return `${pod.object.name} ${String(valueAt(role, ['value'])).replace('arn:aws:iam::${ACCOUNT}:role/sluice-${CLUSTER_NAME}-', '')} ${network}`;
    });

    expect(roles.sort()).toEqual([
      'Deployment kube-system/cloud-controller cloud-controller host',
      'Deployment kube-system/cluster-autoscaler cluster-autoscaler pods',
      'Deployment kube-system/ebs-csi-controller ebs-csi pods',
      'Deployment kube-system/external-dns external-dns pods',
      'Deployment kube-system/ingress-controller ingress-controller host',
    ]);
  });

  it('keeps the downscaler away from the components, whose replicas are fields of Sluice', () => {
    const workloads = objects.filter(({ manifest }) => ['Deployment', 'StatefulSet'].includes(manifest.kind));
    const [downscaler] = containers(objects).filter(({ name }) => name === 'downscaler');
    const excluded = JSON.stringify(downscaler?.body['args'])
      .match(/--exclude-namespaces=([^"]+)/)?.[1]
      ?.split(',');

    expect(
      workloads.map(({ manifest }) => manifest.metadata.namespace).filter((namespace) => !excluded?.includes(namespace ?? '')),
    ).toEqual([]);
    expect(excluded).toContain('sluice-load');
  });
});
