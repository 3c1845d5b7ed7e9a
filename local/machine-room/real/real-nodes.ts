import { constants, copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Booted } from '../booted.ts';
import type { ProcessTable, RunningProcess } from '../processes.ts';
import { createNodeNetwork, forget, hasOwnNetwork, type NodeNetwork, namespacePath, nodeAddress } from './network.ts';
import { containerdConfig, kubeletOverrides, nodeScript } from './script.ts';

/** What the room needs for nodes that are real. */
export interface RealNodeOptions {
  /** Roles of the groups whose machines are real nodes, for example `pool-web`. */
  readonly roles: readonly string[];
  /** Folder that the Debian packages of the container runtime were unpacked to. */
  readonly debian: () => Promise<string>;
  /** Archives of the images that a node has from the start. */
  readonly images: () => Promise<readonly string[]>;
  /** Image of the container that holds a pod's namespaces; one of the archives. */
  readonly pauseImage: string;
}

/** A machine that wants to be a real node; its files lie in `root` by their own names. */
export interface RealNodeSpec {
  readonly name: string;
  readonly role: string;
  readonly address: string;
  /** The cluster's API: its name and the addresses that stand for it. */
  readonly api: { readonly name: string; readonly addresses: readonly string[] };
  readonly root: string;
  readonly kubelet: { readonly binary: string; readonly words: readonly string[] };
  readonly onEnd: (how: string, restartsInSeconds: number | undefined) => void;
}

export interface RealNodes {
  wants(role: string): boolean;
  /** Addresses at which the load balancer is heard by real nodes. */
  mirror(addresses: readonly string[]): Promise<readonly string[]>;
  start(spec: RealNodeSpec): Promise<Booted>;
  /** Takes away what outlives processes that were killed. */
  close(): void;
}

/** Files of this machine's /etc that programs on a node read too. */
const SYSTEM_FILES = ['passwd', 'group', 'nsswitch.conf', 'ld.so.cache', 'protocols', 'services'];
const CONTAINER_PROGRAMS = ['usr/bin/containerd', 'usr/bin/containerd-shim-runc-v2', 'usr/bin/ctr', 'usr/sbin/runc'];
const CGROUPS = '/sys/fs/cgroup';
const GROUP_PREFIX = 'sluice-';

export function createRealNodes(options: RealNodeOptions, processes: ProcessTable): RealNodes {
  const names = new Set<string>();
  let network: Promise<NodeNetwork> | undefined;
  const wires = (): Promise<NodeNetwork> => {
    network ??= createNodeNetwork();
    return network;
  };
  return {
    wants: (role) => options.roles.includes(role),
    mirror: async (addresses) => {
      if (options.roles.length === 0 || !hasOwnNetwork()) return [];
      const mirrored = addresses.map(nodeAddress);
      await (await wires()).own(mirrored);
      return mirrored;
    },
    start: async (spec) => {
      const wire = await wires();
      prepare(spec, options.pauseImage, await options.debian(), await options.images());
      names.add(spec.name);
      await wire.plug(spec.name, spec.address);
      return runNode(spec, wire, processes);
    },
    close: () => {
      for (const name of names) {
        removeCgroup(`${GROUP_PREFIX}${name}`);
        forget(name);
      }
    },
  };
}

/** Starts the node's first process; all others are its children, in namespaces that end with it. */
function runNode(spec: RealNodeSpec, wire: NodeNetwork, processes: ProcessTable): Booted {
  const logs = join(spec.root, '..', 'log');
  const first = processes.start({
    name: `${spec.name}/node`,
    command: 'nsenter',
    args: [
      `--net=${namespacePath(spec.name)}`,
      ...['unshare', '--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'],
      ...['/bin/sh', join(spec.root, 'node')],
    ],
    environment: {},
    directory: spec.root,
    logFile: join(logs, 'node.log'),
    restart: 'always',
    restartSeconds: 1,
    onEnd: spec.onEnd,
  });
  const cut = (silent: boolean): void => {
    wire.cut(spec.name, silent).catch((error: unknown) => spec.onEnd(`cannot be cut off: ${String(error)}`, undefined));
  };
  const node: RunningProcess = {
    ...first,
    stop: async (graceSeconds) => {
      await first.stop(graceSeconds);
      removeCgroup(cgroupOf(spec));
    },
    // A zone that is gone cuts the wire: what runs goes on, and nobody hears it.
    freeze: () => cut(true),
    thaw: () => cut(false),
  };
  return {
    running: [node],
    restart: () => runNode(spec, wire, processes),
    volume: undefined,
    gone: () => wire.unplug(spec.name, spec.address),
  };
}

function cgroupOf(spec: RealNodeSpec): string {
  return `${GROUP_PREFIX}${spec.name}`;
}

/** Puts beside the machine's own files what its image would have: programs, settings of this machine, images. */
function prepare(spec: RealNodeSpec, pauseImage: string, debian: string, images: readonly string[]): void {
  const { root } = spec;
  const logs = join(root, '..', 'log');
  const folders = [
    'etc/containerd',
    'etc/kubernetes/kubelet.conf.d',
    'etc/cni/net.d',
    'opt/bin',
    'opt/cni/bin',
    'opt/images',
    'var/log',
    'var/lib',
  ];
  for (const folder of folders) mkdirSync(join(root, folder), { recursive: true });
  mkdirSync(logs, { recursive: true });
  for (const name of SYSTEM_FILES) if (existsSync(`/etc/${name}`)) copyFileSync(`/etc/${name}`, join(root, 'etc', name));
  for (const path of CONTAINER_PROGRAMS) provide(join(debian, path), join(root, 'opt/bin', basename(path)));
  provide(spec.kubelet.binary, join(root, 'opt/bin/kubelet'));
  for (const image of images) provide(image, join(root, 'opt/images', basename(image)));
  const hosts = ['127.0.0.1 localhost', ...spec.api.addresses.map((address) => `${address} ${spec.api.name}`)];
  writeFileSync(join(root, 'etc/hosts'), `${hosts.join('\n')}\n`);
  writeFileSync(join(root, 'etc/resolv.conf'), 'nameserver 127.0.0.1\n');
  writeFileSync(join(root, 'etc/containerd/config.toml'), containerdConfig(pauseImage));
  writeFileSync(join(root, 'etc/kubernetes/kubelet.conf.d/90-room.conf'), kubeletOverrides(cgroupOf(spec)));
  const kubelet = ['/opt/bin/kubelet', ...spec.kubelet.words, '--config-dir=/etc/kubernetes/kubelet.conf.d'];
  writeFileSync(join(root, 'node'), nodeScript({ root, logs, name: spec.name, cgroup: cgroupOf(spec), kubelet }));
}

/** A hard link where that is possible, else a copy: the original may be out of sight in the node. */
function provide(from: string, to: string): void {
  rmSync(to, { force: true });
  try {
    linkSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'EXDEV' || error.code === 'EPERM'))) throw error;
    copyFileSync(from, to, constants.COPYFILE_FICLONE);
  }
}

/** Cgroups are empty once their processes are gone; a kill may take a moment, and what is left does no harm. */
function removeCgroup(name: string): void {
  for (const controller of existsSync(CGROUPS) ? readdirSync(CGROUPS) : []) removeTree(join(CGROUPS, controller, name));
}

function removeTree(path: string): void {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) if (entry.isDirectory()) removeTree(join(path, entry.name));
  try {
    rmdirSync(path);
  } catch {
    // Still in use: see removeCgroup.
  }
}
