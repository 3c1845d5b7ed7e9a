import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashOf } from '#domain/hash.ts';
import type { Snapshot } from '#model/configuration.ts';

const CONFIGURATION = join(import.meta.dirname, '../../../channels/cluster');

/** Pools of six nodes: four that kwok plays, two real ones. */
const POOLS = `# yaml-language-server: $schema=../schema.json#/$defs/Pools
pools:
  - { name: general, instanceType: m6i.xlarge, size: 2, maxSize: 4, market: on-demand, generation: 1 }
  - { name: batch, instanceType: m6i.2xlarge, size: 2, maxSize: 4, market: spot, labels: { workload: batch }, generation: 1 }
  - { name: web, instanceType: m6i.xlarge, size: 2, maxSize: 4, market: on-demand, labels: { workload: web }, generation: 1 }
`;

/** Components that put a pod on each node, of images that real nodes without a registry have not, and what needs them. */
const WITHOUT = ['ebs-csi', 'node-local-dns', 'postgres-operator'];

/** The fleet's own configuration with six nodes, at the given versions. */
export function snapshotAt(versions: { readonly kubernetes: string; readonly etcd: string }): Snapshot {
  const paths = readdirSync(CONFIGURATION, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = paths.flatMap((entry) => {
    const path = join(entry.parentPath, entry.name);
    const relative = path.slice(CONFIGURATION.length + 1);
    if (WITHOUT.some((component) => relative.startsWith(`components/${component}/`))) return [];
    return [{ path: relative, content: relative === 'pools.yaml' ? POOLS : edited(relative, readFileSync(path, 'utf8'), versions) }];
  });
  return { revision: hashOf(files).slice(0, 40), files };
}

function edited(path: string, content: string, { kubernetes, etcd }: { kubernetes: string; etcd: string }): string {
  if (path !== 'versions.yaml') return content;
  return content.replace(/^kubernetes: .*$/m, `kubernetes: ${kubernetes}`).replace(/^etcd: .*$/m, `etcd: ${etcd}`);
}

/** Name of the image that the configuration's CNI has in a region. @throws Error when there is none */
export function cniImageOf({ files }: Snapshot, region: string): string {
  const daemonset = files.find(({ path }) => path === 'components/network/daemonset.yaml')?.content ?? '';
  const image = /image: (\S+amazon-k8s-cni:\S*)/.exec(daemonset)?.[1]?.replaceAll('${REGION}', region);
  if (image === undefined) throw new Error('the network component names no image');
  return image;
}
