import { describe, expect, it } from 'vitest';
import { rolloutStatus } from '#domain/workload-status.ts';
import { Pod, WarningEvent, Workload } from '#model/kubernetes.ts';

function workload(kind: string, status: object, spec: object = {}) {
  return Workload.parse({
    kind,
    metadata: { name: 'web', namespace: 'default', generation: 3 },
    spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, ...spec },
    status: { observedGeneration: 3, ...status },
  });
}

function pod(status: object, labels: object = { app: 'web' }) {
  return Pod.parse({ metadata: { name: 'web-1', namespace: 'default', labels }, spec: { nodeName: 'n' }, status });
}

function waitingFor(reason: string) {
  return pod({ containerStatuses: [{ name: 'main', state: { waiting: { reason, message: 'no such image' } } }] });
}

const deployed = { replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
const rolled = { ...deployed, currentRevision: 'b', updateRevision: 'b' };
const scheduled = { desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 3 };

describe('a rollout', () => {
  it.each([
    ['Deployment', deployed],
    ['StatefulSet', rolled],
    ['DaemonSet', scheduled],
    ['DaemonSet', {}],
  ])('of a %s is ready when everything is updated and available', (kind, status) => {
    expect(rolloutStatus(workload(kind, status), [])).toEqual({ ready: true, reason: 'rolled out' });
  });

  it.each([
    ['Deployment', { ...deployed, observedGeneration: 2 }, 'not seen the change'],
    ['Deployment', { ...deployed, updatedReplicas: 1 }, '1 of 2 pods are updated'],
    ['Deployment', { ...deployed, replicas: 3 }, '1 old pods are still there'],
    ['Deployment', { ...deployed, availableReplicas: 0 }, '0 of 2 pods are available'],
    ['StatefulSet', { ...rolled, currentRevision: 'a' }, 'the update is not finished'],
    ['DaemonSet', { ...scheduled, numberAvailable: 2 }, '2 of 3 pods are available'],
  ])('of a %s is not ready with %j', (kind, status, reason) => {
    expect(rolloutStatus(workload(kind, status), [])).toMatchObject({ ready: false, reason: expect.stringContaining(reason) });
  });

  it('that updates on deletion only is not waited for', () => {
    const set = workload('StatefulSet', { ...rolled, updatedReplicas: 0, currentRevision: 'a' }, { updateStrategy: { type: 'OnDelete' } });

    expect(rolloutStatus(set, []).ready).toBe(true);
  });
});

describe('the cause of a stuck rollout', () => {
  const stuck = workload('Deployment', { ...deployed, availableReplicas: 1 });

  it.each([
    ['image', waitingFor('ImagePullBackOff')],
    ['crash', waitingFor('CrashLoopBackOff')],
    ['configuration', waitingFor('CreateContainerConfigError')],
    ['scheduling', pod({ conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes' }] })],
    ['probe', pod({ containerStatuses: [{ name: 'main', ready: false, state: { running: {} } }] })],
  ])('is %s', (cause, found) => {
    const status = rolloutStatus(stuck, [found]);

    expect(status).toMatchObject({ ready: false, cause });
    expect(status.reason).toContain('web-1');
  });

  it('is a quota that is used up', () => {
    const conditions = [{ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota: compute' }];

    expect(rolloutStatus(workload('Deployment', { ...deployed, availableReplicas: 1, conditions }), [])).toMatchObject({ cause: 'quota' });
  });

  it('is not read from pods of others', () => {
    const other = pod({ containerStatuses: [{ name: 'main', state: { waiting: { reason: 'ErrImagePull' } } }] }, { app: 'other' });

    expect(rolloutStatus(stuck, [other]).cause).toBeUndefined();
  });
});

describe('the cause that only a warning tells', () => {
  const set = workload('StatefulSet', { ...rolled, updatedReplicas: 1 });
  const event = (reason: string, message: string, involvedObject: object) => WarningEvent.parse({ reason, message, involvedObject });

  it.each([
    ['quota', 'pods "web-1" is forbidden: exceeded quota: compute'],
    ['admission', 'admission webhook "pods.example.net" denied the request: never'],
    ['admission', 'Internal error occurred: failed calling webhook "pods.example.net": EOF'],
    ['admission', 'pods "web-1" is forbidden: violates PodSecurity "restricted:latest"'],
    ['configuration', 'error looking up service account default/web'],
  ])('is %s: %s', (cause, message) => {
    const failed = event('FailedCreate', message, { kind: 'StatefulSet', name: 'web' });

    const status = rolloutStatus(set, [], [failed]);

    expect(status).toMatchObject({ cause, reason: expect.stringContaining(message) });
  });

  it('is not that of another workload', () => {
    const other = event('FailedCreate', 'exceeded quota', { kind: 'StatefulSet', name: 'web-2' });
    const replicas = event('FailedCreate', 'exceeded quota', { kind: 'ReplicaSet', name: 'other-7d4b' });

    expect(rolloutStatus(set, [], [other, replicas]).cause).toBeUndefined();
  });

  it('is that of its own ReplicaSet', () => {
    const replicas = event('FailedCreate', 'exceeded quota', { kind: 'ReplicaSet', name: 'web-7d4b' });

    expect(rolloutStatus(workload('Deployment', { ...deployed, updatedReplicas: 0 }), [], [replicas]).cause).toBe('quota');
  });

  it("is a claim that is not bound, with the provisioner's words", () => {
    const unbound = Pod.parse({
      metadata: { name: 'web-1', namespace: 'default', labels: { app: 'web' } },
      spec: {
        volumes: [
          { name: 'data', persistentVolumeClaim: { claimName: 'data-web-1' } },
          { name: 'tmp', emptyDir: {} },
        ],
      },
      status: {
        conditions: [
          { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'pod has unbound immediate PersistentVolumeClaims' },
        ],
      },
    });
    const told = event('ProvisioningFailed', 'no class fast', { kind: 'PersistentVolumeClaim', name: 'data-web-1' });

    const status = rolloutStatus(set, [unbound], [told]);

    expect(status.cause).toBe('volume');
    expect(status.reason).toMatch(/data-web-1.*no class fast/);
  });

  it('is what the probe answered', () => {
    const failing = pod({ containerStatuses: [{ name: 'main', ready: false, state: { running: {} } }] });
    const told = event('Unhealthy', 'Readiness probe failed: HTTP 503', { kind: 'Pod', name: 'web-1' });

    expect(rolloutStatus(set, [failing], [told])).toMatchObject({ cause: 'probe', reason: expect.stringContaining('HTTP 503') });
  });

  it('is an old pod that does not go', () => {
    const metadata = {
      name: 'web-0',
      namespace: 'default',
      labels: { app: 'web' },
      deletionTimestamp: '2026-01-01T00:00:00Z',
      finalizers: ['x/y'],
    };
    const leaving = Pod.parse({ metadata });

    const status = rolloutStatus(workload('Deployment', { ...deployed, replicas: 3 }), [leaving]);

    expect(status).toMatchObject({ cause: 'termination', reason: expect.stringMatching(/web-0 is being deleted.*held by x\/y/) });
  });
});
