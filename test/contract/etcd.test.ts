import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callOnce } from '#adapters/etcd/connection.ts';
import { createEtcd } from '#adapters/etcd/etcd.ts';
import { encode } from '#adapters/etcd/protobuf.ts';
import { ClusterUnreachableError } from '#model/errors.ts';
import { type EtcdWorld, etcdContract } from '../support/contracts/etcd.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { put } from '../support/etcd-load.ts';
import { createFakeEtcd } from '../support/fakes/etcd.ts';

describe('the fake', () => {
  const etcd = createFakeEtcd();
  etcdContract(() => ({
    etcd,
    compact: async (revision) => etcd.compact(revision),
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
    await put(plane.etcdEndpoint, identity, '/registry/pods/default/a', 'x');
    const compact = async (revision: number): Promise<void> => {
      const fields = encode([
        [1, revision],
        [2, true],
      ]);
      const method = { path: '/etcdserverpb.KV/Compact', encode: () => fields, decode: () => undefined };
      await callOnce({ url: plane.etcdEndpoint, identity }, method, undefined, 20_000);
    };
    world = { etcd: createEtcd({ endpoints, identity }), compact, kill: () => plane.killEtcd() };
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
