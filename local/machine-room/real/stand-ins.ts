import { join } from 'node:path';
import type { Image, ImageFile } from './image.ts';

/** Where a Debian package's files lie below the folder that the packages were unpacked to. */
const LIBRARIES = 'usr/lib/x86_64-linux-gnu';

/** What the container of a pod without a program runs: it waits. */
export function pauseImage(debian: string, reference: string): Image {
  return { reference, entrypoint: ['/bin/busybox', 'sleep', '2147483647'], files: [busybox(debian)] };
}

/** Upstream's test server. */
export function agnhostImage(agnhost: string, reference: string): Image {
  return { reference, entrypoint: ['/agnhost'], files: [{ path: '/agnhost', from: agnhost }] };
}

/**
 * kube-proxy itself, with the programs that it calls. A wrapper takes two settings from its configuration that need what
 * a namespace on somebody else's machine has not: the machine's connection table, and addresses of loopback.
 */
export function kubeProxyImage(debian: string, kubeProxy: string, reference: string, libraries: readonly string[]): Image {
  const wrapper = `#!/bin/busybox sh
for word; do
  case $word in --config=*) config=\${word#--config=} ;; esac
done
{ cat "$config"; printf 'conntrack: { maxPerCore: 0 }\\niptables: { localhostNodePorts: false }\\n'; } > /tmp/config.yaml
for word; do
  shift
  case $word in --config=*) word=--config=/tmp/config.yaml ;; esac
  set -- "$@" "$word"
done
exec /usr/local/bin/kube-proxy "$@"
`;
  const iptables = ['iptables', 'iptables-save', 'iptables-restore', 'ip6tables', 'ip6tables-save', 'ip6tables-restore'];
  return {
    reference,
    entrypoint: [],
    files: [
      busybox(debian),
      ...['sh', 'cat', 'printf'].map((name) => ({ path: `/bin/${name}`, link: '/bin/busybox' })),
      // iptables locks a file there.
      { path: '/run/kube-proxy', text: '' },
      { path: '/usr/bin/kube-proxy', text: wrapper },
      { path: '/usr/local/bin/kube-proxy', from: kubeProxy },
      { path: '/usr/sbin/xtables-legacy-multi', from: join(debian, 'usr/sbin/xtables-legacy-multi') },
      ...iptables.map((name) => ({ path: `/usr/sbin/${name}`, link: '/usr/sbin/xtables-legacy-multi' })),
      ...libraries.map((from) => ({ path: libraryPath(debian, from), from })),
    ],
    environment: [`LD_LIBRARY_PATH=/${LIBRARIES}`],
  };
}

/** In the image a library lies where it lay, of the packages or of this machine. */
function libraryPath(debian: string, from: string): string {
  return from.startsWith(debian) ? from.slice(debian.length) : from;
}

/**
 * Stands for the cluster's CNI: what its DaemonSet does on a node, for the addresses that this room's network has.
 * Writes plugins and a network configuration where the DaemonSet mounts the node's folders, and stays.
 */
export function cniImage(debian: string, reference: string): Image {
  const script = `#!/bin/busybox sh
set -eu
cp /plugins/* /host/opt/cni/bin/
address=$(ip -4 -o address show dev eth0 | awk '{ print $4 }' | cut -d/ -f1)
network=$(echo "$address" | cut -d. -f1-2)
zone=$(($(echo "$address" | cut -d. -f3) / 16))
index=$(($(echo "$address" | cut -d. -f4) - 100))
subnet="$network.$((128 + zone * 32 + index)).0/24"
cat > /tmp/10-room.conflist <<END
{ "cniVersion": "0.4.0", "name": "room", "plugins": [
  { "type": "bridge", "bridge": "pods", "isGateway": true, "ipMasq": false, "hairpinMode": true,
    "ipam": { "type": "host-local", "ranges": [[{ "subnet": "$subnet" }]], "routes": [{ "dst": "0.0.0.0/0" }] } },
  { "type": "loopback" } ] }
END
cp /tmp/10-room.conflist /host/etc/cni/net.d/.10-room
mv /host/etc/cni/net.d/.10-room /host/etc/cni/net.d/10-room.conflist
exec sleep 2147483647
`;
  const applets = ['sh', 'cp', 'mv', 'ip', 'awk', 'cut', 'cat', 'echo', 'sleep', '['];
  return {
    reference,
    entrypoint: ['/bin/busybox', 'sh', '/install'],
    files: [
      busybox(debian),
      ...applets.map((name) => ({ path: `/bin/${name}`, link: '/bin/busybox' })),
      { path: '/install', text: script },
      // What its probes run: it is up once the node has its network.
      { path: '/app/grpc-health-probe', text: '#!/bin/busybox sh\n[ -f /host/etc/cni/net.d/10-room.conflist ]\n' },
      ...['bridge', 'host-local', 'loopback'].map((name) => ({ path: `/plugins/${name}`, from: join(debian, 'usr/lib/cni', name) })),
    ],
  };
}

/** What the CNI runs first; the other one does its work here. */
export function cniInitImage(debian: string, reference: string): Image {
  return {
    reference,
    entrypoint: ['/bin/busybox', 'true'],
    files: [busybox(debian)],
  };
}

function busybox(debian: string): ImageFile {
  return { path: '/bin/busybox', from: join(debian, 'bin/busybox') };
}
