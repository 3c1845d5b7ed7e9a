import { callOnce } from '#adapters/etcd/connection.ts';
import { encode } from '#adapters/etcd/protobuf.ts';
import type { Manifest } from '#model/render.ts';
import type { ControlPlane } from './control-plane.ts';

/** Puts a value into a control plane's etcd, past its API server. */
export function putKey(plane: ControlPlane, key: string, value: string): Promise<void> {
  return change(plane, '/etcdserverpb.KV/Put', [
    [1, key],
    [2, value],
  ]);
}

/** Removes a key from a control plane's etcd, past its API server. */
export function deleteKey(plane: ControlPlane, key: string): Promise<void> {
  return change(plane, '/etcdserverpb.KV/DeleteRange', [[1, key]]);
}

async function change(plane: ControlPlane, path: string, fields: readonly (readonly [number, string])[]): Promise<void> {
  const method = { path, encode: (): Uint8Array => encode(fields), decode: (): true => true };
  await callOnce({ url: plane.etcdEndpoint, identity: await plane.client('etcd') }, method, undefined, 10_000);
}

/** Secrets `secret-0`, `secret-1` and so on, of the namespace `default`. */
export function someSecrets(count: number): Manifest[] {
  return Array.from({ length: count }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `secret-${index}`, namespace: 'default' },
    stringData: { password: `p${index}` },
  }));
}
