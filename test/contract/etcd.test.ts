import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEtcd } from '#adapters/etcd/etcd.ts';
import { ClusterUnreachableError } from '#model/errors.ts';
import { type EtcdWorld, etcdContract } from '../support/contracts/etcd.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { createFakeEtcd } from '../support/fakes/etcd.ts';

describe('the fake', () => {
  const etcd = createFakeEtcd();
  etcdContract(() => ({
    etcd,
    kill: async () => {
      etcd.down = true;
    },
  }));
});

describe('a real etcd', () => {
  let plane: ControlPlane;
  let world: EtcdWorld;
  beforeAll(async () => {
    plane = await startControlPlane({ api: false });
    const identity = await plane.client('etcd');
    // One address of three listens, as in a cluster with one member.
    const endpoints = [plane.etcdEndpoint, 'https://192.0.2.1:2379'];
    world = { etcd: createEtcd({ endpoints, identity }), kill: () => plane.killEtcd() };
  }, 60_000);
  afterAll(() => plane.stop());

  it('lets nobody in with a certificate of another authority', async () => {
    const { ca } = await plane.client('etcd');
    const stranger = { ...(await plane.client('kubernetes')), ca };

    const status = createEtcd({ endpoints: [plane.etcdEndpoint], identity: stranger }).status();

    await expect(status).rejects.toBeInstanceOf(ClusterUnreachableError);
  });

  it('is not believed when its certificate is of another authority', async () => {
    const identity = { ...(await plane.client('etcd')), ca: (await plane.client('kubernetes')).ca };

    const status = createEtcd({ endpoints: [plane.etcdEndpoint], identity }).status();

    await expect(status).rejects.toThrow(/certificate/);
  });

  etcdContract(() => world);
});
