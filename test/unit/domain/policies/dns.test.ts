import { describe, it } from 'vitest';
import { externalDnsOwner, externalDnsPolicy, ndots, nodeLocalDns } from '#domain/policies/dns.ts';
import { expectInObjects } from '../../../support/policies.ts';

function workload(container: string, pod = 'priorityClassName: a', kind = 'Deployment'): string {
  return `apiVersion: apps/v1
kind: ${kind}
metadata: { name: web, namespace: shop }
spec:
  template:
    spec:
      ${pod}
      containers:
        - name: web
          ${container}
`;
}

/** Marks the pod, where what is missing would stand. */
function marked(text: string): string {
  return text.replace('    spec:', '    ▸spec:');
}

describe('dns-ndots', () => {
  const message = "Deployment shop/web: it calls AWS with the default ndots of 5. Set ndots to '1'.";
  const calls = 'env: [{ name: AWS_REGION, value: a }]';

  it.each([calls, 'args: [--provider=aws]', 'command: [run, --aws-zone-type=public]', 'args: [-cloud-provider=aws]'])(
    'finds %s',
    (container) => expectInObjects(ndots, marked(workload(container)), [message]),
  );

  it('is found at the options that leave it out', () =>
    expectInObjects(ndots, workload(calls, '▸dnsConfig: { options: [{ name: timeout }] }'), [message]));

  it('is found on the network of the node, when its DNS is that of the cluster', () =>
    expectInObjects(ndots, marked(workload(calls, 'hostNetwork: true\n      dnsPolicy: ClusterFirstWithHostNet')), [message]));

  it.each(["dnsConfig: { options: [{ name: ndots, value: '1' }] }", 'dnsPolicy: Default', 'hostNetwork: true'])('passes %s', (pod) =>
    expectInObjects(ndots, workload(calls, pod)),
  );

  it.each(['image: a', 'args: [--provider=google, x--aws-a]', 'env: [{ name: MY_AWS_REGION, value: a }]'])(
    'asks nothing of %s',
    (container) => expectInObjects(ndots, workload(container)),
  );
});

describe('node-local-dns', () => {
  const server = workload('image: registry.k8s.io/coredns/coredns:v1');

  it('is found at CoreDNS when nothing caches on the nodes', () =>
    expectInObjects(nodeLocalDns, server.replace('name: web,', '▸name: web,'), [
      'Deployment shop/web: no DaemonSet caches DNS on the nodes. Add node-local-dns.',
    ]));

  it.each(['k8s-dns-node-cache', 'node-local-dns', 'nodelocaldns', 'dnsmasq', 'coredns'])('passes a DaemonSet of %s', (image) => {
    const cache = workload(`image: a/${image}:1`, undefined, 'DaemonSet');
    expectInObjects(nodeLocalDns, `${server}---\n${cache}`);
    expectInObjects(nodeLocalDns, `${cache}---\n${server}`);
  });

  it('takes no Deployment and no other DaemonSet for a cache', () => {
    const found = server.replace('name: web,', '▸name: web,');
    const message = 'Deployment shop/web: no DaemonSet caches DNS on the nodes. Add node-local-dns.';
    expectInObjects(nodeLocalDns, `${found}---\n${workload('image: a/node-cache:1').replace('name: web,', 'name: cache,')}`, [message]);
    expectInObjects(nodeLocalDns, `${found}---\n${workload('image: a/agent:1', undefined, 'DaemonSet')}`, [message]);
  });

  it('asks nothing of a configuration without CoreDNS', () => expectInObjects(nodeLocalDns, workload('image: a')));
});

describe('external-dns', () => {
  const dns = (args: string) => workload(`image: registry.k8s.io/external-dns/external-dns:v0.15.0\n          ${args}`);
  const missing = 'Deployment shop/web: the container web has no --txt-owner-id. Put ${CLUSTER_NAME} into it.';

  it('has an owner id of the cluster', () => expectInObjects(externalDnsOwner, dns("args: ['--txt-owner-id=${REGION}-${CLUSTER_NAME}']")));

  it('is found without one', () => {
    expectInObjects(externalDnsOwner, dns('▸args: [--source=service]'), [missing]);
    expectInObjects(externalDnsOwner, dns('').replace('- name', '- ▸name'), [missing]);
  });

  it('is found with one that all clusters share', () =>
    expectInObjects(externalDnsOwner, dns('args: [--source=service, ▸--txt-owner-id=fleet]'), [
      'Deployment shop/web: the container web has an owner id that all clusters share. Put ${CLUSTER_NAME} into it.',
    ]));

  it('is found when it deletes, by word or by default', () => {
    const message = 'Deployment shop/web: the container web deletes records that it no longer sees. Set --policy=upsert-only.';
    expectInObjects(externalDnsPolicy, dns('args: [▸--policy=sync]'), [message]);
    expectInObjects(externalDnsPolicy, dns('▸args: [--source=service]'), [message]);
    expectInObjects(externalDnsPolicy, dns('args: [--policy=upsert-only]'));
  });

  it('is nothing but external-dns', () => {
    expectInObjects(externalDnsOwner, workload('image: a/dns:1'));
    expectInObjects(externalDnsPolicy, workload('image: a/dns:1'));
  });
});
