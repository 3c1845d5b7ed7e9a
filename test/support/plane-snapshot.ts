import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createEtcdDrill } from '#adapters/etcd/drill.ts';
import { createEtcd } from '#adapters/etcd/etcd.ts';
import { createScratch } from '#adapters/files/scratch.ts';
import { countByResource } from '#domain/backup.ts';
import { binary } from './binaries.ts';
import type { ControlPlane } from './control-plane.ts';

export interface PlaneSnapshot {
  readonly path: string;
  readonly revision: number;
  /** Keys by resource, as a backup's proof counts them. */
  readonly counts: Record<string, number>;
}

/** A snapshot of a control plane's etcd at `<root>/<name>.db`, and what the etcd that wrote it makes of it. */
export async function snapshotOf(plane: ControlPlane, root: string, name: string): Promise<PlaneSnapshot> {
  const etcd = createEtcd({ endpoints: [plane.etcdEndpoint], identity: await plane.client('etcd') });
  const path = join(root, `${name}.db`);
  const chunks = async function* () {
    for await (const { bytes } of etcd.snapshot(plane.etcdEndpoint)) yield bytes;
  };
  const scratch = createScratch(root);
  await scratch.spool(chunks(), path);
  const [status] = await etcd.status();
  const counts = await scratch.withDirectory(async (directory) => {
    const room = join(directory, 'etcd');
    mkdirSync(room);
    const restored = await createEtcdDrill().restore({ etcd: binary('etcd'), etcdutl: binary('etcdutl'), snapshot: path, directory: room });
    return countByResource(restored.keys);
  });
  return { path, revision: status?.revision ?? 0, counts };
}
