import { argumentsOf, containers, podTemplates } from './pods.ts';
import { FAILS, type Policy, WARNS } from './policy.ts';
import { listAt, textAt, valueAt } from './values.ts';

const AWS_ARGUMENT = /^--?(aws-|provider=aws|cloud-provider=aws)/;

export const ndots: Policy = {
  id: 'dns-ndots',
  title: 'Components that call AWS look names up once',
  why: 'with the default of five dots each AWS name is first tried with every search domain: five times the load on DNS.',
  fix: "set `dnsConfig: { options: [{ name: ndots, value: '1' }] }` in the pod, or `dnsPolicy: Default`.",
  levels: WARNS,
  check: ({ objects }) => {
    const callers = new Set(
      containers(objects)
        .filter((container) => argumentsOf(container).some(({ text }) => AWS_ARGUMENT.test(text)) || hasAwsVariable(container.body))
        .map(({ pod }) => pod.object.name),
    );
    return podTemplates(objects)
      .filter(({ object, spec }) => callers.has(object.name) && usesClusterDns(spec))
      .filter(({ spec }) => !listAt(spec, ['dnsConfig', 'options']).some((option) => textAt(option, ['name']) === 'ndots'))
      .map(({ object, specPath }) =>
        object.violation([...specPath, 'dnsConfig'], "it calls AWS with the default ndots of 5. Set ndots to '1'."),
      );
  },
};

function hasAwsVariable(container: unknown): boolean {
  return listAt(container, ['env']).some((variable) => textAt(variable, ['name'])?.startsWith('AWS_') === true);
}

function usesClusterDns(spec: unknown): boolean {
  const policy = textAt(spec, ['dnsPolicy']) ?? 'ClusterFirst';
  if (policy === 'ClusterFirstWithHostNet') return true;
  return policy === 'ClusterFirst' && valueAt(spec, ['hostNetwork']) !== true;
}

const CACHE_IMAGE = /(node-cache|nodelocaldns|node-local-dns|dnsmasq)/;

export const nodeLocalDns: Policy = {
  id: 'node-local-dns',
  title: 'DNS is answered on the node',
  why: 'a cache on each node takes most of the load off CoreDNS, and answers when a packet to it is lost.',
  fix: 'add a DaemonSet with a DNS cache (node-local-dns).',
  levels: WARNS,
  check: ({ objects, objectsAreRead }) => {
    if (!objectsAreRead) return [];
    const servers = containers(objects).filter(({ body }) => /coredns/.test(textAt(body, ['image']) ?? ''));
    const cached = containers(objects).some(
      ({ pod, body }) =>
        pod.object.manifest.kind === 'DaemonSet' &&
        (CACHE_IMAGE.test(textAt(body, ['image']) ?? '') || /coredns/.test(textAt(body, ['image']) ?? '')),
    );
    const first = servers.find(({ pod }) => pod.object.manifest.kind !== 'DaemonSet');
    if (cached || first === undefined) return [];
    return [first.pod.object.violation(['metadata', 'name'], 'no DaemonSet caches DNS on the nodes. Add node-local-dns.')];
  },
};

export const externalDnsOwner: Policy = {
  id: 'external-dns-owner',
  title: 'external-dns knows which records are its own',
  why: 'clusters that share a zone and an owner id delete the records of one another.',
  fix: 'give external-dns `--registry=txt` and `--txt-owner-id` with `${CLUSTER_NAME}` in it.',
  levels: FAILS,
  check: ({ objects }) =>
    containers(objects).flatMap((container) => {
      const { pod, name, body, path } = container;
      if (!/external-dns/.test(textAt(body, ['image']) ?? '')) return [];
      const owner = argumentsOf(container).find(({ text }) => text.startsWith('--txt-owner-id='));
      if (owner?.text.includes('${CLUSTER_NAME}')) return [];
      const message = `the container ${name} has ${owner === undefined ? 'no --txt-owner-id' : 'an owner id that all clusters share'}. Put \${CLUSTER_NAME} into it.`;
      return [pod.object.violation(owner?.path ?? [...path, 'args'], message)];
    }),
};

export const externalDnsPolicy: Policy = {
  id: 'external-dns-policy',
  title: 'external-dns deletes records only when asked to',
  why: 'with `sync` (the default) a cluster that starts without its Ingresses deletes every record that it owns.',
  fix: 'give external-dns `--policy=upsert-only`.',
  levels: WARNS,
  check: ({ objects }) =>
    containers(objects).flatMap((container) => {
      if (!/external-dns/.test(textAt(container.body, ['image']) ?? '')) return [];
      const policy = argumentsOf(container).find(({ text }) => text.startsWith('--policy='));
      if (policy !== undefined && policy.text !== '--policy=sync') return [];
      const message = `the container ${container.name} deletes records that it no longer sees. Set --policy=upsert-only.`;
      return [container.pod.object.violation(policy?.path ?? [...container.path, 'args'], message)];
    }),
};
