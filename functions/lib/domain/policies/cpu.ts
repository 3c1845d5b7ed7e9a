import { containers } from './pods.ts';
import { FAILS_IN_PRODUCTION, type Policy, WARNS } from './policy.ts';
import { documentsOfKind } from './user-data.ts';
import { valueAt } from './values.ts';

/** Zalando measured latency by CPU throttling far below the limit, and switched the quota off. */
export const cpuQuota: Policy = {
  id: 'cpu-cfs-quota',
  title: 'The kubelet enforces no CPU limits by CFS quota',
  why: 'the quota throttles containers that are far below their limit, and every request that meets a throttled container waits.',
  fix: 'set `cpuCFSQuota: false` in the KubeletConfiguration of `user-data/node.yaml`.',
  levels: FAILS_IN_PRODUCTION,
  check: (subject) =>
    documentsOfKind(subject, 'node', 'KubeletConfiguration')
      .filter(({ value }) => value['cpuCFSQuota'] !== false)
      .map(({ violation }) => violation(['cpuCFSQuota'], 'the kubelet throttles CPU by CFS quota. Set cpuCFSQuota: false.')),
};

export const cpuLimits: Policy = {
  id: 'cpu-limit',
  title: 'Components have no CPU limit',
  why: 'a CPU limit throttles a component even while the node idles; the request is what shares a busy node.',
  fix: 'remove `limits.cpu` and keep `requests.cpu`.',
  levels: WARNS,
  check: ({ objects }) =>
    containers(objects)
      .filter(({ body }) => valueAt(body, ['resources', 'limits', 'cpu']) !== undefined)
      .map(({ pod, name, path }) =>
        pod.object.violation(
          [...path, 'resources', 'limits', 'cpu'],
          `the container ${name} has a CPU limit. Remove it; the request is enough.`,
        ),
      ),
};
