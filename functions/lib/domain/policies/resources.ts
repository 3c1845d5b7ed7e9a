import { type Container, containers } from './pods.ts';
import { FAILS_IN_PRODUCTION, type Policy, WARNS } from './policy.ts';
import { quantity, textAt, valueAt } from './values.ts';

export const resourceRequests: Policy = {
  id: 'resource-requests',
  title: 'Components request CPU and memory',
  why: 'a pod that requests nothing is placed on a full node and is the first to be killed there; the autoscaler does not see it.',
  fix: 'set `resources.requests` with `cpu` and `memory`.',
  levels: FAILS_IN_PRODUCTION,
  check: ({ objects }) =>
    containers(objects)
      .filter(({ init }) => !init)
      .flatMap((container) => {
        const missing = ['cpu', 'memory'].filter((resource) => wanted(container, 'requests', resource) === undefined);
        if (missing.length === 0) return [];
        const message = `the container ${container.name} requests no ${missing.join(' and no ')}. Set resources.requests.`;
        return [container.pod.object.violation([...container.path, 'resources', 'requests'], message)];
      }),
};

export const memoryLimits: Policy = {
  id: 'memory-limit',
  title: 'A memory limit is the memory request',
  why: 'memory that is lent can not be taken back: when the node is full, pods above their request are killed, whichever they are.',
  fix: 'set `limits.memory` to the value of `requests.memory`, large enough for both.',
  levels: WARNS,
  check: ({ objects }) =>
    containers(objects).flatMap((container) => {
      const limit = wanted(container, 'limits', 'memory');
      const request = wanted(container, 'requests', 'memory');
      if (limit === undefined || request === undefined || quantity(limit) === quantity(request)) return [];
      const message = `the container ${container.name} requests ${request} and may use ${limit}. Make both the same.`;
      return [container.pod.object.violation([...container.path, 'resources', 'limits', 'memory'], message)];
    }),
};

/** The limit at which CoreDNS was killed again and again, and with it every name in the cluster (2019). */
const DNS_FLOOR = '100Mi';
const DNS_IMAGE = /(coredns|node-cache|dnsmasq|kube-dns)/;

export const dnsMemory: Policy = {
  id: 'dns-memory',
  title: `DNS may use more than ${DNS_FLOOR} of memory`,
  why: `under load CoreDNS needs more; with a limit of ${DNS_FLOOR} it was killed in all pods at once, and no name in the cluster was answered.`,
  fix: `raise \`limits.memory\` of the DNS containers above ${DNS_FLOOR}.`,
  levels: FAILS_IN_PRODUCTION,
  check: ({ objects }) =>
    containers(objects).flatMap((container) => {
      const limit = wanted(container, 'limits', 'memory');
      const bytes = quantity(limit);
      if (!DNS_IMAGE.test(textAt(container.body, ['image']) ?? '')) return [];
      if (bytes === undefined || bytes > (quantity(DNS_FLOOR) ?? 0)) return [];
      const message = `the container ${container.name} is killed at ${limit} of memory. DNS needs more than ${DNS_FLOOR}.`;
      return [container.pod.object.violation([...container.path, 'resources', 'limits', 'memory'], message)];
    }),
};

function wanted({ body }: Container, kind: 'requests' | 'limits', resource: string): string | undefined {
  const value = valueAt(body, ['resources', kind, resource]);
  return value === undefined || value === null ? undefined : String(value);
}
