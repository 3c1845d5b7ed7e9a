import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Toolchain } from './toolchain/toolchain.ts';
import { E2E_VERSION, ETCD_BEFORE, ETCD_NEXT_VERSION, KUBERNETES_VERSIONS } from './toolchain/versions.ts';

/**
 * One folder with every binary as the tests look for them: `<name>`, and `<version>/<name>` for Kubernetes and other versions of etcd.
 * Without `all` what only contract tests and e2e run is left out.
 */
export async function linkBinaries(
  toolchain: Pick<Toolchain, 'ensure'>,
  folder: string,
  { all, realNodes }: { all: boolean; realNodes: boolean },
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const link = async (product: string, into: string): Promise<void> => {
    const from = await toolchain.ensure(product);
    await mkdir(into, { recursive: true });
    for (const name of await readdir(from)) if (name !== 'product.json') await symlink(join(from, name), join(into, name));
  };
  await link('etcd', folder);
  await link('kwok', folder);
  for (const version of KUBERNETES_VERSIONS) await link(`kubernetes-${version}`, join(folder, version));
  if (all) {
    await link(`etcd-${ETCD_NEXT_VERSION}`, join(folder, ETCD_NEXT_VERSION));
    await link(`e2e-${E2E_VERSION}`, join(folder, E2E_VERSION));
  }
  if (!realNodes) return;
  await link(`etcd-${ETCD_BEFORE}`, join(folder, ETCD_BEFORE));
  for (const version of KUBERNETES_VERSIONS) await link(`node-${version}`, join(folder, version));
  await symlink(await toolchain.ensure('debian'), join(folder, 'debian'));
}
