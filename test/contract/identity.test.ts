import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_PORT, ETCD_CLIENT_PORT } from '#domain/network.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { get } from '../support/tls.ts';

describe('an issued identity', () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await startControlPlane();
  }, 60_000);
  afterAll(() => plane.stop());

  it('lets Sluice in at a real etcd and a real API server', async () => {
    const host = new URL(plane.etcdEndpoint).hostname;

    const etcd = await get(host, ETCD_CLIENT_PORT, '/health', await plane.client('etcd'), host);
    const api = await get(plane.address, API_PORT, '/api/v1/namespaces/kube-system', await plane.client('kubernetes'), 'kubernetes');

    expect(etcd).toMatchObject({ status: 200 });
    expect(api?.status).toBe(200);
  });

  it('keeps everybody else out', async () => {
    const host = new URL(plane.etcdEndpoint).hostname;
    const { ca } = await plane.client('etcd');
    const clusterClient = await plane.client('kubernetes');

    const withoutCertificate = await get(host, ETCD_CLIENT_PORT, '/health', { ca }, host);
    const ofAnotherAuthority = await get(host, ETCD_CLIENT_PORT, '/health', { ...clusterClient, ca }, host);
    const api = await get(plane.address, API_PORT, '/api/v1/namespaces', { ca: clusterClient.ca }, 'kubernetes');

    expect(withoutCertificate).toBeUndefined();
    expect(ofAnotherAuthority).toBeUndefined();
    expect(api?.status).toBe(401);
  });
});
