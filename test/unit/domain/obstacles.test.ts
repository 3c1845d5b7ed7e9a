import { describe, expect, it } from 'vitest';
import { blamedBy, describeConversion, describeLeaving, describeWebhook } from '#domain/obstacles.ts';
import { isOwned, ownerOf } from '#domain/owner.ts';
import type { Manifest } from '#model/render.ts';

const CONFIGURATION: Manifest = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'checks', labels: { team: 'payments' } },
  webhooks: [{ name: 'pods.example.net', failurePolicy: 'Fail', clientConfig: { service: { namespace: 'team', name: 'hook' } } }],
};
const INVENTORY = new Map([['gates', ['admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration /checks']]]);

describe('what the API server blames', () => {
  it.each([
    [
      'Internal error occurred: failed calling webhook "pods.example.net": failed to call webhook: Post "https://hook": EOF',
      'pods.example.net',
    ],
    ['admission webhook "pods.example.net" denied the request: no', 'pods.example.net'],
  ])('is a webhook in: %s', (words, name) => {
    expect(blamedBy(words)).toEqual({ type: 'webhook', name });
  });

  it('is a conversion', () => {
    expect(blamedBy('conversion webhook for example.net/v1, Kind=Gate failed: Post "https://x": EOF')).toEqual({
      type: 'conversion',
      group: 'example.net',
      kind: 'Gate',
    });
  });

  it('is nothing in other words', () => {
    expect(blamedBy('namespaces "x" not found')).toBeUndefined();
  });

  it('is told with its configuration, its service and its owner', () => {
    expect(describeWebhook('pods.example.net', [CONFIGURATION], INVENTORY)).toBe(
      'ValidatingWebhookConfiguration /checks (component gates) calls service team/hook, failurePolicy Fail',
    );
    expect(describeWebhook('pods.example.net', [CONFIGURATION], new Map())).toContain('(team=payments)');
    expect(describeWebhook('other', [CONFIGURATION], INVENTORY)).toBeUndefined();
  });

  it('is told with the definition and what it converts by', () => {
    const clientConfig = { url: 'https://convert.example.net' };
    const definition: Manifest = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'gates.example.net' },
      spec: { group: 'example.net', names: { kind: 'Gate' }, conversion: { strategy: 'Webhook', webhook: { clientConfig } } },
    };

    expect(describeConversion({ group: 'example.net', kind: 'Gate' }, [definition], new Map())).toBe(
      'CustomResourceDefinition /gates.example.net (owner unknown) converts by https://convert.example.net',
    );
    expect(describeConversion({ group: 'example.net', kind: 'Door' }, [definition], new Map())).toBeUndefined();
  });
});

describe('an object that is being deleted', () => {
  it('is told with what holds it', () => {
    const claim: Manifest = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data', namespace: 'team', deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['example.net/keep'] },
    };

    expect(describeLeaving(claim)).toBe(
      'PersistentVolumeClaim team/data (owner unknown) is being deleted since 2026-01-01T00:00:00Z, held by example.net/keep',
    );
    expect(describeLeaving({ ...claim, metadata: { name: 'data' } })).toBeUndefined();
  });

  it('is told with what is left inside, when it is a namespace', () => {
    const conditions = [
      { type: 'NamespaceContentRemaining', status: 'True', message: 'gates.example.net has 1 resource instances' },
      { type: 'NamespaceDeletionDiscoveryFailure', status: 'False', message: 'fine' },
    ];
    const namespace: Manifest = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'team', deletionTimestamp: '2026-01-01T00:00:00Z' },
      spec: { finalizers: ['kubernetes'] },
      status: { conditions },
    };

    const told = describeLeaving(namespace);

    expect(told).toContain('held by kubernetes');
    expect(told).toContain('gates.example.net has 1 resource instances');
    expect(told).not.toContain('fine');
  });
});

describe('the owner of an object', () => {
  const object = (metadata: object): Manifest => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a', namespace: 'b', ...metadata },
  });

  it.each([
    [{ labels: { app: 'web', team: 'payments' } }, 'team=payments'],
    [{ annotations: { 'meta.helm.sh/release-name': 'web' } }, 'meta.helm.sh/release-name=web'],
    [{ managedFields: [{ manager: 'kubectl-create', operation: 'Update' }] }, 'written by kubectl-create'],
    [{}, 'owner unknown'],
  ])('is, by %j, %s', (metadata, owner) => {
    expect(ownerOf(object(metadata))).toBe(owner);
  });

  it('is Sluice where it applied it last, and where nobody says anything', () => {
    const by = (manager: string, operation: string): Manifest => object({ managedFields: [{ manager, operation }] });

    expect(isOwned(by('sluice', 'Apply'))).toBe(true);
    expect(isOwned(object({}))).toBe(true);
    expect(isOwned(by('sluice', 'Update'))).toBe(false);
    expect(isOwned(by('flux', 'Apply'))).toBe(false);
  });
});
