import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { promisify } from 'node:util';
import { RefusedError } from '#model/errors.ts';

const execute = promisify(execFile);
const BRIDGE = 'sluice';

/**
 * Where an address of the room lies for real nodes: a kubelet refuses a loopback address, so that 127.a.b.c is 10.a.b.c
 * for them.
 */
export function nodeAddress(address: string): string {
  return address.replace(/^127\./, '10.');
}

/** First address of the /16 of an address. */
export function gatewayOf(address: string): string {
  return address.replace(/\.\d+\.\d+$/, '.0.1');
}

/**
 * Pods of a node have a /24 of its network, above the nodes' own subnets: by the zone's subnet (0, 16 or 32) and the
 * node's host part. The stand-in for the CNI computes the same in the node.
 * @throws RefusedError for an address that has none
 */
export function podSubnet(address: string): string {
  const [first, second, third = '', host = ''] = address.split('.');
  const zone = Number(third) / 16;
  const index = Number(host) - 100;
  if (!Number.isInteger(zone) || zone > 2 || index < 0 || index > 31)
    throw new RefusedError(`no pod subnet for ${address}: real nodes have the hosts 100 to 131 of the first /24 of a zone`);
  return `${first}.${second}.${128 + zone * 32 + index}.0/24`;
}

/** The wires between the room and its real nodes, in the room's own network namespace. */
export interface NodeNetwork {
  /** Makes addresses the room's own, for the load balancer. */
  own(addresses: readonly string[]): Promise<void>;
  /** Makes a namespace with an interface of the address, and its pods' route. */
  plug(name: string, address: string): Promise<void>;
  /** Cuts the wire or mends it. */
  cut(name: string, cut: boolean): Promise<void>;
  /** Takes the namespace away. */
  unplug(name: string, address: string): Promise<void>;
}

/**
 * True when this process has a network namespace of its own, where it may do as it likes: there is no interface but
 * loopback and the room's own.
 */
export function hasOwnNetwork(devices: string = readFileSync('/proc/net/dev', 'utf8')): boolean {
  const names = [...devices.matchAll(/^\s*(\S+):/gm)].map((match) => match[1] ?? '');
  return names.every((name) => name === 'lo' || name === BRIDGE || /^w[0-9a-f]{12}$/.test(name));
}

/** @throws RefusedError outside a network namespace of its own */
export async function createNodeNetwork(): Promise<NodeNetwork> {
  if (!hasOwnNetwork())
    throw new RefusedError('real nodes need a network namespace of their own: start the program by `unshare --net --mount`');
  await ip('link', 'add', BRIDGE, 'type', 'bridge');
  await ip('link', 'set', BRIDGE, 'up');
  await execute('sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
  const owned = new Set<string>();
  const own = async (address: string): Promise<void> => {
    if (owned.has(address)) return;
    owned.add(address);
    await ip('address', 'add', address, 'dev', BRIDGE);
  };
  return {
    own: async (addresses) => {
      for (const address of addresses) await own(`${address}/32`);
    },
    plug: async (name, address) => {
      // What an attempt before left half-way.
      await ip('netns', 'delete', name).catch(() => undefined);
      await own(`${gatewayOf(address)}/16`);
      await ip('netns', 'add', name);
      await ip('link', 'add', wireOf(name), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
      await ip('link', 'set', wireOf(name), 'master', BRIDGE, 'up');
      await ip('-n', name, 'link', 'set', 'lo', 'up');
      await ip('-n', name, 'address', 'add', `${address}/16`, 'dev', 'eth0');
      await ip('-n', name, 'link', 'set', 'eth0', 'up');
      await ip('-n', name, 'route', 'add', 'default', 'via', gatewayOf(address));
      await execute('nsenter', [`--net=${namespacePath(name)}`, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
      await ip('route', 'replace', podSubnet(address), 'via', address);
    },
    cut: (name, cut) => ip('link', 'set', wireOf(name), cut ? 'down' : 'up'),
    unplug: async (name, address) => {
      await ip('route', 'delete', podSubnet(address), 'via', address).catch(() => undefined);
      await ip('link', 'delete', wireOf(name)).catch(() => undefined);
      await ip('netns', 'delete', name);
    },
  };
}

/** Takes away a namespace's name: with the mount that holds it, or what is left of it once the mounts of the program are gone. */
export function forget(name: string): void {
  try {
    execFileSync('ip', ['netns', 'delete', name], { stdio: 'ignore' });
  } catch {
    // It is no mount any more, or the name is gone too.
    rmSync(namespacePath(name), { force: true });
  }
}

export function namespacePath(name: string): string {
  return `/run/netns/${name}`;
}

/** An interface's name has 15 characters at most. */
function wireOf(name: string): string {
  return `w${name.slice(-12)}`;
}

async function ip(...args: string[]): Promise<void> {
  await execute('ip', args);
}
