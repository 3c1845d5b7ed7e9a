/** What a real node's first process is told. */
export interface NodeScript {
  /** The node's root folder and its logs' on this machine. */
  readonly root: string;
  readonly logs: string;
  readonly name: string;
  /** Cgroup of all that the node runs. */
  readonly cgroup: string;
  /** Words of the kubelet's command line. */
  readonly kubelet: readonly string[];
}

/** Programs on a node come from here first. */
const PATH = '/opt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The script that is a real node: in namespaces of its own it takes the node's folders for /etc, /opt and /var, starts
 * containerd and, once that has its images, the kubelet, each again when it ends. SIGTERM ends all in order; when it is
 * killed, the kernel kills the rest of its namespace.
 */
export function nodeScript({ root, logs, name, cgroup, kubelet }: NodeScript): string {
  return `#!/bin/sh
set -eu
export PATH=${PATH}
hostname ${quote(name)}
cd ${quote(root)}
mount --bind ${quote(logs)} ./var/log
for folder in etc opt var; do mount --rbind "./$folder" "/$folder"; done
cd /
mount -t tmpfs -o mode=755 tmpfs /run
for controller in /sys/fs/cgroup/*; do
  [ -d "$controller" ] || continue
  group=$controller/${cgroup}
  mkdir -p "$group"
  for file in cpuset.cpus cpuset.mems; do
    [ ! -e "$group/$file" ] || cat "$controller/$file" > "$group/$file"
  done
done
keep() {
  unit=$1
  shift
  while :; do
    "$@" >> "/var/log/$unit.log" 2>&1 || true
    sleep 1
  done
}
end() {
  trap - TERM
  kill -TERM -1
  sleep 1
  exit 0
}
trap end TERM
keep containerd /opt/bin/containerd --config /etc/containerd/config.toml &
until ctr --address /run/containerd/containerd.sock version > /dev/null 2>&1; do sleep 0.1; done
for image in /opt/images/*.tar; do
  ctr --address /run/containerd/containerd.sock --namespace k8s.io images import "$image" >> /var/log/images.log 2>&1
done
keep kubelet ${kubelet.map(quote).join(' ')} &
while :; do wait || true; done
`;
}

export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** containerd as a node's image would configure it. */
export function containerdConfig(pauseImage: string): string {
  return `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  # Without CAP_SYS_RESOURCE nobody may lower it.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "/opt/bin/runc"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
    conf_dir = "/etc/cni/net.d"
`;
}

/** On every real node: it has a few images only, so that only pods come which know that. */
export const REAL_TAINT = { key: 'machine-room/real', value: 'true', effect: 'NoSchedule' } as const;

/**
 * What differs on this machine from what the node's own kubelet configuration says: no systemd, cgroups of version 1 may
 * be there, kernel settings and disk are those of somebody else's machine.
 */
export function kubeletOverrides(cgroup: string): string {
  return JSON.stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}`,
    failCgroupV1: false,
    failSwapOn: false,
    protectKernelDefaults: false,
    makeIPTablesUtilChains: false,
    enforceNodeAllocatable: ['none'],
    shutdownGracePeriod: '0s',
    shutdownGracePeriodCriticalPods: '0s',
    evictionHard: { 'memory.available': '1Mi', 'nodefs.available': '1%', 'nodefs.inodesFree': '1%', 'imagefs.available': '1%' },
    evictionSoft: { 'memory.available': '1Mi', 'nodefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    registerWithTaints: [REAL_TAINT],
  });
}
