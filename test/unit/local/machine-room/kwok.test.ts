import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { gateNodes, NETWORK_ANNOTATION } from '../../../../local/machine-room/kwok.ts';
import { missingNetwork } from '../../../../local/machine-room/nodes.ts';

const STAGES = `apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: { name: node-initialize }
spec:
  resourceRef: { apiGroup: v1, kind: Node }
  selector: { matchExpressions: [{ key: .status.phase, operator: DoesNotExist }] }
  next: { statusTemplate: "x" }
---
kind: Stage
metadata: { name: pod-ready }
spec: { resourceRef: { kind: Pod }, next: {} }
`;

describe('gateNodes', () => {
  it('lets a Node become Ready only with the network annotation, and leaves other stages', () => {
    const [node, pod] = parseAllDocuments(gateNodes(STAGES)).map((document) => document.toJS());

    expect(node.spec.selector.matchExpressions).toEqual([
      { key: '.status.phase', operator: 'DoesNotExist' },
      { key: `.metadata.annotations["${NETWORK_ANNOTATION}"]`, operator: 'In', values: ['true'] },
    ]);
    expect(node.spec.next).toEqual({ statusTemplate: 'x' });
    expect(pod).toEqual({ kind: 'Stage', metadata: { name: 'pod-ready' }, spec: { resourceRef: { kind: 'Pod' }, next: {} } });
  });
});

describe('missingNetwork', () => {
  const pod = (phase: string, container: string, path?: string) => ({
    metadata: { name: 'p', namespace: 'kube-system' },
    spec: { containers: [{ name: container }], volumes: path === undefined ? [] : [{ hostPath: { path } }] },
    status: { phase },
  });

  it('wants a running pod with the network configuration folder, and kube-proxy', () => {
    expect(missingNetwork([])).toEqual(['a pod that sets up its network', 'kube-proxy']);
    expect(missingNetwork([pod('Pending', 'cni', '/etc/cni/net.d'), pod('Running', 'kube-proxy')])).toEqual([
      'a pod that sets up its network',
    ]);
    expect(missingNetwork([pod('Running', 'cni', '/etc/cni/net.d/'), pod('Running', 'kube-proxy')])).toEqual([]);
  });
});
