import { FAILS, FAILS_IN_PRODUCTION, type Policy } from './policy.ts';
import { documentsOfKind } from './user-data.ts';
import { valueAt } from './values.ts';

/** The kubelet's own default since Kubernetes 1.27; until then it was 5, which slowed image pulls and starts. */
const DEFAULT_SINCE_MINOR = 27;
const LOWEST_RATE = 50;

export const kubeletRate: Policy = {
  id: 'kubelet-api-rate',
  title: 'The kubelet may ask the API server 50 times a second',
  why: 'with a low rate a node that starts many pods at once falls behind: an outage of builds in 2019 was a rate of 5.',
  fix: 'set `kubeAPIQPS` and `kubeAPIBurst` to 50 or more and `eventRecordQPS` to 0 (no limit) or 50 or more, or leave them out from Kubernetes 1.27 on.',
  levels: FAILS_IN_PRODUCTION,
  check: (subject) => {
    const minor = subject.versions === undefined ? undefined : Number(subject.versions.kubernetes.split('.')[1]);
    return documentsOfKind(subject, 'node', 'KubeletConfiguration').flatMap(({ value, violation }) =>
      ['kubeAPIQPS', 'kubeAPIBurst', 'eventRecordQPS'].flatMap((field) => {
        const rate = value[field];
        if (rate === undefined && (minor === undefined || minor >= DEFAULT_SINCE_MINOR)) return [];
        if (field === 'eventRecordQPS' && rate === 0) return [];
        if (typeof rate === 'number' && (rate >= LOWEST_RATE || rate < 0)) return [];
        return [violation([field], `${field} is ${rate === undefined ? 'not set' : String(rate)}. Set it to ${LOWEST_RATE} or more.`)];
      }),
    );
  },
};

export const kubeletAuthentication: Policy = {
  id: 'kubelet-authentication',
  title: 'The kubelet answers only who the API server knows',
  why: 'an anonymous caller of a kubelet may run commands in every container of the node.',
  fix: 'set `authentication.anonymous.enabled: false` and `authorization.mode: Webhook` in the KubeletConfiguration.',
  levels: FAILS,
  check: (subject) =>
    documentsOfKind(subject, 'node', 'KubeletConfiguration').flatMap(({ value, violation }) => [
      ...(valueAt(value, ['authentication', 'anonymous', 'enabled']) === true
        ? [violation(['authentication', 'anonymous', 'enabled'], 'the kubelet answers anonymous callers. Set enabled: false.')]
        : []),
      ...(valueAt(value, ['authorization', 'mode']) === 'AlwaysAllow'
        ? [violation(['authorization', 'mode'], 'the kubelet allows everything to everybody. Set mode: Webhook.')]
        : []),
    ]),
};
